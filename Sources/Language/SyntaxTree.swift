/// A stretch of a cell's text, as offsets into its UTF-8.
public struct SourceRange: Hashable, Sendable {
  /// The offset of the first byte.
  public var lower: Int
  /// The offset after the last byte.
  public var upper: Int

  /// Makes a range.
  public init(_ lower: Int, _ upper: Int) {
    self.lower = lower
    self.upper = upper
  }

  /// The smallest range that holds both.
  public func union(_ other: SourceRange) -> SourceRange {
    SourceRange(min(lower, other.lower), max(upper, other.upper))
  }
}

/// What a cell's text says: its statements, and whether the last one's value is displayed.
public struct Program: Hashable, Sendable {
  /// The statements in order.
  public var statements: [Statement]
  /// Whether the cell ends with `;`, which keeps the last value from being displayed.
  public var suppressesDisplay: Bool

  /// Makes a program.
  public init(statements: [Statement], suppressesDisplay: Bool = false) {
    self.statements = statements
    self.suppressesDisplay = suppressesDisplay
  }
}

/// A name together with its place.
public struct Identifier: Hashable, Sendable {
  /// The name as it was written.
  public var name: String
  /// Where it stands.
  public var range: SourceRange

  /// Makes an identifier.
  public init(_ name: String, _ range: SourceRange) {
    self.name = name
    self.range = range
  }
}

/// One statement of a cell or of a block.
public struct Statement: Hashable, Sendable {
  /// What the statement does.
  public enum Kind: Hashable, Sendable {
    /// An expression, whose value is the statement's.
    case expression(Expression)
    /// `name = value`.
    case binding(name: Identifier, value: Expression)
    /// `def name(parameters) = body` or `def name(parameters) { body }`.
    case function(name: Identifier, parameters: [FunctionParameter], body: Expression)
    /// `param name = value "summary"`: a value that a run may override.
    case parameter(name: Identifier, value: Expression, summary: String?)
  }
  /// What the statement does.
  public var kind: Kind
  /// Where it stands.
  public var range: SourceRange

  /// Makes a statement.
  public init(_ kind: Kind, _ range: SourceRange) {
    self.kind = kind
    self.range = range
  }
}

/// A parameter of a `def`: its name and, where it has one, its default.
public struct FunctionParameter: Hashable, Sendable {
  /// The parameter's name, which is also its label in a call.
  public var name: Identifier
  /// The value where a call gives none; evaluated at each call, in the function's own scope.
  public var defaultValue: Expression?

  /// Makes a parameter.
  public init(name: Identifier, defaultValue: Expression? = nil) {
    self.name = name
    self.defaultValue = defaultValue
  }
}

/// An argument of a call.
public struct Argument: Hashable, Sendable {
  /// The label of `label: value`, or `nil` for a positional argument.
  public var label: Identifier?
  /// The value.
  public var value: Expression

  /// Makes an argument.
  public init(label: Identifier? = nil, value: Expression) {
    self.label = label
    self.value = value
  }
}

/// A part of a text literal.
public enum TextPart: Hashable, Sendable {
  /// Characters, with escapes already resolved.
  case literal(String)
  /// `\(expression)`.
  case hole(Expression)
}

/// A member of a record literal: `{name: value}` or `{"any text": value}`.
public struct RecordMember: Hashable, Sendable {
  /// The field's name.
  public var name: Identifier
  /// Its value.
  public var value: Expression

  /// Makes a member.
  public init(name: Identifier, value: Expression) {
    self.name = name
    self.value = value
  }
}

/// An operator between two operands.
public enum BinaryOperator: String, Hashable, Sendable, CaseIterable {
  case or = "or"
  case and = "and"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case membership = "in"
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case remainder = "%"
  case power = "^"
}

/// An operator before its operand.
public enum UnaryOperator: String, Hashable, Sendable, CaseIterable {
  case not = "not"
  case negate = "-"
}

/// An expression.
public struct Expression: Hashable, Sendable {
  /// The kinds of expression.
  public indirect enum Kind: Hashable, Sendable {
    /// `12`, `0.5`, `1e-4`.
    case number(Double)
    /// A text literal; one without holes has at most one part.
    case text([TextPart])
    /// `true`, `false`, `True`, `False`.
    case bool(Bool)
    /// `none`, `None`.
    case none
    /// A name, also `all`, `last`, `mean`, `max`.
    case name(String)
    /// `[a, b]`.
    case list([Expression])
    /// `{name: value}`.
    case record([RecordMember])
    /// `lower..<upper` or `lower...upper`.
    case range(lower: Expression, upper: Expression, includesUpper: Bool)
    /// `not x`, `-x`.
    case unary(UnaryOperator, Expression)
    /// `a + b`.
    case binary(BinaryOperator, Expression, Expression)
    /// `f(a, label: b)`; `x.f(a)` is a call whose callee is a `member`.
    case call(callee: Expression, arguments: [Argument])
    /// `x.name`.
    case member(Expression, name: Identifier)
    /// `x[index]`.
    case index(Expression, Expression)
    /// `x |> f(a)`; the right side is a call, a name or any expression that gives a function.
    case pipe(Expression, into: Expression)
    /// `x -> body`, `(x, y) -> body`.
    case lambda(parameters: [Identifier], body: Expression)
    /// `if c { … } else { … }`; without `else`, none where the condition fails.
    case conditional(condition: Expression, then: Expression, otherwise: Expression?)
    /// `for x in xs { … }`: the list of the block's values; several names take an element apart.
    case loop(variables: [Identifier], sequence: Expression, body: Expression)
    /// `[element for x in xs if condition]`.
    case comprehension(
      element: Expression, variables: [Identifier], sequence: Expression, condition: Expression?)
    /// `{ statement; statement }` after `def`, `for`, `if`, `else`: the last statement's value.
    case block([Statement])
    /// `expression?`: help on a function or a value.
    case help(Expression)
    /// What could not be read; a diagnostic says why.
    case missing
  }
  /// What the expression is.
  public var kind: Kind
  /// Where it stands.
  public var range: SourceRange

  /// Makes an expression.
  public init(_ kind: Kind, _ range: SourceRange) {
    self.kind = kind
    self.range = range
  }
}
