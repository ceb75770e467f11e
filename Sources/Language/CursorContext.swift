/// What is being written at a place in a cell, for completion and for help on a call.
///
/// It is found from the tokens, so it holds for cells that can't be parsed yet.
public struct CursorContext: Hashable, Sendable {
  /// The kinds of place.
  public enum Place: Hashable, Sendable {
    /// A value may begin here, or its name is being written.
    case name
    /// A field or function after the `.` that follows `base`, written as `text`.
    case member(base: SourceRange, text: String)
    /// A name that the cell makes up: after `def`, `param` or `for`.
    case newName
    /// The characters of a text literal; `prefix` holds them from the last quote or hole on.
    case text
    /// A comment.
    case comment
    /// A number, or the middle of an operator.
    case nothing
  }

  /// The call whose parentheses hold the cursor.
  public struct Call: Hashable, Sendable {
    /// What already stands for the function's first parameter.
    public enum Receiver: Hashable, Sendable {
      /// The left side of `x |> f(…)`.
      case pipe(SourceRange, text: String)
      /// The value of `x.f(…)`.
      case member(SourceRange, text: String)
    }

    /// Which argument the cursor stands in.
    public enum ArgumentPlace: Hashable, Sendable {
      /// The value of a labelled argument.
      case label(String)
      /// A positional argument, counted from 0 without the receiver.
      case position(Int)
    }

    /// The function's name; empty where the callee is no name or field.
    public var function: String
    /// Where the name stands.
    public var functionRange: SourceRange
    /// What stands for the first parameter, in a pipe or after `.`.
    public var receiver: Receiver?
    /// The labels that the call gives, in order, also those after the cursor.
    public var labels: [String]
    /// The number of positional arguments before the cursor's, without the receiver.
    public var positionalCount: Int
    /// The argument that the cursor stands in.
    public var argument: ArgumentPlace
    /// Whether a label could be written at the cursor: nothing else stands before it in its argument.
    public var acceptsLabel: Bool
  }

  /// What kind of place it is.
  public var place: Place
  /// What is written of the name or the text before the cursor.
  public var prefix: String
  /// What a completion replaces: the whole name, or the text from its start to the cursor.
  public var replacement: SourceRange
  /// The innermost call around the cursor; `nil` outside calls and in comments.
  public var call: Call?

  /// Finds what is being written at a UTF-8 offset, which is moved into the text.
  public static func at(_ offset: Int, in source: String) -> CursorContext {
    CursorFinder(source, offset).context()
  }

  /// Finds what is being written at a code point offset, as Jupyter counts cursors.
  public static func at(codePoint: Int, in source: String) -> CursorContext {
    at(SourceText(source).byteOffset(ofCodePoint: codePoint), in: source)
  }
}
