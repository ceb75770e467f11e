import Glibc
import Interpreter
import Synchronization

/// Shows progress on a terminal, in one line that is written over and gone in the end.
///
/// It goes to standard error, and nowhere where that is no terminal, so that what a run writes
/// doesn't depend on how long its work takes.
final class TerminalProgress: ProgressSink {
  private struct State: Sendable {
    var began = ContinuousClock.now
    var label = ""
    var isShown = false
    var percent = -1
  }
  private let state = Mutex(State())
  private let isTerminal = isatty(2) == 1

  func progress(_ label: String, fraction: Double, detail: String) {
    guard isTerminal else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      if state.label != label {
        state.label = label
        state.began = now
        state.percent = -1
      }
      let percent = Int((min(max(fraction, 0), 1) * 100).rounded(.down))
      guard state.began.duration(to: now) > .seconds(1), percent != state.percent else { return }
      state.percent = percent
      state.isShown = true
      StandardError.write("\r\u{1B}[K\(label): \(percent) % \(detail)")
    }
  }

  /// Wipes the line.
  func clear() {
    state.withLock { state in
      if state.isShown { StandardError.write("\r\u{1B}[K") }
      state = State()
    }
  }
}
