public import DataFormats

/// Why received frames aren't a message; the message is dropped.
public enum WireError: Error, Sendable, Equatable, CustomStringConvertible {
  case noDelimiter
  case tooFewFrames(Int)
  case tooManyFrames(limit: Int)
  case tooLarge(limit: Int)
  case headerTooLarge(limit: Int)
  case badSignature
  case duplicateSignature
  case notJSON(frame: String, error: JSONError)
  case notAnObject(frame: String)
  case incompleteHeader

  /// One sentence for the log.
  public var description: String {
    switch self {
    case .noDelimiter: "Dropped a message without the <IDS|MSG> delimiter."
    case .tooFewFrames(let count): "Dropped a message of \(count) frames after the delimiter."
    case .tooManyFrames(let limit): "Dropped a message of more than \(limit) frames."
    case .tooLarge(let limit): "Dropped a message of more than \(limit) bytes."
    case .headerTooLarge(let limit): "Dropped a message whose header has over \(limit) bytes."
    case .badSignature: "Dropped a message whose signature is wrong."
    case .duplicateSignature: "Dropped a message whose signature was already used."
    case .notJSON(let frame, let error):
      "Dropped a message whose \(frame) is not JSON (byte \(error.offset))."
    case .notAnObject(let frame): "Dropped a message whose \(frame) is not a JSON object."
    case .incompleteHeader: "Dropped a message whose header lacks msg_id or msg_type."
    }
  }
}

/// Turns messages to frames and back, signing and checking them (messaging protocol, "The wire
/// protocol"): identities, delimiter, signature, header, parent header, metadata, content, buffers.
public struct WireFormat: Sendable {
  /// How large a message may be.
  public struct Limits: Sendable, Equatable {
    /// Frames in all.
    public var frames = 1_024
    /// Bytes in all.
    public var bytes = 64 << 20
    /// Bytes of each header; a request's header goes out again with every answer.
    public var headerBytes = 64 << 10
    /// Arrays and objects open at once.
    public var depth = 256

    /// The usual limits.
    public init() {}
  }

  /// The frame between identities and message.
  public static let delimiter = Array("<IDS|MSG>".utf8)

  /// The key for signatures; empty: none are made and none are checked.
  public let key: [UInt8]
  /// How large a message may be.
  public var limits = Limits()
  private var seen: SignatureMemory

  /// A format with the connection's key.
  ///
  /// - Parameters:
  ///   - key: the key for signatures, empty for none.
  ///   - remembering: how many signatures are remembered, to refuse them a second time.
  public init(key: [UInt8], remembering capacity: Int = 32_768) {
    self.key = key
    seen = SignatureMemory(capacity: capacity)
  }

  /// Reads a message from the frames of one ZeroMQ message.
  ///
  /// - Throws: `WireError`; the frames should then be dropped.
  public mutating func decode(_ frames: [[UInt8]]) throws(WireError) -> Message {
    guard frames.count <= limits.frames else { throw .tooManyFrames(limit: limits.frames) }
    var size = 0
    for frame in frames { size += frame.count }
    guard size <= limits.bytes else { throw .tooLarge(limit: limits.bytes) }
    guard let place = frames.firstIndex(of: Self.delimiter) else { throw .noDelimiter }
    let first = place + 1
    guard frames.count >= first + 5 else { throw .tooFewFrames(frames.count - first) }
    guard max(frames[first + 1].count, frames[first + 2].count) <= limits.headerBytes else {
      throw .headerTooLarge(limit: limits.headerBytes)
    }
    if !key.isEmpty {
      let signature = Self.hexadecimal(authenticate(frames[(first + 1)..<(first + 5)]))
      guard HMAC.isEqual(signature, frames[first]) else { throw .badSignature }
      guard seen.insert(signature) else { throw .duplicateSignature }
    }
    let headerObject = try object(frames[first + 1], "header")
    _ = try object(frames[first + 2], "parent header")
    guard let header = Header(headerObject) else { throw .incompleteHeader }
    return Message(
      identities: Array(frames[..<place]), header: header, headerBytes: frames[first + 1],
      parentHeaderBytes: frames[first + 2], metadata: try object(frames[first + 3], "metadata"),
      content: try object(frames[first + 4], "content"), buffers: Array(frames[(first + 5)...]))
  }

  /// The frames of a message, signed.
  public func encode(_ message: Message) -> [[UInt8]] {
    let parts = [
      message.headerBytes, message.parentHeaderBytes, Self.bytes(message.metadata),
      Self.bytes(message.content),
    ]
    var frames = message.identities
    frames.reserveCapacity(frames.count + 6 + message.buffers.count)
    frames.append(Self.delimiter)
    frames.append(key.isEmpty ? [] : Self.hexadecimal(authenticate(parts[...])))
    frames.append(contentsOf: parts)
    frames.append(contentsOf: message.buffers)
    return frames
  }

  private static func bytes(_ object: JSONObject) -> [UInt8] {
    object.isEmpty ? Message.emptyObject : JSON.object(object).serializedBytes()
  }

  private func object(_ bytes: [UInt8], _ frame: String) throws(WireError) -> JSONObject {
    if bytes == Message.emptyObject { return JSONObject() }
    let json: JSON
    do {
      json = try JSON(parsing: bytes, maximumDepth: limits.depth)
    } catch {
      throw .notJSON(frame: frame, error: error)
    }
    guard case .object(let object) = json else { throw .notAnObject(frame: frame) }
    return object
  }

  private func authenticate(_ parts: ArraySlice<[UInt8]>) -> [UInt8] {
    HMAC.sha256(key: key, message: Array(parts))
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      for digit in [byte >> 4, byte & 15] {
        text.append(digit < 10 ? 48 + digit : 87 + digit)
      }
    }
    return text
  }
}

/// The signatures seen last, so that a recorded message can't be sent again.
struct SignatureMemory: Sendable {
  /// Half of an HMAC-SHA-256: enough that two messages never share it.
  private struct Digest: Hashable {
    var high: UInt64
    var low: UInt64
  }

  let capacity: Int
  private var digests: Set<Digest> = []
  private var order: [Digest] = []
  private var oldest = 0

  init(capacity: Int) { self.capacity = max(1, capacity) }

  /// How many are remembered.
  var count: Int { digests.count }

  /// Remembers a signature of 64 hexadecimal digits; false where it is known already.
  mutating func insert(_ signature: [UInt8]) -> Bool {
    var digest = Digest(high: 0, low: 0)
    for byte in signature.prefix(16) { digest.high = digest.high << 4 | Self.value(byte) }
    for byte in signature.dropFirst(16).prefix(16) {
      digest.low = digest.low << 4 | Self.value(byte)
    }
    guard digests.insert(digest).inserted else { return false }
    if order.count < capacity {
      order.append(digest)
    } else {
      digests.remove(order[oldest])
      order[oldest] = digest
      oldest = (oldest + 1) % capacity
    }
    return true
  }

  private static func value(_ digit: UInt8) -> UInt64 {
    UInt64(digit & 15) + UInt64(digit >> 6) * 9
  }
}
