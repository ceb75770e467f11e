import DataFormats
public import Tensors

/// A model's weights, by name: one file or several that an index binds together.
///
/// The files are safetensors, PyTorch's zip archives or GGUF.
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
  /// The paths of the weights files: the one file, the shards in the index's order, or the parts of a GGUF model; none of
  /// tensors in memory.
  public var files: [String] { shards.flatMap { $0 is TensorList ? [] : $0.paths } }
  /// The names of all tensors: in a single file's order (by offset in safetensors), in the index's order in a sharded one.
  public let names: [String]
  /// The texts of `__metadata__` of the single file, or of the first shard.
  public var metadata: [(key: String, value: String)] { shards.first?.metadata ?? [] }
  /// The size of all weights files in bytes.
  public var byteCount: Int { shards.reduce(0) { $0 + $1.byteCount } }

  /// The GGUF file that the weights are in, with its sizes and vocabulary, or `nil` where they are in another.
  public var gguf: GGUFFile? { shards.first as? GGUFFile }

  private let shards: [any WeightsFile]
  /// The rows and columns of the blocks that 8-bit weights are scaled by.
  private let scaleBlock: [Int]
  private let shardOfName: [[UInt8]: Int]

  /// Opens the weights at a path: a folder, a weights file or a Hugging Face cache folder.
  ///
  /// In a folder safetensors come first, then PyTorch's files, then GGUF.
  ///
  /// - Throws: `CheckpointError`, one sentence that names the file or tensor at fault.
  public init(_ path: String) throws(CheckpointError) {
    try self.init(folder: try ModelFolder(path: path))
  }

  /// How large a block of one scale of 8-bit weights is in the published checkpoints.
  private static let publishedScaleBlock = [128, 128]
  /// How many 4-bit numbers of a row share a scale.
  private static let float4ScaleBlock = [1, 32]

  /// What the scales of a weight's blocks may be called: `X.weight_scale_inv` in DeepSeek-V3's files, `X.scale` in V4's.
  private static func scaleNames(of weight: String) -> [String] {
    weight.hasSuffix(".weight")
      ? ["\(weight)_scale_inv", weight.dropLast("weight".count) + "scale"]
      : ["\(weight)_scale_inv"]
  }

  /// The weight that scales of this name would belong to, or `nil` where it isn't one of scales.
  private static func scaledName(_ scales: String) -> String? {
    if scales.hasSuffix("_scale_inv") { return String(scales.dropLast("_scale_inv".count)) }
    if scales.hasSuffix(".scale") { return scales.dropLast("scale".count) + "weight" }
    return nil
  }

  /// Whether scales of this type belong to weights of that: bytes with scales that are powers of two are 4-bit numbers,
  /// other bytes are something else.
  private static func isScaled(_ type: ElementType?, by scales: ElementType?) -> Bool {
    type == .float8e4m3 || type == .int8 && scales == .float8e8m0
  }

  /// The size of the scaled blocks that `config.json` gives, or the published one.
  private static func scaleBlock(of folder: ModelFolder) -> [Int] {
    guard folder.contains("config.json"), let bytes = try? folder.read("config.json"),
      let sizes = (try? JSON(parsing: bytes))?["quantization_config"]?["weight_block_size"]?.array,
      sizes.count == 2, let rows = sizes[0].integer, let columns = sizes[1].integer, rows > 0,
      columns > 0
    else { return publishedScaleBlock }
    return [rows, columns]
  }

  /// The names without those of scales that belong to an 8-bit weight; `type` tells how a tensor is stored.
  private static func withoutScales(
    _ names: [String], type: (String) -> ElementType?
  ) -> [String] {
    names.filter { name in
      guard let weight = scaledName(name) else { return true }
      return !isScaled(type(weight), by: type(name))
    }
  }

  /// Opens the weights of a found model.
  ///
  /// - Throws: `CheckpointError`, one sentence that names the file or tensor at fault.
  public init(folder: ModelFolder) throws(CheckpointError) {
    if let file = folder.weightsFile {
      try self.init(singleFile: file, path: file, folder: folder)
      return
    }
    for (file, index) in [
      ("model.safetensors", "model.safetensors.index.json"),
      ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ] {
      if folder.contains(file) {
        try self.init(singleFile: folder.file(file), path: folder.path, folder: folder)
        return
      }
      if folder.contains(index) {
        try self.init(index: index, of: folder)
        return
      }
    }
    try self.init(
      singleFile: folder.file(try Self.onlyFile(in: folder)), path: folder.path, folder: folder)
  }

  /// The one weights file of a folder that holds none of the usual names.
  private static func onlyFile(in folder: ModelFolder) throws(CheckpointError) -> String {
    let names = FileSystem.names(in: folder.path)
    // What trainers leave beside the weights.
    let besides = ["training_args.bin", "optimizer.bin", "scheduler.bin"]
    for suffix in [".safetensors", ".bin", ".gguf"] {
      let found = names.filter { $0.hasSuffix(suffix) && !besides.contains($0) }
      guard let first = found.first else { continue }
      // The parts of a GGUF model are one: the first leads to the others.
      let stem = GGUFPart.place(inName: first)?.stem
      guard
        found.dropFirst().allSatisfy({
          stem != nil && GGUFPart.place(inName: $0)?.stem == stem
        })
      else { throw .severalFiles(folder: folder.path, names: Array(found.prefix(3))) }
      return first
    }
    let others = names.filter { name in
      [".pt", ".pth", ".onnx", ".h5", ".msgpack"].contains { name.hasSuffix($0) }
    }
    throw .noWeights(folder: folder.path, otherFormats: Array(others.prefix(3)))
  }

  /// Opens a file as the container that its first bytes show, or its name where they show none.
  private static func open(_ path: String) throws(CheckpointError) -> any WeightsFile {
    let start = try FileSystem.firstBytes(of: path, count: 4)
    let isArchive = start.starts(with: [0x50, 0x4b])
    if start.elementsEqual("GGUF".utf8) || path.hasSuffix(".gguf") {
      return try GGUFFile(path: path)
    }
    if isArchive || [".bin", ".pt", ".pth"].contains(where: { path.hasSuffix($0) }) {
      return try PyTorchFile(path: path)
    }
    return try SafetensorsFile(path: path)
  }

  private init(
    singleFile file: String, path: String, folder: ModelFolder
  ) throws(CheckpointError) {
    let shard = try Self.open(file)
    self.path = path
    shards = [shard]
    names = Self.withoutScales(shard.names) { shard.layout(of: $0)?.elementType }
    shardOfName = [:]
    scaleBlock = Self.scaleBlock(of: folder)
  }

  private init(index: String, of folder: ModelFolder) throws(CheckpointError) {
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
    var shards: [any WeightsFile] = []
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
        shards.append(try Self.open(folder.file(file)))
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
    self.names = Self.withoutScales(names) { name in
      shardOfName[Array(name.utf8)].flatMap { shards[$0].layout(of: name)?.elementType }
    }
    scaleBlock = Self.scaleBlock(of: folder)
  }

  init(memory: TensorList) {
    path = memory.path
    shards = [memory]
    names = memory.names
    shardOfName = [:]
    scaleBlock = Self.publishedScaleBlock
  }

  private func shard(of name: String) -> (any WeightsFile)? {
    let number = shardOfName.isEmpty ? 0 : shardOfName[Array(name.utf8)]
    guard let number, shards[number].contains(name) else { return nil }
    return shards[number]
  }

  /// Whether there is a tensor of this name.
  public func contains(_ name: String) -> Bool { shard(of: name) != nil }

  /// The shape and the element type of a tensor, or `nil` where there is none of this name.
  public func layout(of name: String) -> (shape: [Int], elementType: ElementType)? {
    guard let found = shard(of: name)?.layout(of: name) else { return nil }
    guard found.elementType == .int8, let last = found.shape.last,
      scales(of: name, found.elementType) != nil
    else { return found }
    // Bytes with scales beside them are pairs of 4-bit numbers.
    return (found.shape.dropLast() + [2 * last], .float4e2m1)
  }

  /// How many bytes a tensor takes, or `nil` where there is none of this name.
  public func byteCount(of name: String) -> Int? {
    layout(of: name).flatMap {
      SafetensorsHeader.byteCount(shape: $0.shape, elementType: $0.elementType)
    }
  }

  /// The name of the scales beside a weight, and the file that they are in.
  private func scales(
    of weight: String, _ type: ElementType
  ) -> (name: String, file: any WeightsFile)? {
    for name in Self.scaleNames(of: weight) {
      if let file = shard(of: name),
        Self.isScaled(type, by: file.layout(of: name)?.elementType)
      {
        return (name, file)
      }
    }
    return nil
  }

  /// A tensor whose elements stay in the mapped file, where its container allows.
  ///
  /// An 8-bit weight beside which there are scales of its blocks (`…_scale_inv` or `….scale`) is scaled when it is read;
  /// bytes beside which there are scales are pairs of 4-bit floats, scaled likewise.
  ///
  /// - Throws: `CheckpointError.missingTensor` where there is none of this name.
  public func tensor(named name: String) throws(CheckpointError) -> Tensor {
    guard let shard = shard(of: name) else {
      throw .missingTensor(
        name, checkpoint: fileName(of: path), nearest: nearestName(to: name, in: names))
    }
    var tensor = try shard.tensor(named: name)
    guard let other = scales(of: name, tensor.elementType) else { return tensor }
    var block = scaleBlock
    if tensor.elementType == .int8 {
      tensor = tensor.readAsFloat4()
      block = Self.float4ScaleBlock
    }
    let scales = try other.file.tensor(named: other.name)
    do {
      return try tensor.scaled(by: scales, block: (rows: block[0], columns: block[1]))
    } catch {
      throw .scalesDoNotFit(
        tensor: name, shape: tensor.shape, scales: scales.shape, block: block,
        checkpoint: fileName(of: path))
    }
  }

  /// Whether the rows of a weight of queries or keys lie in its file so that those that positions turn together are
  /// neighbours, as llama.cpp stores them, and not half a head apart as in what `tensor(named:)` gives.
  public func storesPairs(_ name: String) -> Bool { shard(of: name)?.storesPairs(name) ?? false }

  /// A weight that `storesPairs` is true of, with its rows as they lie in the file, so that they can stay there.
  ///
  /// - Throws: as `tensor(named:)`, which this is for all other tensors.
  public func storedTensor(named name: String) throws(CheckpointError) -> Tensor {
    guard let shard = shard(of: name), shard.storesPairs(name) else {
      return try tensor(named: name)
    }
    return try shard.storedTensor(named: name)
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
