public import Language
public import Tensors

/// The checked arguments of one call, by parameter name, with defaults filled in.
public struct Arguments: Sendable {
  /// The function that is called.
  public let definition: FunctionDefinition
  var values: [Value]
  var ranges: [SourceRange?]
  var given: [Bool]

  /// The value of a parameter: the argument's or the default.
  ///
  /// - Throws: `ArgumentError` where the function has no such parameter.
  public func value(_ name: String) throws -> Value {
    guard let place = place(of: name) else {
      throw ArgumentError(
        name, "`\(definition.name)` has no parameter `\(name)`.", code: "unknown-label")
    }
    return values[place]
  }

  /// The value of a parameter, or `nil` where it is none.
  public func optional(_ name: String) throws -> Value? {
    let value = try value(name)
    if case .none = value { return nil }
    return value
  }

  /// Whether the call gave an argument for the parameter.
  public func wasGiven(_ name: String) -> Bool { place(of: name).map { given[$0] } ?? false }

  /// The place of an argument in the cell; `nil` for a default or a call from within a function.
  public func range(of name: String) -> SourceRange? { place(of: name).flatMap { ranges[$0] } }

  /// A text.
  public func text(_ name: String) throws -> String {
    try required(optionalText(name), name, "a text")
  }
  /// A text, or `nil` for none.
  public func optionalText(_ name: String) throws -> String? {
    try convert(name, "a text") { if case .text(let text) = $0 { text } else { nil } }
  }

  /// A whole number.
  public func integer(_ name: String) throws -> Int {
    try required(optionalInteger(name), name, "a whole number")
  }
  /// A whole number, or `nil` for none.
  public func optionalInteger(_ name: String) throws -> Int? {
    try convert(name, "a whole number") { $0.integer }
  }

  /// A number.
  public func number(_ name: String) throws -> Double {
    try required(optionalNumber(name), name, "a number")
  }
  /// A number, or `nil` for none.
  public func optionalNumber(_ name: String) throws -> Double? {
    try convert(name, "a number") { if case .number(let number) = $0 { number } else { nil } }
  }

  /// `true` or `false`.
  public func bool(_ name: String) throws -> Bool {
    try required(
      convert(name, "true or false") { if case .bool(let flag) = $0 { flag } else { nil } }, name,
      "true or false")
  }

  /// The elements of a list, a range or a table's column.
  public func list(_ name: String) throws -> [Value] {
    try required(optionalList(name), name, "a list")
  }
  /// The elements of a list, or `nil` for none.
  public func optionalList(_ name: String) throws -> [Value]? {
    guard let value = try optional(name) else { return nil }
    guard let elements = try Sequences.listElements(value) else {
      throw mismatch(name, "a list", value)
    }
    return elements
  }

  /// A list of texts; one text alone counts as a list of it.
  public func texts(_ name: String) throws -> [String] {
    let value = try value(name)
    if case .text(let text) = value { return [text] }
    return try list(name).map { element in
      guard case .text(let text) = element else { throw mismatch(name, "a list of texts", element) }
      return text
    }
  }

  /// The numbers of a list, a range or a tensor, row after row.
  public func numbers(_ name: String) throws -> [Double] {
    let value = try value(name)
    guard let numbers = try Sequences.numbers(value) else {
      throw mismatch(name, "a list of numbers or a tensor", value)
    }
    return numbers
  }

  /// A record.
  public func record(_ name: String) throws -> Record {
    try required(
      convert(name, "a record") { if case .record(let record) = $0 { record } else { nil } }, name,
      "a record")
  }

  /// A table.
  public func table(_ name: String) throws -> Table {
    try required(
      convert(name, "a table") { if case .table(let table) = $0 { table } else { nil } }, name,
      "a table")
  }

  /// A tensor.
  public func tensor(_ name: String) throws -> Tensor {
    try required(
      convert(name, "a tensor") { if case .tensor(let tensor) = $0 { tensor } else { nil } }, name,
      "a tensor")
  }

  /// A function, as a value for `ExecutionContext.call`, or `nil` for none.
  public func optionalFunction(_ name: String) throws -> Value? {
    guard let value = try optional(name) else { return nil }
    guard value.functionName != nil else { throw mismatch(name, "a function", value) }
    return value
  }

  /// An object of a type, or `nil` where the argument is none or something else.
  public func object<T>(_ name: String, as type: T.Type = T.self) throws -> T? {
    if case .object(let object) = try value(name) { object as? T } else { nil }
  }

  /// Which layers, heads or positions are chosen, or `nil` for none.
  public func selection(_ name: String) throws -> Selection? {
    guard let value = try optional(name) else { return nil }
    guard let selection = Selection(value) else {
      throw mismatch(name, ParameterType.selection().description, value)
    }
    return selection
  }

  private func place(of name: String) -> Int? {
    definition.parameters.firstIndex { $0.name == name }
  }

  private func required<T>(_ value: T?, _ name: String, _ expected: String) throws -> T {
    guard let value else { throw mismatch(name, expected, .none) }
    return value
  }

  private func convert<T>(
    _ name: String, _ expected: String, _ conversion: (Value) -> T?
  ) throws -> T? {
    guard let value = try optional(name) else { return nil }
    guard let result = conversion(value) else { throw mismatch(name, expected, value) }
    return result
  }

  private func mismatch(_ name: String, _ expected: String, _ value: Value) -> ArgumentError {
    ArgumentError(
      name,
      "`\(name)` of `\(definition.name)` takes \(expected), not \(value.phrase).",
      code: "wrong-type")
  }
}
