/// Literals, names, brackets and what begins with a word.
extension Parser {
  /// Reads an operand; where there is none, nothing is passed.
  mutating func readPrimary(after: String?) -> Node {
    let range = current.range
    switch kind {
    case .number(let value):
      advance()
      return node(.number(value), range)
    case .name(let name):
      if kind(ahead: 1) == .symbol(.arrow) { return readLambda() }
      if name == "lambda", opensPythonLambda { return readPythonLambda() }
      advance()
      return node(.name(name), range)
    case .textStart:
      return readTextLiteral()
    case .keyword(let keyword):
      return readKeyword(keyword, after: after)
    case .symbol(.leftParenthesis):
      return opensLambda ? readLambda() : readParentheses()
    case .symbol(.leftBracket):
      return readListLiteral()
    case .symbol(.leftBrace):
      return readRecord()
    default:
      return missingOperand(after)
    }
  }

  private mutating func readKeyword(_ keyword: Keyword, after: String?) -> Node {
    let range = current.range
    switch keyword {
    case .yes, .pythonYes:
      advance()
      return node(.bool(true), range)
    case .no, .pythonNo:
      advance()
      return node(.bool(false), range)
    case .none, .pythonNone:
      advance()
      return node(.none, range)
    case .condition: return nested { $0.readConditional() }
    case .loop: return nested { $0.readLoop() }
    default: return missingOperand(after)
    }
  }

  // MARK: Texts

  private mutating func readTextLiteral() -> Node {
    let start = current.range.lower
    advance()
    var parts: [TextPart] = []
    var height = 0
    while true {
      switch kind {
      case .textLiteral(let characters):
        if !characters.isEmpty { parts.append(.literal(characters)) }
        advance()
      case .holeStart:
        let hole = readHole()
        parts.append(.hole(hole.expression))
        height = max(height, hole.height)
      case .textEnd:
        if current.range.lower == current.range.upper { endsInUnclosedText = true }
        let end = current.range.upper
        advance()
        return node(.text(parts), SourceRange(start, end), over: height)
      default:
        return node(.text(parts), SourceRange(start, previousEnd), over: height)
      }
    }
  }

  private mutating func readHole() -> Node {
    let opening = current.range
    let saved = (newlinesMatter, ifEndsExpression, awaitedClosers)
    defer { (newlinesMatter, ifEndsExpression, awaitedClosers) = saved }
    (newlinesMatter, ifEndsExpression, awaitedClosers) = (false, false, [])
    let end = matches[position]
    advance()
    if kind == .holeEnd {
      report(.emptyHole, SourceRange(opening.lower, current.range.upper))
      advance()
      return missing(opening)
    }
    let value = readExpression(after: "\\(")
    if kind != .holeEnd, !hasGivenUp {
      // The end of a hole that is not closed is a guess, so what stands before it is no mistake.
      if end >= 0, tokens[end].range.lower < tokens[end].range.upper {
        report(.severalInHole, current.range)
      }
      if end > position { position = end }
    }
    if kind == .holeEnd { advance() }
    return value
  }

  // MARK: Functions without a name

  /// Whether `(x, y) ->` begins here.
  private var opensLambda: Bool {
    var distance = 1
    while true {
      guard case .name = kind(ahead: distance) else { break }
      distance += 1
      guard kind(ahead: distance) == .symbol(.comma) else { break }
      distance += 1
    }
    return kind(ahead: distance) == .symbol(.rightParenthesis)
      && kind(ahead: distance + 1) == .symbol(.arrow)
  }

  private mutating func readLambda() -> Node {
    let start = current.range.lower
    let isParenthesized = take(.leftParenthesis)
    var parameters: [Identifier] = []
    while let name = takeName() {
      appendDistinct(name, to: &parameters)
      guard isParenthesized, take(.comma) else { break }
    }
    if isParenthesized { _ = take(.rightParenthesis) }
    _ = take(.arrow)
    let body = readExpression(after: "->")
    return node(
      .lambda(parameters: parameters, body: body.expression),
      SourceRange(start, max(previousEnd, body.range.upper)), over: body.height)
  }

  /// Adds a parameter, unless one of that name is there.
  mutating func appendDistinct(_ name: Identifier, to names: inout [Identifier]) {
    if names.count < 1000, names.contains(where: { $0.name == name.name }) {
      add(.duplicateParameter(name.name), name.range)
    } else {
      names.append(name)
    }
  }

  private var opensPythonLambda: Bool {
    switch kind(ahead: 1) {
    case .name, .symbol(.colon): !tokens[position + 1].startsLine
    default: false
    }
  }

  private mutating func readPythonLambda() -> Node {
    let start = current.range
    add(.pythonLambda, start)
    advance()
    var parameters: [Identifier] = []
    while let name = takeName() {
      appendDistinct(name, to: &parameters)
      guard take(.comma) else { break }
    }
    _ = take(.colon)
    let body = readExpression(after: ":")
    return node(
      .lambda(parameters: parameters, body: body.expression), start.union(body.range),
      over: body.height)
  }

