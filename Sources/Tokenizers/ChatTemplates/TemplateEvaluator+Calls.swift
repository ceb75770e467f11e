extension TemplateEvaluator {
  /// A call of a function, or of a value's method.
  mutating func call(
    _ callee: TemplateExpression, _ arguments: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    switch callee.kind {
    case .name(let name):
      guard variable(name) == nil else { throw failure("`\(name)` is no function") }
      return try function(name, try values(of: arguments))
    case .attribute(let object, let name):
      return try method(name, of: try value(of: object), try values(of: arguments))
    default: throw failure("a value is called that is no function")
    }
  }

  private mutating func function(
    _ name: String, _ given: Given
  ) throws(ChatTemplateError) -> TemplateValue {
    switch name {
    case "namespace", "dict":
      var record = TemplateRecord(members: [])
      if case .record(let first)? = given.positional.first { record = first }
      for (name, value) in given.named { record.set(name, value) }
      if name == "dict" { try chargeNesting(record.members.map(\.value)) }
      return name == "dict" ? .record(record) : makeSpace(record)
    case "raise_exception":
      throw .refused(try written(given[0, "message"] ?? .text("")))
    case "range":
      let numbers = given.positional.compactMap(\.whole)
      guard numbers.count == given.positional.count, (1...3).contains(numbers.count) else {
        throw failure("`range` takes one to three whole numbers")
      }
      let step = numbers.count > 2 ? numbers[2] : 1
      guard step != 0 else { throw failure("a range has the step 0") }
      let start = numbers.count > 1 ? numbers[0] : 0
      let end = numbers.count > 1 ? numbers[1] : numbers[0]
      var items: [TemplateValue] = []
      for number in stride(from: start, to: end, by: step) {
        try charge()
        items.append(.integer(number))
      }
      return .list(items)
    default: throw unsupported("the function `\(name)`")
    }
  }

  private mutating func method(
    _ name: String, of object: TemplateValue, _ given: Given
  ) throws(ChatTemplateError) -> TemplateValue {
    switch object {
    case .undefined(let name): throw undefined(name)
    case .text(let text):
      try charge(text.utf8.count / 8)
      return try method(name, ofText: text, given)
    case .record(let record):
      switch name {
      case "get":
        guard case .text(let key)? = given[0, "key"] else {
          throw failure("`get` takes the text of a key")
        }
        return record[key] ?? given[1, "default"] ?? .none
      case "items":
        return .list(record.members.map { .list([.text($0.key), $0.value]) })
      case "keys": return .list(record.members.map { .text($0.key) })
      case "values": return .list(record.members.map(\.value))
      default: throw unsupported("the method `\(name)` of \(object.kind)")
      }
    default: throw unsupported("the method `\(name)` of \(object.kind)")
    }
  }

  private mutating func method(
    _ name: String, ofText text: String, _ given: Given
  ) throws(ChatTemplateError) -> TemplateValue {
    func argument(_ index: Int, _ label: String) throws(ChatTemplateError) -> String? {
      switch given[index, label] {
      case nil, .some(.none): return nil
      case .text(let text)?: return text
      case let value?: throw failure("`\(name)` takes a text; \(value.kind) is none")
      }
    }
    func needed(_ index: Int, _ label: String) throws(ChatTemplateError) -> String {
      guard let text = try argument(index, label) else { throw failure("`\(name)` takes a text") }
      return text
    }
    func most(_ index: Int, _ label: String) -> Int {
      given[index, label]?.whole.flatMap { $0 < 0 ? nil : $0 } ?? .max
    }
    switch name {
    case "strip", "lstrip", "rstrip":
      let set = try argument(0, "chars").map { Array($0.unicodeScalars) }
      return try self.text(
        TemplateText.stripped(text, left: name != "rstrip", right: name != "lstrip") { scalar in
          set.map { $0.contains(scalar) } ?? TemplateText.isSpace(scalar)
        })
    case "split":
      let count = most(1, "maxsplit")
      guard let separator = try argument(0, "sep") else {
        guard count == .max else { throw unsupported("`split` by white space with a limit") }
        return .list(TemplateText.words(text).map { .text($0) })
      }
      guard !separator.isEmpty else { throw failure("a text can't be split by an empty one") }
      return .list(
        TemplateText.split(text, by: separator, most: count).map { .text($0) })
    case "startswith", "endswith":
      guard let value = given[0, "prefix"] else { throw failure("`\(name)` takes a text") }
      let options = if case .list(let items) = value { items } else { [value] }
      for option in options {
        guard case .text(let part) = option else {
          throw failure("`\(name)` takes a text; \(option.kind) is none")
        }
        let fits =
          name == "startswith"
          ? text.utf8.starts(with: part.utf8)
          : text.utf8.reversed().starts(with: part.utf8.reversed())
        if fits { return .bool(true) }
      }
      return .bool(false)
    case "replace":
      return try replaced(
        text, try needed(0, "old"), by: try needed(1, "new"), most: most(2, "count"))
    case "removeprefix":
      let part = try needed(0, "prefix")
      guard text.utf8.starts(with: part.utf8) else { return .text(text) }
      return try self.text(
        TemplateText.text(
          Array(text.unicodeScalars)[part.unicodeScalars.count...]))
    case "removesuffix":
      let part = try needed(0, "suffix")
      guard text.utf8.reversed().starts(with: part.utf8.reversed()) else { return .text(text) }
      return try self.text(
        TemplateText.text(
          Array(text.unicodeScalars).dropLast(part.unicodeScalars.count)))
    case "upper", "lower", "capitalize": return try cased(text, name)
    case "find":
      let place = TemplateText.find(
        Array(try needed(0, "sub").unicodeScalars), in: Array(text.unicodeScalars))
      return .integer(place ?? -1)
    case "count":
      let part = try needed(0, "sub")
      guard !part.isEmpty else { return .integer(text.unicodeScalars.count + 1) }
      return .integer(TemplateText.split(text, by: part).count - 1)
    case "join":
      return try joined(given[0, "iterable"] ?? .list([]), by: text, attribute: nil)
    default: throw unsupported("the method `\(name)` of a text")
    }
  }

  mutating func replaced(
    _ text: String, _ old: String, by new: String, most: Int
  ) throws(ChatTemplateError) -> TemplateValue {
    // How long the result can be is known before it is made.
    let places = min(text.utf8.count / max(old.utf8.count, 1) + 1, most)
    let (added, overflows) = places.multipliedReportingOverflow(by: new.utf8.count)
    guard !overflows, added <= 16 * Self.longestText else { throw .tooMuchWork }
    try charge(text.utf8.count / 8 + added / 64)
    return try self.text(TemplateText.replacing(text, old, by: new, most: most))
  }

  mutating func cased(_ text: String, _ name: String) throws(ChatTemplateError) -> TemplateValue {
    switch name {
    case "upper": return try self.text(text.uppercased())
    case "lower": return try self.text(text.lowercased())
    default:
      let first = text.unicodeScalars.prefix(1).map(\.properties.titlecaseMapping).joined()
      return try self.text(first + String(text.unicodeScalars.dropFirst()).lowercased())
    }
  }

  mutating func joined(
    _ list: TemplateValue, by separator: String, attribute: String?
  ) throws(ChatTemplateError) -> TemplateValue {
    var result = ""
    for (index, element) in try elements(of: list).enumerated() {
      if index > 0 { result += separator }
      result += try written(
        try attribute.map { name throws(ChatTemplateError) in try member(name, of: element) }
          ?? element)
      try charge(1 + separator.utf8.count / 256)
      guard result.utf8.count <= Self.longestText else { throw .tooMuchWork }
    }
    return try self.text(result)
  }
}
