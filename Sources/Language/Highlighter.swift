/// Tells what each piece of a cell is, so that it can be shown in colours.
public enum Highlighter {
  /// The kinds of piece that are told apart.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A reserved word, or `param` at the head of a statement.
    case keyword
    /// `true`, `false`, `none`.
    case constant
    /// A name.
    case name
    /// The name of what is called or defined.
    case function
    /// The label of an argument or field, with its `:` left out.
    case label
    /// A number.
    case number
    /// A text literal's quotes and characters; its holes are pieces of their own.
    case text
    /// An operator.
    case `operator`
    /// A bracket or a separator, also the ends of a hole.
    case punctuation
    /// A comment.
    case comment
  }

  /// A piece of a cell.
  public struct Span: Hashable, Sendable {
    /// Where it stands.
    public var range: SourceRange
    /// What it is.
    public var kind: Kind

    /// Makes a span.
    public init(_ range: SourceRange, _ kind: Kind) {
      self.range = range
      self.kind = kind
    }
  }

  /// The pieces of a cell by position; what lies between them is white space or can't be read.
  public static func spans(_ source: String) -> [Span] {
    let lexed = Lexer.tokenize(source)
    var result = lexed.comments.map { Span($0, .comment) }
    let tokens = lexed.tokens
    for index in tokens.indices where tokens[index].range.lower < tokens[index].range.upper {
      let kind = kind(at: index, in: tokens)
      let range = tokens[index].range
      if kind == .text, let last = result.last, last.kind == .text, last.range.upper == range.lower
      {
        result[result.count - 1].range.upper = range.upper
      } else {
        result.append(Span(range, kind))
      }
    }
    return result.sorted { $0.range.lower < $1.range.lower }
  }

  private static func kind(at index: Int, in tokens: [Token]) -> Kind {
    let next = index + 1 < tokens.count ? tokens[index + 1] : nil
    let isLabel = next?.kind == .symbol(.colon) && index > 0 && opensLabel(tokens[index - 1].kind)
    switch tokens[index].kind {
    case .name(let name):
      if isLabel { return .label }
      if name == "param", let next, !next.startsLine, case .name = next.kind { return .keyword }
      if let next, next.kind == .symbol(.leftParenthesis), !next.startsLine { return .function }
      if index > 0, tokens[index - 1].kind == .symbol(.pipe) { return .function }
      return .name
    case .keyword(let keyword):
      if isLabel { return .label }
      if index > 0, tokens[index - 1].kind == .symbol(.dot) { return .name }
      switch keyword {
      case .yes, .no, .none, .pythonYes, .pythonNo, .pythonNone: return .constant
      default: return .keyword
      }
    case .number: return .number
    case .textStart, .textLiteral, .textEnd: return .text
    case .holeStart, .holeEnd, .end: return .punctuation
    case .symbol(let symbol):
      switch symbol {
      case .leftParenthesis, .rightParenthesis, .leftBracket, .rightBracket, .leftBrace,
        .rightBrace, .comma, .colon, .semicolon, .dot:
        return .punctuation
      default: return .operator
      }
    }
  }

  private static func opensLabel(_ kind: TokenKind) -> Bool {
    kind == .symbol(.leftParenthesis) || kind == .symbol(.comma) || kind == .symbol(.leftBrace)
  }
}
