import Language

/// An argument of a call with its value: what is bound to the parameters.
struct SuppliedArgument {
  var label: Identifier?
  var value: Value
  var range: SourceRange?
}

extension FunctionDefinition {
  /// Binds the arguments of a call to the parameters and checks them.
  ///
  /// - Throws: a `Diagnostic` at the place of the argument that is wrong, or of the call.
  func bind(_ supplied: [SuppliedArgument], callRange: SourceRange?) throws -> Arguments {
    let count = parameters.count
    var values = [Value?](repeating: nil, count: count)
    var ranges = [SourceRange?](repeating: nil, count: count)
    var rest: [Value] = []
    var next = 0
    for argument in supplied {
      let place: Int
      if let label = argument.label {
        place = try self.place(of: label)
      } else if next < count, parameters[next].isVariadic {
        try check(argument.value, parameters[next], range: argument.range ?? callRange)
        rest.append(argument.value)
        values[next] = .list(rest)
        ranges[next] = ranges[next] ?? argument.range
        continue
      } else if next < count {
        place = next
        next += 1
      } else {
        throw tooMany(supplied, range: argument.range ?? callRange)
      }
      let parameter = parameters[place]
      if values[place] != nil {
        throw Diagnostic(
          code: "repeated-argument",
          message: "`\(parameter.name)` of `\(name)` is given twice.",
          range: argument.label?.range ?? argument.range ?? callRange)
      }
      if !parameter.isVariadic {
        try check(argument.value, parameter, range: argument.range ?? callRange)
      }
      values[place] = argument.value
      ranges[place] = argument.range
    }
    let given = values.map { $0 != nil }
    var complete: [Value] = []
    complete.reserveCapacity(count)
    for (index, parameter) in parameters.enumerated() {
      guard let value = values[index] ?? parameter.defaultValue else {
        throw Diagnostic(
          code: "missing-argument",
          message: "`\(name)` needs `\(parameter.name)`: \(parameter.summary)",
          hint: "The call has the form `\(signature)`.", range: callRange)
      }
      complete.append(value)
    }
    return Arguments(definition: self, values: complete, ranges: ranges, given: given)
  }

  private func place(of label: Identifier) throws -> Int {
    if let place = parameters.firstIndex(where: { $0.name == label.name }) { return place }
    let names = parameters.map(\.name)
    let message = "`\(name)` has no parameter `\(label.name)`."
    let hint: String
    if names.isEmpty {
      hint = "It takes no arguments."
    } else if let nearest = Suggestions.nearest(label.name, in: names) {
      hint = "Did you mean `\(nearest)`? It takes \(Self.quoted(names))."
    } else {
      hint = "It takes \(Self.quoted(names))."
    }
    throw Diagnostic(code: "unknown-label", message: message, hint: hint, range: label.range)
  }

  private func tooMany(_ supplied: [SuppliedArgument], range: SourceRange?) -> Diagnostic {
    let count = parameters.count
    let takes = count == 0 ? "no arguments" : count == 1 ? "one argument" : "\(count) arguments"
    return Diagnostic(
      code: "too-many-arguments",
      message: "`\(name)` takes \(takes), and this call gives \(supplied.count).",
      hint: "The call has the form `\(signature)`.", range: range)
  }

  private func check(_ value: Value, _ parameter: ParameterDefinition, range: SourceRange?) throws {
    guard let problem = parameter.type.problem(with: value) else { return }
    switch problem {
    case .type(let part):
      let what =
        part.map { "not \(value.phrase), which holds \($0.phrase)" } ?? "not \(value.phrase)"
      throw Diagnostic(
        code: "wrong-type",
        message: "`\(parameter.name)` of `\(name)` takes \(parameter.type.description), \(what).",
        range: range)
    case .range(let bounds):
      throw Diagnostic(
        code: "out-of-range",
        message: "`\(parameter.name)` of `\(name)` takes \(bounds); \(value.phrase) is none.",
        range: range)
    case .word(let words, let given):
      let nearest = Suggestions.nearest(given, in: words)
      throw Diagnostic(
        code: "unknown-choice",
        message: "`\(parameter.name)` of `\(name)` takes \(parameter.type.description), "
          + "not \(value.phrase).",
        hint: nearest.map { "Did you mean \"\($0)\"?" }, range: range)
    }
  }

  static func quoted(_ names: [String]) -> String {
    ParameterType.alternatives(names.map { "`\($0)`" }, "and")
  }
}

extension ParameterType {
  /// Why a value doesn't fit a type.
  enum Problem {
    /// It is of another type, or holds a value that is.
    case type(part: Value?)
    /// It is a number outside the range; the type in words.
    case range(String)
    /// It is a text, but none of the words.
    case word([String], given: String)
  }

  /// Why a value doesn't fit the type, or `nil` where it does.
  func problem(with value: Value) -> Problem? {
    switch (self, value) {
    case (.any, _), (.optional, .none), (.text, .text), (.path, .text), (.bool, .bool),
      (.record, .record), (.table, .table), (.tensor, .tensor), (.range, .range),
      (.figure, .figure), (.function, .function), (.function, .selector):
      return nil
    case (.number(let range), .number(let number)):
      guard let range, !range.contains(number) else { return nil }
      return .range(description)
    case (.integer(let range), .number):
      guard let integer = value.integer else { return .type(part: nil) }
      guard let range, !range.contains(integer) else { return nil }
      return .range(description)
    case (.list(let element), .list(let list)):
      if case .any = element { return nil }
      for part in list where element.problem(with: part) != nil { return .type(part: part) }
      return nil
    case (.list(.integer(in: nil)), .range), (.list(.number(in: nil)), .range),
      (.list(.any), .range):
      return nil
    case (.numbers, .range), (.numbers, .tensor): return nil
    case (.numbers, .list(let list)):
      for part in list {
        switch part {
        case .number, .bool: continue
        case .list, .tensor:
          if ParameterType.numbers.problem(with: part) == nil { continue }
        default: break
        }
        return .type(part: part)
      }
      return nil
    case (.numbers, .object(let object)):
      return (try? object.asTensor()) ?? nil == nil ? .type(part: nil) : nil
    case (.sequence, .list), (.sequence, .range), (.sequence, .table), (.sequence, .tensor),
      (.sequence, .text), (.sequence, .record):
      return nil
    case (.sequence, .object(let object)): return object.count == nil ? .type(part: nil) : nil
    case (.choice(let words), .text(let word)):
      return words.contains(word) ? nil : .word(words, given: word)
    case (.choice(let words), _):
      // A word that is also a function's name (`mean`) may be written without quotes.
      guard let name = value.functionName, words.contains(name) else { return .type(part: nil) }
      return nil
    case (.selection(let words), _):
      guard let selection = Selection(value) else { return .type(part: nil) }
      guard let word = selection.word, !words.contains(word) else { return nil }
      return .type(part: nil)
    case (.object(let names), .object(let object)):
      return names.contains(object.typeName) ? nil : .type(part: nil)
    case (.either(let types), _):
      var nearest: Problem?
      for type in types {
        guard let problem = type.problem(with: value) else { return nil }
        if case .type(part: nil) = problem { continue }
        nearest = problem
      }
      return nearest ?? .type(part: nil)
    case (.optional(let type), _): return type.problem(with: value)
    default: return .type(part: nil)
    }
  }
}
