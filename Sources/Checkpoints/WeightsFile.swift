import Tensors

/// A mapped file of named tensors, whatever its container.
protocol WeightsFile: Sendable {
  /// The path as it was given.
  var path: String { get }
  /// The paths of all files, where the weights that it stands for lie in several.
  var paths: [String] { get }
  /// The size in bytes.
  var byteCount: Int { get }
  /// The texts about the file as a whole, in file order.
  var metadata: [(key: String, value: String)] { get }
  /// The names of the tensors, each once.
  var names: [String] { get }
  /// The shape and the element type of a tensor, or `nil` where there is none of this name.
  func layout(of name: String) -> (shape: [Int], elementType: ElementType)?
  /// The tensor of a name; `CheckpointError.missingTensor` where there is none.
  func tensor(named name: String) throws(CheckpointError) -> Tensor
  /// Whether the rows of a weight of queries or keys lie in the file so that those that positions turn together are
  /// neighbours, and not half a head apart as in what `tensor(named:)` gives.
  func storesPairs(_ name: String) -> Bool
  /// The tensor of such a name with its rows as they lie in the file.
  func storedTensor(named name: String) throws(CheckpointError) -> Tensor
}

extension WeightsFile {
  /// The one file.
  var paths: [String] { [path] }

  /// Whether the file holds a tensor of this name.
  func contains(_ name: String) -> Bool { layout(of: name) != nil }

  /// Only llama.cpp's files do.
  func storesPairs(_ name: String) -> Bool { false }

  /// The same as the other one.
  func storedTensor(named name: String) throws(CheckpointError) -> Tensor {
    try tensor(named: name)
  }

  /// The error for a name that the file doesn't hold.
  func missing(_ name: String) -> CheckpointError {
    .missingTensor(
      name, checkpoint: fileName(of: path), nearest: nearestName(to: name, in: names))
  }
}

/// A mapped file whose reading failures are errors of this target.
struct MappedBytes: Sendable {
  /// The path as it was given.
  let path: String
  /// The mapping.
  let file: MappedFile

  /// The file's size in bytes.
  var count: Int { file.count }

  /// Maps a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - empty: the error for a file without bytes.
  init(path: String, empty: CheckpointError) throws(CheckpointError) {
    do {
      file = try MappedFile(path: path)
    } catch {
      switch error {
      case .empty: throw empty
      case .notARegularFile: throw .unreadable(path: path, reason: "it is not a file")
      case .cannotOpen(_, _, let reason), .cannotMap(_, _, let reason):
        throw FileSystem.kind(of: path) == nil
          ? .notFound(path: path) : .unreadable(path: path, reason: reason)
      case .outOfBounds: throw .unreadable(path: path, reason: "\(error)")
      }
    }
    self.path = path
  }

  /// A copy of some bytes.
  func bytes(_ range: Range<Int>) throws(CheckpointError) -> [UInt8] {
    do {
      return try file.bytes(in: range)
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }

  /// A tensor whose elements stay in the file.
  func tensor(
    at byteOffset: Int, shape: [Int], elementType: ElementType
  ) throws(CheckpointError) -> Tensor {
    do {
      return try Tensor(
        mapped: file, byteOffset: byteOffset, shape: shape, elementType: elementType)
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }
}

/// Little-endian numbers in bytes; `nil` where they would end outside.
enum LittleEndian {
  static func unsigned(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The whole number of `size` bytes at an offset from the first byte.
  static func number(_ bytes: [UInt8], at offset: Int, size: Int) -> UInt64? {
    guard offset >= 0, bytes.count - offset >= size else { return nil }
    return unsigned(bytes[offset..<offset + size])
  }
}
