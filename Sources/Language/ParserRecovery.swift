/// Reading lists in brackets, and going on after a problem.
extension Parser {
  /// The brackets that are open inside one text or hole, by kind.
  private struct OpenCounts {
    var parentheses = 0
    var brackets = 0
    var braces = 0

    subscript(_ symbol: Symbol) -> Int {
      get {
        switch symbol {
        case .rightParenthesis: parentheses
        case .rightBracket: brackets
        default: braces
        }
      }
      set {
        switch symbol {
        case .rightParenthesis: parentheses = newValue
        case .rightBracket: brackets = newValue
        default: braces = newValue
        }
      }
    }
  }

  /// For each opening bracket, text or hole the index of the token that ends it; -1 for other tokens
  /// and for brackets that are never closed.
  static func matches(in tokens: [Token]) -> [Int] {
    var result = [Int](repeating: -1, count: tokens.count)
    // Texts and holes have no symbol; nothing inside them closes a bracket outside.
    var open: [(index: Int, closer: Symbol?)] = []
    var counts = OpenCounts()
    var outer: [OpenCounts] = []
    for (index, token) in tokens.enumerated() {
      switch token.kind {
      case .symbol(.leftParenthesis), .symbol(.leftBracket), .symbol(.leftBrace):
        guard let closer = closer(of: token.kind) else { continue }
        open.append((index, closer))
        counts[closer] += 1
      case .symbol(let symbol)
      where symbol == .rightParenthesis || symbol == .rightBracket || symbol == .rightBrace:
        guard counts[symbol] > 0 else { continue }
        while let last = open.popLast(), let closer = last.closer {
          counts[closer] -= 1
          if closer == symbol {
            result[last.index] = index
            break
          }
        }
      case .holeStart, .textStart:
        open.append((index, nil))
        outer.append(counts)
        counts = OpenCounts()
      case .holeEnd, .textEnd:
        while let last = open.popLast() {
          if last.closer == nil {
            result[last.index] = index
            break
          }
        }
        counts = outer.popLast() ?? OpenCounts()
      default: break
      }
    }
    return result
  }

  static func closer(of kind: TokenKind) -> Symbol? {
    switch kind {
    case .symbol(.leftParenthesis): .rightParenthesis
    case .symbol(.leftBracket): .rightBracket
    case .symbol(.leftBrace): .rightBrace
    default: nil
    }
  }

  /// The closing bracket that stands here.
  var closingBracket: Symbol? {
    switch kind {
    case .symbol(let symbol)
    where symbol == .rightParenthesis || symbol == .rightBracket || symbol == .rightBrace:
      symbol
    default: nil
    }
  }

  /// Whether nothing that stands here can belong to an open list.
  var isStop: Bool {
    kind == .end || kind == .holeEnd || kind == .textEnd || closingBracket != nil
  }

  // MARK: Lists

  /// Reads a list with `,` between its elements, from its opening bracket on; gives its end's offset.
  mutating func readList(closer: Symbol, _ element: (inout Parser) -> Void) -> Int {
    let opening = current
    let isClosed = matches[position] >= 0
    let saved = (newlinesMatter, ifEndsExpression)
    (newlinesMatter, ifEndsExpression) = (false, false)
    awaitedClosers.append(closer)
    advance()
    readElements(opening: opening, isClosed: isClosed, closer: closer, element)
    awaitedClosers.removeLast()
    (newlinesMatter, ifEndsExpression) = saved
    return max(previousEnd, opening.range.upper)
  }

  private mutating func readElements(
    opening: Token, isClosed: Bool, closer: Symbol, _ element: (inout Parser) -> Void
  ) {
    var lacksCommas = false
    while !hasGivenUp {
      if take(closer) { return }
      if endsUnclosedList(opening: opening, isClosed: isClosed, closer: closer) { return }
      let start = position
      element(&self)
      if take(.comma) || kind == .symbol(closer) { continue }
      if isStop || beginsNewStatement(isClosed: isClosed) { continue }
      // Something stands where a comma is expected.
      let next = closer.rawValue
      if position > start, beginsOperand {
        if !lacksCommas, !current.followsUnreadable {
          report(.missingComma(closer: next), current.range)
        }
        lacksCommas = true
      } else {
        report(unexpectedHere, current.range)
        skipToComma()
        _ = take(.comma)
        if position == start { advance() }
      }
    }
  }

