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
          ? .operatorAtLineStart(spelling) : .expectedExpression(after: nil, found: spelling), range
      )
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
    /// A second range operator, whose right operand is dropped.
    case surplus
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

  /// An operator whose right operand is being read.
  private struct Pending {
    var left: Node
    var operation: Infix
    var strength: Strength
    /// The comparisons before this one in a chain, joined by `and`.
    var chain: Node?
    /// How the chain's comparisons would be written out.
    var spellings: [String] = []
  }

  /// Reads operands and the operators between them that are at least as strong as `weakest`.
  ///
  /// The operators wait on a list of their own, so that the stack need not hold a call for each
  /// strength.
  private mutating func readOperators(_ weakest: Strength, after: String?) -> Node {
    var operand = readPrefixed(after: after)
    var pending: [Pending] = []
    while let (operation, strength) = infix, strength >= weakest {
      var isSecondRange = false
      while let top = pending.last, Self.comes(top.strength, before: strength) {
        pending.removeLast()
        operand = join(top, operand)
        isSecondRange = top.strength == .range && strength == .range
      }
      var next = Pending(left: operand, operation: operation, strength: strength)
      if isSecondRange {
        add(.repeatedRange, current.range)
        next.operation = .surplus
      }
      if strength == .comparison, let top = pending.last, top.strength == .comparison {
        pending.removeLast()
        next = chained(top, operand, operation)
      }
      pending.append(next)
      if case .notIn = operation { advance() }
      let spelling = text(current.range)
      advance()
      operand = readOperand(after: spelling)
    }
    while let top = pending.popLast() { operand = join(top, operand) }
    return operand
  }

  /// Whether an operator takes the operand between it and the one that follows.
  private static func comes(_ left: Strength, before right: Strength) -> Bool {
    left > right || (left == right && left != .power && left != .comparison)
  }

  /// Makes the expression of an operator whose right operand was read.
  private mutating func join(_ pending: Pending, _ right: Node) -> Node {
    let left = pending.left
    let range = left.range.union(right.range)
    let height = max(left.height, right.height)
    var result: Node
    switch pending.operation {
    case .surplus:
      return left
    case .pipe:
      return node(.pipe(left.expression, into: right.expression), range, over: height)
    case .range(let includesUpper):
      return node(
        .range(lower: left.expression, upper: right.expression, includesUpper: includesUpper),
        range, over: height)
    case .binary(let binary):
      result = node(.binary(binary, left.expression, right.expression), range, over: height)
    case .notIn:
      let test = node(
        .binary(.membership, left.expression, right.expression), range, over: height)
      result = node(.unary(.not, test.expression), range, over: test.height)
    }
    guard let chain = pending.chain else { return result }
    result = conjunction(chain, result)
    let last = text(SourceRange(left.range.lower, right.range.upper))
    let suggestion = (pending.spellings + [last]).joined(separator: " and ")
    add(.chainedComparison(suggestion: suggestion), result.range)
    return result
  }

  private mutating func conjunction(_ left: Node, _ right: Node) -> Node {
    node(
      .binary(.and, left.expression, right.expression), left.range.union(right.range),
      over: max(left.height, right.height))
  }

  /// The second of two comparisons in a row: a chain, which is reported and read as if joined by `and`.
  private mutating func chained(_ first: Pending, _ middle: Node, _ operation: Infix) -> Pending {
    var before = first
    before.chain = nil
    let comparison = join(before, middle)
    var next = Pending(left: middle, operation: operation, strength: .comparison)
    next.chain = first.chain.map { conjunction($0, comparison) } ?? comparison
    // A sentence has room for few comparisons.
    let spelling = text(SourceRange(first.left.range.lower, middle.range.upper))
    next.spellings = first.spellings.count < 4 ? first.spellings + [spelling] : first.spellings
    return next
  }

  /// Reads the operand after an operator, which may stand on the next line.
  private mutating func readOperand(after: String) -> Node {
    if newlinesMatter, current.startsLine, beginsBinding { return missingOperand(after) }
    return readPrefixed(after: after)
  }

  private mutating func readPrefixed(after: String?) -> Node {
    let start = current.range
    switch kind {
    case .keyword(.not):
      advance()
      let operand = readOperands(.not, after: "not")
      return node(
        .unary(.not, operand.expression), start.union(operand.range), over: operand.height)
    case .symbol(.minus), .symbol(.plus):
      let isMinus = kind == .symbol(.minus)
      advance()
      let spelling = isMinus ? "-" : "+"
      let operand = readOperands(.power, after: spelling)
      guard isMinus else { return operand }
      return node(
        .unary(.negate, operand.expression), start.union(operand.range), over: operand.height)
    default:
      return readPostfix(after: after)
    }
  }

  /// Reads what an operator before its operand applies to.
  private mutating func readOperands(_ weakest: Strength, after: String) -> Node {
    if newlinesMatter, current.startsLine, beginsBinding { return missingOperand(after) }
    return nested { $0.readOperators(weakest, after: after) }
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
