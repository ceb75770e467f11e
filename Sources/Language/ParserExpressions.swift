/// Operators, calls and literals.
extension Parser {
  /// Reads a whole expression; `after` is what stands before it, for the message when it is missing.
  mutating func readExpression(after: String? = nil) -> Node {
    if newlinesMatter, current.startsLine, after != nil, beginsBinding {
      return missingOperand(after)
    }
    return nested { parser in
      var value = parser.readOperators(.pipe, after: after)
      if case .keyword(.condition) = parser.kind, !parser.isAtLineEnd, !parser.ifEndsExpression,
        value.expression.kind != .missing
      {
        value = parser.readPythonConditional(value)
      }
      return value
    }
  }

  /// Whether a statement that is no mere expression begins here.
  var beginsBinding: Bool {
    switch kind {
    case .keyword(.define): true
    case .name(let name):
      kind(ahead: 1) == .symbol(.assign) || (name == "param" && isName(kind(ahead: 1)))
    default: false
    }
  }

  func isName(_ kind: TokenKind) -> Bool {
    if case .name = kind { true } else { false }
  }

  mutating func missingOperand(_ after: String?) -> Node {
    if after == nil, newlinesMatter, current.startsLine, kind != .end {
      // The statement begins with what can't begin one.
      let range = current.range
      let spelling = spelling(of: current) ?? ""
      let isOperator = isInfixSymbol
      report(
        isOperator
          ? .operatorAtLineStart(spelling) : .expectedExpression(after: nil, found: spelling), range)
      return missing(SourceRange(range.lower, range.lower))
    }
    let range = problemRange
    report(.expectedExpression(after: after, found: found), range)
    return missing(SourceRange(range.lower, range.lower))
  }

  // MARK: Operators

  /// How strongly operators hold their operands, rising.
  enum Strength: Int, Comparable {
    case pipe, or, and, not, comparison, range, sum, product, sign, power

    static func < (left: Strength, right: Strength) -> Bool { left.rawValue < right.rawValue }
  }

  private enum Infix {
    case pipe
    case binary(BinaryOperator)
    case notIn
    case range(includesUpper: Bool)
  }

  /// Whether an operator that needs a left operand stands here.
  private var isInfixSymbol: Bool {
    switch kind {
    case .keyword(.and), .keyword(.or), .keyword(.membership): true
    case .symbol(let symbol):
      switch symbol {
      case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .star, .slash,
        .percent, .caret, .pipe, .halfOpenRange, .closedRange:
        true
      default: false
      }
    default: false
    }
  }

  /// The operator between operands that stands here.
  private var infix: (operation: Infix, strength: Strength)? {
    switch kind {
    case .symbol(.pipe): return (.pipe, .pipe)
    case _ where newlinesMatter && current.startsLine: return nil
    case .keyword(.or): return (.binary(.or), .or)
    case .keyword(.and): return (.binary(.and), .and)
    case .keyword(.membership): return (.binary(.membership), .comparison)
    case .keyword(.not) where kind(ahead: 1) == .keyword(.membership):
      return (.notIn, .comparison)
    case .symbol(let symbol):
      switch symbol {
      case .equal: return (.binary(.equal), .comparison)
      case .notEqual: return (.binary(.notEqual), .comparison)
      case .less: return (.binary(.less), .comparison)
      case .lessOrEqual: return (.binary(.lessOrEqual), .comparison)
      case .greater: return (.binary(.greater), .comparison)
      case .greaterOrEqual: return (.binary(.greaterOrEqual), .comparison)
      case .halfOpenRange: return (.range(includesUpper: false), .range)
      case .closedRange: return (.range(includesUpper: true), .range)
      case .plus: return (.binary(.add), .sum)
      case .minus: return (.binary(.subtract), .sum)
      case .star: return (.binary(.multiply), .product)
      case .slash: return (.binary(.divide), .product)
      case .percent: return (.binary(.remainder), .product)
      case .caret: return (.binary(.power), .power)
      default: return nil
      }
    default: return nil
    }
  }

  /// Reads operands and the operators between them that are at least as strong as `weakest`.
  private mutating func readOperators(_ weakest: Strength, after: String?) -> Node {
    var left = readPrefixed(after: after)
    while let (operation, strength) = infix, strength >= weakest {
      let start = position
      if strength == .comparison {
        left = readComparisons(left)
      } else {
        left = readInfix(operation, strength, left)
      }
      if position == start { break }
    }
    return left
  }

