import Language
import Tensors

extension ExecutionContext {
  /// `x |> f(a)` is `f(x, a)`; a right side that is no call is called with the value alone.
  func pipe(_ value: Expression, _ target: Expression, in scope: Scope, _ range: SourceRange)
    throws -> Value
  {
    let first = SuppliedArgument(
      label: nil, value: try evaluate(value, in: scope), range: value.range)
    if case .call(let callee, let arguments) = target.kind {
      return try call(callee, arguments, first: first, in: scope, range: range)
    }
    let function = try evaluate(target, in: scope)
    return try callFunction(function, [first], range: range, calleeRange: target.range)
  }

  /// A call with its arguments evaluated in order; `x.f(a)` reaches a field or calls `f(x, a)`.
  func call(
    _ callee: Expression, _ arguments: [Argument], first: SuppliedArgument?, in scope: Scope,
    range: SourceRange
  ) throws -> Value {
    var supplied: [SuppliedArgument] = []
    let function: Value
    if case .member(let object, let name) = callee.kind {
      let receiver = try evaluate(object, in: scope)
      if let field = try fieldFunction(name, of: receiver) {
        function = field
      } else {
        function = try method(name, of: receiver, in: scope)
        supplied.append(SuppliedArgument(label: nil, value: receiver, range: object.range))
      }
      if let first { supplied.insert(first, at: 0) }
    } else {
      function = try evaluate(callee, in: scope)
      if let first { supplied.append(first) }
    }
    for argument in arguments {
      supplied.append(
        SuppliedArgument(
          label: argument.label, value: try evaluate(argument.value, in: scope),
          range: argument.value.range))
    }
    return try callFunction(function, supplied, range: range, calleeRange: callee.range)
  }

  private func fieldFunction(_ name: Identifier, of receiver: Value) throws -> Value? {
    switch receiver {
    case .record(let record):
      if let value = record[name.name], value.functionName != nil { return value }
    case .object(let object) where object.fieldNames.contains(name.name):
      let value = try located(name.range) { try object.field(name.name, in: self) }
      if let value, value.functionName != nil { return value }
    default: break
    }
    return nil
  }

  private func method(_ name: Identifier, of receiver: Value, in scope: Scope) throws -> Value {
    if let value = scope.lookUp(name.name), value.functionName != nil { return value }
    if let definition = catalogue[name.name] { return .function(.builtin(definition)) }
    let fields = Members.names(of: receiver)
    if fields.contains(name.name) {
      throw Diagnostic(
        code: "not-a-function",
        message: "The field `\(name.name)` of \(receiver.typeWithArticle) is no function.",
        hint: "Write it without the brackets: `.\(name.name)`.", range: name.range)
    }
    let nearest = Suggestions.nearest(name.name, in: fields + catalogue.names)
    throw Diagnostic(
      code: "unknown-name",
      message:
        "\(receiver.typeWithArticle.sentenceStart) has no field `\(name.name)`, and there is "
        + "no function of that name.",
      hint: nearest.map { "Did you mean `\($0)`?" }, range: name.range)
  }

  /// Calls a function value with evaluated arguments.
  func callFunction(
    _ function: Value, _ arguments: [SuppliedArgument], range: SourceRange?,
    calleeRange: SourceRange? = nil
  ) throws -> Value {
    try check()
    switch function {
    case .function(.builtin(let definition)): return try call(definition, arguments, range: range)
    case .function(.user(let user)): return try call(user, arguments, range: range)
    case .selector(let selector):
      if let definition = catalogue[selector.rawValue] {
        return try call(definition, arguments, range: range)
      }
    default: break
    }
    throw Diagnostic(
      code: "not-a-function",
      message: "\(function.phrase.sentenceStart) is not a function and can't be called.",
      range: calleeRange ?? range)
  }

  private func call(
    _ definition: FunctionDefinition, _ supplied: [SuppliedArgument], range: SourceRange?
  ) throws -> Value {
    // Functions of the catalogue that call back (`map`) nest on the stack as well.
    level += 1
    defer { level -= 1 }
    let arguments = try definition.bind(supplied, callRange: range)
    let outer = (call, callRange)
    defer { (call, callRange) = outer }
    callRange = range
    if let range, range.upper - range.lower <= 2_000 { call = source.text(in: range) }
    do {
      return try bounded(try definition.body(arguments, self), range: range)
    } catch {
      throw explained(error, range: range, arguments: arguments)
    }
  }

