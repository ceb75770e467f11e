/// The smallest piece of a cell that means something.
public struct Token: Hashable, Sendable {
  /// What the token is.
  public var kind: TokenKind
  /// Where it stands.
  public var range: SourceRange
  /// Whether it is the first token on its line.
  public var startsLine: Bool
  /// Whether characters that mean nothing stand before the token; they have been reported.
  var followsUnreadable = false

  /// Makes a token.
  public init(_ kind: TokenKind, _ range: SourceRange, startsLine: Bool = false) {
    self.kind = kind
    self.range = range
    self.startsLine = startsLine
  }
}

/// The kinds of token.
public enum TokenKind: Hashable, Sendable {
  /// A name, such as `attention` or `词`.
  case name(String)
  /// A reserved word.
  case keyword(Keyword)
  /// A number literal.
  case number(Double)
  /// A bracket, a separator or an operator.
  case symbol(Symbol)
  /// The opening quote of a text literal.
  case textStart
  /// Characters of a text literal, with escapes resolved.
  case textLiteral(String)
  /// `\(` inside a text literal.
  case holeStart
  /// The `)` that ends a hole; of no width where it is missing.
  case holeEnd
  /// The closing quote of a text literal; of no width where it is missing.
  case textEnd
  /// The end of the cell.
  case end
}

/// The reserved words.
///
/// `param` is not among them: it opens a statement only where a name follows. After `.` and before a
/// label's `:`, reserved words are names like any other.
public enum Keyword: String, Hashable, Sendable, CaseIterable {
  case define = "def"
  case loop = "for"
  case membership = "in"
  case condition = "if"
  case otherwise = "else"
  case and = "and"
  case or = "or"
  case not = "not"
  case yes = "true"
  case no = "false"
  case none = "none"
  case pythonYes = "True"
  case pythonNo = "False"
  case pythonNone = "None"
}

/// Brackets, separators and operators, by their spelling.
public enum Symbol: String, Hashable, Sendable, CaseIterable {
  case leftParenthesis = "("
  case rightParenthesis = ")"
  case leftBracket = "["
  case rightBracket = "]"
  case leftBrace = "{"
  case rightBrace = "}"
  case comma = ","
  case colon = ":"
  case semicolon = ";"
  case dot = "."
  case assign = "="
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case plus = "+"
  case minus = "-"
  case star = "*"
  case slash = "/"
  case percent = "%"
  case caret = "^"
  case arrow = "->"
  case pipe = "|>"
  case halfOpenRange = "..<"
  case closedRange = "..."
  case question = "?"
  /// `+=`, `-=`, `*=`, `/=`: not in the language, but named as one token so that one message says so.
  case compoundAssignment = "+="
}
