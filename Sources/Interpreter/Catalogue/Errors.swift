/// An error that can say what is wrong and what would be right.
///
/// Errors of lower layers are adapted to it by `Catalogue.explanation`.
public protocol ExplainedError: Error {
  /// A short stable name of the kind of problem, such as `missing-file`.
  var code: String { get }
  /// One sentence that says what is wrong.
  var message: String { get }
  /// What would be right, where that is known.
  var hint: String? { get }
}

/// Why a function can't do what it was asked to; shown at the call.
public struct FunctionError: ExplainedError, Hashable {
  /// A short stable name of the kind of problem.
  public var code: String
  /// One sentence that says what is wrong.
  public var message: String
  /// What would be right.
  public var hint: String?

  /// Makes an error.
  public init(_ message: String, hint: String? = nil, code: String = "wrong-value") {
    self.code = code
    self.message = message
    self.hint = hint
  }
}

/// Why an argument can't be used; shown at the argument's own place.
public struct ArgumentError: ExplainedError, Hashable {
  /// The parameter's name.
  public var parameter: String
  /// A short stable name of the kind of problem.
  public var code: String
  /// One sentence that says what is wrong.
  public var message: String
  /// What would be right.
  public var hint: String?

  /// Makes an error.
  public init(
    _ parameter: String, _ message: String, hint: String? = nil, code: String = "wrong-value"
  ) {
    self.parameter = parameter
    self.code = code
    self.message = message
    self.hint = hint
  }
}
