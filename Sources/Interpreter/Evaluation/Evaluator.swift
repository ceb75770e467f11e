import Language

extension ExecutionContext {
  /// Runs statements one after another in a scope and gives the last one's value.
  func run(_ statements: [Statement], in scope: Scope) throws -> Value {
    var value = Value.none
    for statement in statements { value = try run(statement, in: scope) }
    return value
  }

  /// Runs one statement; a binding or a definition gives none.
  func run(_ statement: Statement, in scope: Scope) throws -> Value {
    try check()
    switch statement.kind {
    case .expression(let expression): return try evaluate(expression, in: scope)
    case .binding(let name, let value):
      scope.bind(name.name, to: try evaluate(value, in: scope))
    case .function(let name, let parameters, let body):
      scope.bind(
        name.name,
        to: .function(
          .user(
            UserFunction(
              name: name.name, parameters: parameters, body: body, scope: scope, source: source))))
    case .parameter(let name, let value, _):
      if let override = parameters.take(name.name) {
        scope.bind(name.name, to: override)
      } else {
        scope.bind(name.name, to: try evaluate(value, in: scope))
      }
    }
    return .none
  }

  /// The value of an expression.
  ///
  /// - Throws: `Diagnostic` with the place in `source`; `Cancelled`.
  func evaluate(_ expression: Expression, in scope: Scope) throws -> Value {
    level += 1
    defer { level -= 1 }
    guard level <= limits.level else {
      throw Diagnostic(
        code: "recursion-limit", message: "The calls here are nested too deeply.",
        hint: "A function that calls itself must come to an end.", range: expression.range)
    }
    switch expression.kind {
    case .number(let number): return .number(number)
    case .bool(let flag): return .bool(flag)
    case .none: return .none
    case .text(let parts): return try text(parts, in: scope, range: expression.range)
    case .name(let name): return try lookUp(name, in: scope, range: expression.range)
    case .list(let elements):
      return try bounded(
        .list(elements.map { try evaluate($0, in: scope) }), range: expression.range)
    case .record(let members):
      let members = try members.map { member in
        (name: member.name.name, value: try evaluate(member.value, in: scope))
      }
      return try bounded(.record(Record(members)), range: expression.range)
    case .range(let lower, let upper, let includesUpper):
      return try range(lower, upper, includesUpper: includesUpper, in: scope)
    case .unary(let operation, let operand):
      let value = try evaluate(operand, in: scope)
      return try located(expression.range) { try apply(operation, value) }
    case .binary(let operation, let left, let right):
      return try binary(operation, left, right, in: scope, range: expression.range)
    case .call(let callee, let arguments):
      return try call(callee, arguments, first: nil, in: scope, range: expression.range)
    case .member(let object, let name):
      let value = try evaluate(object, in: scope)
      return try field(name, of: value, scope: scope)
    case .index(let object, let index):
      let value = try evaluate(object, in: scope)
      let place = try indexValue(index, of: value, in: scope)
      return try located(index.range) { try element(of: value, at: place) }
    case .pipe(let value, let target): return try pipe(value, target, in: scope, expression.range)
    case .lambda(let parameters, let body):
      return .function(
        .user(
          UserFunction(
            name: nil, parameters: parameters.map { FunctionParameter(name: $0) }, body: body,
            scope: scope, source: source)))
    case .conditional(let condition, let then, let otherwise):
      if try condition.isTrue(self, scope, of: "if") { return try evaluate(then, in: scope) }
      return try otherwise.map { try evaluate($0, in: scope) } ?? .none
    case .loop(let variables, let sequence, let body):
      return try loop(variables, sequence, range: expression.range, in: scope) { turn in
        try self.evaluate(body, in: turn)
      }
    case .comprehension(let element, let variables, let sequence, let condition):
      return try comprehension(
        element, variables, sequence, condition, range: expression.range, in: scope)
    case .block(let statements): return try run(statements, in: scope)
    case .help(let subject): return try help(subject, in: scope)
    case .missing:
      throw Diagnostic(
        code: "missing-expression", message: "An expression is missing here.",
        range: expression.range)
    }
  }

