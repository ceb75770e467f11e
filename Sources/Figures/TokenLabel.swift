/// What stands beside a row or column: a token's text, and what more a pointer over it tells.
public struct TokenLabel: Sendable, Hashable, ExpressibleByStringInterpolation {
  /// The token's text: the user's own characters.
  public var text: String
  /// More about it, such as its id and its form in the vocabulary.
  public var detail: String?

  /// Makes a label.
  public init(_ text: String, detail: String? = nil) {
    self.text = text
    self.detail = detail
  }

  /// Makes a label of a literal.
  public init(stringLiteral value: String) { self.init(value) }

  /// The text for an axis: one line, everything visible, no space before a word.
  public var axisText: String { VisibleText.axis(text) }

  /// The text in full: one line, everything visible.
  public var fullText: String { VisibleText.token(text) }
}
