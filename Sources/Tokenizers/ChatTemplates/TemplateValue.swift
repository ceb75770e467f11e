import DataFormats

/// A value of a template.
indirect enum TemplateValue: Sendable {
  /// What a name without a value gives; it carries the name.
  case undefined(String)
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([TemplateValue])
  case record(TemplateRecord)
  /// A namespace, by its number: what is assigned to its attributes outlives a loop's round.
  case space(Int)

  /// The value of a JSON value.
  init(_ json: JSON) {
    self =
      switch json {
      case .null: .none
      case .bool(let flag): .bool(flag)
      case .integer(let number): .integer(number)
      case .number(let number): .number(number)
      case .string(let text): .text(text)
      case .array(let elements): .list(elements.map { TemplateValue($0) })
      case .object(let object):
        .record(
          TemplateRecord(members: object.members.map { ($0.key, TemplateValue($0.value)) }))
      }
  }

  /// What the value is, for messages.
  var kind: String {
    switch self {
    case .undefined(let name): "the undefined `\(name)`"
    case .none: "none"
    case .bool: "a truth value"
    case .integer, .number: "a number"
    case .text: "a text"
    case .list: "a list"
    case .record: "a record"
    case .space: "a namespace"
    }
  }

  /// Whether the value counts as true.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let flag): flag
    case .integer(let number): number != 0
    case .number(let number): number != 0
    case .text(let text): !text.isEmpty
    case .list(let items): !items.isEmpty
    case .record(let record): !record.members.isEmpty
    case .space: true
    }
  }

  /// The value as a whole number; truth values are 0 and 1.
  var whole: Int? {
    switch self {
    case .bool(let flag): flag ? 1 : 0
    case .integer(let number): number
    default: nil
    }
  }

  /// The value as a number; truth values are 0 and 1.
  var double: Double? {
    if case .number(let number) = self { number } else { whole.map { Double($0) } }
  }

  /// Whether two values are equal; `budget` is spent on every pair of parts, and nothing is equal
  /// to anything any more when it is used up.
  static func isEqual(
    _ left: TemplateValue, _ right: TemplateValue, budget: inout Int
  ) -> Bool {
    budget -= 1
    guard budget >= 0 else { return false }
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let one), .text(let other)):
      budget -= min(one.utf8.count, other.utf8.count) / 256
      return TemplateText.isEqual(one, other)
    case (.list(let one), .list(let other)):
      guard one.count == other.count else { return false }
      for (first, second) in zip(one, other) {
        guard isEqual(first, second, budget: &budget) else { return false }
      }
      return true
    case (.record(let one), .record(let other)):
      guard one.members.count == other.members.count else { return false }
      for (key, value) in one.members {
        guard let second = other[key], isEqual(value, second, budget: &budget) else { return false }
      }
      return true
    case (.space(let one), .space(let other)): return one == other
    default:
      if let one = left.whole, let other = right.whole { return one == other }
      guard let one = left.double, let other = right.double else { return false }
      return one == other
    }
  }

  /// Whether a value comes before another one, or `nil` where they have no order.
  static func precedes(_ left: TemplateValue, _ right: TemplateValue) -> Bool? {
    switch (left, right) {
    case (.text(let one), .text(let other)):
      return one.unicodeScalars.lexicographicallyPrecedes(other.unicodeScalars)
    default:
      if let one = left.whole, let other = right.whole { return one < other }
      guard let one = left.double, let other = right.double else { return nil }
      return one < other
    }
  }

  /// The value as JSON text, with `, ` and `: ` between its parts; `nil` where a part has none.
  ///
  /// - Parameters:
  ///   - indent: how many spaces a level is indented by, each element on a line of its own; `nil`
  ///     keeps everything on one line.
  ///   - budget: is spent on every part and character; the text ends where it is used up.
  func jsonText(indent: Int?, level: Int = 0, budget: inout Int) -> String? {
    budget -= 1
    guard budget >= 0 else { return nil }
    switch self {
    case .undefined, .space: return nil
    case .none: return "null"
    case .bool(let flag): return flag ? "true" : "false"
    case .integer(let number): return "\(number)"
    case .number(let number): return "\(number)"
    case .text(let text):
      budget -= text.utf8.count / 64
      return Self.quoted(text)
    case .list(let items):
      var parts: [String] = []
      for item in items {
        guard let part = item.jsonText(indent: indent, level: level + 1, budget: &budget) else {
          return nil
        }
        parts.append(part)
      }
      return Self.bracketed("[", parts, "]", indent, level)
    case .record(let record):
      var parts: [String] = []
      for (key, value) in record.members {
        guard let part = value.jsonText(indent: indent, level: level + 1, budget: &budget) else {
          return nil
        }
        parts.append(Self.quoted(key) + ": " + part)
      }
      return Self.bracketed("{", parts, "}", indent, level)
    }
  }

  private static func bracketed(
    _ open: String, _ parts: [String], _ close: String, _ indent: Int?, _ level: Int
  ) -> String {
    guard let indent, !parts.isEmpty else { return open + parts.joined(separator: ", ") + close }
    let inner = "\n" + String(repeating: " ", count: indent * (level + 1))
    return open + inner + parts.joined(separator: "," + inner) + "\n"
      + String(repeating: " ", count: indent * level) + close
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{8}": result += "\\b"
      case "\u{C}": result += "\\f"
      case "\0"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Members with names, in order.
struct TemplateRecord: Sendable {
  var members: [(key: String, value: TemplateValue)]

  subscript(key: String) -> TemplateValue? {
    members.last { TemplateText.isEqual($0.key, key) }?.value
  }

  mutating func set(_ key: String, _ value: TemplateValue) {
    if let place = members.lastIndex(where: { TemplateText.isEqual($0.key, key) }) {
      members[place].value = value
    } else {
      members.append((key, value))
    }
  }
}
