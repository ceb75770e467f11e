extension TemplateEvaluator {
  /// A value as a filter leaves it.
  mutating func filtered(
    _ value: TemplateValue, _ name: String, _ given: Given
  ) throws(ChatTemplateError) -> TemplateValue {
    switch name {
    case "trim":
      let set: [Unicode.Scalar]? =
        if case .text(let text)? = given[0, "chars"] { Array(text.unicodeScalars) } else { nil }
      return try text(
        TemplateText.stripped(try written(value)) { scalar in
          set.map { $0.contains(scalar) } ?? TemplateText.isSpace(scalar)
        })
    case "length", "count":
      switch value {
      case .undefined: return .integer(0)
      case .text(let text):
        try charge(text.utf8.count / 256)
        return .integer(text.unicodeScalars.count)
      case .list(let items): return .integer(items.count)
      case .record(let record): return .integer(record.members.count)
      default: throw failure("\(value.kind) has no length")
      }
    case "tojson":
      let indent =
        given[1, "indent"]?.whole ?? given.named.first { $0.name == "indent" }?.value.whole
      for (label, _) in given.named where label != "indent" && label != "ensure_ascii" {
        throw unsupported("`tojson` with `\(label)`")
      }
      if given[0, "ensure_ascii"]?.isTrue == true {
        throw unsupported("`tojson` with `ensure_ascii`")
      }
      let json = try spending {
        value.jsonText(indent: indent.map { min(max($0, 0), 16) }, budget: &$0)
      }
      guard let json else {
        throw failure("\(value.kind) can't be written as JSON")
      }
      return try text(json)
    case "string": return try text(try written(value))
    case "safe": return value
    case "upper", "lower", "capitalize": return try cased(try written(value), name)
    case "default", "d":
      let replacesFalse = given[1, "boolean"]?.isTrue ?? false
      if case .undefined = value { return given[0, "default_value"] ?? .text("") }
      return replacesFalse && !value.isTrue ? given[0, "default_value"] ?? .text("") : value
    case "replace":
      guard case .text(let old)? = given[0, "old"], case .text(let new)? = given[1, "new"] else {
        throw failure("`replace` takes two texts")
      }
      return try replaced(
        try written(value), old, by: new, most: given[2, "count"]?.whole ?? .max)
    case "join":
      let attribute: String? =
        if case .text(let text)? = given[1, "attribute"] { text } else { nil }
      return try joined(
        value,
        by: try given[0, "d"].map { separator throws(ChatTemplateError) in try written(separator) }
          ?? "",
        attribute: attribute)
    case "first": return try elements(of: value).first ?? .undefined("first")
    case "last": return try elements(of: value).last ?? .undefined("last")
    case "list": return .list(try elements(of: value))
    case "reverse":
      if case .text(let text) = value {
        return try self.text(TemplateText.text(Array(text.unicodeScalars.reversed())[...]))
      }
      return .list(try elements(of: value).reversed())
    case "items":
      guard case .record(let record) = value else {
        if case .undefined = value { return .list([]) }
        throw failure("\(value.kind) has no items")
      }
      return .list(record.members.map { .list([.text($0.key), $0.value]) })
    case "int": return try wholeNumber(value, given)
    case "abs":
      if let whole = value.whole, whole != .min { return .integer(abs(whole)) }
      guard let double = value.double else { throw failure("\(value.kind) is no number") }
      return .number(abs(double))
    case "map":
      guard given.positional.isEmpty, case .text(let attribute)? = given[0, "attribute"] else {
        throw unsupported("`map` with a filter")
      }
      var mapped: [TemplateValue] = []
      for element in try elements(of: value) { mapped.append(try member(attribute, of: element)) }
      return .list(mapped)
    case "selectattr", "rejectattr": return try selected(value, given, keeps: name == "selectattr")
    default: throw unsupported("the filter `\(name)`")
    }
  }

  private func wholeNumber(
    _ value: TemplateValue, _ given: Given
  ) throws(ChatTemplateError) -> TemplateValue {
    let standard = given[0, "default"] ?? .integer(0)
    if let whole = value.whole { return .integer(whole) }
    if let double = value.double {
      return Int(exactly: double.rounded(.towardZero)).map { .integer($0) } ?? standard
    }
    guard case .text(let text) = value else { return standard }
    let written = TemplateText.stripped(text)
    if let whole = Int(written) { return .integer(whole) }
    return Double(written).flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .integer($0) }
      ?? standard
  }

  /// An element's member, through as many levels as the name has parts.
  mutating func member(
    _ name: String, of element: TemplateValue
  ) throws(ChatTemplateError) -> TemplateValue {
    var value = element
    for part in TemplateText.split(name, by: ".") {
      switch value {
      case .undefined(let name): throw undefined(name)
      case .record(let record): value = record[part] ?? .undefined(part)
      case .space(let number): value = space(number)[part] ?? .undefined(part)
      case .list(let items):
        value =
          Int(part).flatMap { items.indices.contains($0) ? items[$0] : nil } ?? .undefined(part)
      default: value = .undefined(part)
      }
    }
    return value
  }

  private mutating func selected(
    _ value: TemplateValue, _ given: Given, keeps: Bool
  ) throws(ChatTemplateError) -> TemplateValue {
    guard case .text(let attribute)? = given.positional.first else {
      throw failure("`selectattr` takes the name of an attribute")
    }
    var kept: [TemplateValue] = []
    for element in try elements(of: value) {
      let member = try member(attribute, of: element)
      var holds = member.isTrue
      if given.positional.count > 1 {
        guard case .text(let test) = given.positional[1] else {
          throw failure("`selectattr` takes the name of a test")
        }
        holds = try tested(
          member, test, Given(positional: Array(given.positional.dropFirst(2)), named: []))
      }
      if holds == keeps { kept.append(element) }
    }
    return .list(kept)
  }

  /// Whether a value passes a test.
  mutating func tested(
    _ value: TemplateValue, _ name: String, _ given: Given
  ) throws(ChatTemplateError) -> Bool {
    try charge()
    switch (name, value) {
    case ("defined", .undefined): return false
    case ("defined", _): return true
    case ("undefined", .undefined): return true
    case ("undefined", _): return false
    case ("none", .none), ("boolean", .bool), ("string", .text), ("mapping", .record),
      ("integer", .integer), ("float", .number), ("number", .integer), ("number", .number),
      ("number", .bool):
      return true
    case ("none", _), ("boolean", _), ("string", _), ("mapping", _), ("integer", _), ("float", _),
      ("number", _):
      return false
    case ("sequence", .text), ("sequence", .list), ("sequence", .record), ("sequence", .undefined),
      ("iterable", .text), ("iterable", .list), ("iterable", .record), ("iterable", .undefined):
      return true
    case ("sequence", _), ("iterable", _): return false
    case ("true", .bool(let flag)): return flag
    case ("false", .bool(let flag)): return !flag
    case ("true", _), ("false", _): return false
    case ("odd", _), ("even", _), ("divisibleby", _):
      guard let number = value.whole else { throw failure("\(value.kind) is no whole number") }
      guard name == "divisibleby" else { return (number % 2 == 0) == (name == "even") }
      guard let divisor = given[0, "num"]?.whole, divisor != 0 else {
        throw failure("`divisibleby` takes a whole number that isn't 0")
      }
      return number.isMultiple(of: divisor)
    case ("eq", _), ("equalto", _), ("ne", _), ("in", _):
      guard let other = given.positional.first else { throw failure("`\(name)` takes a value") }
      if name == "in" { return try contains(other, value) }
      return try isEqual(value, other) == (name != "ne")
    default: throw unsupported("the test `\(name)`")
    }
  }
}
