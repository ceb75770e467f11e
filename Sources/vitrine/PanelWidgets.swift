import DataFormats
import Figures
import FoundationEssentials
import Interpreter
import JupyterKernel
import JupyterProtocol
import Language
import Synchronization
import Tensors

/// Shows panels of controls as Jupyter widgets, and computes their figures as the controls change.
///
/// A panel is two outputs: the widgets with the live figure, and beneath them what the notebook keeps,
/// which hides itself while the widgets are live and follows them when they rest.
final class PanelWidgets: Sendable {
  /// One panel that was shown.
  private final class Shown: Sendable {
    let panel: any LivePanel
    /// Names the panel's work and the output that the notebook keeps.
    let key: String
    /// The widgets by the names of the controls, and their layouts.
    let controls: Mutex<[String: (widget: String, layout: String)]>
    let figure: Mutex<(column: String, figure: String)?>
    let since: Int

    init(_ panel: any LivePanel, key: String, since: Int) {
      self.panel = panel
      self.key = key
      self.since = since
      controls = Mutex([:])
      figure = Mutex(nil)
    }
  }

  private struct State {
    var shown: [Shown] = []
    var count = 0
  }

  private let session: Session
  private let work: LatestWork?
  private let state = Mutex(State())
  /// The widgets of all panels.
  let widgets: WidgetTable

  /// Until controls rest for so long, what the notebook keeps isn't brought up to date.
  private static let rest = 900

  init(_ session: Session) {
    self.session = session
    work = try? LatestWork()
    widgets = WidgetTable()
  }

  /// Stops what is computed.
  func stop() { work?.stop() }

  /// Shows a panel: its widgets, then what the notebook keeps.
  func show(_ panel: any LivePanel, kept: MIMEBundle, isResult: Bool, output: any CellOutput) {
    guard work != nil else {
      if isResult { output.result(kept) } else { output.display(kept) }
      return
    }
    let shown = state.withLock { state -> Shown in
      state.count += 1
      let now = Int(Date().timeIntervalSince1970)
      let shown = Shown(panel, key: "panel-\(state.count)-\(now)", since: now)
      state.shown.append(shown)
      return shown
    }
    let column = open(shown, output: output)
    var controls = MIMEBundle(plainText: "Controls; they need a running kernel.")
    controls.data[WidgetMessages.viewType] = WidgetMessages.view(of: column)
    output.display(controls)
    // JupyterLab follows the updates of displays alone, not those of a cell's value.
    output.display(kept, identifier: shown.key)
    compute(shown, output: output, delay: 0, keeps: false)
  }

  // MARK: Widgets

  private func open(_ shown: Shown, output: any CellOutput) -> String {
    var children: [String] = []
    for control in shown.panel.controls {
      let layout = widgets.open(
        WidgetModels.layout(Self.layout(of: control)), output: output)
      let identifier = control.identifier
      let widget = widgets.open(
        Self.model(of: control, layout: layout), output: output
      ) { [self] changes, output in
        take(changes, of: identifier, in: shown, output: output)
      }
      shown.controls.withLock { $0[identifier] = (widget, layout) }
      children.append(widget)
    }
    let room = widgets.open(
      WidgetModels.layout(["min_height": "200px", "margin": "6px 0 0 0"]), output: output)
    let figure = widgets.open(WidgetModels.output([], layout: room), output: output)
    let column = widgets.open(
      WidgetModels.column(
        children + [figure], classes: ["vitrine-panel", "vitrine-since-\(shown.since)"]),
      output: output)
    shown.figure.withLock { $0 = (column, figure) }
    return column
  }

  private static func layout(of control: PanelControl) -> JSONObject {
    [
      "width": control.identifier == "text" ? "auto" : "420px",
      "max_width": "100%",
      "display": control.isShown ? .null : "none",
    ]
  }

  private static func model(of control: PanelControl, layout: String) -> JSONObject {
    switch control.kind {
    case .text(let value, nil, let placeholder):
      WidgetModels.text(value, label: control.label, placeholder: placeholder, layout: layout)
    case .text(let value, let suggestions?, let placeholder):
      WidgetModels.combobox(
        value, options: suggestions, label: control.label, placeholder: placeholder,
        layout: layout)
    case .menu(let items, let index):
      WidgetModels.dropdown(items, index: index, label: control.label, layout: layout)
    case .slider(let items, let index):
      WidgetModels.selectionSlider(items, index: index, label: control.label, layout: layout)
    }
  }