  // MARK: Brackets

  private mutating func readParentheses() -> Node {
    let start = current.range.lower
    var values: [Node] = []
    var commas = 0
    let end = readList(closer: .rightParenthesis) { parser in
      var value = parser.readExpression()
      if parser.kind == .keyword(.loop), value.expression.kind != .missing {
        value = parser.readComprehension(of: value, from: value.range.lower)
      }
      values.append(value)
      if parser.kind == .symbol(.comma) { commas += 1 }
    }
    let range = SourceRange(start, end)
    guard let first = values.first else {
      if tokens[position - 1].kind == .symbol(.rightParenthesis) {
        add(.expectedExpression(after: "(", found: ")"), range)
      }
      return missing(range)
    }
    guard commas == 0 else {
      let isClosed = tokens[position - 1].kind == .symbol(.rightParenthesis)
      if isClosed, values.allSatisfy({ $0.expression.kind != .missing }) { add(.tuple, range) }
      return node(
        .list(values.map(\.expression)), range, over: values.map(\.height).max() ?? 0)
    }
    return Node(expression: Expression(first.expression.kind, range), height: first.height)
  }

  private mutating func readListLiteral() -> Node {
    let start = current.range.lower
    var values: [Expression] = []
    var height = 0
    var comprehension: Node?
    let end = readList(closer: .rightBracket) { parser in
      var value = parser.readExpression()
      if parser.kind == .keyword(.loop), value.expression.kind != .missing {
        value = parser.readComprehension(of: value, from: start)
        if values.isEmpty { comprehension = value }
      }
      values.append(value.expression)
      height = max(height, value.height)
    }
    let range = SourceRange(start, end)
    if let comprehension, values.count == 1 {
      return Node(
        expression: Expression(comprehension.expression.kind, range), height: comprehension.height)
    }
    return node(.list(values), range, over: height)
  }

  private mutating func readRecord() -> Node {
    let start = current.range.lower
    var members: [RecordMember] = []
    var height = 0
    let end = readList(closer: .rightBrace) { parser in
      guard let name = parser.readFieldName() else { return }
      if parser.kind == .symbol(.colon) || parser.kind == .symbol(.assign) {
        parser.advance()
      } else {
        parser.report(.expectedFieldValue(field: name.name), name.range)
        return
      }
      let value = parser.readExpression(after: ":")
      members.append(RecordMember(name: name, value: value.expression))
      height = max(height, value.height)
    }
    return node(.record(members), SourceRange(start, end), over: height)
  }

  private mutating func readFieldName() -> Identifier? {
    if let name = takeName(reserved: true) { return name }
    let range = current.range
    if kind == .textStart {
      let text = readTextLiteral()
      if case .text(let parts) = text.expression.kind {
        if parts.isEmpty { return Identifier("", text.range) }
        if parts.count == 1, case .literal(let name) = parts[0] {
          return Identifier(name, text.range)
        }
      }
      add(.invalidFieldName, text.range)
      return Identifier("", text.range)
    }
    report(.invalidFieldName, range)
    // The value after a wrong name is passed, so that it gives no problems of its own.
    if kind != .symbol(.comma), matches[position] >= 0 || !isStop { skipToComma() }
    return nil
  }

  // MARK: Lists built by a loop

  /// Reads `for x in xs if condition` after the element that it repeats.
  mutating func readComprehension(of element: Node, from start: Int) -> Node {
    advance()
    let saved = ifEndsExpression
    defer { ifEndsExpression = saved }
    ifEndsExpression = true
    let (variables, sequence) = readLoopHead()
    var condition: Node?
    while take(.condition) {
      let next = readExpression(after: "if")
      if let before = condition {
        condition = node(
          .binary(.and, before.expression, next.expression), before.range.union(next.range),
          over: max(before.height, next.height))
      } else {
        condition = next
      }
    }
    if kind == .keyword(.loop) {
      add(.secondComprehensionLoop, current.range)
      skipToComma()
    }
    return node(
      .comprehension(
        element: element.expression, variables: variables, sequence: sequence.expression,
        condition: condition?.expression),
      SourceRange(start, previousEnd),
      over: max(element.height, sequence.height, condition?.height ?? 0))
  }

  /// Reads `x in xs` or `a, b in pairs` after `for`.
  mutating func readLoopHead() -> (variables: [Identifier], sequence: Node) {
    var variables: [Identifier] = []
    let isParenthesized = take(.leftParenthesis)
    while let name = takeName() {
      appendDistinct(name, to: &variables)
      guard take(.comma) else { break }
    }
    if isParenthesized { _ = take(.rightParenthesis) }
    if variables.isEmpty {
      report(.expectedName(what: "the loop's variable", found: found), problemRange)
    }
    if !take(.membership) {
      report(.expectedIn, problemRange)
      return (variables, missing(problemRange))
    }
    return (variables, readExpression(after: "in"))
  }
}
