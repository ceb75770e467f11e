import Glibc

/// Control-C interrupts the running cell; a second one ends the program, as it would any other.
enum InterruptSignal {
  private final class Handler: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Has a closure called, on a thread of its own, when the user presses Control-C.
  ///
  /// To be called before other threads start: the signal is blocked in this thread and in those
  /// that it starts, so that the one that waits for it gets it.
  static func interrupts(_ body: @escaping @Sendable () -> Void) {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGINT)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    var thread = pthread_t()
    let handler = unsafe Unmanaged.passRetained(Handler(body)).toOpaque()
    unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let handler = unsafe Unmanaged<Handler>.fromOpaque(argument).takeRetainedValue()
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        var number: Int32 = 0
        guard unsafe sigwait(&signals, &number) == 0 else { return nil }
        handler.body()
        guard unsafe sigwait(&signals, &number) == 0 else { return nil }
        _exit(130)
      }, handler)
  }
}
