import Synchronization

/// Work of which only the latest counts, such as a figure that follows a slider: newer work under a
/// name takes the place of what waits, and interrupts what runs.
///
/// Done one after another on a thread of its own, with a stack as cells have it.
public final class LatestWork: Sendable {
  /// What is to be done; it should end within 100 ms when the flag is set.
  public typealias Work = @Sendable (Interruption) -> Void

  private struct Item {
    let name: String
    let work: Work
    let interruption: Interruption
  }

  private struct State {
    var waiting: [Item] = []
    var running: Item?
  }

  private let state = Mutex(State())
  private let wakeUp: TaskQueue<Bool>

  /// Starts the thread.
  ///
  /// - Throws: `KernelError.outOfResources`.
  public init() throws(KernelError) {
    wakeUp = try TaskQueue()
    try WorkerThread.start(stackBytes: KernelServer.executionStackByteCount) { [self] in run() }
  }

  /// Has work done in place of all earlier work of the same name.
  public func submit(_ name: String, _ work: @escaping Work) {
    let item = Item(name: name, work: work, interruption: Interruption())
    let older = state.withLock { state -> Interruption? in
      state.waiting.removeAll { $0.name == name }
      state.waiting.append(item)
      return state.running?.name == name ? state.running?.interruption : nil
    }
    older?.request()
    wakeUp.post(true)
  }

  /// Interrupts what runs and drops what waits; the thread ends.
  public func stop() {
    let running = state.withLock { state -> Interruption? in
      state.waiting = []
      return state.running?.interruption
    }
    running?.request()
    wakeUp.post(false)
  }

  private func run() {
    while true {
      guard !wakeUp.take().contains(false) else { return }
      while let item = next() { item.work(item.interruption) }
    }
  }

  private func next() -> Item? {
    state.withLock { state in
      state.running = state.waiting.isEmpty ? nil : state.waiting.removeFirst()
      return state.running
    }
  }
}

extension Interruption {
  /// Waits, but not on after an interruption is requested.
  ///
  /// - Returns: whether the whole time went by.
  public func pause(milliseconds: Int) -> Bool {
    let end = Clock.now() + UInt64(milliseconds) * 1_000_000
    while !isRequested {
      let now = Clock.now()
      if now >= end { return true }
      Clock.sleep(min(10_000_000, end - now))
    }
    return false
  }
}
