extension TemplateEvaluator {
  /// The names of a record's methods, which aren't members.
  static let recordMethods = ["get", "items", "keys", "values"]

  /// The value of an expression.
  mutating func value(
    of expression: TemplateExpression
  ) throws(ChatTemplateError) -> TemplateValue {
    try charge()
    switch expression.kind {
    case .literal(let value): return value
    case .name(let name): return variable(name) ?? .undefined(name)
    case .list(let items):
      let items = try values(of: items)
      try chargeNesting(items)
      return .list(items)
    case .record(let members):
      var record = TemplateRecord(members: [])
      for (key, member) in members {
        guard case .text(let key) = try value(of: key) else {
          throw unsupported("a record whose keys are no texts")
        }
        record.set(key, try value(of: member))
      }
      try chargeNesting(record.members.map(\.value))
      return .record(record)
    case .attribute(let object, let name): return try attribute(name, of: try value(of: object))
    case .element(let object, let index):
      return try element(try value(of: index), of: try value(of: object))
    case .slice(let object, let bounds): return try slice(try value(of: object), bounds)
    case .call(let callee, let arguments): return try call(callee, arguments)
    case .filter(let object, let name, let arguments):
      return try filtered(try value(of: object), name, try values(of: arguments))
    case .test(let object, let name, let arguments):
      return .bool(try tested(try value(of: object), name, try values(of: arguments)))
    case .not(let operand): return .bool(!(try value(of: operand).isTrue))
    case .negative(let operand):
      let number = try value(of: operand)
      if let whole = number.whole, whole != .min { return .integer(-whole) }
      guard let double = number.double else { throw failure("\(number.kind) has no negative") }
      return .number(-double)
    case .both(let left, let right):
      let value = try value(of: left)
      return value.isTrue ? try self.value(of: right) : value
    case .either(let left, let right):
      let value = try value(of: left)
      return value.isTrue ? value : try self.value(of: right)
    case .arithmetic(let left, let mark, let right):
      return try arithmetic(try value(of: left), mark, try value(of: right))
    case .comparison(let first, let others):
      var left = try value(of: first)
      for (mark, right) in others {
        let right = try value(of: right)
        guard try compare(left, mark, right) else { return .bool(false) }
        left = right
      }
      return .bool(true)
    case .choice(let value, let test, let otherwise):
      if try self.value(of: test).isTrue { return try self.value(of: value) }
      guard let otherwise else { return .undefined("else") }
      return try self.value(of: otherwise)
    }
  }

  mutating func values(
    of expressions: [TemplateExpression]
  ) throws(ChatTemplateError) -> [TemplateValue] {
    var values: [TemplateValue] = []
    for expression in expressions { values.append(try value(of: expression)) }
    return values
  }

  /// Arguments that are computed.
  struct Given {
    var positional: [TemplateValue]
    var named: [(name: String, value: TemplateValue)]

    /// The argument at a place or with a name.
    subscript(index: Int, _ name: String) -> TemplateValue? {
      positional.indices.contains(index)
        ? positional[index] : named.first { $0.name == name }?.value
    }
  }

  mutating func values(of arguments: TemplateArguments) throws(ChatTemplateError) -> Given {
    var given = Given(positional: try values(of: arguments.positional), named: [])
    for (name, expression) in arguments.named {
      given.named.append((name, try value(of: expression)))
    }
    return given
  }

  private func attribute(
    _ name: String, of object: TemplateValue
  ) throws(ChatTemplateError) -> TemplateValue {
    switch object {
    case .undefined(let name): throw undefined(name)
    case .record(let record):
      if Self.recordMethods.contains(name) {
        throw unsupported("the method `\(name)` without a call")
      }
      return record[name] ?? .undefined(name)
    case .space(let number): return space(number)[name] ?? .undefined(name)
    default: return .undefined(name)
    }
  }

  private func element(
    _ index: TemplateValue, of object: TemplateValue
  ) throws(ChatTemplateError) -> TemplateValue {
    switch (object, index) {
    case (.undefined(let name), _): throw undefined(name)
    case (.record(let record), .text(let key)): return record[key] ?? .undefined(key)
    case (.space(let number), .text(let key)): return space(number)[key] ?? .undefined(key)
    case (.list(let items), _):
      guard let number = index.whole else { return .undefined("element") }
      let place = number < 0 ? items.count + number : number
      return items.indices.contains(place) ? items[place] : .undefined("element \(number)")
    case (.text(let text), _):
      guard let number = index.whole else { return .undefined("element") }
      let scalars = Array(text.unicodeScalars)
      let place = number < 0 ? scalars.count + number : number
      return scalars.indices.contains(place)
        ? .text(String(scalars[place])) : .undefined("element \(number)")
    default: return .undefined("element")
    }
  }