  /// A value that isn't too large or nested too deeply to be used.
  func bounded(_ value: Value, range: SourceRange?) throws -> Value {
    if value.depth > Value.maximumDepth {
      throw Diagnostic(
        code: "too-deep",
        message: "This value nests more than \(Value.maximumDepth) levels deep.", range: range)
    }
    if value.weight > Value.maximumWeight {
      throw Diagnostic(
        code: "too-large",
        message:
          "This value would hold more than \(Value.maximumWeight / 1_000_000) million values.",
        range: range)
    }
    return value
  }

  /// What a body gives, its errors placed in the text of the cell.
  func located<T>(_ range: SourceRange?, _ body: () throws -> T) throws -> T {
    do { return try body() } catch { throw explained(error, range: range, arguments: nil) }
  }

  private func text(_ parts: [TextPart], in scope: Scope, range: SourceRange) throws -> Value {
    if parts.count == 1, case .literal(let text) = parts[0] { return .text(text) }
    var result = ""
    for part in parts {
      switch part {
      case .literal(let text): result += text
      case .hole(let expression): result += try evaluate(expression, in: scope).printed
      }
      try located(range) { try Self.checkTextLength(result.utf8.count) }
    }
    return .text(result)
  }

  func lookUp(_ name: String, in scope: Scope, range: SourceRange) throws -> Value {
    if let value = scope.lookUp(name) { return value }
    if let selector = Selector(rawValue: name) { return .selector(selector) }
    if let definition = catalogue[name] { return .function(.builtin(definition)) }
    let nearest = Suggestions.nearest(
      name, in: scope.visibleNames() + catalogue.names + Selector.allCases.map(\.rawValue))
    throw Diagnostic(
      code: "unknown-name", message: "There is no `\(name)`.",
      hint: nearest.map { "Did you mean `\($0)`?" }, range: range)
  }

  private func range(
    _ lower: Expression, _ upper: Expression, includesUpper: Bool, in scope: Scope
  ) throws -> Value {
    let first = try bound(lower, in: scope)
    let last = try bound(upper, in: scope)
    return .range(RangeValue(first: first, count: last - first + (includesUpper ? 1 : 0)))
  }

  /// The value of an index; the ends of a range written here count from the end where they are
  /// negative, as in `x[1...-2]`.
  private func indexValue(_ index: Expression, of value: Value, in scope: Scope) throws -> Value {
    guard case .range(let lower, let upper, let includesUpper) = index.kind,
      let count = Sequences.count(value)
    else { return try evaluate(index, in: scope) }
    let first = try bound(lower, in: scope)
    let last = try bound(upper, in: scope)
    let start = first < 0 ? max(first + count, 0) : first
    let end = last < 0 ? last + count : last
    return .range(RangeValue(first: start, count: end - start + (includesUpper ? 1 : 0)))
  }

  private func bound(_ expression: Expression, in scope: Scope) throws -> Int {
    let value = try evaluate(expression, in: scope)
    guard let number = value.integer, number.magnitude <= 1 << 53 else {
      throw Diagnostic(
        code: "wrong-type",
        message: "A range goes from one whole number to another; "
          + "\(value.phrase) is none.", range: expression.range)
    }
    return number
  }

  private func binary(
    _ operation: BinaryOperator, _ left: Expression, _ right: Expression, in scope: Scope,
    range: SourceRange
  ) throws -> Value {
    switch operation {
    case .and:
      return .bool(
        try left.isTrue(self, scope, of: "and") && right.isTrue(self, scope, of: "and"))
    case .or:
      return .bool(try left.isTrue(self, scope, of: "or") || right.isTrue(self, scope, of: "or"))
    default:
      let a = try evaluate(left, in: scope)
      let b = try evaluate(right, in: scope)
      if case .number(let x) = a, case .number(let y) = b {
        return try located(range) { try Arithmetic.apply(operation, x, y) }
      }
      let value = try located(range) { try apply(operation, a, b) }
      return try bounded(value, range: range)
    }
  }

