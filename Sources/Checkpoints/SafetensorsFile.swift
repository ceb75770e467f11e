public import Tensors

/// A mapped safetensors file, its whole header checked when it is opened.
///
/// Opening reads the header alone; the tensors' bytes stay in the file until they are used.
public struct SafetensorsFile: Sendable, WeightsFile {
  /// The path as it was given.
  public let path: String
  /// The file's size in bytes.
  public let byteCount: Int
  /// The texts of the header's `__metadata__`, in file order.
  public let metadata: [(key: String, value: String)]
  /// The names of the tensors by rising offset in the file.
  public var names: [String] { header.entries.map(\.name) }

  let header: SafetensorsHeader
  private let mapped: MappedBytes
  private let places: [[UInt8]: Int]

  /// Maps a file and checks its header.
  ///
  /// - Throws: `CheckpointError` that names the file and what is wrong with it.
  public init(path: String) throws(CheckpointError) {
    let file = fileName(of: path)
    let mapped = try MappedBytes(path: path, empty: .tooShort(file: file, byteCount: 0))
    self.mapped = mapped
    self.path = path
    byteCount = mapped.count
    let prefix = try mapped.bytes(0..<min(8, mapped.count))
    let length = try SafetensorsHeader.headerByteCount(
      prefix: prefix, fileByteCount: mapped.count, file: file)
    header = try SafetensorsHeader(
      json: try mapped.bytes(8..<8 + length), fileByteCount: mapped.count, file: file)
    metadata = header.metadata
    var places: [[UInt8]: Int] = [:]
    places.reserveCapacity(header.entries.count)
    for (place, entry) in header.entries.enumerated() { places[Array(entry.name.utf8)] = place }
    self.places = places
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
    guard let place = places[Array(name.utf8)] else { throw missing(name) }
    let entry = header.entries[place]
    return try mapped.tensor(
      at: header.dataStart + entry.range.lowerBound, shape: entry.shape,
      elementType: entry.elementType)
  }
}
