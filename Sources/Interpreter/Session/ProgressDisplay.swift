import Figures
import Synchronization

/// Shows the progress of long work as a bar among the cell's output: after a second of work, at
/// most ten times a second, with the time left.
final class ProgressDisplay: ProgressSink {
  private struct State: Sendable {
    var label = ""
    var began = ContinuousClock.now
    var shown: ContinuousClock.Instant?
    var fraction = 0.0
    var identifier: String?
    var isFinished = false
  }
  private let state = Mutex(State())
  private let output: any OutputSink

  init(output: any OutputSink) { self.output = output }

  func progress(_ label: String, fraction: Double, detail: String) {
    let now = ContinuousClock.now
    state.withLock { state in
      guard !state.isFinished else { return }
      // Another label, or a step back, is the beginning of another work.
      if state.label != label || fraction < state.fraction {
        state.label = label
        state.began = now
      }
      state.fraction = fraction
      let elapsed = state.began.duration(to: now)
      guard elapsed > .seconds(1) || state.identifier != nil else { return }
      if let shown = state.shown, shown.duration(to: now) < .milliseconds(100), fraction < 1 {
        return
      }
      state.shown = now
      let seconds = elapsed / .seconds(1)
      let left = fraction > 0.01 ? seconds * (1 - fraction) / fraction : nil
      let bundle = ProgressFigure(
        label: label, fraction: fraction, detail: detail, secondsLeft: left
      ).mimeBundle()
      if let identifier = state.identifier {
        output.update(bundle, identifier: identifier)
      } else {
        let identifier = "progress-\(UInt64.random(in: 0...UInt64.max))"
        state.identifier = identifier
        output.display(bundle, identifier: identifier)
      }
    }
  }

  /// Brings the bar to its end; nothing is shown after.
  func finish() {
    state.withLock { state in
      guard !state.isFinished else { return }
      state.isFinished = true
      guard let identifier = state.identifier else { return }
      // No time is told: a notebook that is run twice should say the same.
      let detail = state.fraction >= 1 ? "" : "stopped"
      output.update(
        ProgressFigure(label: state.label, fraction: state.fraction, detail: detail).mimeBundle(),
        identifier: identifier)
    }
  }
}
