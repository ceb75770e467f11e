import Glibc

/// A folder that is removed with its last reference.
final class TemporaryFolder {
  let path: String

  init() {
    var template = Array("/tmp/vitrine-training-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      if entry.pointee.d_type == UInt8(DT_DIR) { remove("\(path)/\(name)") }
      unlink("\(path)/\(name)")
    }
    closedir(directory)
    rmdir(path)
  }

  /// Writes a file within it.
  func write(_ bytes: [UInt8], to name: String, appending: Bool = false) {
    let parts = name.split(separator: "/").dropLast()
    for end in parts.indices { mkdir(path + "/" + parts[...end].joined(separator: "/"), 0o777) }
    let file = fopen(path + "/" + name, appending ? "ab" : "wb")!
    defer { fclose(file) }
    precondition(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }

  static func contents(of path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while true {
      let byte = fgetc(file)
      if byte == EOF { return bytes }
      bytes.append(UInt8(byte))
    }
  }
}

/// Where the files made by `make.py` are.
let fixtures: String = {
  let parts = #filePath.split(separator: "/").dropLast(2)
  return "/" + parts.joined(separator: "/") + "/Fixtures/Training"
}()
