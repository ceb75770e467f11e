import Glibc

/// An open file of the system, closed with its last reference.
final class SystemFile: Sendable {
  /// What tells a file from another that has its path later.
  struct Identity: Sendable, Hashable {
    private let device: UInt64
    private let number: UInt64

    init(_ status: stat) {
      device = UInt64(status.st_dev)
      number = UInt64(status.st_ino)
    }
  }

  private let descriptor: Int32
  let path: String

  /// Opens a file for reading; only a regular file.
  init(reading path: String) throws(TrainingRecordError) {
    self.path = path
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .file(path: path, action: .open, code: errno) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .file(path: path, action: .open, code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .file(path: path, action: .open, code: EISDIR)
    }
  }

  /// Makes a file that isn't there yet, or empties one where that is asked for.
  init(creating path: String, replacing: Bool) throws(TrainingRecordError) {
    self.path = path
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND | (replacing ? O_TRUNC : O_EXCL)
    descriptor = unsafe open(path, flags, 0o666)
    guard descriptor >= 0 else { throw .file(path: path, action: .open, code: errno) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Which file it is.
  var identity: Identity {
    get throws(TrainingRecordError) { Identity(try status) }
  }

  /// How many bytes the file has now.
  var byteCount: Int {
    get throws(TrainingRecordError) { Int(try status.st_size) }
  }

  private var status: stat {
    get throws(TrainingRecordError) {
      var status = stat()
      guard unsafe fstat(descriptor, &status) == 0 else {
        throw .file(path: path, action: .read, code: errno)
      }
      return status
    }
  }

  /// At most a count of bytes from a place; fewer at the end of the file.
  func read(at offset: Int, count: Int) throws(TrainingRecordError) -> [UInt8] {
    var chunk = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe pread(
          descriptor, buffer.baseAddress.map { unsafe $0 + filled }, count - filled,
          off_t(offset + filled))
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw .file(path: path, action: .read, code: errno) }
      if got == 0 { break }
      filled += got
    }
    chunk.removeLast(count - filled)
    return chunk
  }

  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws(TrainingRecordError) {
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes[written...].withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .file(path: path, action: .write, code: errno) }
      written += count
    }
  }

  /// Makes a folder and the folders above it that aren't there.
  static func makeFolder(_ path: String) throws(TrainingRecordError) {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
      if unsafe mkdir(made, 0o777) != 0, errno != EEXIST {
        throw .file(path: made, action: .write, code: errno)
      }
    }
  }

  /// The names of the files and of the folders within a folder, each sorted by their bytes.
  static func entries(
    of folder: String, limit: Int
  ) throws(TrainingRecordError) -> (files: [(name: String, identity: Identity)], folders: [String])
  {
    guard let directory = unsafe opendir(folder) else {
      if errno == ENOENT || errno == ENOTDIR { throw .missingFolder(path: folder) }
      throw .file(path: folder, action: .list, code: errno)
    }
    defer { unsafe closedir(directory) }
    var files: [(name: String, identity: Identity)] = []
    var folders: [String] = []
    while files.count + folders.count < limit, let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      guard name != ".", name != ".." else { continue }
      var status = stat()
      guard unsafe stat(folder + "/" + name, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: folders.append(name)
      case S_IFREG: files.append((name, Identity(status)))
      default: break
      }
    }
    let ascends: (String, String) -> Bool = { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return (files.sorted { ascends($0.name, $1.name) }, folders.sorted(by: ascends))
  }

  /// The system's words for an error.
  static func reason(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text).lowercased()
  }
}
