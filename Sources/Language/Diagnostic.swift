/// A problem in a cell: what is wrong, where, and what would be right.
public struct Diagnostic: Error, Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Hashable, Sendable {
    /// The cell can't run, or stopped here.
    case error
    /// The cell runs all the same.
    case warning
  }

  /// Another place that explains the problem.
  public struct Note: Hashable, Sendable {
    /// What is there.
    public var message: String
    /// Where.
    public var range: SourceRange

    /// Makes a note.
    public init(message: String, range: SourceRange) {
      self.message = message
      self.range = range
    }
  }

  /// A short stable name of the kind of problem, such as `unknown-name`; Jupyter's `ename`.
  public var code: String
  /// How bad it is.
  public var severity: Severity
  /// One sentence that says what is wrong.
  public var message: String
  /// What would be right, where that is known.
  public var hint: String?
  /// Where it is wrong, in the cell; `nil` where no place can be named.
  public var range: SourceRange?
  /// Other places that explain it.
  public var notes: [Note]

  /// Makes a diagnostic.
  public init(
    code: String, severity: Severity = .error, message: String, hint: String? = nil,
    range: SourceRange? = nil, notes: [Note] = []
  ) {
    self.code = code
    self.severity = severity
    self.message = message
    self.hint = hint
    self.range = range
    self.notes = notes
  }
}
