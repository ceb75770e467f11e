import Synchronization

/// A cell that waits for the user's line.
final class InputWaiter: Sendable {
  private enum Answer {
    case line(String)
    case interrupted
  }

  /// The id of the `input_request`.
  let identifier: String
  /// The client that was asked.
  let identities: [[UInt8]]
  private let answer = Mutex<Answer?>(nil)
  private let wakeUp: EventDescriptor

  init(identifier: String, identities: [[UInt8]]) throws(KernelError) {
    self.identifier = identifier
    self.identities = identities
    wakeUp = try EventDescriptor(isBlocking: true)
  }

  /// Whether the answer came, or the wait was interrupted.
  var isDone: Bool { answer.withLock { $0 != nil } }

  /// Hands the line over.
  func deliver(_ line: String) { settle(.line(line)) }

  /// Ends the wait.
  func interrupt() { settle(.interrupted) }

  private func settle(_ value: Answer) {
    let isFirst = answer.withLock { answer -> Bool in
      guard answer == nil else { return false }
      answer = value
      return true
    }
    if isFirst { wakeUp.signal() }
  }

  /// Waits for the line.
  func wait() throws(InputError) -> String {
    while true {
      wakeUp.wait()
      switch answer.withLock({ $0 }) {
      case .line(let line): return line
      case .interrupted: throw .interrupted
      case nil: continue
      }
    }
  }
}
