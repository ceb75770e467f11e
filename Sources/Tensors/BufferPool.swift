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

  /// At least `byteCount` bytes aligned to a cache line, with arbitrary content.
  static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let size = roundedSize(byteCount)
    if size >= smallest {
      let address = kept.withLock { state -> UInt? in
        guard let address = state.free[size]?.popLast() else { return nil }
        state.byteCount -= size
        return address
      }
      if let address, let pointer = unsafe UnsafeMutableRawPointer(bitPattern: address) {
        return unsafe pointer
      }
    }
    let hugePage = 2 << 20
    var pointer: UnsafeMutableRawPointer?
    let alignment = size >= 2 * hugePage ? hugePage : 64
    guard unsafe posix_memalign(&pointer, alignment, size) == 0, let pointer = unsafe pointer else {
      fatalError("out of memory: \(size) bytes for a tensor")
    }
    if alignment == hugePage { _ = unsafe madvise(pointer, size, Int32(MADV_HUGEPAGE)) }
    return unsafe pointer
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
    unsafe free(pointer)
  }

  /// Returns all kept memory to the system.
  static func drain() {
    let addresses = kept.withLock { state -> [UInt] in
      defer { state = Kept() }
      return state.free.values.flatMap { $0 }
    }
    for address in addresses { unsafe free(UnsafeMutableRawPointer(bitPattern: address)) }
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

  /// Memory of arbitrary content.
  init(byteCount: Int) {
    self.byteCount = byteCount
    unsafe base = BufferPool.allocate(byteCount)
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