  // MARK: Changes

  /// Takes in what the user set a control to.
  private func take(
    _ changes: JSONObject, of identifier: String, in shown: Shown, output: any CellOutput
  ) {
    var isText = false
    if let text = changes["value"]?.string {
      shown.panel.set(identifier, to: .text(text))
      isText = true
    } else if let index = changes["index"]?.integer {
      shown.panel.set(identifier, to: .index(index))
    } else {
      return
    }
    refresh(shown, except: identifier, output: output)
    compute(shown, output: output, delay: isText ? 200 : 0, keeps: true)
  }

  /// Brings the controls up to date with the panel; the one that the user holds is left alone.
  private func refresh(_ shown: Shown, except held: String?, output: any CellOutput) {
    let places = shown.controls.withLock { $0 }
    for control in shown.panel.controls {
      guard let (widget, layout) = places[control.identifier] else { continue }
      widgets.update(
        layout, ["display": control.isShown ? .null : "none"], output: output)
      if case .text(_, let suggestions?, _) = control.kind {
        widgets.update(
          widget, ["options": .array(suggestions.map { .string($0) })], output: output)
      }
    }
    guard held != nil, let column = shown.figure.withLock({ $0?.column }) else { return }
    // Who moves a control has a kernel: what the notebook keeps needn't be seen.
    widgets.update(
      column,
      ["_dom_classes": ["vitrine-panel", "vitrine-since-\(shown.since)", "vitrine-live"]],
      output: output)
  }

  /// Computes the live figure in place of all that is being computed for the panel, and when the
  /// controls have rested, what the notebook keeps.
  private func compute(
    _ shown: Shown, output: any CellOutput, delay: Int, keeps: Bool
  ) {
    work?.submit(shown.key) { [self] interruption in
      guard interruption.pause(milliseconds: delay) else { return }
      let sink = CellOutputSink(output: QuietOutput())
      let cancellation = Cancellation()
      interruption.whenRequested { cancellation.cancel() }
      let live = session.bundle(
        of: shown.panel, isKept: false, output: sink, cancellation: cancellation)
      guard let bundle = Self.visible(live), !interruption.isRequested else { return }
      if let figure = shown.figure.withLock({ $0?.figure }) {
        widgets.update(
          figure, ["outputs": WidgetModels.outputs([bundle])], output: output)
      }
      refresh(shown, except: nil, output: output)
      guard keeps, case .value = live, interruption.pause(milliseconds: Self.rest) else { return }
      let kept = session.bundle(
        of: shown.panel, isKept: true, output: sink, cancellation: cancellation)
      guard case .value(let bundle) = kept, !interruption.isRequested else { return }
      output.update(bundle, identifier: shown.key)
    }
  }

  /// What is shown of an outcome: a figure, or the sentence that says why there is none.
  private static func visible(_ outcome: ExpressionOutcome) -> MIMEBundle? {
    switch outcome {
    case .value(let bundle): return bundle
    case .interrupted: return nil
    case .failed(let diagnostics):
      let first = diagnostics.first
      let sentence = [first?.message ?? "There is no figure.", first?.hint].compactMap { $0 }
        .joined(separator: " ")
      return NoticeFigure(sentence).mimeBundle()
    }
  }
}

/// Takes output that nobody looks at.
private struct QuietOutput: CellOutput {
  func stream(_ name: StreamName, _ text: String) {}
  func display(_ bundle: MIMEBundle, identifier: String?) {}
  func update(_ bundle: MIMEBundle, identifier: String) {}
  func result(_ bundle: MIMEBundle, identifier: String?) {}
  func clear(wait: Bool) {}
  func readLine(prompt: String, isPassword: Bool) throws(InputError) -> String {
    throw .notAllowed
  }
  func openComm(target: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]])
    -> String
  { "" }
  func sendComm(
    _ identifier: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]]
  ) {}
  func closeComm(_ identifier: String, data: JSONObject) {}
}