  /// Whether the list ends here although its bracket is not closed; reports what is wrong.
  private mutating func endsUnclosedList(opening: Token, isClosed: Bool, closer: Symbol) -> Bool {
    let range = opening.range
    if endsInUnclosedText, kind == .end || current.startsLine || kind == .holeEnd {
      // The missing quote took the rest of the line, and with it the closing bracket.
      return true
    }
    if kind == .end || kind == .holeEnd || kind == .textEnd
      || beginsNewStatement(isClosed: isClosed)
    {
      report(.unclosedBracket(spelling(of: opening) ?? ""), range)
      return true
    }
    guard let found = closingBracket else { return false }
    if awaitedClosers.dropLast().contains(found) {
      report(.unclosedBracket(spelling(of: opening) ?? ""), range)
      hasBracketProblem = true
    } else {
      let problem = Problem.mismatchedBracket(
        opened: String(describingOpenerOf: closer), closed: found.rawValue)
      report(
        problem, current.range,
        notes: [Diagnostic.Note(message: Problem.openBracketNote, range: range)])
      hasBracketProblem = true
      advance()
    }
    return true
  }

  /// Whether a bracket that is never closed is better taken to end before the current line.
  private func beginsNewStatement(isClosed: Bool) -> Bool {
    guard !isClosed, current.startsLine, kind != .end else { return false }
    if closingBracket != nil { return false }
    switch kind {
    case .keyword(.define): return true
    default: return column(of: current) <= statementColumn
    }
  }

  /// Whether an operand can begin here.
  var beginsOperand: Bool {
    switch kind {
    case .name, .number, .textStart: true
    case .keyword(let keyword):
      switch keyword {
      case .define, .membership, .otherwise, .and, .or, .loop: false
      default: true
      }
    case .symbol(let symbol):
      symbol == .leftParenthesis || symbol == .leftBracket || symbol == .leftBrace
    default: false
    }
  }

  /// The problem with a token that can't continue what stands before it.
  var unexpectedHere: Problem {
    switch kind {
    case .symbol(.assign): .assignmentInExpression
    case .symbol(.compoundAssignment):
      .compoundAssignment(name: nil, operation: String(text(current.range).prefix(1)))
    default: .unexpectedToken(spelling(of: current) ?? "")
    }
  }

  // MARK: Skipping

  /// Passes the current token or, at an opening bracket, text or hole, all up to its end.
  mutating func skipOne() {
    let end = matches[position]
    if end > position { position = end }
    advance()
  }

  /// Skips to the next comma or closing bracket of the list.
  mutating func skipToComma() {
    while !isStop, kind != .symbol(.comma) {
      if current.startsLine, case .keyword(.define) = kind { return }
      skipOne()
    }
  }

  /// Skips the rest of a statement; `includingCurrent` also skips a token that begins its line.
  mutating func skipStatement(includingCurrent: Bool = false) {
    if includingCurrent, !isStop { skipOne() }
    while kind != .end, kind != .holeEnd, kind != .symbol(.semicolon), !isAtLineEnd {
      if let closer = closingBracket, awaitedClosers.contains(closer) { return }
      skipOne()
    }
  }

  /// The number of bytes before a token that is the first on its line.
  func column(of token: Token) -> Int {
    var start = token.range.lower
    while start > 0, bytes[start - 1] != UInt8(ascii: "\n"), bytes[start - 1] != UInt8(ascii: "\r")
    {
      start -= 1
    }
    return token.range.lower - start
  }
}

extension String {
  /// The opening bracket that a closing one ends.
  init(describingOpenerOf closer: Symbol) {
    self =
      switch closer {
      case .rightParenthesis: "("
      case .rightBracket: "["
      default: "{"
      }
  }
}
