import DataFormats
public import Tensors

/// A model's weights, by name: one safetensors file or several that an index binds together.
///
/// Every header is checked when the checkpoint is opened; the weights stay in their mapped files.
public struct Checkpoint: Sendable {
  /// How many tensors and bytes a checkpoint has of one dtype.
  public struct ElementTypeShare: Sendable, Equatable {
    /// The element type.
    public let elementType: ElementType
    /// How many tensors are stored so.
    public let tensorCount: Int
    /// Their bytes.
    public let byteCount: Int
  }

  /// What a checkpoint holds, in numbers.
  public struct Summary: Sendable, Equatable {
    /// How many tensors there are.
    public let tensorCount: Int
    /// The bytes of all tensors.
    public let byteCount: Int
    /// The element types, the one with most bytes first.
    public let elementTypes: [ElementTypeShare]
  }

  /// The folder or file.
  public let path: String
  /// The paths of the weights files: the one file, or the shards in the index's order.
  public var files: [String] { shards.map(\.path) }
  /// The names of all tensors: by offset in a single file, in the index's order in a sharded one.
  public let names: [String]
  /// The texts of `__metadata__` of the single file, or of the first shard.
  public var metadata: [(key: String, value: String)] { shards.first?.metadata ?? [] }
  /// The size of all weights files in bytes.
  public var byteCount: Int { shards.reduce(0) { $0 + $1.byteCount } }

  private let shards: [SafetensorsFile]
  private let shardOfName: [[UInt8]: Int]

  /// Opens the weights at a path: a folder, a `.safetensors` file or a Hugging Face cache folder.
  ///
  /// - Throws: `CheckpointError`, one sentence that names the file or tensor at fault.
  public init(_ path: String) throws(CheckpointError) {
    try self.init(folder: try ModelFolder(path: path))
  }

  /// Opens the weights of a found model.
  ///
  /// - Throws: `CheckpointError`, one sentence that names the file or tensor at fault.
  public init(folder: ModelFolder) throws(CheckpointError) {
    if let file = folder.weightsFile {
      try self.init(singleFile: file, path: file)
    } else if folder.contains("model.safetensors") {
      try self.init(singleFile: folder.file("model.safetensors"), path: folder.path)
    } else if folder.contains(Self.indexName) {
      try self.init(indexOf: folder)
    } else {
      let names = FileSystem.names(in: folder.path)
      let safetensors = names.filter { $0.hasSuffix(".safetensors") }
      guard let only = safetensors.first, safetensors.count == 1 else {
        let others = names.filter { name in
          [".bin", ".gguf", ".pt", ".pth", ".onnx", ".h5", ".msgpack", ".safetensors"].contains {
            name.hasSuffix($0)
          }
        }
        throw .noWeights(folder: folder.path, otherFormats: Array(others.prefix(3)))
      }
      try self.init(singleFile: folder.file(only), path: folder.path)
    }
  }

  private static let indexName = "model.safetensors.index.json"

  private init(singleFile file: String, path: String) throws(CheckpointError) {
    let shard = try SafetensorsFile(path: file)
    self.path = path
    shards = [shard]
    names = shard.names
    shardOfName = [:]
  }

  private init(indexOf folder: ModelFolder) throws(CheckpointError) {
    let index = Self.indexName
    let document: JSON
    do {
      document = try JSON(parsing: try folder.read(index), maximumDepth: 16)
    } catch let error as JSONError {
      throw .indexMalformed(
        file: index, reason: "it is not JSON: \(error.sentence) at byte \(error.offset)")
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw .indexMalformed(file: index, reason: "\(error)")
    }
    guard let map = document["weight_map"]?.object, !map.isEmpty else {
      throw .indexMalformed(file: index, reason: "it has no weight_map of tensor names and files")
    }
    var shards: [SafetensorsFile] = []
    var shardNumbers: [[UInt8]: Int] = [:]
    var shardOfName: [[UInt8]: Int] = [:]
    var names: [String] = []
    for member in map.members {
      guard let file = member.value.string else {
        throw .indexMalformed(
          file: index, reason: "its weight_map gives no file name for \(quoted(member.key))")
      }
      guard isPlainFileName(file) else { throw .unsafeFileName(file, index: index) }
      let number: Int
      if let known = shardNumbers[Array(file.utf8)] {
        number = known
      } else {
        guard folder.contains(file) else { throw .missingShard(file, index: index) }
        shards.append(try SafetensorsFile(path: folder.file(file)))
        number = shards.count - 1
        shardNumbers[Array(file.utf8)] = number
      }
      guard shards[number].contains(member.key) else {
        throw .absentFromShard(tensor: member.key, shard: file, index: index)
      }
      guard shardOfName.updateValue(number, forKey: Array(member.key.utf8)) == nil else {
        throw .duplicateName(member.key, file: index)
      }
      names.append(member.key)
    }
    path = folder.path
    self.shards = shards
    self.shardOfName = shardOfName
    self.names = names
  }

  private func shard(of name: String) -> SafetensorsFile? {
    let number = shardOfName.isEmpty ? 0 : shardOfName[Array(name.utf8)]
    guard let number, shards[number].contains(name) else { return nil }
    return shards[number]
  }

  /// Whether there is a tensor of this name.
  public func contains(_ name: String) -> Bool { shard(of: name) != nil }

  /// The shape and the element type of a tensor, or `nil` where there is none of this name.
  public func layout(of name: String) -> (shape: [Int], elementType: ElementType)? {
    shard(of: name)?.layout(of: name)
  }

  /// A tensor whose elements stay in the mapped file.
  ///
  /// - Throws: `CheckpointError.missingTensor` where there is none of this name.
  public func tensor(named name: String) throws(CheckpointError) -> Tensor {
    guard let shard = shard(of: name) else {
      throw .missingTensor(
        name, checkpoint: fileName(of: path), nearest: nearestName(to: name, in: names))
    }
    return try shard.tensor(named: name)
  }

  /// How many tensors and bytes there are, and of which element types.
  public var summary: Summary {
    var shares: [ElementTypeShare] = []
    for name in names {
      guard let (shape, type) = layout(of: name) else { continue }
      let bytes = SafetensorsHeader.byteCount(shape: shape, elementType: type) ?? 0
      if let place = shares.firstIndex(where: { $0.elementType == type }) {
        shares[place] = ElementTypeShare(
          elementType: type, tensorCount: shares[place].tensorCount + 1,
          byteCount: shares[place].byteCount + bytes)
      } else {
        shares.append(ElementTypeShare(elementType: type, tensorCount: 1, byteCount: bytes))
      }
    }
    return Summary(
      tensorCount: names.count, byteCount: shares.reduce(0) { $0 + $1.byteCount },
      elementTypes: shares.sorted { $0.byteCount > $1.byteCount })
  }
}
