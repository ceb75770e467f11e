import DataFormats
import Interpreter
import Language
import Synchronization

/// Collects a cell's output.
final class Recorder: OutputSink {
  struct Output: Sendable {
    var standardOutput = ""
    var standardError = ""
    var displays: [MIMEBundle] = []
    var results: [MIMEBundle] = []
    var pages: [MIMEBundle] = []
    var clears = 0
  }
  private let state = Mutex(Output())
  private let answer: String

  init(answer: String = "") { self.answer = answer }

  var output: Output { state.withLock { $0 } }

  func stream(_ stream: OutputStream, _ text: String) {
    state.withLock { state in
      switch stream {
      case .standardOutput: state.standardOutput += text
      case .standardError: state.standardError += text
      }
    }
  }
  func display(_ bundle: MIMEBundle, identifier: String?) {
    state.withLock { $0.displays.append(bundle) }
  }
  func update(_ bundle: MIMEBundle, identifier: String) {}
  func result(_ bundle: MIMEBundle) { state.withLock { $0.results.append(bundle) } }
  func clear(wait: Bool) { state.withLock { $0.clears += 1 } }
  func readLine(prompt: String, isPassword: Bool) throws -> String { answer }
  func page(_ bundle: MIMEBundle) { state.withLock { $0.pages.append(bundle) } }
}

/// What a cell gave: its result's plain text, what it printed, or its diagnostics.
struct CellRun {
  var result: String?
  var printed: String
  var diagnostics: [Diagnostic]
  var isInterrupted = false
  var bundle: MIMEBundle?
  var output: Recorder.Output

  var code: String? { diagnostics.first?.code }
  var message: String { diagnostics.first?.message ?? "" }
}

extension Session {
  /// Runs a cell and collects what it gives.
  @discardableResult
  func run(
    _ source: String, parameters: ParameterOverrides = ParameterOverrides(),
    limits: ExecutionContext.Limits = ExecutionContext.Limits(), answer: String = "",
    executionCount: Int = 1
  ) -> CellRun {
    let recorder = Recorder(answer: answer)
    let outcome = execute(
      source, executionCount: executionCount, output: recorder, parameters: parameters,
      limits: limits)
    let output = recorder.output
    var run = CellRun(
      result: output.results.first?.plainText, printed: output.standardOutput, diagnostics: [],
      bundle: output.results.first, output: output)
    switch outcome {
    case .ok: break
    case .failed(let diagnostics): run.diagnostics = diagnostics
    case .interrupted: run.isInterrupted = true
    }
    return run
  }
}

/// The plain text of a cell's result in a new session.
func result(_ source: String) -> String? { Session(version: "test").run(source).result }

/// The text of a diagnostic's place.
func place(_ diagnostic: Diagnostic?, in source: String) -> String? {
  guard let range = diagnostic?.range else { return nil }
  return SourceText(source).text(in: range)
}