  private func call(
    _ function: UserFunction, _ supplied: [SuppliedArgument], range: SourceRange?
  ) throws -> Value {
    guard calls < limits.calls else {
      throw Diagnostic(
        code: "recursion-limit",
        message:
          "More than \(limits.calls) calls are open at once; `\(function.name ?? "function")` "
          + "seems to call itself without end.",
        range: range)
    }
    var given = try bind(supplied, to: function, range: range)
    calls += 1
    let outer = (source, callRange)
    let scope = Scope(parent: function.scope)
    source = function.source
    defer {
      calls -= 1
      (source, callRange) = outer
    }
    do {
      for (index, parameter) in function.parameters.enumerated() {
        if let value = given[index] { scope.bind(parameter.name.name, to: value) }
      }
      for (index, parameter) in function.parameters.enumerated() where given[index] == nil {
        guard let expression = parameter.defaultValue else { continue }
        let value = try evaluate(expression, in: scope)
        given[index] = value
        scope.bind(parameter.name.name, to: value)
      }
      let result = try evaluate(function.body, in: scope)
      // A function that was defined inside refers to the scope that holds it: unless it leaves
      // with the result, the circle is cut here.
      if !result.holdsFunction { scope.removeAll() }
      return result
    } catch let diagnostic as Diagnostic {
      throw calledFrom(diagnostic, function: function, caller: outer.0, range: range)
    }
  }

  private func bind(
    _ supplied: [SuppliedArgument], to function: UserFunction, range: SourceRange?
  ) throws -> [Value?] {
    let names = function.parameters.map(\.name.name)
    let name = function.name ?? "function"
    var values = [Value?](repeating: nil, count: names.count)
    var next = 0
    for argument in supplied {
      let place: Int
      if let label = argument.label {
        guard let index = names.firstIndex(of: label.name) else {
          let nearest = Suggestions.nearest(label.name, in: names)
          let takes = names.isEmpty ? "no arguments" : FunctionDefinition.quoted(names)
          throw Diagnostic(
            code: "unknown-label", message: "`\(name)` has no parameter `\(label.name)`.",
            hint: (nearest.map { "Did you mean `\($0)`? " } ?? "") + "It takes \(takes).",
            range: label.range)
        }
        place = index
      } else {
        place = next
        next += 1
      }
      guard place < names.count else {
        throw Diagnostic(
          code: "too-many-arguments",
          message: "`\(name)` takes \(Value.count(names.count, "argument")), and this call gives "
            + "\(supplied.count).",
          hint: "The call has the form `\(function.signature)`.", range: argument.range ?? range)
      }
      guard values[place] == nil else {
        throw Diagnostic(
          code: "repeated-argument", message: "`\(names[place])` of `\(name)` is given twice.",
          range: argument.label?.range ?? argument.range ?? range)
      }
      values[place] = argument.value
    }
    for (index, parameter) in function.parameters.enumerated()
    where values[index] == nil && parameter.defaultValue == nil {
      throw Diagnostic(
        code: "missing-argument", message: "`\(name)` needs `\(parameter.name.name)`.",
        hint: "The call has the form `\(function.signature)`.", range: range)
    }
    return values
  }

  /// A diagnostic of a function's body as its caller sees it: with a note of the call where both
  /// stand in one cell, else at the call, with the function's own line told.
  private func calledFrom(
    _ diagnostic: Diagnostic, function: UserFunction, caller: CellSource, range: SourceRange?
  ) -> Diagnostic {
    var result = diagnostic
    if function.source === caller {
      guard let range, result.notes.count < 3, result.range != range,
        !result.notes.contains(where: { $0.range == range })
      else { return result }
      result.notes.append(
        Diagnostic.Note(
          message: "`\(function.name ?? "function")` was called here", range: range))
      return result
    }
    let (number, text) = function.source.line(at: diagnostic.range?.lower ?? 0)
    let line = text.drop { $0 == " " || $0 == "\t" }
    let name = function.name.map { "`\($0)`" } ?? "a function"
    let cell =
      function.source.executionCount > 0 ? " of cell [\(function.source.executionCount)]" : ""
    result.message = "In \(name), line \(number)\(cell): \(diagnostic.message)"
    result.hint = [diagnostic.hint, "The line is `\(line)`."].compactMap { $0 }.joined(
      separator: " ")
    result.range = range
    result.notes = []
    return result
  }

  /// Any error as a diagnostic at its place; `Cancelled` stays what it is.
  func explained(_ error: any Error, range: SourceRange?, arguments: Arguments?) -> any Error {
    switch error {
    case var diagnostic as Diagnostic:
      diagnostic.range = diagnostic.range ?? range
      return diagnostic
    case is Cancelled: return error
    default: break
    }
    let explanation = error as? any ExplainedError ?? catalogue.explanation?(error)
    if let explanation {
      let place = (explanation as? ArgumentError).flatMap { arguments?.range(of: $0.parameter) }
      return Diagnostic(
        code: explanation.code, message: explanation.message, hint: explanation.hint,
        range: place ?? range)
    }
    return Diagnostic(code: "failure", message: "\(error)".sentence, range: range)
  }
}

extension String {
  /// The text as a sentence: with a capital and a full stop.
  var sentence: String {
    let ends = last.map { ".!?。！？".contains($0) } ?? true
    return sentenceStart + (ends ? "" : ".")
  }
}
