/// Runs the statements of a template over values, within bounds on its work.
struct TemplateEvaluator {
  /// What a statement asks of the loop around it.
  enum Flow { case goOn, leave, nextRound }

  /// How many steps and, by 256 scalars, characters a template may touch.
  private static let mostWork = 1 << 22
  /// How long a text may become, in bytes.
  static let longestText = 1 << 22

  /// How many lists and records may be made of others: what bounds how deep they lie in each other.
  private static let mostNested = 500

  private(set) var output = ""
  /// The variables, those of the innermost loop last.
  private var scopes: [[String: TemplateValue]]
  private var spaces: [TemplateRecord] = []
  private var work = 0
  private var nested = 0
  private(set) var line = 1

  init(_ variables: [String: TemplateValue]) { scopes = [variables] }

  /// Counts work.
  mutating func charge(_ amount: Int = 1) throws(ChatTemplateError) {
    work += amount
    guard work <= Self.mostWork else { throw .tooMuchWork }
  }

  /// Does work that is counted while it is done.
  mutating func spending<Result>(
    _ body: (inout Int) -> Result
  ) throws(ChatTemplateError) -> Result {
    var budget = Self.mostWork - work
    let result = body(&budget)
    work = Self.mostWork - budget
    try charge()
    return result
  }

  /// Whether two values are equal.
  mutating func isEqual(
    _ left: TemplateValue, _ right: TemplateValue
  ) throws(ChatTemplateError) -> Bool {
    try spending { TemplateValue.isEqual(left, right, budget: &$0) }
  }

  /// Counts a list or record that is made of values.
  mutating func chargeNesting(_ values: [TemplateValue]) throws(ChatTemplateError) {
    for value in values {
      switch value {
      case .list, .record: nested += 1
      default: continue
      }
      guard nested <= Self.mostNested else { throw .tooMuchWork }
      return
    }
  }

  /// A text whose making is counted.
  mutating func text(_ text: String) throws(ChatTemplateError) -> TemplateValue {
    guard text.utf8.count <= Self.longestText else { throw .tooMuchWork }
    try charge(1 + text.utf8.count / 256)
    return .text(text)
  }

  func failure(_ reason: String) -> ChatTemplateError { .failed(line: line, reason: reason) }

  func unsupported(_ construct: String) -> ChatTemplateError {
    .unsupported(line: line, construct: construct)
  }

  /// Why a value without a definition can't be used.
  func undefined(_ name: String) -> ChatTemplateError { failure("`\(name)` is not defined") }

  func variable(_ name: String) -> TemplateValue? {
    for scope in scopes.reversed() { if let value = scope[name] { return value } }
    return nil
  }

  mutating func makeSpace(_ members: TemplateRecord) -> TemplateValue {
    spaces.append(members)
    return .space(spaces.count - 1)
  }

  func space(_ number: Int) -> TemplateRecord { spaces[number] }

  private mutating func assign(_ name: String, _ value: TemplateValue) {
    scopes[scopes.count - 1][name] = value
  }

  private mutating func write(_ text: String) throws(ChatTemplateError) {
    guard output.utf8.count + text.utf8.count <= Self.longestText else { throw .tooMuchWork }
    try charge(text.utf8.count / 256)
    output += text
  }

  /// Runs statements in order.
  mutating func run(_ nodes: [TemplateNode]) throws(ChatTemplateError) -> Flow {
    for node in nodes {
      try charge()
      switch node {
      case .text(let text): try write(text)
      case .output(let expression, let line):
        self.line = line
        try write(try written(try value(of: expression)))
      case .condition(let branches, let otherwise):
        let flow = try run(try chosen(branches) ?? otherwise)
        if flow != .goOn { return flow }
      case .loop(let loop): try run(loop)
      case .assignment(let targets, let expression, let line):
        self.line = line
        try assign(targets, try value(of: expression))
      case .capture(let name, let body, let line):
        let before = output
        output = ""
        let flow = try run(body)
        assign(name, .text(output))
        output = before
        self.line = line
        if flow != .goOn { return flow }
      case .leaveLoop: return .leave
      case .nextRound: return .nextRound
      }
    }
    return .goOn
  }

