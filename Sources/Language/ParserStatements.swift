/// Statements and blocks.
extension Parser {
  /// Reads the whole cell.
  mutating func readProgram() -> [Statement] {
    var statements: [Statement] = []
    while kind != .end {
      let start = position
      readStatements(into: &statements)
      if position == start || kind != .end {
        if let closer = closingBracket { report(.strayCloser(closer.rawValue), current.range) }
        advance()
      }
    }
    return statements
  }

  /// Reads statements up to the end of the cell, of the block or of the hole.
  ///
  /// Gives the height of the tallest.
  @discardableResult
  private mutating func readStatements(into statements: inout [Statement]) -> Int {
    var height = 0
    while true {
      while take(.semicolon) {}
      if kind == .end || kind == .holeEnd || kind == .textEnd { return height }
      if let closer = closingBracket {
        if awaitedClosers.isEmpty || awaitedClosers.contains(closer) { return height }
        report(.strayCloser(closer.rawValue), current.range)
        advance()
        continue
      }
      let start = position
      if let statement = readStatement() { statements.append(statement) }
      height = max(height, statementHeight)
      if position == start, !isStop { skipStatement(includingCurrent: true) }
      endStatement(statements.last)
      if position == start { advance() }
    }
  }

  /// Passes what can't belong to the statement that was just read.
  private mutating func endStatement(_ statement: Statement?) {
    if isAtLineEnd || kind == .symbol(.semicolon) || kind == .holeEnd { return }
    if let closer = closingBracket {
      if !awaitedClosers.contains(closer) {
        report(.strayCloser(closer.rawValue), current.range)
        advance()
        endStatement(statement)
      }
      return
    }
    if !hasBracketProblem, !current.followsUnreadable { reportUnexpected(after: statement) }
    skipStatement()
  }

  private mutating func reportUnexpected(after statement: Statement?) {
    var name: String?
    if case .expression(let value) = statement?.kind, value.range.upper == previousEnd,
      case .name(let written) = value.kind
    {
      name = written
    }
    let range = current.range
    switch kind {
    case .symbol(.colon) where name != nil && !awaitedClosers.isEmpty:
      report(.recordInBlock, range)
    case .symbol(.assign):
      report(.bindingToExpression, range)
    case .symbol(.comma) where lineHoldsAssignment:
      report(.severalBindings, range)
    case .symbol(.compoundAssignment):
      report(.compoundAssignment(name: name, operation: String(text(range).prefix(1))), range)
    case .name, .number, .textStart:
      if let name {
        report(.missingParentheses(callee: name), range)
      } else {
        report(unexpectedHere, range)
      }
    case .keyword(.otherwise):
      report(.elseWithoutIf, range)
    default:
      report(unexpectedHere, range)
    }
  }

  /// Whether `=` follows on this line, within the next tokens.
  private var lineHoldsAssignment: Bool {
    for distance in 1..<64 {
      guard position + distance < tokens.count else { return false }
      let token = tokens[position + distance]
      if token.startsLine || token.kind == .end { return false }
      if token.kind == .symbol(.assign) { return true }
    }
    return false
  }

  // MARK: One statement

  private mutating func readStatement() -> Statement? {
    endsInUnclosedText = false
    hasBracketProblem = false
    statementHeight = 0
    let saved = statementColumn
    defer { statementColumn = saved }
    if current.startsLine { statementColumn = column(of: current) }
    let start = current.range.lower
    switch kind {
    case .keyword(.define):
      return readFunction()
    case .keyword(.otherwise):
      report(.elseWithoutIf, current.range)
      skipStatement(includingCurrent: true)
      return nil
    case .symbol(.question):
      while take(.question) {}
      let value = readExpression(after: "?")
      return help(value, from: start)
    case .name(let name):
      if kind(ahead: 1) == .symbol(.assign), !tokens[position + 1].startsLine {
        return readBinding()
      }
      if name == "param", isName(kind(ahead: 1)), !tokens[position + 1].startsLine {
        return readParameter()
      }
      if let word = unsupportedWord(name) {
        report(.unsupportedStatement(word), current.range)
        skipStatement(includingCurrent: true)
        skipIndentedLines()
        return nil
      }
      return readExpressionStatement()
    default:
      return readExpressionStatement()
    }
  }

  private mutating func readExpressionStatement() -> Statement? {
    let start = current.range.lower
    let value = readExpression()
    if kind == .symbol(.question), !isAtLineEnd {
      while !isAtLineEnd, take(.question) {}
      return help(value, from: start)
    }
    statementHeight = value.height
    return Statement(.expression(value.expression), value.range)
  }