  private mutating func readInfix(_ operation: Infix, _ strength: Strength, _ left: Node) -> Node {
    let spelling = text(current.range)
    advance()
    let right: Node
    if strength == .power {
      right = readOperand(after: spelling) { parser in
        parser.nested { $0.readOperators(.power, after: spelling) }
      }
    } else {
      let next = Strength(rawValue: strength.rawValue + 1) ?? .power
      right = readOperand(after: spelling) { $0.readOperators(next, after: spelling) }
    }
    let range = left.range.union(right.range)
    let height = max(left.height, right.height)
    switch operation {
    case .pipe:
      return node(.pipe(left.expression, into: right.expression), range, over: height)
    case .binary(let binary):
      return node(.binary(binary, left.expression, right.expression), range, over: height)
    case .notIn:
      let test = node(
        .binary(.membership, left.expression, right.expression), range, over: height)
      return node(.unary(.not, test.expression), range, over: test.height)
    case .range(let includesUpper):
      while case .range = infix?.operation {
        let place = current.range
        add(.repeatedRange, place)
        advance()
        _ = readOperand(after: text(place)) { $0.readOperators(.sum, after: nil) }
      }
      return node(
        .range(lower: left.expression, upper: right.expression, includesUpper: includesUpper),
        range, over: height)
    }
  }

  /// Reads the operand after an operator, which may stand on the next line.
  private mutating func readOperand(after: String, _ body: (inout Parser) -> Node) -> Node {
    if newlinesMatter, current.startsLine, beginsBinding { return missingOperand(after) }
    return body(&self)
  }

  /// Reads one comparison, and reports a chain of them, which is read as if joined by `and`.
  private mutating func readComparisons(_ first: Node) -> Node {
    var result: Node?
    var left = first
    var chain: [String] = []
    let start = position
    while let (operation, strength) = infix, strength == .comparison {
      let operatorStart = current.range.lower
      let comparison: Node
      if case .notIn = operation { advance() }
      comparison = readInfix(operation, .comparison, left)
      let right = rightOperand(of: comparison) ?? missing(comparison.range)
      chain.append(text(SourceRange(left.range.lower, max(operatorStart, right.range.upper))))
      if let before = result {
        result = node(
          .binary(.and, before.expression, comparison.expression),
          before.range.union(comparison.range), over: max(before.height, comparison.height))
      } else {
        result = comparison
      }
      left = right
      if hasGivenUp || chain.count > 100 { break }
    }
    if chain.count > 1, let result {
      add(
        .chainedComparison(suggestion: chain.joined(separator: " and ")),
        SourceRange(tokens[start].range.lower, result.range.upper).union(first.range))
    }
    return result ?? first
  }

  private func rightOperand(of comparison: Node) -> Node? {
    switch comparison.expression.kind {
    case .binary(_, _, let right): Node(expression: right, height: comparison.height)
    case .unary(_, let test):
      rightOperand(of: Node(expression: test, height: comparison.height))
    default: nil
    }
  }

  private mutating func readPrefixed(after: String?) -> Node {
    let start = current.range
    switch kind {
    case .keyword(.not):
      advance()
      let operand = readOperand(after: "not") { parser in
        parser.nested { $0.readOperators(.not, after: "not") }
      }
      return node(
        .unary(.not, operand.expression), start.union(operand.range), over: operand.height)
    case .symbol(.minus), .symbol(.plus):
      let isMinus = kind == .symbol(.minus)
      advance()
      let spelling = isMinus ? "-" : "+"
      let operand = readOperand(after: spelling) { parser in
        parser.nested { $0.readOperators(.power, after: spelling) }
      }
      guard isMinus else { return operand }
      return node(
        .unary(.negate, operand.expression), start.union(operand.range), over: operand.height)
    default:
      return readPostfix(after: after)
    }
  }

  // MARK: Fields, calls and indices

  private mutating func readPostfix(after: String?) -> Node {
    var value = readPrimary(after: after)
    if value.expression.kind == .missing { return value }
    while true {
      switch kind {
      case .symbol(.dot):
        value = readMember(of: value)
      case .symbol(.leftParenthesis) where !isAtLineEnd:
        value = readCall(of: value)
      case .symbol(.leftBracket) where !isAtLineEnd:
        value = readIndex(of: value)
      default:
        return value
      }
    }
  }

