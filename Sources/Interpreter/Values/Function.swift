import Language

/// What can be called: a function of the catalogue or one that a cell defined.
public enum Function: Sendable {
  /// A function of the catalogue.
  case builtin(FunctionDefinition)
  /// A `def` or a `->` of a cell.
  case user(UserFunction)

  /// The function's name; `->` functions are called `function`.
  public var name: String {
    switch self {
    case .builtin(let definition): definition.name
    case .user(let function): function.name ?? "function"
    }
  }
}

/// A function that a cell defined, with the scope in which its names are looked up.
public final class UserFunction: Sendable {
  /// The name of a `def`; `nil` for a `->` function.
  public let name: String?
  let parameters: [FunctionParameter]
  let body: Expression
  let scope: Scope
  let source: CellSource

  init(
    name: String?, parameters: [FunctionParameter], body: Expression, scope: Scope,
    source: CellSource
  ) {
    self.name = name
    self.parameters = parameters
    self.body = body
    self.scope = scope
    self.source = source
  }

  /// The call's form: `shift(term, layer: 3)`.
  public var signature: String {
    let list = parameters.map { parameter -> String in
      guard let defaultValue = parameter.defaultValue else { return parameter.name.name }
      return "\(parameter.name.name): \(source.text(in: defaultValue.range))"
    }
    return "\(name ?? "function")(\(list.joined(separator: ", ")))"
  }
}

/// The text of a cell that was run, kept by the functions that it defined so that an error in
/// one of them can show its line.
final class CellSource: Sendable {
  let text: String
  let executionCount: Int

  init(text: String, executionCount: Int) {
    self.text = text
    self.executionCount = executionCount
  }

  /// The text of a range; empty where the range is not one of this text.
  func text(in range: SourceRange) -> String {
    let bytes = text.utf8
    guard 0 <= range.lower, range.lower <= range.upper, range.upper <= bytes.count else {
      return ""
    }
    let start = bytes.index(bytes.startIndex, offsetBy: range.lower)
    let end = bytes.index(start, offsetBy: range.upper - range.lower)
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  /// The line that holds an offset, counted from 1, and its text.
  func line(at offset: Int) -> (number: Int, text: String) {
    let bytes = Array(text.utf8)
    let offset = min(max(offset, 0), bytes.count)
    let start = bytes[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let end = bytes[offset...].firstIndex(of: 0x0A) ?? bytes.count
    let number = bytes[..<start].count { $0 == 0x0A } + 1
    return (number, String(decoding: bytes[start..<end], as: UTF8.self))
  }
}
