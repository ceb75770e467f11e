import Language

/// Writes a syntax tree as indented lines, one node a line.
struct TreeDumper {
  private var lines: [String] = []

  static func dump(_ program: Program) -> String {
    var dumper = TreeDumper()
    for statement in program.statements { dumper.add(statement, 0) }
    if program.suppressesDisplay { dumper.line(0, "no display") }
    return dumper.lines.joined(separator: "\n")
  }

  static func dump(_ expression: Expression) -> String {
    var dumper = TreeDumper()
    dumper.add(expression, 0)
    return dumper.lines.joined(separator: "\n")
  }

  private mutating func line(_ depth: Int, _ text: String) {
    lines.append(String(repeating: "  ", count: depth) + text)
  }

  private mutating func add(_ statement: Statement, _ depth: Int) {
    switch statement.kind {
    case .expression(let value): add(value, depth)
    case .binding(let name, let value):
      line(depth, "bind \(name.name)")
      add(value, depth + 1)
    case .function(let name, let parameters, let body):
      line(depth, "def \(name.name)")
      for parameter in parameters {
        line(depth + 1, "parameter \(parameter.name.name)")
        if let value = parameter.defaultValue { add(value, depth + 2) }
      }
      add(body, depth + 1)
    case .parameter(let name, let value, let summary):
      line(depth, "param \(name.name)" + (summary.map { " \(quoted($0))" } ?? ""))
      add(value, depth + 1)
    }
  }

  private mutating func add(_ expression: Expression, _ depth: Int) {
    switch expression.kind {
    case .number(let value): line(depth, "number \(value)")
    case .text(let parts): addText(parts, depth)
    case .bool(let value): line(depth, "bool \(value)")
    case .none: line(depth, "none")
    case .missing: line(depth, "missing")
    case .name(let name): line(depth, "name \(name)")
    case .list(let values): group(depth, "list", values)
    case .record(let members):
      line(depth, "record")
      for member in members {
        line(depth + 1, "field \(quoted(member.name.name))")
        add(member.value, depth + 2)
      }
    case .range(let lower, let upper, let includesUpper):
      group(depth, includesUpper ? "..." : "..<", [lower, upper])
    case .unary(let operation, let operand):
      group(depth, operation == .negate ? "negate" : "not", [operand])
    case .binary(let operation, let left, let right):
      group(depth, operation.rawValue, [left, right])
    case .call(let callee, let arguments):
      group(depth, "call", [callee])
      for argument in arguments {
        line(depth + 1, argument.label.map { "argument \($0.name)" } ?? "argument")
        add(argument.value, depth + 2)
      }
    case .member(let base, let name): group(depth, "member \(name.name)", [base])
    case .index(let base, let index): group(depth, "index", [base, index])
    case .pipe(let value, let function): group(depth, "|>", [value, function])
    case .lambda(let parameters, let body):
      group(depth, "lambda " + parameters.map(\.name).joined(separator: ", "), [body])
    case .conditional(let condition, let then, let otherwise):
      group(depth, "if", [condition, then] + (otherwise.map { [$0] } ?? []))
    case .loop(let variables, let sequence, let body):
      group(depth, "for " + variables.map(\.name).joined(separator: ", "), [sequence, body])
    case .comprehension(let element, let variables, let sequence, let condition):
      group(
        depth, "comprehension " + variables.map(\.name).joined(separator: ", "),
        [element, sequence] + (condition.map { [$0] } ?? []))
    case .block(let statements):
      line(depth, "block")
      for statement in statements { add(statement, depth + 1) }
    case .help(let value): group(depth, "help", [value])
    }
  }

  private mutating func addText(_ parts: [TextPart], _ depth: Int) {
    if parts.isEmpty { return line(depth, "text \"\"") }
    if parts.count == 1, case .literal(let characters) = parts[0] {
      return line(depth, "text \(quoted(characters))")
    }
    line(depth, "text")
    for part in parts {
      switch part {
      case .literal(let characters): line(depth + 1, "characters \(quoted(characters))")
      case .hole(let value): group(depth + 1, "hole", [value])
      }
    }
  }

  private mutating func group(_ depth: Int, _ title: String, _ parts: [Expression]) {
    line(depth, title)
    for part in parts { add(part, depth + 1) }
  }

  private func quoted(_ text: String) -> String { text.debugDescription }
}