  private mutating func readMember(of value: Node) -> Node {
    advance()
    if !isAtLineEnd, let name = takeName(reserved: true) {
      return node(
        .member(value.expression, name: name), value.range.union(name.range), over: value.height)
    }
    report(.expectedName(what: "a field", found: found), problemRange, moreCanFollow: false)
    return missing(SourceRange(value.range.lower, previousEnd))
  }

  private mutating func readCall(of callee: Node) -> Node {
    var arguments: [Argument] = []
    var labels: Set<String> = []
    var height = callee.height
    let end = readList(closer: .rightParenthesis) { parser in
      var label: Identifier?
      switch parser.kind(ahead: 1) {
      case .symbol(.colon), .symbol(.assign): label = parser.takeName(reserved: true)
      default: break
      }
      if label != nil { parser.advance() }
      if let label, !labels.insert(label.name).inserted {
        parser.add(.duplicateLabel(label.name), label.range)
      }
      var value = parser.readExpression(after: label == nil ? nil : ":")
      if parser.kind == .keyword(.loop), value.expression.kind != .missing {
        value = parser.readComprehension(of: value, from: value.range.lower)
      }
      if label == nil, !labels.isEmpty, value.expression.kind != .missing {
        parser.add(.positionalAfterLabel, value.range)
      }
      arguments.append(Argument(label: label, value: value.expression))
      height = max(height, value.height)
    }
    return node(
      .call(callee: callee.expression, arguments: arguments),
      SourceRange(callee.range.lower, end), over: height)
  }

  private mutating func readIndex(of value: Node) -> Node {
    let opening = current.range
    var indices: [Node] = []
    let end = readList(closer: .rightBracket) { parser in
      indices.append(parser.readIndexValue())
    }
    if indices.isEmpty, tokens[position - 1].kind == .symbol(.rightBracket) {
      add(.emptyIndex, SourceRange(opening.lower, end))
    }
    if indices.count > 1, indices.allSatisfy({ $0.expression.kind != .missing }) {
      add(.severalIndices, indices[0].range.union(indices[indices.count - 1].range))
    }
    var result = value
    for index in indices {
      result = node(
        .index(result.expression, index.expression), SourceRange(value.range.lower, end),
        over: max(result.height, index.height))
    }
    if indices.isEmpty { return missing(SourceRange(value.range.lower, end)) }
    return result
  }

  /// Reads an index; Python's `a:b` is reported and read as `a..<b`.
  private mutating func readIndexValue() -> Node {
    let start = current.range
    let lower = kind == .symbol(.colon) ? nil : readExpression()
    guard kind == .symbol(.colon) else { return lower ?? missing(start) }
    advance()
    var upper: Node?
    if kind != .symbol(.rightBracket), kind != .symbol(.colon), kind != .symbol(.comma) {
      upper = readExpression(after: ":")
    }
    let hasStep = take(.colon)
    if hasStep, kind != .symbol(.rightBracket) { _ = readExpression(after: ":") }
    let range = SourceRange(start.lower, previousEnd)
    add(.pythonSlice(suggestion: sliceSuggestion(lower, upper, hasStep: hasStep)), range)
    guard let upper else { return missing(range) }
    let from = lower?.expression ?? Expression(.number(0), SourceRange(range.lower, range.lower))
    return node(
      .range(lower: from, upper: upper.expression, includesUpper: false), range,
      over: max(lower?.height ?? 1, upper.height))
  }

  private func sliceSuggestion(_ lower: Node?, _ upper: Node?, hasStep: Bool) -> String {
    if hasStep { return "Write `a..<b`; there are no steps." }
    let from = lower.map { Problem.shown(text($0.range)) } ?? "0"
    guard let upper else { return "Write `\(from)..<n`, where `n` is the number of elements." }
    return "Write `\(from)..<\(Problem.shown(text(upper.range)))`."
  }

  /// Reads what follows a value in `value if condition else other`.
  private mutating func readPythonConditional(_ value: Node) -> Node {
    let place = current.range
    add(.pythonConditional, place)
    advance()
    let condition = readExpression(after: "if")
    var otherwise: Node?
    if kind == .keyword(.otherwise), !isAtLineEnd {
      advance()
      otherwise = readExpression(after: "else")
    }
    return node(
      .conditional(
        condition: condition.expression, then: value.expression, otherwise: otherwise?.expression),
      SourceRange(value.range.lower, previousEnd),
      over: max(value.height, condition.height, otherwise?.height ?? 0))
  }
}
