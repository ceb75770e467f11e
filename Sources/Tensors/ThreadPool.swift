import CKernels
import Glibc
import Synchronization

/// Threads that share the work of one operation at a time.
///
/// The threads are started by the first region that can use them, wait a fraction of a millisecond for the next one in a
/// loop and then sleep. The caller takes part. While a region runs, a region of another thread (or one inside the
/// first) is run by its caller alone: it is never queued, so that neither can wait for the other.
/// What is computed does not depend on the number of threads as long as the body's work for an index does
/// not depend on the range it comes in.
public final class ThreadPool: Sendable {
  /// The pool that operations use, with `VITRINE_THREADS` threads or as many as there are cores.
  public static let shared = ThreadPool(threadCount: defaultThreadCount())

  /// The number of threads that work in a region, the caller among them.
  public let threadCount: Int

  private let crew: Crew
  private let handles = Mutex<[pthread_t]>([])
  private let isStarted = Atomic<Bool>(false)

  /// Makes a pool of `threadCount` threads, the caller among them.
  public init(threadCount: Int) {
    self.threadCount = max(1, threadCount)
    crew = Crew()
  }

  deinit {
    crew.stop()
    for handle in handles.withLock({ $0 }) { pthread_join(handle, nil) }
  }

  private static func defaultThreadCount() -> Int {
    if let text = unsafe getenv("VITRINE_THREADS"), let count = unsafe Int(String(cString: text)),
      count > 0
    {
      return min(count, 256)
    }
    return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// Calls `body` with ranges that together are `0..<count`, each of `grain` indices (the last may be
  /// shorter), at the same time on several threads; returns when all are done.
  public func parallel(count: Int, grain: Int = 1, _ body: @Sendable (Range<Int>) -> Void) {
    divide(count: count, grain: grain, body)
  }

  /// `parallel` for bodies that write to distinct places of memory through pointers, which the type system cannot see.
  func divide(count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
    let grain = max(1, grain)
    guard count > 0 else { return }
    guard threadCount > 1, count > grain, crew.enter() else {
      var start = 0
      while start < count {
        let end = min(start + grain, count)
        body(start..<end)
        start = end
      }
      return
    }
    startIfNeeded()
    crew.run(count: count, grain: grain, body)
  }

  private func startIfNeeded() {
    guard !isStarted.exchange(true, ordering: .acquiringAndReleasing) else { return }
    var started: [pthread_t] = []
    for _ in 1..<threadCount {
      var handle = pthread_t()
      let argument = unsafe Unmanaged.passRetained(crew).toOpaque()
      let status = unsafe pthread_create(
        &handle, nil,
        { argument in
          guard let argument = unsafe argument else { return nil }
          unsafe Unmanaged<Crew>.fromOpaque(argument).takeRetainedValue().work()
          return nil
        }, argument)
      if status == 0 {
        started.append(handle)
      } else {
        unsafe Unmanaged<Crew>.fromOpaque(argument).release()
      }
    }
    handles.withLock { $0 = started }
  }
}

/// The part of a pool that its threads share.
///
/// A region is announced in one word: its number (upper half), whether it may be joined, and how many threads are inside. The
/// caller closes the region when all its pieces are taken and waits for those inside, so a thread that
/// wakes late finds it closed and costs nothing.
///
/// Sendable because what is not atomic is written by the one caller that holds `isBusy`, while no thread is inside.
@safe private final class Crew: @unchecked Sendable {  // see the comment above
  private static let open: UInt64 = 1 << 31
  private static let insideMask: UInt64 = (1 << 31) - 1
  /// How often a thread looks before it sleeps: some 200 µs, longer than the steps between two regions
  /// of a run take, and than it takes the system to wake a thread.
  private static let spins = 16_000
  /// After so many looks others may have the core in between.
  private static let spinsAlone = 1_500

