import Glibc
import Language

/// Reads, writes and lists files, with errors that say what would be right.
enum FileSystem {
  /// How large a file of data may be.
  static let maximumSize = 256 << 20

  /// The bytes of a regular file.
  ///
  /// - Throws: `FunctionError` with the nearest name in the folder where there is no such file.
  static func read(_ path: String) throws -> [UInt8] {
    let path = expanded(path)
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR:
      throw FunctionError("\(quoted(path)) is a folder, not a file.", code: "wrong-file")
    default: throw FunctionError("\(quoted(path)) is not a regular file.", code: "wrong-file")
    }
    let size = Int(status.st_size)
    guard size <= maximumSize else { throw tooLarge(path) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    while true {
      var chunk = [UInt8](repeating: 0, count: 1 << 20)
      let count = unsafe chunk.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, errno) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= maximumSize else { throw tooLarge(path) }
    }
  }

  /// Writes a file at once: the old content stays until the new one is complete.
  ///
  /// - Parameter check: called between pieces; what it throws ends the writing.
  static func write(
    _ bytes: [UInt8], to path: String, check: () throws -> Void = {}
  ) throws {
    let path = expanded(path)
    let temporary = "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).part"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw unwritable(path, errno) }
    var written = 0
    var failure: Int32 = 0
    while written < bytes.count, failure == 0 {
      do { try check() } catch {
        close(descriptor)
        unsafe unlink(temporary)
        throw error
      }
      let count = unsafe bytes[written...].withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, min($0.count, 1 << 22))
      }
      if count >= 0 { written += count } else if errno != EINTR { failure = errno }
    }
    if close(descriptor) != 0, failure == 0 { failure = errno }
    if failure == 0, unsafe rename(temporary, path) != 0 { failure = errno }
    if failure != 0 {
      unsafe unlink(temporary)
      throw unwritable(path, failure)
    }
  }

  /// The names in a folder, sorted, folders with a `/` at the end; empty where it can't be read.
  ///
  /// - Parameter limit: how many names are read at most.
  static func names(in folder: String, limit: Int = 10_000) -> [String] {
    guard let directory = unsafe opendir(folder.isEmpty ? "." : expanded(folder)) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while names.count < limit, let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      guard name != ".", name != ".." else { continue }
      var isFolder = unsafe entry.pointee.d_type == UInt8(DT_DIR)
      if unsafe entry.pointee.d_type == UInt8(DT_LNK) {
        var status = stat()
        let path = (folder.isEmpty ? "" : expanded(folder) + "/") + name
        isFolder = unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      }
      names.append(isFolder ? name + "/" : name)
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The path with a leading `~/` as the home folder.
  static func expanded(_ path: String) -> String {
    guard path == "~" || path.hasPrefix("~/"), let home = unsafe getenv("HOME") else { return path }
    return unsafe String(cString: home) + path.dropFirst()
  }

  /// The folder and the name of a path; the folder is empty where the path has none.
  static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }

  /// The extension with its dot, in lower case; empty where there is none.
  static func fileExtension(_ path: String) -> String {
    let name = split(path).name
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return name[dot...].lowercased()
  }

  private static func unreadable(_ path: String, _ code: Int32) -> FunctionError {
    guard code == ENOENT || code == ENOTDIR else {
      return FunctionError(
        "\(quoted(path)) can't be read: \(reason(code)).", code: "unreadable-file")
    }
    let (folder, name) = split(path)
    let nearest = Suggestions.nearest(
      name, in: names(in: folder).map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 })
    let prefix = folder.isEmpty ? "" : folder == "/" ? "/" : folder + "/"
    return FunctionError(
      "There is no file \(quoted(path)).",
      hint: nearest.map { "Did you mean \(quoted(prefix + $0))?" }, code: "missing-file")
  }

  private static func unwritable(_ path: String, _ code: Int32) -> FunctionError {
    let folder = split(path).folder
    return FunctionError(
      code == ENOENT
        ? "There is no folder \(quoted(folder)) to write into."
        : "\(quoted(path)) can't be written: \(reason(code)).",
      code: "unwritable-file")
  }

  private static func tooLarge(_ path: String) -> FunctionError {
    FunctionError(
      "\(quoted(path)) is larger than \(maximumSize >> 20) MiB.", code: "too-large")
  }

  private static func reason(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text).lowercased()
  }

  static func quoted(_ path: String) -> String { Value.quoted(path, limit: 200) }
}
