public import DataFormats

/// One sentence in a figure's place, such as why there is none.
public struct NoticeFigure: Figure {
  /// The sentence.
  public let sentence: String
  /// Where it comes from.
  public var provenance: Provenance?

  /// Makes the figure.
  public init(_ sentence: String, provenance: Provenance? = nil) {
    self.sentence = VisibleText.line(sentence)
    self.provenance = provenance
  }

  /// None.
  public var title: String { "" }

  /// The sentence.
  public var plainText: String { sentence }

  /// `{kind, sentence}`.
  public var json: JSON { ["kind": "notice", "sentence": .string(sentence)] }

  /// The sentence as a paragraph.
  public func htmlFragment() -> String {
    "<div class=\"vitrine-notice mathjax_ignore tex2jax_ignore\" role=\"status\">"
      + "<p>\(Markup.escape(sentence))</p></div>"
  }
}