  private let region = Atomic<UInt64>(0)
  private let isBusy = Atomic<Bool>(false)
  private let isStopped = Atomic<Bool>(false)
  private let nextIndex = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  private var body: ((Range<Int>) -> Void)?
  private var count = 0
  private var grain = 1
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let announced = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let left = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe announced.initialize(to: pthread_cond_t())
    unsafe left.initialize(to: pthread_cond_t())
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(announced, nil)
    unsafe pthread_cond_init(left, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(left)
    unsafe pthread_cond_destroy(announced)
    unsafe pthread_mutex_destroy(mutex)
    unsafe left.deallocate()
    unsafe announced.deallocate()
    unsafe mutex.deallocate()
  }

  /// Whether the caller may announce a region now; if so it must call `run`.
  func enter() -> Bool {
    isBusy.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
      .exchanged
  }

  func run(count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    withoutActuallyEscaping(body) { body in
      self.body = body
      self.count = count
      self.grain = grain
      nextIndex.store(0, ordering: .relaxed)
      let number = (region.load(ordering: .relaxed) >> 32) &+ 1
      region.store(number << 32 | Self.open, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_broadcast(announced)
        unsafe pthread_mutex_unlock(mutex)
      }
      takePieces(body)
      region.bitwiseAnd(~Self.open, ordering: .sequentiallyConsistent)
      waitUntilAllLeft()
      self.body = nil
    }
    isBusy.store(false, ordering: .releasing)
  }

  private func takePieces(_ body: (Range<Int>) -> Void) {
    while true {
      let start = nextIndex.wrappingAdd(grain, ordering: .relaxed).oldValue
      guard start < count else { return }
      body(start..<min(start + grain, count))
    }
  }

  private static func pause(_ spin: Int) {
    vk_pause()
    if spin >= spinsAlone, spin % 64 == 0 { sched_yield() }
  }

  private func waitUntilAllLeft() {
    for spin in 0..<Self.spins {
      if region.load(ordering: .acquiring) & Self.insideMask == 0 { return }
      Self.pause(spin)
    }
    unsafe pthread_mutex_lock(mutex)
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    while region.load(ordering: .sequentiallyConsistent) & Self.insideMask != 0 {
      unsafe pthread_cond_wait(left, mutex)
    }
    callerSleeps.store(false, ordering: .relaxed)
    unsafe pthread_mutex_unlock(mutex)
  }

  /// What a thread of the pool does until `stop`.
  func work() {
    var lastNumber: UInt64 = 0
    while true {
      guard let number = waitForRegion(after: lastNumber) else { return }
      lastNumber = number
      guard join(number) else { continue }
      if let body { takePieces(body) }
      let now = region.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue
      if now & Self.insideMask == 0, callerSleeps.load(ordering: .sequentiallyConsistent) {
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_signal(left)
        unsafe pthread_mutex_unlock(mutex)
      }
    }
  }

  private func join(_ number: UInt64) -> Bool {
    var seen = region.load(ordering: .acquiring)
    while seen >> 32 == number, seen & Self.open != 0 {
      let (exchanged, original) = region.compareExchange(
        expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
      if exchanged { return true }
      seen = original
    }
    return false
  }

  /// The number of an open region other than `last`, or nil when the pool ends.
  private func waitForRegion(after last: UInt64) -> UInt64? {
    func found(_ word: UInt64) -> UInt64? {
      word & Self.open != 0 && word >> 32 != last ? word >> 32 : nil
    }
    for spin in 0..<Self.spins {
      if let number = found(region.load(ordering: .acquiring)) { return number }
      if isStopped.load(ordering: .relaxed) { return nil }
      Self.pause(spin)
    }
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    defer { sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
    while true {
      if isStopped.load(ordering: .sequentiallyConsistent) { return nil }
      if let number = found(region.load(ordering: .sequentiallyConsistent)) { return number }
      unsafe pthread_cond_wait(announced, mutex)
    }
  }

  func stop() {
    unsafe pthread_mutex_lock(mutex)
    isStopped.store(true, ordering: .sequentiallyConsistent)
    unsafe pthread_cond_broadcast(announced)
    unsafe pthread_mutex_unlock(mutex)
  }
}
