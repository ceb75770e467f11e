/// Makes statements of a template's words.
struct TemplateParser {
  /// How deep statements and brackets may lie in one another.
  private static let mostNesting = 50
  /// How deep an expression may be, operators in a row included.
  private static let mostDepth = 200

  private let tokens: [(token: TemplateToken, line: Int)]
  private var place = 0
  private var nesting = 0
  /// Every name that the template asks for.
  private(set) var names: Set<String> = []

  init(_ tokens: [(token: TemplateToken, line: Int)]) { self.tokens = tokens }

  var token: TemplateToken { tokens[place].token }
  var line: Int { tokens[place].line }
  var next: TemplateToken { tokens[min(place + 1, tokens.count - 1)].token }

  mutating func advance() { if place < tokens.count - 1 { place += 1 } }

  func unexpected(_ expected: String) -> ChatTemplateError {
    .malformed(line: line, found: token.words, expected: expected)
  }

  /// Takes a mark if it is next.
  mutating func takes(_ mark: String) -> Bool {
    guard token == .mark(mark) else { return false }
    advance()
    return true
  }

  /// Takes a word if it is next.
  mutating func takesWord(_ word: String) -> Bool {
    guard token == .name(word) else { return false }
    advance()
    return true
  }

  mutating func expect(_ mark: String) throws(ChatTemplateError) {
    guard takes(mark) else { throw unexpected("`\(mark)`") }
  }

  mutating func name() throws(ChatTemplateError) -> String {
    guard case .name(let name) = token else { throw unexpected("a name") }
    advance()
    return name
  }

  mutating func note(_ name: String) { names.insert(name) }

  /// Goes one level deeper, unless that is too deep.
  mutating func descend() throws(ChatTemplateError) {
    nesting += 1
    guard nesting <= Self.mostNesting else { throw .tooDeep(line: line) }
  }

  mutating func ascend() { nesting -= 1 }

  func checked(_ kind: TemplateExpression.Kind) throws(ChatTemplateError) -> TemplateExpression {
    let expression = TemplateExpression(kind)
    guard expression.depth <= Self.mostDepth else { throw .tooDeep(line: line) }
    return expression
  }

  /// The whole template.
  mutating func template() throws(ChatTemplateError) -> [TemplateNode] {
    let (body, end) = try body(until: [])
    guard end == nil else { throw unexpected("a statement") }
    return body
  }

  /// Statements up to one of the given words, which is taken.
  private mutating func body(
    until ends: [String]
  ) throws(ChatTemplateError) -> (nodes: [TemplateNode], end: String?) {
    try descend()
    defer { ascend() }
    var nodes: [TemplateNode] = []
    while true {
      switch token {
      case .data(let text):
        nodes.append(.text(text))
        advance()
      case .outputBegin:
        let first = line
        advance()
        nodes.append(.output(try tuple(), line: first))
        guard token == .outputEnd else { throw unexpected("}}") }
        advance()
      case .blockBegin:
        advance()
        let first = line
        let word = try name()
        if ends.contains(word) { return (nodes, word) }
        nodes += try statement(word, first)
      case .end:
        guard ends.isEmpty else { throw unexpected("`\(ends.last ?? "")`") }
        return (nodes, nil)
      default: throw unexpected("a tag")
      }
    }
  }

  private mutating func endTag() throws(ChatTemplateError) {
    guard token == .blockEnd else { throw unexpected("%}") }
    advance()
  }

  /// The statement that begins with a word.
  private mutating func statement(
    _ word: String, _ first: Int
  ) throws(ChatTemplateError) -> [TemplateNode] {
    switch word {
    case "if": return [try condition()]
    case "for": return [try loop(first)]
    case "set": return [try assignment(first)]
    case "break", "continue":
      try endTag()
      return [word == "break" ? .leaveLoop : .nextRound]
    case "generation":
      // Marks what the model itself has written; the text is the same.
      try endTag()
      let inner = try body(until: ["endgeneration"]).nodes
      try endTag()
      return inner
    case "else", "elif", "endif", "endfor", "endset", "endgeneration":
      throw .malformed(
        line: first, found: "`\(word)`", expected: "the statement that it belongs to")
    default: throw .unsupported(line: first, construct: "the statement `\(word)`")
    }
  }

  private mutating func condition() throws(ChatTemplateError) -> TemplateNode {
    var branches: [TemplateBranch] = []
    while true {
      let first = line
      let test = try expression()
      try endTag()
      let (nodes, end) = try body(until: ["elif", "else", "endif"])
      branches.append(TemplateBranch(test: test, body: nodes, line: first))
      if end == "elif" { continue }
      var otherwise: [TemplateNode] = []
      if end == "else" {
        try endTag()
        otherwise = try body(until: ["endif"]).nodes
      }
      try endTag()
      return .condition(branches, otherwise: otherwise)
    }
  }

  private mutating func loop(_ first: Int) throws(ChatTemplateError) -> TemplateNode {
    let isBracketed = takes("(")
    var names = [try name()]
    while takes(",") { names.append(try name()) }
    if isBracketed { try expect(")") }
    guard takesWord("in") else { throw unexpected("`in`") }
    let sequence = try withoutChoice()
    let filter = takesWord("if") ? try expression() : nil
    if token == .name("recursive") {
      throw .unsupported(line: line, construct: "a recursive `for`")
    }
    try endTag()
    let (nodes, end) = try body(until: ["else", "endfor"])
    var otherwise: [TemplateNode] = []
    if end == "else" {
      try endTag()
      otherwise = try body(until: ["endfor"]).nodes
    }
    try endTag()
    return .loop(
      TemplateLoop(
        names: names, sequence: sequence, filter: filter, body: nodes, otherwise: otherwise,
        line: first))
  }

  private mutating func assignment(_ first: Int) throws(ChatTemplateError) -> TemplateNode {
    var targets: [TemplateTarget] = []
    repeat {
      let name = try self.name()
      let attribute = takes(".") ? try self.name() : nil
      targets.append(TemplateTarget(name: name, attribute: attribute))
    } while takes(",")
    if takes("=") {
      let value = try tuple()
      try endTag()
      return .assignment(targets, value, line: first)
    }
    guard targets.count == 1, targets[0].attribute == nil else { throw unexpected("`=`") }
    guard token == .blockEnd else {
      if token == .mark("|") { throw .unsupported(line: line, construct: "a filtered `set` block") }
      throw unexpected("`=`")
    }
    try endTag()
    let inner = try body(until: ["endset"]).nodes
    try endTag()
    return .capture(targets[0].name, inner, line: first)
  }
}