  private mutating func chosen(
    _ branches: [TemplateBranch]
  ) throws(ChatTemplateError) -> [TemplateNode]? {
    for branch in branches {
      line = branch.line
      if try value(of: branch.test).isTrue { return branch.body }
    }
    return nil
  }

  private mutating func assign(
    _ targets: [TemplateTarget], _ value: TemplateValue
  ) throws(ChatTemplateError) {
    guard targets.count > 1 else { return try assign(targets[0], value) }
    guard case .list(let items) = value, items.count == targets.count else {
      throw failure("\(targets.count) names can't be given to \(value.kind)")
    }
    for (target, item) in zip(targets, items) { try assign(target, item) }
  }

  private mutating func assign(
    _ target: TemplateTarget, _ value: TemplateValue
  ) throws(ChatTemplateError) {
    guard let attribute = target.attribute else { return assign(target.name, value) }
    guard case .space(let number)? = variable(target.name) else {
      throw failure("`\(target.name)` is no namespace, so `\(attribute)` can't be set in it")
    }
    spaces[number].set(attribute, value)
  }

  private mutating func run(_ loop: TemplateLoop) throws(ChatTemplateError) {
    line = loop.line
    var elements = try elements(of: try value(of: loop.sequence))
    if let filter = loop.filter {
      var kept: [TemplateValue] = []
      for element in elements {
        try charge()
        scopes.append([:])
        defer { scopes.removeLast() }
        try bind(loop.names, element)
        if try value(of: filter).isTrue { kept.append(element) }
      }
      elements = kept
    }
    guard !elements.isEmpty else {
      _ = try run(loop.otherwise)
      return
    }
    for (index, element) in elements.enumerated() {
      try charge()
      scopes.append([:])
      defer { scopes.removeLast() }
      try bind(loop.names, element)
      assign("loop", Self.state(of: elements, at: index))
      if try run(loop.body) == .leave { break }
    }
  }

  private mutating func bind(
    _ names: [String], _ element: TemplateValue
  ) throws(ChatTemplateError) {
    try assign(names.map { TemplateTarget(name: $0, attribute: nil) }, element)
  }

  /// What a loop's body may ask about the round.
  private static func state(of elements: [TemplateValue], at index: Int) -> TemplateValue {
    let count = elements.count
    var members: [(key: String, value: TemplateValue)] = [
      ("index0", .integer(index)), ("index", .integer(index + 1)), ("length", .integer(count)),
      ("revindex0", .integer(count - 1 - index)), ("revindex", .integer(count - index)),
      ("first", .bool(index == 0)), ("last", .bool(index == count - 1)),
    ]
    if index > 0 { members.append(("previtem", elements[index - 1])) }
    if index < count - 1 { members.append(("nextitem", elements[index + 1])) }
    return .record(TemplateRecord(members: members))
  }

  /// What a loop goes through.
  mutating func elements(of value: TemplateValue) throws(ChatTemplateError) -> [TemplateValue] {
    switch value {
    case .undefined: return []
    case .list(let items):
      try charge(items.count)
      return items
    case .record(let record): return record.members.map { .text($0.key) }
    case .text(let text):
      try charge(text.utf8.count / 16)
      return text.unicodeScalars.map { .text(String($0)) }
    default: throw failure("\(value.kind) has no elements to go through")
    }
  }

  /// The text that a value is written as.
  func written(_ value: TemplateValue) throws(ChatTemplateError) -> String {
    switch value {
    case .undefined: return ""
    case .none: return "None"
    case .bool(let flag): return flag ? "True" : "False"
    case .integer(let number): return "\(number)"
    case .number(let number): return "\(number)"
    case .text(let text): return text
    case .list, .record, .space: throw failure("\(value.kind) stands where a text is written")
    }
  }
}
