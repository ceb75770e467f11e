public import Tensors

/// A mapped GGUF file, its whole header checked when it is opened.
///
/// Tensors have transformers' names and shapes where the architecture is a known one (`llama`, `qwen2`,
/// `qwen3`, `deepseek`, `deepseek2`), the file's names otherwise. Their bytes stay in the file until they are
/// used, but for those that the format stores in another order: queries and keys of `llama` and `deepseek`, whose
/// rows are put back in memory unless they are asked for as they are stored, and the split `kv_b_proj` of `deepseek2`,
/// which becomes `float32`.
public struct GGUFFile: Sendable, WeightsFile {
  /// The path as it was given; of a model in several files, that of the first.
  public let path: String
  /// The paths of all files.
  public var paths: [String] { parts.map(\.path) }
  /// The size of all files in bytes.
  public var byteCount: Int { parts.reduce(0) { $0 + $1.mapped.count } }
  /// The names of the tensors in file order.
  public let names: [String]
  /// The keys and values: sizes, rotary settings, vocabulary.
  public var values: GGUFMetadata { header.metadata }
  /// The keys with their values in a few words, lists by their lengths.
  public var metadata: [(key: String, value: String)] {
    header.metadata.entries.map { ($0.key, $0.value.summary) }
  }

  private let header: GGUFHeader
  private let parts: [GGUFPart]
  /// Of each entry of the header the number of its part.
  private let owners: [Int]
  private let sources: [[UInt8]: GGUFNames.Source]

  /// Maps a file, or all files of a model that lies in several, and checks their headers.
  ///
  /// - Throws: `CheckpointError` that names the file and what is wrong with it.
  public init(path: String) throws(CheckpointError) {
    parts = try GGUFPart(path: path).all()
    header = try GGUFHeader(joining: parts)
    owners = parts.enumerated().flatMap { number, part in
      [Int](repeating: number, count: part.header.entries.count)
    }
    let file = fileName(of: parts[0].path)
    let known = try GGUFNames(header, file: file)
    var sources: [[UInt8]: GGUFNames.Source] = [:]
    for (name, source) in zip(known.names, known.sources) {
      guard sources.updateValue(source, forKey: Array(name.utf8)) == nil else {
        throw .duplicateName(name, file: file)
      }
    }
    names = known.names
    self.sources = sources
    self.path = parts[0].path
  }

  /// The shape and the element type of a tensor, or `nil` where there is none of this name.
  public func layout(of name: String) -> (shape: [Int], elementType: ElementType)? {
    guard let source = sources[Array(name.utf8)] else { return nil }
    switch source {
    case .stored(let index), .unpermuted(let index, _):
      return (header.entries[index].shape, header.entries[index].elementType)
    case .expert(let index, _):
      return (Array(header.entries[index].shape.dropFirst()), header.entries[index].elementType)
    case .keysAndValues(let keys, let values):
      let (keys, values) = (header.entries[keys].shape, header.entries[values].shape)
      return ([keys[0] * (keys[2] + values[1]), keys[1]], .float32)
    }
  }

  /// A tensor of a name; see the type's description for what is mapped and what is copied.
  ///
  /// - Throws: `CheckpointError.missingTensor` where there is none of this name.
  public func tensor(named name: String) throws(CheckpointError) -> Tensor {
    guard let source = sources[Array(name.utf8)] else { throw missing(name) }
    switch source {
    case .stored(let index): return try stored(index)
    case .unpermuted(let index, let heads): return try unpermuted(index, heads: heads)
    case .expert(let index, let number): return try stored(index)[number]
    case .keysAndValues(let keys, let values):
      return joined(keys: try stored(keys), values: try stored(values))
    }
  }

  func storesPairs(_ name: String) -> Bool {
    if case .unpermuted? = sources[Array(name.utf8)] { true } else { false }
  }

  func storedTensor(named name: String) throws(CheckpointError) -> Tensor {
    guard case .unpermuted(let index, _)? = sources[Array(name.utf8)] else {
      return try tensor(named: name)
    }
    return try stored(index)
  }

  private func stored(_ index: Int) throws(CheckpointError) -> Tensor {
    let entry = header.entries[index]
    return try parts[owners[index]].mapped.tensor(
      at: entry.range.lowerBound, shape: entry.shape, elementType: entry.elementType)
  }

  /// The rows in transformers' order: of each head the first of all pairs, then the second ones.
  private func unpermuted(_ index: Int, heads: Int) throws(CheckpointError) -> Tensor {
    let entry = header.entries[index]
    let source = try parts[owners[index]].mapped.bytes(entry.range)
    let rows = entry.shape[0]
    let perHead = rows / heads
    let rowBytes = rows == 0 ? 0 : source.count / rows
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.count)
    for head in 0..<heads {
      for half in 0..<2 {
        for pair in 0..<perHead / 2 {
          let row = head * perHead + 2 * pair + half
          bytes.append(contentsOf: source[row * rowBytes..<(row + 1) * rowBytes])
        }
      }
    }
    do {
      return try Tensor(shape: entry.shape, elementType: entry.elementType, bytes: bytes)
    } catch {
      throw .unreadable(path: path, reason: "\(error)")
    }
  }

  /// `kv_b_proj` from keys `[heads, latent, key]` and values `[heads, value, latent]`: of each head the rows of
  /// the key, then those of the value.
  private func joined(keys: Tensor, values: Tensor) -> Tensor {
    let (heads, latent, key, value) = (
      keys.shape[0], keys.shape[1], keys.shape[2], values.shape[1]
    )
    var floats: [Float] = []
    floats.reserveCapacity(heads * (key + value) * latent)
    for head in 0..<heads {
      floats += keys[head].transposed().floats
      floats += values[head].floats
    }
    return Tensor(shape: [heads * (key + value), latent], floats)
  }
}
