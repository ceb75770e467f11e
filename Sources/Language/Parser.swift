/// Reads a cell: gives its syntax tree together with every problem found.
///
/// Reading takes time linear in the cell's length and a bounded stack. It never fails: where a part
/// can't be read, the tree holds `missing` and a diagnostic says why. Beyond the strict grammar the
/// parser goes on to the next line after an operator, `=` or `->` at a line's end, accepts `**` for
/// `^`, `label = value` for `label: value`, and `f(x for x in xs)` for `f([x for x in xs])`. A chain of
/// comparisons such as `a < b < c` is a problem whose hint writes it out, since the tree has no way to
/// evaluate `b` once.
public struct Parser {
  /// The deepest nesting of brackets, blocks and prefix operators that is read; a stack of 1 MB is enough
  /// for it.
  public static let nestingLimit = 100
  /// The greatest height of the syntax tree; long chains such as `a + b + …` add to it as well.
  public static let heightLimit = 300

  /// An expression with the height of its tree.
  struct Node {
    var expression: Expression
    var height: Int
    var range: SourceRange { expression.range }
  }

  let bytes: [UInt8]
  let tokens: [Token]
  var position = 0
  var diagnostics: [Diagnostic]
  /// Whether a line end ends the expression: outside brackets and in blocks.
  var newlinesMatter = true
  /// Whether `if` after a value belongs to the list that is being built.
  var ifEndsExpression = false
  var depth = 0
  /// The closing brackets that are awaited, outermost first.
  var awaitedClosers: [Symbol] = []
  /// The token at which the last problem was reported; others there are its consequences.
  var lastProblemPosition = -1
  /// Whether reading was broken off.
  var hasGivenUp = false
  /// The number of problems that more text at the end could solve.
  var openEnds = 0
  /// For each token that opens a bracket, a text or a hole the index of its end, otherwise -1.
  let matches: [Int]
  /// The column of the line that the statement being read begins on.
  var statementColumn = 0
  /// The height of the statement that was read last.
  var statementHeight = 0
  /// Whether a bracket of the statement was closed by guess, so that what follows it means little.
  var hasBracketProblem = false
  /// Whether a text without a closing quote took the rest of its line.
  var endsInUnclosedText = false

  private init(_ source: String, _ lexed: Lexer.Result) {
    bytes = Array(source.utf8)
    tokens = lexed.tokens
    diagnostics = lexed.diagnostics
    matches = Self.matches(in: lexed.tokens)
    if lexed.endsInsideText { openEnds += 1 }
  }

  /// Reads a cell.
  public static func parse(_ source: String) -> ParseResult {
    parse(source, Lexer.tokenize(source))
  }

  /// Reads a cell that was cut into tokens.
  static func parse(_ source: String, _ lexed: Lexer.Result) -> ParseResult {
    var parser = Parser(source, lexed)
    let statements = parser.readProgram()
    let last = parser.tokens.dropLast().last
    return ParseResult(
      program: Program(
        statements: statements, suppressesDisplay: last?.kind == .symbol(.semicolon)),
      diagnostics: Array(
        parser.diagnostics.sorted(by: Diagnostic.precedes).prefix(Lexer.diagnosticLimit)),
      openEnds: parser.openEnds)
  }

  // MARK: Tokens

  var current: Token { tokens[position] }
  var kind: TokenKind { tokens[position].kind }
  var previousEnd: Int { position > 0 ? tokens[position - 1].range.upper : 0 }

  /// The kind of a later token; `end` beyond the last one.
  func kind(ahead distance: Int) -> TokenKind {
    position + distance < tokens.count ? tokens[position + distance].kind : .end
  }

  mutating func advance() {
    if position < tokens.count - 1 { position += 1 }
  }

  /// Passes a symbol, if it stands here.
  mutating func take(_ symbol: Symbol) -> Bool {
    guard kind == .symbol(symbol) else { return false }
    advance()
    return true
  }

  /// Passes a reserved word, if it stands here.
  mutating func take(_ keyword: Keyword) -> Bool {
    guard kind == .keyword(keyword) else { return false }
    advance()
    return true
  }

