import Synchronization

/// Whether the user asked one execution to stop.
///
/// Each execution has its own, so that an interrupt that comes just as a cell ends can't stop the
/// next one, and one that comes just before a cell begins isn't lost.
public final class Interruption: Sendable {
  private let requested = Atomic<Bool>(false)
  private let handlers = Mutex<[@Sendable () -> Void]>([])

  /// Not requested.
  public init() {}

  /// Whether the execution should stop.
  public var isRequested: Bool { requested.load(ordering: .acquiring) }

  /// Asks the execution to stop; the second time does nothing.
  public func request() {
    let waiting = handlers.withLock { handlers -> [@Sendable () -> Void] in
      requested.store(true, ordering: .releasing)
      defer { handlers = [] }
      return handlers
    }
    for handler in waiting { handler() }
  }

  /// Has a closure called once when the execution is asked to stop, at once if it was already.
  ///
  /// It is called on the thread that serves the sockets and must not block.
  public func whenRequested(_ body: @escaping @Sendable () -> Void) {
    let isLate = handlers.withLock { handlers -> Bool in
      if isRequested { return true }
      handlers.append(body)
      return false
    }
    if isLate { body() }
  }
}
