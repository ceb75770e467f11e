extension TemplateParser {
  /// One expression, or several with commas between them, which make a list.
  mutating func tuple() throws(ChatTemplateError) -> TemplateExpression {
    let first = try expression()
    guard token == .mark(",") else { return first }
    var items = [first]
    while takes(",") { items.append(try expression()) }
    return try checked(.list(items))
  }

  /// An expression: the weakest operator is the choice `a if b else c`.
  mutating func expression() throws(ChatTemplateError) -> TemplateExpression {
    try descend()
    defer { ascend() }
    var value = try withoutChoice()
    while takesWord("if") {
      let test = try withoutChoice()
      let otherwise = takesWord("else") ? try expression() : nil
      value = try checked(.choice(value, test: test, otherwise: otherwise))
    }
    return value
  }

  mutating func withoutChoice() throws(ChatTemplateError) -> TemplateExpression {
    var left = try conjunction()
    while takesWord("or") { left = try checked(.either(left, try conjunction())) }
    return left
  }

  private mutating func conjunction() throws(ChatTemplateError) -> TemplateExpression {
    var left = try negation()
    while takesWord("and") { left = try checked(.both(left, try negation())) }
    return left
  }

  private mutating func negation() throws(ChatTemplateError) -> TemplateExpression {
    guard takesWord("not") else { return try comparison() }
    try descend()
    defer { ascend() }
    return try checked(.not(try negation()))
  }

  private mutating func comparison() throws(ChatTemplateError) -> TemplateExpression {
    let first = try sum()
    var others: [(mark: String, value: TemplateExpression)] = []
    while let mark = comparisonMark() { others.append((mark, try sum())) }
    return others.isEmpty ? first : try checked(.comparison(first, others))
  }

  private mutating func comparisonMark() -> String? {
    switch token {
    case .mark(let mark) where ["==", "!=", "<", "<=", ">", ">="].contains(mark):
      advance()
      return mark
    case .name("in"):
      advance()
      return "in"
    case .name("not"):
      guard next == .name("in") else { return nil }
      advance()
      advance()
      return "not in"
    default: return nil
    }
  }

  /// Operators of one strength, from the left.
  private mutating func chain(
    _ marks: [String],
    _ operand: (inout TemplateParser) throws(ChatTemplateError) -> TemplateExpression
  ) throws(ChatTemplateError) -> TemplateExpression {
    var left = try operand(&self)
    while case .mark(let mark) = token, marks.contains(mark) {
      advance()
      left = try checked(.arithmetic(left, mark, try operand(&self)))
    }
    return left
  }

  private mutating func sum() throws(ChatTemplateError) -> TemplateExpression {
    try chain(["+", "-"]) { (parser) throws(ChatTemplateError) in try parser.joined() }
  }

  private mutating func joined() throws(ChatTemplateError) -> TemplateExpression {
    try chain(["~"]) { (parser) throws(ChatTemplateError) in try parser.product() }
  }

  private mutating func product() throws(ChatTemplateError) -> TemplateExpression {
    try chain(["*", "/", "//", "%"]) { (parser) throws(ChatTemplateError) in
      try parser.signed(isFiltered: true)
    }
  }

  private mutating func signed(isFiltered: Bool) throws(ChatTemplateError) -> TemplateExpression {
    var value: TemplateExpression
    if token == .mark("-") || token == .mark("+") {
      let isNegative = token == .mark("-")
      advance()
      try descend()
      defer { ascend() }
      let operand = try signed(isFiltered: false)
      value = isNegative ? try checked(.negative(operand)) : operand
    } else {
      value = try primary()
    }
    value = try followed(value)
    return isFiltered ? try filtered(value) : value
  }

  private mutating func primary() throws(ChatTemplateError) -> TemplateExpression {
    let first = token
    switch first {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return TemplateExpression(.literal(.bool(true)))
      case "false", "False": return TemplateExpression(.literal(.bool(false)))
      case "none", "None": return TemplateExpression(.literal(.none))
      default:
        note(name)
        return TemplateExpression(.name(name))
      }
    case .text(var text):
      advance()
      // Texts that follow each other are one.
      while case .text(let more) = token {
        text += more
        advance()
      }
      return TemplateExpression(.literal(.text(text)))
    case .integer(let number):
      advance()
      return TemplateExpression(.literal(.integer(number)))
    case .number(let number):
      advance()
      return TemplateExpression(.literal(.number(number)))
    case .mark("("):
      advance()
      guard !takes(")") else { return TemplateExpression(.list([])) }
      let value = try expression()
      guard token == .mark(",") else {
        try expect(")")
        return value
      }
      var items = [value]
      while takes(","), token != .mark(")") { items.append(try expression()) }
      try expect(")")
      return try checked(.list(items))
    case .mark("["):
      advance()
      var items: [TemplateExpression] = []
      while token != .mark("]") {
        items.append(try expression())
        guard takes(",") else { break }
      }
      try expect("]")
      return try checked(.list(items))
    case .mark("{"):
      advance()
      var members: [(key: TemplateExpression, value: TemplateExpression)] = []
      while token != .mark("}") {
        let key = try expression()
        try expect(":")
        members.append((key, try expression()))
        guard takes(",") else { break }
      }
      try expect("}")
      return try checked(.record(members))
    default: throw unexpected("an expression")
    }
  }

  /// Attributes, elements and calls behind a value.
  private mutating func followed(
    _ value: TemplateExpression
  ) throws(ChatTemplateError) -> TemplateExpression {
    var value = value
    while true {
      if takes(".") {
        if case .integer(let index) = token {
          advance()
          value = try checked(.element(value, TemplateExpression(.literal(.integer(index)))))
        } else {
          value = try checked(.attribute(value, try name()))
        }
      } else if takes("[") {
        value = try subscripted(value)
      } else if token == .mark("(") {
        value = try checked(.call(value, try arguments()))
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(
    _ value: TemplateExpression
  ) throws(ChatTemplateError) -> TemplateExpression {
    var bounds: [TemplateExpression?] = [nil]
    var isSlice = false
    while token != .mark("]") {
      if takes(":") {
        isSlice = true
        bounds.append(nil)
      } else {
        guard bounds[bounds.count - 1] == nil else { throw unexpected("`]`") }
        bounds[bounds.count - 1] = try expression()
      }
    }
    guard bounds.count <= 3 else { throw unexpected("at most two `:`") }
    try expect("]")
    if isSlice { return try checked(.slice(value, bounds)) }
    guard let index = bounds[0] else { throw unexpected("an index") }
    return try checked(.element(value, index))
  }

  /// Filters and tests behind a value.
  private mutating func filtered(
    _ value: TemplateExpression
  ) throws(ChatTemplateError) -> TemplateExpression {
    var value = value
    while true {
      if takes("|") {
        let filter = try name()
        let arguments = token == .mark("(") ? try self.arguments() : TemplateArguments()
        value = try checked(.filter(value, filter, arguments))
      } else if takesWord("is") {
        let isNegated = takesWord("not")
        let test = try name()
        var arguments = TemplateArguments()
        if token == .mark("(") {
          arguments = try self.arguments()
        } else if beginsOperand {
          arguments.positional = [try followed(try primary())]
        }
        value = try checked(.test(value, test, arguments))
        if isNegated { value = try checked(.not(value)) }
      } else if token == .mark("(") {
        value = try checked(.call(value, try arguments()))
      } else {
        return value
      }
    }
  }

  /// Whether the operand of a test follows without brackets.
  private var beginsOperand: Bool {
    switch token {
    case .name(let name): !["else", "or", "and", "if", "is", "in", "not"].contains(name)
    case .text, .integer, .number, .mark("["), .mark("{"): true
    default: false
    }
  }

  private mutating func arguments() throws(ChatTemplateError) -> TemplateArguments {
    try expect("(")
    var arguments = TemplateArguments()
    while token != .mark(")") {
      if token == .mark("*") || token == .mark("**") {
        throw .unsupported(line: line, construct: "arguments from a list")
      }
      if case .name(let label) = token, next == .mark("=") {
        advance()
        advance()
        arguments.named.append((label, try expression()))
      } else {
        arguments.positional.append(try expression())
      }
      guard takes(",") else { break }
    }
    try expect(")")
    return arguments
  }
}