  private mutating func help(_ value: Node, from start: Int) -> Statement {
    let range = SourceRange(start, max(previousEnd, value.range.upper))
    let help = node(.help(value.expression), range, over: value.height)
    statementHeight = help.height
    return Statement(.expression(help.expression), range)
  }

  /// A word that begins a statement in other languages, if it seems to do so here.
  private func unsupportedWord(_ name: String) -> String? {
    guard Problem.substitutes[name] != nil, position + 1 < tokens.count,
      !tokens[position + 1].startsLine
    else { return nil }
    switch kind(ahead: 1) {
    case .name, .number, .textStart, .symbol(.colon): return name
    case .keyword(let keyword):
      switch keyword {
      case .and, .or, .membership, .condition, .otherwise, .loop: return nil
      case .not: return kind(ahead: 2) == .keyword(.membership) ? nil : name
      default: return name
      }
    case .symbol(.leftBracket), .symbol(.leftBrace):
      return name == "return" || name == "try" ? name : nil
    case .end: return nil
    default: return nil
    }
  }

  private mutating func skipIndentedLines() {
    guard newlinesMatter else { return }
    while kind != .end, current.startsLine, closingBracket == nil, kind != .holeEnd,
      column(of: current) > statementColumn
    {
      skipOne()
      skipStatement()
      while take(.semicolon) { skipStatement() }
    }
  }

  private mutating func readBinding() -> Statement? {
    guard let name = takeName() else { return nil }
    advance()
    let value = readExpression(after: "=")
    statementHeight = value.height
    return Statement(
      .binding(name: name, value: value.expression),
      SourceRange(name.range.lower, max(previousEnd, value.range.upper)))
  }

  private mutating func readParameter() -> Statement? {
    let start = current.range.lower
    advance()
    guard let name = takeName() else { return nil }
    guard !isAtLineEnd, take(.assign) else {
      report(.parameterWithoutValue(name: name.name), name.range)
      skipStatement()
      let range = SourceRange(start, previousEnd)
      return Statement(
        .parameter(name: name, value: missing(range).expression, summary: nil), range)
    }
    let value = readExpression(after: "=")
    var summary: String?
    if kind == .textStart, !isAtLineEnd {
      let text = readPrimary(after: nil)
      if case .text(let parts) = text.expression.kind {
        if parts.isEmpty { summary = "" }
        if parts.count == 1, case .literal(let characters) = parts[0] { summary = characters }
        if summary == nil { add(.summaryWithHole, text.range) }
      }
    }
    statementHeight = value.height
    return Statement(
      .parameter(name: name, value: value.expression, summary: summary),
      SourceRange(start, max(previousEnd, value.range.upper)))
  }

  // MARK: Functions

  private mutating func readFunction() -> Statement? {
    let start = current.range.lower
    let startPosition = position
    advance()
    guard !isAtLineEnd, let name = takeName() else {
      report(.expectedName(what: "the function", found: found), problemRange)
      skipStatement()
      return nil
    }
    var parameters: [FunctionParameter] = []
    var height = 0
    if kind == .symbol(.leftParenthesis), !isAtLineEnd {
      _ = readList(closer: .rightParenthesis) { parser in
        parser.readFunctionParameter(into: &parameters, height: &height)
      }
    } else {
      report(.expectedParameterList(name: name.name), name.range)
    }
    let body = readFunctionBody(name)
    let range = SourceRange(start, max(previousEnd, body.range.upper))
    if position == startPosition { advance() }
    let whole = node(body.expression.kind, body.range, over: max(height, body.height - 1))
    statementHeight = whole.height
    return Statement(
      .function(name: name, parameters: parameters, body: whole.expression), range)
  }

  private mutating func readFunctionParameter(
    into parameters: inout [FunctionParameter], height: inout Int
  ) {
    guard let name = takeName() else {
      report(.expectedName(what: "a parameter", found: found), problemRange)
      return
    }
    if parameters.count < 1000, parameters.contains(where: { $0.name.name == name.name }) {
      add(.duplicateParameter(name.name), name.range)
    }
    var parameter = FunctionParameter(name: name)
    if kind == .symbol(.colon) || kind == .symbol(.assign) {
      advance()
      let value = readExpression(after: ":")
      parameter.defaultValue = value.expression
      height = max(height, value.height)
    }
    parameters.append(parameter)
  }

  private mutating func readFunctionBody(_ name: Identifier) -> Node {
    switch kind {
    case .symbol(.assign) where !isAtLineEnd:
      advance()
      return readExpression(after: "=")
    case .symbol(.leftBrace) where !isAtLineEnd || beginsBlockOnNextLine:
      return nested { $0.readBlock() }
    case .symbol(.colon) where !isAtLineEnd:
      return nested { $0.readPythonBlock(after: "def") }
    default:
      report(.expectedFunctionBody(name: name.name), name.range)
      return missing(problemRange)
    }
  }

