import DataFormats

/// How the pieces of a vocabulary become a text again.
indirect enum Decoder: Sendable {
  case byteLevel
  case wordPiece(prefix: String, cleansUp: Bool)
  case fuse
  case metaspace(Metaspace)
  case replace([UInt8], by: [UInt8])
  case byteFallback
  case strip(UInt8, start: Int, stop: Int)
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
    case "Metaspace": self = .metaspace(try Metaspace(part))
    case "Replace":
      guard let text = part.member("pattern")?.value["String"]?.string, !text.isEmpty else {
        throw .unsupportedOption(part: part.place, option: "a pattern that is no text")
      }
      self = .replace(Array(text.utf8), by: Array(try part.string("content").utf8))
    case "ByteFallback": self = .byteFallback
    case "Strip":
      let content = Array(try part.string("content").utf8)
      guard content.count == 1 else { throw part.wrong("content", "one ASCII character") }
      self = .strip(
        content[0], start: max(0, try part.integer("start")), stop: max(0, try part.integer("stop"))
      )
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
    case .metaspace(let metaspace):
      let mark = Array(String(metaspace.mark).utf8)
      return items.enumerated().map { index, item in
        let space: [UInt8] = index == 0 && metaspace.prefix != .never ? [] : [0x20]
        return Item(
          bytes: Self.replacing(mark, by: space, in: item.bytes), isAdded: item.isAdded)
      }
    case .replace(let old, let new):
      return items.map {
        Item(bytes: Self.replacing(old, by: new, in: $0.bytes), isAdded: $0.isAdded)
      }
    case .byteFallback: return Self.joiningBytes(items)
    case .strip(let byte, let start, let stop):
      return items.map { item in
        let head = item.bytes.prefix(start).prefix { $0 == byte }.count
        let rest = item.bytes.dropFirst(head)
        let tail = rest.reversed().prefix(stop).prefix { $0 == byte }.count
        return Item(bytes: Array(rest.dropLast(tail)), isAdded: item.isAdded)
      }
    case .sequence(let steps): return steps.reduce(items) { $1.decode($0) }
    }
  }

  /// Puts bytes in the place of pieces such as `<0x0A>`; where those that follow each other aren't
  /// UTF-8, each is U+FFFD.
  private static func joiningBytes(_ items: [Item]) -> [Item] {
    var result: [Item] = []
    var run: [UInt8] = []
    func flush() {
      guard !run.isEmpty else { return }
      let isText = String(validating: run, as: UTF8.self) != nil
      let bytes = isText ? run : run.flatMap { _ in Array("\u{FFFD}".utf8) }
      result.append(Item(bytes: bytes, isAdded: false))
      run = []
    }
    for item in items {
      if let byte = ByteFallback.byte(of: item.bytes) {
        run.append(byte)
      } else {
        flush()
        result.append(item)
      }
    }
    flush()
    return result
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
