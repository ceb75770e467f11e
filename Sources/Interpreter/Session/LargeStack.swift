import Glibc

/// Runs a body on a thread with a large stack and waits for it.
///
/// The evaluator follows the nesting of the program on the stack; with its limits on levels and
/// calls, this much stack is enough for whatever a cell does, whichever thread asks for it. The
/// pages are only taken when they are used.
enum LargeStack {
  static let byteCount = 256 << 20

  private final class Job {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  /// Gives what the body gives.
  static func run<T>(_ body: () -> T) -> T {
    var result: T?
    withoutActuallyEscaping({ result = body() }) { work in
      let started = start(Job(work))
      // Without a thread the body still runs, with the stack that there is.
      if !started { work() }
    }
    guard let result else { preconditionFailure("the thread ended without a result") }
    return result
  }

  private static func start(_ job: Job) -> Bool {
    var attributes = pthread_attr_t()
    guard unsafe pthread_attr_init(&attributes) == 0 else { return false }
    defer { unsafe pthread_attr_destroy(&attributes) }
    guard unsafe pthread_attr_setstacksize(&attributes, byteCount) == 0 else { return false }
    let reference = unsafe Unmanaged.passRetained(job)
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, &attributes,
      { pointer in
        if let pointer = unsafe pointer {
          unsafe Unmanaged<Job>.fromOpaque(pointer).takeRetainedValue().body()
        }
        return nil
      }, reference.toOpaque())
    guard status == 0 else {
      unsafe reference.release()
      return false
    }
    pthread_join(thread, nil)
    return true
  }
}
