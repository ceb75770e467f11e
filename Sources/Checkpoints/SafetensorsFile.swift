public import Tensors

/// A mapped safetensors file, its whole header checked when it is opened.
///
/// Opening reads the header alone; the tensors' bytes stay in the file until they are used.
public struct SafetensorsFile: Sendable {
  /// The path as it was given.
  public let path: String
  /// The file's size in bytes.
  public let byteCount: Int
  /// The texts of the header's `__metadata__`, in file order.
  public let metadata: [(key: String, value: String)]
  /// The names of the tensors by rising offset in the file.
  public var names: [String] { header.entries.map(\.name) }

  let header: SafetensorsHeader
  private let mapped: MappedFile
  private let places: [[UInt8]: Int]

  /// Maps a file and checks its header.
  ///
  /// - Throws: `CheckpointError` that names the file and what is wrong with it.
  public init(path: String) throws(CheckpointError) {
    let file = fileName(of: path)
    do {
      mapped = try MappedFile(path: path)
    } catch {
      throw Self.failure(error, path: path)
    }
    self.path = path
    byteCount = mapped.count
    let mapped = mapped
    func bytes(_ range: Range<Int>) throws(CheckpointError) -> [UInt8] {
      do {
        return try mapped.bytes(in: range)
      } catch {
        throw .unreadable(path: path, reason: "\(error)")
      }
    }
    let prefix = try bytes(0..<min(8, mapped.count))
    let length = try SafetensorsHeader.headerByteCount(
      prefix: prefix, fileByteCount: mapped.count, file: file)
    header = try SafetensorsHeader(
      json: try bytes(8..<8 + length), fileByteCount: mapped.count, file: file)
    metadata = header.metadata
    var places: [[UInt8]: Int] = [:]
    places.reserveCapacity(header.entries.count)
    for (place, entry) in header.entries.enumerated() { places[Array(entry.name.utf8)] = place }
    self.places = places
  }

  /// What keeps a file from being mapped, as an error of this target.
  private static func failure(_ error: MappedFileError, path: String) -> CheckpointError {
    switch error {
    case .empty: .tooShort(file: fileName(of: path), byteCount: 0)
    case .notARegularFile: .unreadable(path: path, reason: "it is not a file")
    case .cannotOpen(_, _, let reason), .cannotMap(_, _, let reason):
      FileSystem.kind(of: path) == nil
        ? .notFound(path: path) : .unreadable(path: path, reason: reason)
    case .outOfBounds: .unreadable(path: path, reason: "\(error)")
    }
  }

  /// Whether the file holds a tensor of this name.
  public func contains(_ name: String) -> Bool { places[Array(name.utf8)] != nil }

  /// The shape and the element type of a tensor, or `nil` where there is none of this name.
  public func layout(of name: String) -> (shape: [Int], elementType: ElementType)? {
    places[Array(name.utf8)].map {
      (shape: header.entries[$0].shape, elementType: header.entries[$0].elementType)
    }
  }

  /// A tensor whose elements stay in the mapped file.
  ///
  /// - Throws: `CheckpointError.missingTensor` where there is none of this name.
  public func tensor(named name: String) throws(CheckpointError) -> Tensor {
    guard let place = places[Array(name.utf8)] else {
      throw .missingTensor(
        name, checkpoint: fileName(of: path), nearest: nearestName(to: name, in: names))
    }
    let entry = header.entries[place]
    do {
      return try Tensor(
        mapped: mapped, byteOffset: header.dataStart + entry.range.lowerBound, shape: entry.shape,
        elementType: entry.elementType)
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }
}
