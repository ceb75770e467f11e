import Synchronization

/// Work handed to one waiting thread, in order.
final class TaskQueue<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])
  private let wakeUp: EventDescriptor

  init() throws(KernelError) { wakeUp = try EventDescriptor(isBlocking: true) }

  /// Adds work and wakes the thread.
  func post(_ element: Element) {
    elements.withLock { $0.append(element) }
    wakeUp.signal()
  }

  /// Waits until there is work and takes all of it.
  func take() -> [Element] {
    while true {
      wakeUp.wait()
      let taken = elements.withLock { elements -> [Element] in
        defer { elements = [] }
        return elements
      }
      if !taken.isEmpty { return taken }
    }
  }
}