  /// Whether the `{` that opens a block stands alone on the line after its head.
  var beginsBlockOnNextLine: Bool { kind == .symbol(.leftBrace) && current.startsLine }

  // MARK: Blocks

  /// Reads `if c { … } else { … }`.
  mutating func readConditional() -> Node {
    let start = current.range.lower
    advance()
    let condition = readCondition()
    let then = readBlock(after: "if")
    var otherwise: Node?
    if kind == .keyword(.otherwise) {
      advance()
      if kind == .keyword(.condition) {
        otherwise = nested { $0.readConditional() }
      } else {
        otherwise = readBlock(after: "else")
      }
    } else if case .name("elif") = kind {
      add(.elif, current.range)
      otherwise = nested { $0.readConditional() }
    }
    return node(
      .conditional(
        condition: condition.expression, then: then.expression, otherwise: otherwise?.expression),
      SourceRange(start, max(previousEnd, start)),
      over: max(condition.height, then.height, otherwise?.height ?? 0))
  }

  private mutating func readCondition() -> Node {
    if kind == .symbol(.leftBrace), matches[position] >= 0, !looksLikeRecord {
      return missingOperand("if")
    }
    let value = readExpression(after: "if")
    if kind == .symbol(.assign), !isAtLineEnd {
      add(.assignmentInExpression, current.range)
      advance()
      _ = readExpression(after: "=")
    }
    return value
  }

  /// Whether the `{` here opens a record rather than a block.
  private var looksLikeRecord: Bool {
    switch kind(ahead: 1) {
    case .symbol(.rightBrace): return true
    case .name, .keyword: return kind(ahead: 2) == .symbol(.colon)
    case .textStart:
      let end = matches[position + 1]
      return end >= 0 && end + 1 < tokens.count && tokens[end + 1].kind == .symbol(.colon)
    default: return false
    }
  }

  /// Reads `for x in xs { … }`.
  mutating func readLoop() -> Node {
    let start = current.range.lower
    advance()
    let saved = ifEndsExpression
    ifEndsExpression = false
    let (variables, sequence) = readLoopHead()
    ifEndsExpression = saved
    let body = readBlock(after: "for")
    return node(
      .loop(variables: variables, sequence: sequence.expression, body: body.expression),
      SourceRange(start, max(previousEnd, start)), over: max(sequence.height, body.height))
  }

  /// Reads the block that must follow a head.
  private mutating func readBlock(after word: String) -> Node {
    switch kind {
    case .symbol(.leftBrace): return nested { $0.readBlock() }
    case .symbol(.colon): return nested { $0.readPythonBlock(after: word) }
    default:
      let range = problemRange
      report(.expectedBlock(after: word), range)
      return missing(SourceRange(range.lower, range.lower))
    }
  }

  /// Reads `{ … }` as statements.
  mutating func readBlock() -> Node {
    let opening = current
    let saved = (newlinesMatter, ifEndsExpression)
    (newlinesMatter, ifEndsExpression) = (true, false)
    awaitedClosers.append(.rightBrace)
    advance()
    var statements: [Statement] = []
    let height = readStatements(into: &statements)
    if !take(.rightBrace) { report(.unclosedBracket("{"), opening.range) }
    awaitedClosers.removeLast()
    (newlinesMatter, ifEndsExpression) = saved
    return node(
      .block(statements), SourceRange(opening.range.lower, previousEnd), over: height)
  }

  /// Reports `:` in place of a block, and reads what follows on the line or the indented lines.
  private mutating func readPythonBlock(after word: String) -> Node {
    let start = current.range
    add(.pythonBlock(after: word), start)
    advance()
    let saved = (newlinesMatter, ifEndsExpression)
    (newlinesMatter, ifEndsExpression) = (true, false)
    defer { (newlinesMatter, ifEndsExpression) = saved }
    var statements: [Statement] = []
    let head = statementColumn
    var height = 0
    while kind != .end, kind != .holeEnd, closingBracket == nil {
      if current.startsLine, column(of: current) <= head { break }
      if !current.startsLine, !statements.isEmpty, !take(.semicolon) { break }
      let position = position
      if let statement = readStatement() { statements.append(statement) }
      height = max(height, statementHeight)
      endStatement(statements.last)
      if self.position == position { advance() }
    }
    return node(
      .block(statements), SourceRange(start.lower, max(previousEnd, start.upper)), over: height)
  }
}
