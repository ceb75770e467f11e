import Glibc

/// Files for the tests.
enum Disk {
  struct Failure: Error {
    let path: String
    let code: Int32
  }

  static func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "wb") else { throw Failure(path: path, code: errno) }
    defer { fclose(file) }
    let bytes = Array(text.utf8)
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
      throw Failure(path: path, code: errno)
    }
  }

  static func read(_ path: String) throws -> String {
    guard let file = fopen(path, "rb") else { throw Failure(path: path, code: errno) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The folder of this target's fixtures.
  static func fixture(_ name: String, file: String = #filePath) -> String {
    var parts = file.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(2)
    return parts.joined(separator: "/") + "/Fixtures/Figures/" + name
  }
}
