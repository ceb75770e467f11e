/// What a parameter takes.
public indirect enum ParameterType: Sendable {
  /// Any value.
  case any
  /// A number, in a closed range where one is given.
  case number(in: ClosedRange<Double>? = nil)
  /// A whole number, in a closed range where one is given.
  case integer(in: ClosedRange<Int>? = nil)
  /// A text.
  case text
  /// `true` or `false`.
  case bool
  /// A list (or a range) whose elements all have a type.
  case list(of: ParameterType)
  /// A record.
  case record
  /// A function.
  case function
  /// A table.
  case table
  /// A tensor.
  case tensor
  /// A range.
  case range
  /// A list of numbers, a range or a tensor.
  case numbers
  /// A list, range, table, tensor, text or object with elements.
  case sequence
  /// One of several words.
  case choice([String])
  /// Layers, heads or positions: a whole number, a range, a list of whole numbers, or one of
  /// the words that are given among `all`, `last`, `mean`, `max`.
  case selection(words: [String] = ["all", "last", "mean", "max"])
  /// A text that names a file or a folder.
  case path
  /// An object of one of the named types, such as `Model`.
  case object([String])
  /// A figure.
  case figure
  /// A value of one of several types.
  case either([ParameterType])
  /// A value of a type, or none.
  case optional(ParameterType)

  /// A text, or an object of the named types in its place.
  public static func textOrObject(_ names: String...) -> ParameterType {
    .either([.text, .object(names)])
  }

  /// The words of a choice or of a selection, for completion.
  public var words: [String] {
    switch self {
    case .choice(let words): words.map { "\"\($0)\"" }
    case .selection(let words): words
    case .bool: ["true", "false"]
    case .either(let types): types.flatMap(\.words)
    case .optional(let type): type.words + ["none"]
    default: []
    }
  }

  /// Whether a text given here names a file.
  public var isPath: Bool {
    switch self {
    case .path: true
    case .either(let types): types.contains(where: \.isPath)
    case .optional(let type): type.isPath
    default: false
    }
  }

  /// The type in words: `a whole number in 0…5`.
  public var description: String {
    switch self {
    case .any: "any value"
    case .number(let range):
      range.map { "a number \(Self.bounds($0.lowerBound, $0.upperBound))" } ?? "a number"
    case .integer(let range):
      range.map { "a whole number \(Self.bounds($0.lowerBound, $0.upperBound))" }
        ?? "a whole number"
    case .text: "a text"
    case .bool: "true or false"
    case .list(let element):
      if case .any = element { "a list" } else { "a list of \(element.plural)" }
    case .record: "a record"
    case .function: "a function"
    case .table: "a table"
    case .tensor: "a tensor"
    case .range: "a range"
    case .numbers: "a list of numbers or a tensor"
    case .sequence: "a list or another value with elements"
    case .choice(let words): Self.alternatives(words.map { "\"\($0)\"" })
    case .selection(let words):
      Self.alternatives(
        ["a whole number", "a range", "a list of whole numbers"] + words.map { "`\($0)`" })
    case .path: "a path"
    case .object(let names): Self.alternatives(names.map { Self.article($0) })
    case .figure: "a figure"
    case .either(let types): Self.alternatives(types.map(\.description))
    case .optional(let type): "\(type.description), or none"
    }
  }

  private static func bounds(_ lower: Double, _ upper: Double) -> String {
    switch (lower.isFinite, upper.isFinite) {
    case (true, true): "in \(NumberFormat.text(lower))…\(NumberFormat.text(upper))"
    case (true, false): "from \(NumberFormat.text(lower)) on"
    case (false, true): "up to \(NumberFormat.text(upper))"
    case (false, false): ""
    }
  }

  private static func bounds(_ lower: Int, _ upper: Int) -> String {
    switch (lower == .min, upper == .max) {
    case (false, false): "in \(lower)…\(upper)"
    case (false, true): "from \(lower) on"
    case (true, false): "up to \(upper)"
    case (true, true): ""
    }
  }

  private var plural: String {
    switch self {
    case .any, .sequence: "values"
    case .number: "numbers"
    case .integer: "whole numbers"
    case .text: "texts"
    case .bool: "truth values"
    case .list(let element): "lists of \(element.plural)"
    case .record: "records"
    case .function: "functions"
    case .table: "tables"
    case .tensor: "tensors"
    case .range: "ranges"
    case .numbers: "lists of numbers"
    case .choice(let words): "\(Self.alternatives(words.map { "\"\($0)\"" }))"
    case .selection: "selections"
    case .path: "paths"
    case .object(let names): Self.alternatives(names.map { "\($0)s" })
    case .figure: "figures"
    case .either(let types): Self.alternatives(types.map(\.plural))
    case .optional(let type): type.plural
    }
  }

  static func article(_ name: String) -> String {
    "AEIOUaeiou".contains(name.prefix(1)) ? "an \(name)" : "a \(name)"
  }

  static func alternatives(_ words: [String], _ conjunction: String = "or") -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "nothing" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
  }
}
