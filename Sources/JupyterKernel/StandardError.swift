import Glibc

/// The process's standard error, for the one who started the kernel.
enum StandardError {
  /// Writes a line.
  static func write(_ line: String) {
    var bytes = Array("vitrine kernel: \(line)\n".utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

/// A log that a flood can't fill: ten lines in ten seconds, then only how many were left out.
struct Log {
  private static let interval: UInt64 = 10_000_000_000
  private static let limit = 10
  private var began: UInt64 = 0
  private var count = 0

  /// Writes a line, or counts it.
  mutating func write(_ line: @autoclosure () -> String) {
    let now = Clock.now()
    if now - began >= Self.interval {
      if count > Self.limit { StandardError.write("\(count - Self.limit) more such lines.") }
      began = now
      count = 0
    }
    count += 1
    if count <= Self.limit { StandardError.write(line()) }
  }
}

/// Files of a few kilobytes.
enum SmallFile {
  /// The bytes of a file of at most a megabyte.
  static func read(_ path: String) throws(KernelError) -> [UInt8] {
    let descriptor = unsafe path.withCString { unsafe open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else {
      throw .cannotRead(path: path, reason: unsafe String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count <= 1 << 20 {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw .cannotRead(path: path, reason: unsafe String(cString: strerror(errno)))
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: buffer[..<count])
    }
    throw .cannotRead(path: path, reason: "it is larger than a megabyte")
  }
}
