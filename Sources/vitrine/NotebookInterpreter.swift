import DataFormats
import Figures
import Interpreter
import JupyterKernel
import JupyterProtocol
import Language
import Synchronization
import Tensors
import Workbench

/// The analysis language as a kernel's interpreter: puts a session behind JupyterKernel's contract.
final class NotebookInterpreter: CellInterpreter {
  private let session: Session
  private let panels: PanelWidgets

  init(_ session: Session) {
    self.session = session
    panels = PanelWidgets(session)
  }

  /// What Jupyter is told of the language; the highlighters are Python's, whose words are the
  /// nearest.
  static let language = LanguageInformation(
    name: "vitrine", version: Workbench.version, mimeType: "text/x-vitrine", fileExtension: ".vit",
    pygmentsLexer: "python", codeMirrorMode: "python")

  let information = KernelInformation(
    implementation: "vitrine", implementationVersion: Workbench.version, language: language,
    banner: "Vitrine \(Workbench.version): look inside language models. "
      + "help() lists the functions; name? explains one.")

  func execute(_ request: ExecutionRequest, output: any CellOutput) -> ExecutionOutcome {
    let sink = CellOutputSink(output: output, panels: panels)
    // A flag for each request: an interrupt stops its cell alone, however early it comes.
    let cancellation = Cancellation()
    request.interruption.whenRequested { cancellation.cancel() }
    let outcome = session.execute(
      request.code, executionCount: request.executionCount, output: sink,
      showsResult: !request.isSilent, cancellation: cancellation)
    switch outcome {
    case .interrupted: return .interrupted
    case .failed(let diagnostics): return Self.failure(diagnostics, source: request.code)
    case .ok:
      return .ok(
        userExpressions: request.userExpressions.map {
          evaluate($0, output: sink, cancellation)
        },
        payload: sink.pages.map(Self.payload))
    }
  }

  let commTargets = WidgetTable.targets

  func commOpened(_ event: CommEvent, output: any CellOutput) {
    panels.widgets.opened(event, output: output)
  }

  func commReceived(_ event: CommEvent, output: any CellOutput) {
    panels.widgets.received(event, output: output)
  }

  func commClosed(_ event: CommEvent, output: any CellOutput) { panels.widgets.closed(event) }

  func shutdown(restart: Bool) { panels.stop() }

  func complete(_ request: CompleteRequest) -> CompleteReply {
    let completion = session.complete(request.code, codePoint: request.cursor)
    return CompleteReply(
      matches: completion.matches.map {
        CompleteReply.Match(text: $0.text, type: $0.kind, signature: $0.detail)
      }, start: completion.codePoints.lowerBound,
      end: completion.codePoints.upperBound)
  }

  func inspect(_ request: InspectRequest) -> InspectReply {
    InspectReply(bundle: session.inspect(request.code, codePoint: request.cursor))
  }

  func isComplete(_ code: String) -> IsCompleteReply {
    switch session.isComplete(code) {
    case .complete: .complete
    case .incomplete(let indent): .incomplete(indent: indent)
    case .invalid: .invalid
    }
  }

  private func evaluate(
    _ expression: UserExpression, output: CellOutputSink, _ cancellation: Cancellation
  ) -> UserExpressionResult {
    switch session.evaluateExpression(
      expression.code, output: output, cancellation: cancellation)
    {
    case .value(let bundle): return .init(name: expression.name, outcome: .value(bundle))
    case .failed(let diagnostics):
      return .init(
        name: expression.name,
        outcome: .error(Self.errorContent(diagnostics, source: expression.code)))
    case .interrupted:
      return .init(
        name: expression.name,
        outcome: .error(
          ErrorContent(name: "interrupted", message: "Interrupted.", traceback: [])))
    }
  }

  /// Diagnostics as a Jupyter error: the first one's code and sentence, and all of them rendered.
  static func failure(_ diagnostics: [Diagnostic], source: String) -> ExecutionOutcome {
    let content = errorContent(diagnostics, source: source)
    return .error(name: content.name, message: content.message, traceback: content.traceback)
  }

  private static func errorContent(_ diagnostics: [Diagnostic], source: String) -> ErrorContent {
    let first = diagnostics.first
    return ErrorContent(
      name: first?.code ?? "failure", message: first?.message ?? "The cell failed.",
      traceback: diagnostics.map { DiagnosticRenderer.render($0, source: source) })
  }

  private static func payload(_ bundle: MIMEBundle) -> JSONObject {
    ["source": "page", "data": .object(bundle.data), "start": 0]
  }
}

/// Hands what a session shows to a kernel's cell.
final class CellOutputSink: OutputSink {
  private let output: any CellOutput
  private let panels: PanelWidgets?
  private let pagesShown = Mutex<[MIMEBundle]>([])

  /// - Parameter panels: what shows live controls; `nil` for none.
  init(output: any CellOutput, panels: PanelWidgets? = nil) {
    self.output = output
    self.panels = panels
  }

  /// What was shown in the pager.
  var pages: [MIMEBundle] { pagesShown.withLock { $0 } }

  func stream(_ stream: OutputStream, _ text: String) {
    output.stream(stream == .standardOutput ? .standardOutput : .standardError, text)
  }
  func display(_ bundle: MIMEBundle, identifier: String?) {
    output.display(bundle, identifier: identifier)
  }
  func update(_ bundle: MIMEBundle, identifier: String) {
    output.update(bundle, identifier: identifier)
  }
  func result(_ bundle: MIMEBundle) { output.result(bundle) }
  func page(_ bundle: MIMEBundle) { pagesShown.withLock { $0.append(bundle) } }
  func show(_ panel: any LivePanel, kept: MIMEBundle, isResult: Bool) {
    if let panels {
      panels.show(panel, kept: kept, isResult: isResult, output: output)
    } else if isResult {
      output.result(kept)
    } else {
      output.display(kept)
    }
  }
  func clear(wait: Bool) { output.clear(wait: wait) }
  func readLine(prompt: String, isPassword: Bool) throws -> String {
    try output.readLine(prompt: prompt, isPassword: isPassword)
  }
}