  /// Whether the current token stands on a line of its own statement.
  var isAtLineEnd: Bool { kind == .end || (newlinesMatter && current.startsLine) }

  /// Passes a name; reserved words count where `reserved` says so.
  mutating func takeName(reserved: Bool = false) -> Identifier? {
    let range = current.range
    switch kind {
    case .name(let name):
      advance()
      return Identifier(name, range)
    case .keyword(let keyword) where reserved:
      advance()
      return Identifier(keyword.rawValue, range)
    default:
      return nil
    }
  }

  /// What the current token looks like, or `nil` at the end of the cell or of the line.
  var found: String? {
    if isAtLineEnd { return nil }
    return spelling(of: current)
  }

  func spelling(of token: Token) -> String? {
    switch token.kind {
    case .end: return nil
    case .holeEnd: return ")"
    case .textStart: return text(SourceRange(token.range.lower, token.range.lower + 1))
    default: return text(token.range)
    }
  }

  /// The start of what was written in a range, at most 80 bytes of it.
  func text(_ range: SourceRange) -> String {
    let lower = min(max(0, range.lower), bytes.count)
    let upper = min(max(lower, range.upper), bytes.count)
    if upper - lower <= 80 { return String(decoding: bytes[lower..<upper], as: UTF8.self) }
    var cut = lower + 77
    while cut > lower, bytes[cut] & 0xC0 == 0x80 { cut -= 1 }
    return String(decoding: bytes[lower..<cut], as: UTF8.self) + "…"
  }

  // MARK: Problems

  /// Reports a problem, unless another one was reported at this token already.
  mutating func report(
    _ problem: Problem, _ range: SourceRange, notes: [Diagnostic.Note] = [],
    moreCanFollow: Bool = true
  ) {
    guard !hasGivenUp, lastProblemPosition != position else { return }
    lastProblemPosition = position
    // A hole or a text whose end is missing has been reported already.
    if kind == .holeEnd || kind == .textEnd, current.range.lower == current.range.upper { return }
    if kind == .end, moreCanFollow { openEnds += 1 }
    add(problem, range, notes: notes)
  }

  /// Reports a problem with something that was read all the same.
  mutating func add(_ problem: Problem, _ range: SourceRange, notes: [Diagnostic.Note] = []) {
    guard !hasGivenUp, diagnostics.count < 2 * Lexer.diagnosticLimit else { return }
    diagnostics.append(problem.diagnostic(at: range, notes: notes))
  }

  /// The current token's place; at a line's end the place after what was read.
  var problemRange: SourceRange {
    isAtLineEnd ? SourceRange(previousEnd, previousEnd) : current.range
  }

  // MARK: Depth

  /// Makes an expression one level higher than its parts; too high a tree ends the reading.
  mutating func node(_ kind: Expression.Kind, _ range: SourceRange, over height: Int = 0) -> Node {
    if height >= Self.heightLimit {
      giveUp(range)
      return Node(expression: Expression(.missing, range), height: 1)
    }
    return Node(expression: Expression(kind, range), height: height + 1)
  }

  func missing(_ range: SourceRange) -> Node {
    Node(expression: Expression(.missing, range), height: 1)
  }

  /// Runs `body` one level deeper, or ends the reading where that is too deep.
  mutating func nested(_ body: (inout Parser) -> Node) -> Node {
    guard depth < Self.nestingLimit else {
      giveUp(current.range)
      return missing(current.range)
    }
    depth += 1
    defer { depth -= 1 }
    return body(&self)
  }

  /// Ends the reading: what follows is not looked at.
  private mutating func giveUp(_ range: SourceRange) {
    let place = SourceRange(range.lower, min(range.upper, range.lower + 1))
    add(.tooDeep, place)
    hasGivenUp = true
    position = tokens.count - 1
  }
}

/// What reading a cell gave.
public struct ParseResult: Hashable, Sendable {
  /// The cell's syntax tree.
  public var program: Program
  /// The problems, by position; none where the cell can run.
  public var diagnostics: [Diagnostic]
  /// The number of problems that more text at the end could solve.
  var openEnds: Int

  /// Whether a problem keeps the cell from running.
  public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}
