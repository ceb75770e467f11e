public import DataFormats
import JupyterProtocol
import Synchronization

/// The widgets of a kernel: their states, and what is to be done when a front end changes one.
///
/// Changes come on execution threads; states may be changed from any thread.
public final class WidgetTable: Sendable {
  /// Called with what a front end changed in a widget, after the change was taken in and echoed.
  public typealias Handler = @Sendable (_ changes: JSONObject, _ output: any CellOutput) -> Void

  private struct Widget {
    var identifier: String
    var state: JSONObject
    let handler: Handler?
  }

  private let widgets = Mutex<[Widget]>([])
  private let whenAsked: @Sendable (any CellOutput) -> Void

  /// The comm targets that a kernel with widgets serves.
  public static let targets = [WidgetMessages.target, WidgetMessages.controlTarget]

  /// No widgets.
  ///
  /// - Parameter whenAsked: called after a front end that was opened anew asked for all states.
  public init(whenAsked: @escaping @Sendable (any CellOutput) -> Void = { _ in }) {
    self.whenAsked = whenAsked
  }

  /// Opens a widget in the front ends and gives its id.
  ///
  /// - Parameter whenChanged: called when a front end changes the state.
  public func open(
    _ state: JSONObject, output: any CellOutput, whenChanged: Handler? = nil
  ) -> String {
    let identifier = output.openComm(
      target: WidgetMessages.target, data: WidgetMessages.open(state),
      metadata: WidgetMessages.openMetadata, buffers: [])
    widgets.withLock {
      $0.append(Widget(identifier: identifier, state: state, handler: whenChanged))
    }
    return identifier
  }

  /// The state of a widget, `nil` where there is none of that id.
  public func state(of identifier: String) -> JSONObject? {
    widgets.withLock { $0.first { $0.identifier == identifier }?.state }
  }

  /// Changes parts of a widget's state and tells the front ends; parts that are the same already
  /// aren't sent.
  public func update(_ identifier: String, _ changes: JSONObject, output: any CellOutput) {
    let sent = take(changes, into: identifier) { old, new in old != new }
    guard let sent, !sent.changes.isEmpty else { return }
    output.sendComm(
      identifier, data: WidgetMessages.update(sent.changes), metadata: JSONObject(), buffers: [])
  }

  /// A front end opened a comm: one of the control target is served, widgets of its own are not.
  public func opened(_ event: CommEvent, output: any CellOutput) {
    guard event.target != WidgetMessages.controlTarget else { return }
    output.closeComm(event.identifier, data: JSONObject())
  }

  /// A front end sent a message on a widget's comm or on the control comm.
  public func received(_ event: CommEvent, output: any CellOutput) {
    if event.target == WidgetMessages.controlTarget {
      guard WidgetMessages.asksForStates(event.data) else { return }
      let states = widgets.withLock { $0.map { ($0.identifier, $0.state) } }
      output.sendComm(
        event.identifier, data: WidgetMessages.states(states), metadata: JSONObject(), buffers: [])
      whenAsked(output)
      return
    }
    switch WidgetRequest(event.data) {
    case .update(let changes):
      // What the state doesn't have isn't taken in, so that a front end can't make it grow.
      guard let taken = take(changes, into: event.identifier, where: { old, _ in old != nil })
      else { return }
      output.sendComm(
        event.identifier, data: WidgetMessages.echo(taken.changes), metadata: JSONObject(),
        buffers: [])
      taken.handler?(taken.changes, output)
    case .requestState:
      guard let state = state(of: event.identifier) else { return }
      output.sendComm(
        event.identifier, data: WidgetMessages.update(state), metadata: JSONObject(), buffers: [])
    case .custom, nil: break
    }
  }

  /// A front end closed a widget's comm.
  public func closed(_ event: CommEvent) {
    widgets.withLock { $0.removeAll { $0.identifier == event.identifier } }
  }

  private func take(
    _ changes: JSONObject, into identifier: String, where isTaken: (JSON?, JSON) -> Bool
  ) -> (changes: JSONObject, handler: Handler?)? {
    widgets.withLock { widgets in
      guard let place = widgets.firstIndex(where: { $0.identifier == identifier }) else {
        return nil
      }
      var taken = JSONObject()
      for member in changes.members
      where isTaken(widgets[place].state[member.key], member.value) {
        widgets[place].state[member.key] = member.value
        taken[member.key] = member.value
      }
      return (taken, widgets[place].handler)
    }
  }
}
