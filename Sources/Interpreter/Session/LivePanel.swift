public import DataFormats
import Language
public import Tensors

/// One control of a panel: a name, and what the user may set it to.
public struct PanelControl: Sendable, Hashable {
  /// What kind of control it is, with its value.
  public enum Kind: Sendable, Hashable {
    /// A text to write; suggestions may be chosen from.
    case text(String, suggestions: [String]?, placeholder: String)
    /// One of several items, as a menu.
    case menu([String], index: Int)
    /// One of several items in an order, as a slider.
    case slider([String], index: Int)
  }

  /// By what the panel knows the control.
  public let identifier: String
  /// What is written beside it.
  public let label: String
  /// Its kind and value.
  public let kind: Kind
  /// Whether it means anything at present.
  public let isShown: Bool

  /// Makes a control.
  public init(_ identifier: String, label: String, _ kind: Kind, isShown: Bool = true) {
    self.identifier = identifier
    self.label = label
    self.kind = kind
    self.isShown = isShown
  }
}

/// What a user sets a control to.
public enum PanelInput: Sendable, Hashable {
  /// A text that was written.
  case text(String)
  /// The place of the item that was chosen.
  case index(Int)
}

/// A value with controls above a figure that follows them, where the front end has live controls.
///
/// Elsewhere it is shown as its figure alone.
public protocol LivePanel: ObjectValue {
  /// The controls with their present values, always as many and of the same kinds.
  var controls: [PanelControl] { get }

  /// Sets a control; what makes no sense is ignored.
  func set(_ identifier: String, to input: PanelInput)

  /// Computes the live figure for the present values; may change what the controls offer.
  ///
  /// - Throws: `Diagnostic`, whose sentence is shown in the figure's place; `Cancelled`.
  func liveBundle(in context: ExecutionContext) throws -> MIMEBundle
}

extension ExecutionContext {
  /// The value of an expression that a function composed.
  ///
  /// - Parameter bindings: names that the expression may use beside those of the session.
  /// - Throws: `Diagnostic` with a place in the composed text; `Cancelled`.
  public func evaluate(
    composed text: String, with bindings: [(name: String, value: Value)] = []
  ) throws -> Value {
    let parsed = Parser.parse(text)
    if let first = parsed.diagnostics.first, parsed.hasErrors { throw first }
    guard parsed.program.statements.count == 1,
      case .expression(let expression) = parsed.program.statements[0].kind
    else {
      throw Diagnostic(code: "no-expression", message: "This is not one expression.")
    }
    let outer = source
    source = CellSource(text: text, executionCount: 0)
    defer { source = outer }
    let scope = Scope(parent: root)
    for (name, value) in bindings { scope.bind(name, to: value) }
    return try evaluate(expression, in: scope)
  }
}

extension Session {
  /// The live figure of a panel, or that which a notebook keeps, outside any cell.
  ///
  /// - Parameters:
  ///   - isKept: whether the panel's own figure is wanted, as it is shown without controls.
  ///   - cancellation: stops the computation.
  public func bundle(
    of panel: any LivePanel, isKept: Bool, output: any OutputSink, cancellation: Cancellation
  ) -> ExpressionOutcome {
    compute(output: output, cancellation: cancellation) { context in
      if !isKept { return try panel.liveBundle(in: context) }
      return try context.displayBundle(of: .object(panel)) ?? MIMEBundle(plainText: panel.summary)
    }
  }
}