  private func loop(
    _ variables: [Identifier], _ sequence: Expression, range: SourceRange, in scope: Scope,
    turn: (Scope) throws -> Value
  ) throws -> Value {
    let elements = try evaluate(sequence, in: scope)
    var values: [Value] = []
    var weight = 0
    // Turns that gave none so far: as long as all did, no list is needed.
    var empty = 0
    try forEach(elements, sequence) { element in
      let value = try turn(self.turnScope(variables, element, sequence, scope))
      if case .none = value, values.isEmpty {
        empty += 1
        return
      }
      if values.isEmpty, empty > 0 {
        try self.located(range) { try Sequences.checkCount(empty) }
        values = Array(repeating: .none, count: empty)
      }
      values.append(value)
      weight += value.weight
      if values.count > Sequences.maximumCount || weight > Value.maximumWeight {
        throw Diagnostic(
          code: "too-large", message: "This loop gives more than 10 million values.",
          hint:
            "End its block with a statement that gives none, such as `x = …`, to keep none of them.",
          range: range)
      }
    }
    return values.isEmpty ? .none : try bounded(.list(values), range: range)
  }

  private func comprehension(
    _ element: Expression, _ variables: [Identifier], _ sequence: Expression,
    _ condition: Expression?, range: SourceRange, in scope: Scope
  ) throws -> Value {
    let elements = try evaluate(sequence, in: scope)
    var values: [Value] = []
    var weight = 0
    try forEach(elements, sequence) { item in
      let turn = try self.turnScope(variables, item, sequence, scope)
      if let condition, try !condition.isTrue(self, turn, of: "if") { return }
      let value = try self.evaluate(element, in: turn)
      values.append(value)
      weight += value.weight
      if values.count > Sequences.maximumCount || weight > Value.maximumWeight {
        throw Diagnostic(
          code: "too-large", message: "This list would hold more than 10 million values.",
          range: range)
      }
    }
    return try bounded(.list(values), range: range)
  }

  private func forEach(
    _ value: Value, _ sequence: Expression, _ body: (Value) throws -> Void
  ) throws {
    let hasElements = try located(sequence.range) {
      try Sequences.forEach(value, in: self) { element in
        try self.check()
        try body(element)
      }
    }
    guard hasElements else {
      throw Diagnostic(
        code: "wrong-type",
        message: "`for` goes through a list, a range or another value with elements, "
          + "not \(value.phrase).",
        hint: value.integer.map { "For the numbers below it write 0..<\($0)." },
        range: sequence.range)
    }
  }

  private func turnScope(
    _ variables: [Identifier], _ element: Value, _ sequence: Expression, _ scope: Scope
  ) throws -> Scope {
    if variables.count == 1 {
      return Scope(parent: scope, values: [variables[0].name: element], isTurn: true)
    }
    guard let parts = try Sequences.elements(element, in: self), parts.count == variables.count
    else {
      throw Diagnostic(
        code: "wrong-value",
        message: "Each element must have \(variables.count) parts for these names; "
          + "\(element.phrase) has not.",
        range: variables.dropFirst().reduce(variables.first?.range) { $0?.union($1.range) })
    }
    return Scope(
      parent: scope,
      values: Dictionary(zip(variables.map(\.name), parts)) { _, later in later }, isTurn: true)
  }
}

extension Expression {
  /// Whether a condition holds.
  ///
  /// Only `true` and `false` are conditions: a number, an empty list or none is an error, since
  /// each language takes another part of them for false.
  fileprivate func isTrue(_ context: ExecutionContext, _ scope: Scope, of word: String) throws
    -> Bool
  {
    let value = try context.evaluate(self, in: scope)
    if case .bool(let flag) = value { return flag }
    var hint: String?
    switch value {
    case .number: hint = "Compare it: `… != 0`."
    case .list, .text, .table, .record: hint = "Ask for its length: `len(…) > 0`."
    case .none: hint = "Compare it: `… != none`."
    case .tensor: hint = "Bring it down to one number first: `sum(…) > 0`."
    default: break
    }
    throw Diagnostic(
      code: "wrong-type", message: "`\(word)` takes true or false, not \(value.phrase).",
      hint: hint, range: range)
  }
}
