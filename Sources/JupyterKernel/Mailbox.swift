import Glibc
import JupyterProtocol
import Synchronization

/// What other threads ask the thread that owns the sockets to do.
enum MailboxEvent: Sendable {
  /// Send a broadcast.
  case publish([[UInt8]])
  /// Ask the user; the waiter gets the answer.
  case ask([[UInt8]], InputWaiter)
  /// A shell's task ended: send its reply, then its `idle`.
  case finished(TaskEnd)
  /// A question about the code was answered.
  case answered(reply: [[UInt8]], idle: [[UInt8]])
  /// End as if by SIGTERM.
  case stop
  /// Interrupt as if by SIGINT.
  case interrupt
}

/// How a shell's task ended.
struct TaskEnd: Sendable {
  /// The shell, `nil` for the main one.
  var subshell: String?
  /// The frames of the reply, `nil` for a task that has none.
  var reply: [[UInt8]]?
  /// The frames of `status: idle`.
  var idle: [[UInt8]]
  /// Whether the executions queued behind it are aborted.
  var abortsFollowing: Bool
}

/// The way from all other threads to the one that owns the sockets, in order.
final class Mailbox: Sendable {
  private struct State {
    var events: [MailboxEvent] = []
    var bytes = 0
    var isClosed = false
  }

  private let capacity: Int
  private let state = Mutex(State())
  let wakeUp: EventDescriptor

  /// - Parameter capacity: how many bytes may wait to be sent before those who write more wait too.
  init(capacity: Int = 64 << 20) throws(KernelError) {
    self.capacity = capacity
    wakeUp = try EventDescriptor(isBlocking: false)
  }

  /// Waits while too much waits to be sent; not for the thread that sends, nor under a lock that
  /// it takes.
  func waitForRoom() {
    while state.withLock({ $0.bytes > capacity && !$0.isClosed }) { usleep(1_000) }
  }

  /// Adds an event and wakes the thread that owns the sockets.
  func post(_ event: MailboxEvent) {
    var size = 0
    if case .publish(let frames) = event { for frame in frames { size += frame.count } }
    let isFirst = state.withLock { state -> Bool in
      guard !state.isClosed else { return false }
      state.bytes += size
      state.events.append(event)
      return state.events.count == 1
    }
    if isFirst { wakeUp.signal() }
  }

  /// Takes all events.
  func drain() -> [MailboxEvent] {
    state.withLock { state in
      defer {
        state.events = []
        state.bytes = 0
      }
      return state.events
    }
  }

  /// Drops what is posted from now on, so that a cell that goes on after the end can't fill memory.
  func close() {
    state.withLock { state in
      state.isClosed = true
      state.events = []
    }
  }
}
