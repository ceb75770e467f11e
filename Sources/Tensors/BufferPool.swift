import Glibc
import Synchronization

/// Memory for results and scratch, kept for a while after use.
///
/// The system hands out large blocks as untouched pages and takes them back when they are freed, so that each
/// use of one pays a page fault for every 4 KiB; a small model would spend most of its time there. Blocks of at least
/// `smallest` bytes are therefore kept, up to `limit` bytes in all, and given out again.
enum BufferPool {
  /// Blocks smaller than this go straight to the allocator.
  static let smallest = 64 << 10
  /// Blocks of at least this many bytes are mapped for themselves, in huge pages where the system has them.
  private static let smallestMapped = 4 << 20
  /// The most bytes kept for reuse.
  static let limit = 64 << 20

  private struct Kept {
    /// Addresses by size.
    var free: [Int: [UInt]] = [:]
    var byteCount = 0
  }

  private static let kept = Mutex(Kept())

  /// The size that a request of `byteCount` bytes is given: a quarter of a power of two at a time.
  private static func roundedSize(_ byteCount: Int) -> Int {
    guard byteCount >= smallest else { return max(64, (byteCount + 63) / 64 * 64) }
    let step = 1 << (Int.bitWidth - byteCount.leadingZeroBitCount - 3)
    return (byteCount + step - 1) / step * step
  }

  /// At least `byteCount` bytes aligned to a cache line, with arbitrary content or zeros.
  ///
  /// Zeros of a large block are untouched pages of the system's, so that it costs no time before it is used.
  static func allocate(_ byteCount: Int, zeroed: Bool = false) -> UnsafeMutableRawPointer {
    let size = roundedSize(byteCount)
    if size >= smallest {
      let address = kept.withLock { state -> UInt? in
        guard let address = state.free[size]?.popLast() else { return nil }
        state.byteCount -= size
        return address
      }
      if let address, let pointer = unsafe UnsafeMutableRawPointer(bitPattern: address) {
        if zeroed { unsafe memset(pointer, 0, size) }
        return unsafe pointer
      }
    }
    if size >= smallestMapped { return unsafe map(size) }
    var pointer: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&pointer, 64, size) == 0, let pointer = unsafe pointer else {
      fatalError("out of memory: \(size) bytes for a tensor")
    }
    if zeroed { unsafe memset(pointer, 0, size) }
    return unsafe pointer
  }

  /// Untouched pages that begin at a huge page's address.
  private static func map(_ size: Int) -> UnsafeMutableRawPointer {
    let hugePage = 2 << 20
    let whole = unsafe mmap(
      nil, size + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let whole = unsafe whole, unsafe whole != MAP_FAILED else {
      fatalError("out of memory: \(size) bytes for a tensor")
    }
    let before = (hugePage - Int(bitPattern: whole) % hugePage) % hugePage
    let start = unsafe whole + before
    if before > 0 { unsafe munmap(whole, before) }
    unsafe munmap(start + size, hugePage - before)
    _ = unsafe madvise(start, size, Int32(MADV_HUGEPAGE))
    return unsafe start
  }

  private static func giveBack(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
    if size >= smallestMapped { unsafe munmap(pointer, size) } else { unsafe free(pointer) }
  }

  /// Gives back what `allocate` gave for the same `byteCount`.
  static func release(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
    let size = roundedSize(byteCount)
    let address = UInt(bitPattern: pointer)
    if size >= smallest && size <= limit / 2 {
      let isKept = kept.withLock { state -> Bool in
        guard state.byteCount + size <= limit else { return false }
        state.free[size, default: []].append(address)
        state.byteCount += size
        return true
      }
      if isKept { return }
    }
    unsafe giveBack(pointer, size)
  }

  /// Returns all kept memory to the system.
  static func drain() {
    let free = kept.withLock { state -> [Int: [UInt]] in
      defer { state = Kept() }
      return state.free
    }
    for (size, addresses) in free {
      for address in addresses {
        guard let pointer = unsafe UnsafeMutableRawPointer(bitPattern: address) else { continue }
        unsafe giveBack(pointer, size)
      }
    }
  }
}

/// Returns to the system the memory that finished computations left for reuse (at most 64 MiB).
public func releaseUnusedTensorMemory() {
  BufferPool.drain()
}

/// The bytes behind tensors: memory of its own, or those of a mapped file.
///
/// Sendable because the bytes change only through a tensor that holds the only reference (`Tensor` copies otherwise),
/// or in an operation that has not yet handed out its result.
@safe final class TensorStorage: @unchecked Sendable {  // see the comment above
  let base: UnsafeMutableRawPointer
  let byteCount: Int
  private let file: MappedFile?

  var isWritable: Bool { file == nil }

  /// Memory of arbitrary content, or of zeros.
  init(byteCount: Int, zeroed: Bool = false) {
    self.byteCount = byteCount
    unsafe base = BufferPool.allocate(byteCount, zeroed: zeroed)
    file = nil
  }

  /// All of a mapped file.
  init(file: MappedFile) {
    guard let pointer = unsafe UnsafeMutableRawPointer(bitPattern: file.address) else {
      preconditionFailure("a mapped file has an address")
    }
    unsafe base = pointer
    byteCount = file.count
    self.file = file
  }

  deinit {
    if file == nil { unsafe BufferPool.release(base, byteCount: byteCount) }
  }

  /// The memory as floats.
  var floats: UnsafeMutablePointer<Float> { unsafe base.assumingMemoryBound(to: Float.self) }
}
