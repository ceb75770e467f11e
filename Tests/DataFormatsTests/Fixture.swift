import Glibc

/// A file that the tests compare with, from `Tests/Fixtures/DataFormats`.
enum Fixture {
  struct Missing: Error { let path: String }

  static func bytes(_ name: String, file: String = #filePath) throws -> [UInt8] {
    let tests = file.split(separator: "/").dropLast(2).joined(separator: "/")
    let path = "/\(tests)/Fixtures/DataFormats/\(name)"
    guard let stream = fopen(path, "rb") else { throw Missing(path: path) }
    defer { fclose(stream) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&buffer, 1, buffer.count, stream)
      guard count > 0 else { return result }
      result += buffer[..<count]
    }
  }
}
