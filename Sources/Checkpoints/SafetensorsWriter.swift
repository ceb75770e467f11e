import DataFormats
import Glibc
public import Tensors

/// Writes tensors as a safetensors file.
///
/// The bytes are the reference implementation's: tensors in its order of dtypes, wider ones first,
/// then by name; the header padded with spaces so that the data starts at a multiple of eight.
public enum SafetensorsWriter {
  /// Writes named tensors and texts to a file, which appears whole or not at all.
  ///
  /// - Parameters:
  ///   - tensors: names and tensors; every element type that the format knows can be stored.
  ///   - metadata: the texts of `__metadata__`, in this order; none leaves the entry out.
  ///   - path: the file; an existing one is replaced.
  /// - Throws: `CheckpointError` for two tensors of one name, or where the file can't be written.
  public static func write(
    tensors: [(name: String, tensor: Tensor)], metadata: [(key: String, value: String)] = [],
    to path: String
  ) throws(CheckpointError) {
    let ordered = ordered(tensors)
    let header = try header(of: ordered, metadata: metadata, path: path)
    let file = try OutputFile(temporary: "\(path).\(getpid()).partial", final: path)
    do throws(CheckpointError) {
      try file.write(header)
      for (_, tensor) in ordered { try file.write(tensor.bytes) }
      try file.finish()
    } catch {
      file.discard()
      throw error
    }
  }

  /// The bytes of the file that `write` would write, for tensors that fit memory twice.
  ///
  /// - Throws: `CheckpointError` for two tensors of one name, or an element type without a dtype.
  public static func bytes(
    tensors: [(name: String, tensor: Tensor)], metadata: [(key: String, value: String)] = [],
    fileName: String = "model.safetensors"
  ) throws(CheckpointError) -> [UInt8] {
    let ordered = ordered(tensors)
    var bytes = try header(of: ordered, metadata: metadata, path: fileName)
    for (_, tensor) in ordered { bytes += tensor.bytes }
    return bytes
  }

  /// Wider element types first, then by name.
  private static func ordered(
    _ tensors: [(name: String, tensor: Tensor)]
  ) -> [(name: String, tensor: Tensor)] {
    tensors.sorted { left, right in
      let ranks = [left, right].map { SafetensorsElementType.rank(of: $0.tensor.elementType) ?? 0 }
      return ranks[0] == ranks[1]
        ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : ranks[0] < ranks[1]
    }
  }

  /// The length and the JSON, padded.
  static func header(
    of ordered: [(name: String, tensor: Tensor)], metadata: [(key: String, value: String)],
    path: String
  ) throws(CheckpointError) -> [UInt8] {
    var members: [JSONObject.Member] = []
    if !metadata.isEmpty {
      let texts = metadata.map { JSONObject.Member(key: $0.key, value: .string($0.value)) }
      members.append(.init(key: "__metadata__", value: .object(JSONObject(members: texts))))
    }
    var seen: Set<[UInt8]> = [Array("__metadata__".utf8)]
    var offset = 0
    for (name, tensor) in ordered {
      guard seen.insert(Array(name.utf8)).inserted else {
        throw .duplicateName(name, file: fileName(of: path))
      }
      guard !tensor.isScaled, let dtype = SafetensorsElementType.name(of: tensor.elementType) else {
        throw .unwritable(
          path: path,
          reason: "the format has no dtype for \(tensor.elementType.name)"
            + (tensor.isScaled ? " with scales" : ""))
      }
      let end = offset + tensor.byteCount
      let entry: JSONObject = [
        "dtype": .string(dtype), "shape": .array(tensor.shape.map { .integer($0) }),
        "data_offsets": [.integer(offset), .integer(end)],
      ]
      members.append(.init(key: name, value: .object(entry)))
      offset = end
    }
    var json = Array(JSON.object(JSONObject(members: members)).serializedBytes())
    json.append(
      contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
    let length = UInt64(json.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + json
  }
}

/// A file being written under a temporary name.
private final class OutputFile {
  private let temporary: String
  private let final: String
  private var descriptor: Int32

  init(temporary: String, final: String) throws(CheckpointError) {
    guard !final.utf8.contains(0) else {
      throw .unwritable(path: final, reason: "the path holds a zero byte")
    }
    self.temporary = temporary
    self.final = final
    descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .unwritable(path: final, reason: FileSystem.lastReason())
    }
  }

  func write(_ bytes: [UInt8]) throws(CheckpointError) {
    var start = 0
    while start < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(
          descriptor, UnsafeRawBufferPointer(rebasing: $0[start...]).baseAddress,
          $0.count - start)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .unwritable(path: final, reason: FileSystem.lastReason()) }
      start += count
    }
  }

  func finish() throws(CheckpointError) {
    let closed = Glibc.close(descriptor)
    descriptor = -1
    guard closed == 0, unsafe rename(temporary, final) == 0 else {
      throw .unwritable(path: final, reason: FileSystem.lastReason())
    }
  }

  func discard() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
    unsafe _ = unlink(temporary)
  }
}
