import Glibc
import Synchronization

/// The descriptor that the signal handlers write to, -1 before there is one.
private let signalDescriptor = Atomic<Int32>(-1)
/// How many SIGINT came.
private let interruptCount = Atomic<Int>(0)
/// How many SIGTERM and SIGHUP came.
private let terminationCount = Atomic<Int>(0)

/// Signals to the process, as events that the thread of the sockets polls.
final class Signals {
  private let wakeUp: EventDescriptor

  /// Takes the signals over for the rest of the process.
  init() throws(KernelError) {
    wakeUp = try EventDescriptor(isBlocking: false)
    interruptCount.store(0, ordering: .relaxed)
    terminationCount.store(0, ordering: .relaxed)
    signalDescriptor.store(wakeUp.descriptor, ordering: .releasing)
    // Only atomics and write(2) are used: a handler may run at any moment, on any thread.
    Self.install(SIGINT) { _ in
      interruptCount.add(1, ordering: .relaxed)
      Signals.wake()
    }
    for signal in [SIGTERM, SIGHUP] {
      Self.install(signal) { _ in
        terminationCount.add(1, ordering: .relaxed)
        Signals.wake()
      }
    }
    var ignore = sigaction()
    unsafe ignore.__sigaction_handler.sa_handler = SIG_IGN
    _ = unsafe sigaction(SIGPIPE, &ignore, nil)
  }

  deinit { signalDescriptor.store(-1, ordering: .releasing) }

  /// The descriptor to poll.
  var descriptor: Int32 { wakeUp.descriptor }

  /// What came since the last call.
  func take() -> (interrupted: Bool, terminated: Bool) {
    wakeUp.wait()
    let interrupts = interruptCount.exchange(0, ordering: .relaxed)
    let terminations = terminationCount.exchange(0, ordering: .relaxed)
    return (interrupts > 0, terminations > 0)
  }

  private static func install(_ signal: Int32, _ handler: @convention(c) (Int32) -> Void) {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = handler
    action.sa_flags = SA_RESTART
    _ = unsafe sigaction(signal, &action, nil)
  }

  private static func wake() {
    let descriptor = signalDescriptor.load(ordering: .acquiring)
    guard descriptor >= 0 else { return }
    let saved = errno
    var one: UInt64 = 1
    _ = unsafe write(descriptor, &one, 8)
    errno = saved
  }
}

/// The process that started the kernel.
struct ParentWatch {
  private let parent: pid_t
  private let isDirectParent: Bool

  /// Watches the process that `JPY_PARENT_PID` names; `nil` where there is none to watch.
  init?(_ text: String? = Environment.value("JPY_PARENT_PID")) {
    guard let text, let number = pid_t(text), number > 1
    else { return nil }
    parent = number
    isDirectParent = getppid() == number
    // A number from another process namespace says nothing.
    guard isDirectParent || kill(number, 0) == 0 || errno == EPERM else { return nil }
  }

  /// Whether it is gone.
  var isGone: Bool {
    isDirectParent ? getppid() != parent : kill(parent, 0) != 0 && errno == ESRCH
  }
}
