import Glibc

/// The few questions about files that loading a model asks.
package enum FileSystem {
  /// What a path leads to, symbolic links followed.
  package enum Kind: Sendable {
    case file, folder, other
  }

  /// What is at a path, or `nil` where there is nothing.
  package static func kind(of path: String) -> Kind? {
    var information = stat()
    guard !path.utf8.contains(0), unsafe stat(path, &information) == 0 else { return nil }
    switch information.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  /// The names in a folder, sorted by their bytes; empty where it can't be listed.
  package static func names(in folder: String) -> [String] {
    guard !folder.utf8.contains(0), let directory = unsafe opendir(folder) else { return [] }
    defer { unsafe _ = closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The bytes of a small file.
  ///
  /// - Throws: `CheckpointError` where there is none, it can't be read or has more than `limit`.
  package static func read(_ path: String, limit: Int) throws(CheckpointError) -> [UInt8] {
    guard let kind = kind(of: path) else { throw .notFound(path: path) }
    guard kind == .file else { throw .unreadable(path: path, reason: "it is not a file") }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(path: path, reason: lastReason()) }
    defer { _ = close(descriptor) }
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(path: path, reason: lastReason()) }
      guard count > 0 else { return result }
      guard result.count + count <= limit else {
        throw .fileTooLarge(path: path, byteCount: result.count + count, limit: limit)
      }
      result.append(contentsOf: chunk[..<count])
    }
  }

  /// The first bytes of a file, fewer where it is shorter.
  ///
  /// - Throws: `CheckpointError` where there is none or it can't be read.
  static func firstBytes(of path: String, count: Int) throws(CheckpointError) -> [UInt8] {
    guard let kind = kind(of: path) else { throw .notFound(path: path) }
    guard kind == .file else { throw .unreadable(path: path, reason: "it is not a file") }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(path: path, reason: lastReason()) }
    defer { _ = close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    let given = unsafe bytes.withUnsafeMutableBytes {
      unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
    }
    guard given >= 0 else { throw .unreadable(path: path, reason: lastReason()) }
    return Array(bytes.prefix(given))
  }

  /// Why the last call of the system failed.
  static func lastReason() -> String {
    let code = errno
    return unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
  }
}

/// A path's last part.
package func fileName(of path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}
