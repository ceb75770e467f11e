public import DataFormats
public import Figures

/// A value that a lower layer brings into the language: a model, a trace, an attribution.
///
/// Only `typeName`, `summary`, `fieldNames` and `field(_:)` must be given; the rest has defaults
/// that say "this value has no such thing".
public protocol ObjectValue: AnyObject, Sendable {
  /// The type's name in the language, such as `Model`.
  var typeName: String { get }
  /// One line of plain text with the facts that identify the value.
  var summary: String { get }
  /// The names of the fields, in the order in which help lists them.
  var fieldNames: [String] { get }
  /// The value of a field, or `nil` where there is none of that name.
  func field(_ name: String) throws -> Value?
  /// The same, for fields whose computing takes time: with the flag to check and the place for
  /// progress. What the evaluator calls.
  func field(_ name: String, in context: ExecutionContext) throws -> Value?
  /// What the field holds, in a few words, for help and completion.
  func fieldSummary(_ name: String) -> String?
  /// The picture that shows the value where it is displayed, or `nil` for plain text alone.
  func defaultFigure() throws -> (any Figure)?
  /// The same, for pictures whose computing takes time. What the evaluator calls.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)?
  /// The element at an index (`x[3]`, `x["word"]`, `x[0...2]`), or `nil` where the value has no
  /// elements of that kind.
  func element(at index: Value, in context: ExecutionContext) throws -> Value?
  /// How many elements `len` counts and `for` visits, or `nil` where there are none to count.
  var count: Int? { get }
  /// The value of an operator with this object on either side, or `nil` where it has none.
  func applying(
    _ operation: String, to other: Value, objectIsLeft: Bool, in context: ExecutionContext
  ) throws -> Value?
  /// The raw numbers, for `save` and for expressions that a client asks for.
  var json: JSON { get }
  /// The value as numbers in a shape, for arithmetic and `save` to `.npy`, or `nil`.
  func asTensor() throws -> Value?
  /// The value as a table, for `save` to `.csv` and `table`, or `nil`.
  func asTable() throws -> Table?
}

extension ObjectValue {
  /// Gives `field(_:)`.
  public func field(_ name: String, in context: ExecutionContext) throws -> Value? {
    try field(name)
  }
  /// No summary.
  public func fieldSummary(_ name: String) -> String? { nil }
  /// No picture.
  public func defaultFigure() throws -> (any Figure)? { nil }
  /// Gives `defaultFigure()`.
  public func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    try defaultFigure()
  }
  /// No elements.
  public func element(at index: Value, in context: ExecutionContext) throws -> Value? { nil }
  /// No elements.
  public var count: Int? { nil }
  /// No operators.
  public func applying(
    _ operation: String, to other: Value, objectIsLeft: Bool, in context: ExecutionContext
  ) throws -> Value? { nil }
  /// The type and the summary.
  public var json: JSON { ["type": .string(typeName), "summary": .string(summary)] }
  /// No numbers.
  public func asTensor() throws -> Value? { nil }
  /// No table.
  public func asTable() throws -> Table? { nil }
}
