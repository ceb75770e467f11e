import Glibc

/// A file whose bytes are read where the system keeps them, without a copy of its own.
///
/// The mapping is read-only and shared, so that several processes share the pages. Sizes are checked when a
/// part is taken; a file that another program truncates afterwards makes the system end the process (SIGBUS) when a
/// missing page is touched, as it does for every program that maps files.
public final class MappedFile: Sendable {
  /// The path the file was opened with.
  public let path: String
  /// The number of bytes.
  public let count: Int
  let address: UInt

  /// Maps the regular file at `path`; throws `MappedFileError`.
  public init(path: String) throws(MappedFileError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .cannotOpen(path: path, code: errno, reason: Self.reason(errno))
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .cannotOpen(path: path, code: errno, reason: Self.reason(errno))
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
    guard status.st_size > 0 else { throw .empty(path: path) }
    let size = Int(status.st_size)
    guard let base = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0),
      unsafe base != MAP_FAILED
    else { throw .cannotMap(path: path, code: errno, reason: Self.reason(errno)) }
    self.path = path
    count = size
    address = UInt(bitPattern: base)
  }

  deinit {
    unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), count)
  }

  private static func reason(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }

  /// A copy of the bytes in `range`; throws `MappedFileError.outOfBounds`.
  public func bytes(in range: Range<Int>) throws(MappedFileError) -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw .outOfBounds(path: path, range: range, byteCount: count)
    }
    guard !range.isEmpty,
      let start = unsafe UnsafeRawPointer(bitPattern: address + UInt(range.lowerBound))
    else { return [] }
    return withExtendedLifetime(self) {
      unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: range.count))
    }
  }

  /// Asks the system to read `range` soon; a hint without effect on results.
  public func prefetch(_ range: Range<Int>) {
    let clamped = range.clamped(to: 0..<count)
    let page = 4096
    let start = clamped.lowerBound / page * page
    guard !clamped.isEmpty,
      let pointer = unsafe UnsafeMutableRawPointer(bitPattern: address + UInt(start))
    else { return }
    _ = unsafe madvise(pointer, clamped.upperBound - start, Int32(MADV_WILLNEED))
  }
}
