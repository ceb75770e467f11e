/// How spaces are written as a visible mark, and which pieces begin with one.
struct Metaspace: Sendable {
  /// Which pieces get a mark in front.
  enum Prefix: String, Sendable { case always, first, never }

  let mark: Unicode.Scalar
  let prefix: Prefix

  /// Reads a pre-tokenizer or decoder of type `Metaspace`.
  init(_ part: TokenizerPart) throws(TokenizerError) {
    let scalars = Array(try part.string("replacement", or: "\u{2581}").unicodeScalars)
    guard scalars.count == 1 else { throw part.wrong("replacement", "one character") }
    mark = scalars[0]
    if part.member("prepend_scheme") != nil {
      guard let prefix = Prefix(rawValue: try part.string("prepend_scheme")) else {
        throw part.wrong("prepend_scheme", "always, first or never")
      }
      self.prefix = prefix
    } else {
      // Older files say whether, not where.
      prefix = try part.bool("add_prefix_space", or: true) ? .always : .never
    }
  }

  /// Whether a piece that begins at a place of the user's text gets a mark in front.
  func begins(at place: Int) -> Bool {
    switch prefix {
    case .always: true
    case .first: place == 0
    case .never: false
    }
  }
}