  private mutating func slice(
    _ object: TemplateValue, _ bounds: [TemplateExpression?]
  ) throws(ChatTemplateError) -> TemplateValue {
    var numbers: [Int?] = []
    for bound in bounds {
      guard let bound else {
        numbers.append(nil)
        continue
      }
      switch try value(of: bound) {
      case .none: numbers.append(nil)
      case let value:
        guard let number = value.whole else { throw failure("a slice ends at \(value.kind)") }
        numbers.append(number)
      }
    }
    let step = (numbers.count > 2 ? numbers[2] : nil) ?? 1
    guard step != 0 else { throw failure("a slice has the step 0") }
    switch object {
    case .list(let items):
      try charge(items.count)
      return .list(Self.places(items.count, numbers, step).map { items[$0] })
    case .text(let text):
      let scalars = Array(text.unicodeScalars)
      let chosen = Self.places(scalars.count, numbers, step).map { scalars[$0] }
      return try self.text(TemplateText.text(chosen[...]))
    case .undefined(let name): throw undefined(name)
    default: throw failure("\(object.kind) can't be sliced")
    }
  }

  /// The places of a slice.
  private static func places(_ count: Int, _ bounds: [Int?], _ step: Int) -> [Int] {
    func place(_ bound: Int?, or standard: Int) -> Int {
      guard let bound else { return standard }
      let place = bound < 0 ? bound.addingReportingOverflow(count).partialValue : bound
      return step > 0 ? min(max(place, 0), count) : min(max(place, -1), count - 1)
    }
    let start = place(bounds[0], or: step > 0 ? 0 : count - 1)
    let end = place(bounds.count > 1 ? bounds[1] : nil, or: step > 0 ? count : -1)
    // A step that leaves the list is as good as the smallest one that does.
    let step = min(max(step, -count - 1), count + 1)
    return Array(stride(from: start, to: end, by: step))
  }

  private mutating func arithmetic(
    _ left: TemplateValue, _ mark: String, _ right: TemplateValue
  ) throws(ChatTemplateError) -> TemplateValue {
    if mark == "~" { return try text(try written(left) + (try written(right))) }
    if case .undefined(let name) = left { throw undefined(name) }
    if case .undefined(let name) = right { throw undefined(name) }
    switch (left, mark, right) {
    case (.text(let one), "+", .text(let other)): return try text(one + other)
    case (.list(let one), "+", .list(let other)):
      try charge(one.count + other.count)
      return .list(one + other)
    default: break
    }
    if let one = left.whole, let other = right.whole, mark != "/" {
      return .integer(try whole(one, mark, other))
    }
    guard let one = left.double, let other = right.double else {
      throw failure("`\(mark)` can't join \(left.kind) and \(right.kind)")
    }
    guard ["+", "-", "*"].contains(mark) || other != 0 else {
      throw failure("a number is divided by 0")
    }
    switch mark {
    case "+": return .number(one + other)
    case "-": return .number(one - other)
    case "*": return .number(one * other)
    case "/": return .number(one / other)
    case "//": return .number((one / other).rounded(.down))
    default: return .number(one - (one / other).rounded(.down) * other)
    }
  }

  private func whole(_ one: Int, _ mark: String, _ other: Int) throws(ChatTemplateError) -> Int {
    let (result, overflows): (Int, Bool)
    switch mark {
    case "+": (result, overflows) = one.addingReportingOverflow(other)
    case "-": (result, overflows) = one.subtractingReportingOverflow(other)
    case "*": (result, overflows) = one.multipliedReportingOverflow(by: other)
    default:
      guard other != 0 else { throw failure("a number is divided by 0") }
      let (quotient, isTooLarge) = one.dividedReportingOverflow(by: other)
      let remainder = isTooLarge ? 0 : one % other
      let isBelow = remainder != 0 && (remainder < 0) != (other < 0)
      (result, overflows) =
        mark == "//"
        ? (isBelow ? quotient - 1 : quotient, isTooLarge)
        : (isBelow ? remainder + other : remainder, false)
    }
    guard !overflows else { throw failure("a number becomes too large") }
    return result
  }

  private mutating func compare(
    _ left: TemplateValue, _ mark: String, _ right: TemplateValue
  ) throws(ChatTemplateError) -> Bool {
    switch mark {
    case "==": return try isEqual(left, right)
    case "!=": return !(try isEqual(left, right))
    case "in": return try contains(right, left)
    case "not in": return !(try contains(right, left))
    default:
      if case .undefined(let name) = left { throw undefined(name) }
      if case .undefined(let name) = right { throw undefined(name) }
      guard let isBefore = TemplateValue.precedes(left, right),
        let isBehind = TemplateValue.precedes(right, left)
      else { throw failure("\(left.kind) and \(right.kind) have no order") }
      switch mark {
      case "<": return isBefore
      case "<=": return !isBehind
      case ">": return isBehind
      default: return !isBefore
      }
    }
  }

  mutating func contains(
    _ container: TemplateValue, _ item: TemplateValue
  ) throws(ChatTemplateError) -> Bool {
    switch (container, item) {
    case (.undefined, _): return false
    case (.list(let items), _):
      for element in items { if try isEqual(element, item) { return true } }
      return false
    case (.record(let record), .text(let key)): return record[key] != nil
    case (.record, _): return false
    case (.text(let text), .text(let part)):
      try charge(text.utf8.count / 64)
      return TemplateText.find(Array(part.unicodeScalars), in: Array(text.unicodeScalars)) != nil
    default: throw failure("\(item.kind) can't be looked for in \(container.kind)")
    }
  }
}
