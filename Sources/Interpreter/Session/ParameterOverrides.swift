import Language
import Synchronization

/// The values that a run gives in place of those that `param` statements write.
public final class ParameterOverrides: Sendable {
  private struct State: Sendable {
    var values: [(name: String, value: Value)]
    var used: Set<String> = []
  }
  private let state: Mutex<State>

  /// Overrides of the given names; of several with one name the last counts.
  public init(_ values: [(name: String, value: Value)] = []) {
    state = Mutex(State(values: values))
  }

  /// Overrides as a command line writes them.
  ///
  /// - Parameter texts: names with a literal (`5`, `"text"`, `[1, 2]`, `true`), or else with the
  ///   characters of a text.
  public convenience init(texts: [(name: String, text: String)]) {
    self.init(texts.map { (name: $0.name, value: Self.value(of: $0.text)) })
  }

  /// The names that no `param` statement asked for, in order.
  public var unusedNames: [String] {
    state.withLock { state in state.values.map(\.name).filter { !state.used.contains($0) } }
  }

  func take(_ name: String) -> Value? {
    state.withLock { state in
      guard let found = state.values.last(where: { $0.name == name }) else { return nil }
      state.used.insert(name)
      return found.value
    }
  }

  /// The value of a literal, or the text itself where it is none.
  public static func value(of text: String) -> Value {
    let result = Parser.parse(text)
    guard !result.hasErrors, result.program.statements.count == 1,
      case .expression(let expression) = result.program.statements[0].kind,
      let value = literal(expression)
    else { return .text(text) }
    return value
  }

  private static func literal(_ expression: Expression) -> Value? {
    switch expression.kind {
    case .number(let number): return .number(number)
    case .unary(.negate, let operand):
      guard case .number(let number) = operand.kind else { return nil }
      return .number(-number)
    case .bool(let flag): return .bool(flag)
    case .none: return Value.none
    case .text(let parts):
      var text = ""
      for part in parts {
        guard case .literal(let characters) = part else { return nil }
        text += characters
      }
      return .text(text)
    case .name(let name): return Selector(rawValue: name).map { .selector($0) }
    case .list(let elements):
      let values = elements.compactMap(literal)
      return values.count == elements.count ? .list(values) : nil
    case .record(let members):
      let values = members.compactMap { member in
        literal(member.value).map { (name: member.name.name, value: $0) }
      }
      return values.count == members.count ? .record(Record(values)) : nil
    case .range(let lower, let upper, let includesUpper):
      guard let first = literal(lower)?.integer, let last = literal(upper)?.integer,
        first.magnitude <= 1 << 53, last.magnitude <= 1 << 53
      else { return nil }
      return .range(RangeValue(first: first, count: last - first + (includesUpper ? 1 : 0)))
    default: return nil
    }
  }
}
