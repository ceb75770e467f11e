import DataFormats
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
    /// Whether the cell has shown nothing but the bar.
    var isAlone = true
  }
  private let state = Mutex(State())
  private let output: any OutputSink

  private let delay: Duration

  /// A bar that is shown once a work has taken longer than the delay.
  init(output: any OutputSink, delay: Duration = .seconds(1)) {
    self.output = output
    self.delay = delay
  }

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
      guard elapsed > delay || state.identifier != nil else { return }
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

  /// Takes the bar away, so that what a notebook keeps doesn't depend on how long the work took;
  /// nothing is shown after.
  ///
  /// Where the cell has shown other things too, which clearing would take along, the bar is
  /// brought to its end instead.
  ///
  /// - Parameter showsMore: whether another output follows at once, in the bar's place.
  func finish(showsMore: Bool = false) {
    state.withLock { state in
      guard !state.isFinished else { return }
      state.isFinished = true
      guard let identifier = state.identifier else { return }
      if state.isAlone {
        output.clear(wait: showsMore)
        return
      }
      // No time is told: a notebook that is run twice should say the same.
      let detail = state.fraction >= 1 ? "" : "stopped"
      output.update(
        ProgressFigure(label: state.label, fraction: state.fraction, detail: detail).mimeBundle(),
        identifier: identifier)
    }
  }

  /// Has to be told that the cell shows something else.
  func noteOtherOutput() {
    state.withLock { $0.isAlone = false }
  }
}

/// A cell's output, which tells the bar of progress when something else is shown.
struct WatchedOutput: OutputSink {
  let output: any OutputSink
  let bar: ProgressDisplay

  func stream(_ stream: OutputStream, _ text: String) {
    bar.noteOtherOutput()
    output.stream(stream, text)
  }
  func display(_ bundle: MIMEBundle, identifier: String?) {
    bar.noteOtherOutput()
    output.display(bundle, identifier: identifier)
  }
  func update(_ bundle: MIMEBundle, identifier: String) {
    output.update(bundle, identifier: identifier)
  }
  func result(_ bundle: MIMEBundle) { output.result(bundle) }
  func page(_ bundle: MIMEBundle) { output.page(bundle) }
  func show(_ panel: any LivePanel, kept: MIMEBundle, isResult: Bool) {
    bar.noteOtherOutput()
    output.show(panel, kept: kept, isResult: isResult)
  }
  func clear(wait: Bool) { output.clear(wait: wait) }
  func readLine(prompt: String, isPassword: Bool) throws -> String {
    try output.readLine(prompt: prompt, isPassword: isPassword)
  }
}
