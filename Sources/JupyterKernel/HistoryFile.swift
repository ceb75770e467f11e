import DataFormats
import Glibc
import JupyterProtocol

/// The file that keeps the history between kernels: JSON lines, appended to by every kernel.
///
/// A line is `{"session": 3}` where a session begins, or
/// `{"session": 3, "line": 1, "input": "…", "output": "…"}` for a cell.
struct HistoryFile: Sendable {
  /// The path of the file.
  let path: String

  /// What the file holds.
  struct Content: Sendable {
    var entries: [HistoryReply.Entry] = []
    var lastSession = 0
  }

  /// The place that the XDG specification gives to a program's state.
  static func defaultPath() -> String? {
    if let folder = Environment.value("XDG_STATE_HOME"), folder.hasPrefix("/") {
      return "\(folder)/vitrine/history.jsonl"
    }
    return Environment.value("HOME").map { "\($0)/.local/state/vitrine/history.jsonl" }
  }

  /// Reads the file and begins a session of its own number in it, one kernel after the other.
  ///
  /// A file that has grown beyond the limits is written anew with the newest part of its entries.
  func begin(entryLimit: Int, byteLimit: Int) -> (content: Content, session: Int) {
    makeFolders()
    let descriptor = unsafe path.withCString { path in
      unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    }
    guard descriptor >= 0 else { return (Content(), 1) }
    defer { close(descriptor) }
    flock(descriptor, LOCK_EX)
    defer { flock(descriptor, LOCK_UN) }
    var bytes = read(descriptor, limit: byteLimit * 4)
    var content = parse(bytes)
    if content.entries.count > entryLimit || bytes.count > byteLimit {
      content.entries = Self.newest(
        content.entries, entryLimit: entryLimit * 3 / 4, byteLimit: byteLimit * 3 / 4)
      bytes = content.entries.flatMap(Self.line)
      if ftruncate(descriptor, 0) == 0 { write(bytes, to: descriptor) }
    }
    content.lastSession += 1
    let begin: JSONObject = ["session": .integer(content.lastSession)]
    write(JSON.object(begin).serializedBytes() + [10], to: descriptor)
    return (content, content.lastSession)
  }

  /// Takes the number of another session.
  func beginSession() -> Int { begin(entryLimit: .max / 4, byteLimit: 16 << 20).session }

  /// Appends entries, each in one piece.
  func append(_ entries: [HistoryReply.Entry]) {
    let descriptor = unsafe path.withCString { path in
      unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    }
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    flock(descriptor, LOCK_EX)
    defer { flock(descriptor, LOCK_UN) }
    write(entries.flatMap(Self.line), to: descriptor)
  }

  private static func line(_ entry: HistoryReply.Entry) -> [UInt8] {
    var object: JSONObject = [
      "session": .integer(entry.session), "line": .integer(entry.line),
      "input": .string(entry.input),
    ]
    if let output = entry.output { object["output"] = .string(output) }
    return JSON.object(object).serializedBytes() + [10]
  }

  private static func newest(
    _ entries: [HistoryReply.Entry], entryLimit: Int, byteLimit: Int
  ) -> [HistoryReply.Entry] {
    var size = 0
    var kept: [HistoryReply.Entry] = []
    for entry in entries.reversed() {
      size += line(entry).count
      if kept.count == entryLimit || size > byteLimit { break }
      kept.append(entry)
    }
    return kept.reversed()
  }

  /// The entries; lines that aren't whole (a program was killed while it wrote) are passed over.
  private func parse(_ bytes: [UInt8]) -> Content {
    var content = Content()
    for line in bytes.split(separator: 10) {
      guard let json = try? JSON(parsing: Array(line)), let session = json["session"]?.integer,
        (0..<1 << 40).contains(session)
      else { continue }
      content.lastSession = max(content.lastSession, session)
      if let number = json["line"]?.integer, let input = json["input"]?.string {
        content.entries.append(
          HistoryReply.Entry(
            session: session, line: number, input: input, output: json["output"]?.string))
      }
    }
    return content
  }

  private func read(_ descriptor: Int32, limit: Int) -> [UInt8] {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    let start = max(0, size - limit)
    lseek(descriptor, off_t(start), SEEK_SET)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < limit {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    return bytes
  }

  private func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  private func makeFolders() {
    let bytes = Array(path.utf8)
    for (place, byte) in bytes.enumerated() where byte == UInt8(ascii: "/") && place > 0 {
      let folder = String(decoding: bytes[..<place], as: UTF8.self)
      _ = unsafe folder.withCString { unsafe mkdir($0, 0o700) }
    }
  }
}
