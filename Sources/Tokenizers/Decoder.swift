/// How the pieces of a vocabulary become a text again.
indirect enum Decoder: Sendable {
  case byteLevel
  case wordPiece(prefix: String, cleansUp: Bool)
  case fuse
  case sequence([Decoder])

  /// A piece on its way to text; added tokens stand for their content.
  struct Item {
    var bytes: [UInt8]
    let isAdded: Bool
  }

  /// Reads a `decoder`.
  init(_ part: TokenizerPart) throws(TokenizerError) {
    let type = try part.type
    switch type {
    case "ByteLevel": self = .byteLevel
    case "WordPiece":
      self = .wordPiece(
        prefix: try part.string("prefix", or: "##"), cleansUp: try part.bool("cleanup", or: true))
    case "Fuse": self = .fuse
    case "Sequence":
      var steps: [Decoder] = []
      for step in try part.parts("decoders") { steps.append(try Decoder(step)) }
      self = .sequence(steps)
    default: throw .unknownType(part: part.place, type: type)
    }
  }

  /// The items as this decoder leaves them; joined, they are the text.
  func decode(_ items: [Item]) -> [Item] {
    switch self {
    case .byteLevel:
      var joined: [UInt8] = []
      for item in items {
        let piece = item.isAdded ? nil : String(validating: item.bytes, as: UTF8.self)
        joined += piece.flatMap { ByteAlphabet.bytes(of: $0) } ?? item.bytes
      }
      return [Item(bytes: joined, isAdded: false)]
    case .wordPiece(let prefix, let cleansUp):
      return items.enumerated().map { index, item in
        var bytes = item.bytes
        if index > 0 {
          if bytes.starts(with: prefix.utf8) {
            bytes.removeFirst(prefix.utf8.count)
          } else {
            bytes.insert(0x20, at: 0)
          }
        }
        return Item(bytes: cleansUp ? Self.cleanedUp(bytes) : bytes, isAdded: item.isAdded)
      }
    case .fuse:
      return [Item(bytes: items.flatMap(\.bytes), isAdded: false)]
    case .sequence(let steps): return steps.reduce(items) { $1.decode($0) }
    }
  }

  /// Takes the spaces away that English doesn't have before punctuation and contractions.
  private static func cleanedUp(_ bytes: [UInt8]) -> [UInt8] {
    let replacements = [
      (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
      (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]
    return replacements.reduce(bytes) { text, replacement in
      Self.replacing(Array(replacement.0.utf8), by: Array(replacement.1.utf8), in: text)
    }
  }

  private static func replacing(
    _ old: [UInt8], by new: [UInt8], in text: [UInt8]
  ) -> [UInt8] {
    guard text.count >= old.count else { return text }
    var result: [UInt8] = []
    var place = 0
    while place < text.count {
      if text[place...].starts(with: old) {
        result += new
        place += old.count
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return result
  }
}
