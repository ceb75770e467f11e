import Glibc
import Synchronization

extension Cancellation {
  /// Runs work that has no place to look at the flag, such as reading a large JSON file, and returns as soon as
  /// the flag is set.
  ///
  /// The work then goes on to its end on a thread of its own, and what it gives is dropped. It is for computing without
  /// effects that others could see.
  ///
  /// - Returns: what the work gives.
  /// - Throws: what the work throws; `Cancelled` within some milliseconds of the flag's setting.
  public func leavingBehind<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value
  ) throws -> Value {
    try check()
    let handover = Handover<Value>()
    let isStarted = startThread { handover.put(Result { try work() }) }
    // Without a thread the work is done here.
    guard isStarted else { return try work() }
    while true {
      if let result = handover.take(waitingMilliseconds: 5) { return try result.get() }
      try check()
    }
  }
}

/// A place where one thread puts a result and another waits for it.
///
/// Sendable because the semaphore is made for use from several threads.
@safe private final class Handover<Value: Sendable>: @unchecked Sendable {  // see the comment above
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let isThere = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() {
    unsafe isThere.initialize(to: sem_t())
    unsafe sem_init(isThere, 0, 0)
  }

  deinit {
    unsafe sem_destroy(isThere)
    unsafe isThere.deallocate()
  }

  func put(_ value: Result<Value, any Error>) {
    result.withLock { $0 = value }
    unsafe sem_post(isThere)
  }

  /// The result, or `nil` where it didn't come in time.
  func take(waitingMilliseconds: Int) -> Result<Value, any Error>? {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    time.tv_nsec += waitingMilliseconds * 1_000_000
    time.tv_sec += time.tv_nsec / 1_000_000_000
    time.tv_nsec %= 1_000_000_000
    _ = unsafe sem_timedwait(isThere, &time)
    return result.withLock { $0 }
  }
}

private final class Work: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Starts a thread that nobody waits for.
///
/// - Returns: whether the system gave one.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  let work = unsafe Unmanaged.passRetained(Work(body))
  var thread = pthread_t()
  let status = unsafe pthread_create(
    &thread, nil,
    { argument in
      if let argument = unsafe argument {
        unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
      }
      return nil
    }, work.toOpaque())
  guard status == 0 else {
    unsafe work.release()
    return false
  }
  pthread_detach(thread)
  return true
}
