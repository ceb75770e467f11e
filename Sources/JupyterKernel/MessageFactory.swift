import DataFormats
import Glibc
import JupyterProtocol
import Synchronization

/// Makes the frames of this kernel's messages; used by every thread.
final class MessageFactory: Sendable {
  /// This kernel's session.
  let session: String
  private let wire: WireFormat
  private let counter = Atomic<Int>(0)
  private let username: String

  init(key: [UInt8]) {
    session = Identifier.random()
    wire = WireFormat(key: key, remembering: 1)
    username = Environment.value("USER") ?? Environment.value("LOGNAME") ?? "kernel"
  }

  /// A header with an id that no other message has.
  func header(_ type: String) -> Header {
    let number = counter.add(1, ordering: .relaxed).newValue
    return Header(
      type: type, session: session, identifier: "\(session)_\(number)", username: username)
  }

  /// The frames of a broadcast; its topic is `kernel.{session}.{type}`, of streams `stream.{name}`.
  func broadcast(
    _ type: String, _ content: JSONObject, parent: [UInt8], metadata: JSONObject = JSONObject(),
    buffers: [[UInt8]] = [], topic: String? = nil
  ) -> [[UInt8]] {
    let topic = topic ?? "kernel.\(session).\(type)"
    return wire.encode(
      Message(
        identities: [Array(topic.utf8)], header: header(type), parentHeaderBytes: parent,
        metadata: metadata, content: content, buffers: buffers))
  }

  /// The frames of a message to one client.
  func reply(
    _ type: String, _ content: JSONObject, identities: [[UInt8]], parent: [UInt8],
    header: Header? = nil
  ) -> [[UInt8]] {
    wire.encode(
      Message(
        identities: identities, header: header ?? self.header(type), parentHeaderBytes: parent,
        content: content))
  }

  /// The frames of a `status` broadcast.
  func status(_ state: ExecutionState, parent: [UInt8]) -> [[UInt8]] {
    broadcast("status", state.content, parent: parent)
  }
}

/// Random identifiers.
enum Identifier {
  /// 128 random bits as 32 hexadecimal digits in the groups of a UUID (version 4).
  static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    let digits = Array(Hexadecimal.encode(bytes).utf8)
    var text: [UInt8] = []
    for (index, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
      text.append(digit)
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// The process's environment.
enum Environment {
  /// The value of a variable, `nil` where it is missing or empty.
  static func value(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }
}

/// A clock that only goes forward.
enum Clock {
  /// Nanoseconds since some moment.
  static func now() -> UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Waits for some nanoseconds, under a second.
  static func sleep(_ nanoseconds: UInt64) {
    var time = timespec(tv_sec: 0, tv_nsec: Int(nanoseconds))
    _ = unsafe nanosleep(&time, nil)
  }
}
