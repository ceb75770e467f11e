/// Texts that are tokens of their own wherever they appear, such as `<｜end▁of▁sentence｜>`.
struct AddedTokens: Sendable {
  struct Token: Sendable {
    let id: Int
    let content: String
    let isSpecial: Bool
    let isNormalized: Bool
    let isSingleWord: Bool
    let stripsLeft: Bool
    let stripsRight: Bool
  }

  /// All of them, in the order of the file.
  let tokens: [Token]
  private var original = AddedTokenTrie()
  private var normalized = AddedTokenTrie()

  /// Reads `added_tokens`; a token whose content is in the vocabulary has its id from there.
  init(
    _ parts: [TokenizerPart], _ vocabulary: inout Vocabulary, _ normalizer: Normalizer?
  ) throws(TokenizerError) {
    var tokens: [Token] = []
    for part in parts {
      let content = try part.string("content")
      let isSpecial = try part.bool("special", or: false)
      let written = try part.integer("id")
      let id = vocabulary.id(of: content) ?? written
      try vocabulary.insert(content, id)
      guard !content.isEmpty else { continue }
      tokens.append(
        Token(
          id: id, content: content, isSpecial: isSpecial,
          isNormalized: try part.bool("normalized", or: !isSpecial),
          isSingleWord: try part.bool("single_word", or: false),
          stripsLeft: try part.bool("lstrip", or: false),
          stripsRight: try part.bool("rstrip", or: false)))
    }
    self.tokens = tokens
    for (number, token) in tokens.enumerated() {
      if token.isNormalized {
        let content = AlignedText(original: Array(token.content.utf8))
        let changed = normalizer?.apply(to: content) ?? content
        normalized.insert(changed.bytes, number)
      } else {
        original.insert(Array(token.content.utf8), number)
      }
    }
  }

  /// Cuts the tokens out that stand for themselves in the user's text (`normalized: false`), or in
  /// the changed text.
  ///
  /// Of several that begin at one place the longest counts, of overlapping ones the first.
  func divide(
    _ text: AlignedText, normalized isNormalized: Bool,
    _ body: (_ part: Range<Int>, _ token: Token?) -> Void
  ) {
    let trie = isNormalized ? normalized : original
    let bytes = text.bytes.span
    var plain = 0
    var place = 0
    while place < bytes.count {
      guard let (length, number) = trie.longestMatch(bytes, place) else {
        place += 1
        continue
      }
      let token = tokens[number]
      var start = place
      var end = place + length
      place = end
      if token.isSingleWord, Self.endsInWord(bytes, start) || Self.beginsWithWord(bytes, end) {
        continue
      }
      if token.stripsLeft {
        while start > plain, let before = Self.whitespace(bytes, endingAt: start) {
          start = max(plain, before)
        }
      }
      if token.stripsRight {
        while end < bytes.count {
          let (scalar, width) = decode(bytes, end)
          guard ScalarProperties.isWhitespace(scalar) else { break }
          end += width
        }
      }
      place = end
      if plain < start { body(plain..<start, nil) }
      body(start..<end, token)
      plain = end
    }
    if plain < bytes.count { body(plain..<bytes.count, nil) }
  }

  /// Whether any token of this kind exists.
  func hasTokens(normalized isNormalized: Bool) -> Bool {
    !(isNormalized ? normalized : original).isEmpty
  }

  private static func scalar(_ bytes: Span<UInt8>, endingAt end: Int) -> (UInt32, start: Int)? {
    guard end > 0 else { return nil }
    var start = end - 1
    while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    return (decode(bytes, start).scalar, start)
  }

  private static func whitespace(_ bytes: Span<UInt8>, endingAt end: Int) -> Int? {
    guard let (scalar, start) = scalar(bytes, endingAt: end),
      ScalarProperties.isWhitespace(scalar)
    else { return nil }
    return start
  }

  /// Whether a scalar is a part of a word as Unicode has it, by which the reference separates added tokens, and not
  /// Oniguruma: ¼ and ² are none.
  private static func isWord(_ scalar: UInt32) -> Bool {
    scalar == 0x200C || scalar == 0x200D
      || ScalarProperties.of(scalar) & ScalarProperties.word != 0
        && !ScalarProperties.isOtherNumber(scalar)
  }

  private static func endsInWord(_ bytes: Span<UInt8>, _ end: Int) -> Bool {
    scalar(bytes, endingAt: end).map { isWord($0.0) } ?? false
  }

  private static func beginsWithWord(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
    start < bytes.count && isWord(decode(bytes, start).scalar)
  }
}

/// Texts by their bytes, one node for each beginning.
private struct AddedTokenTrie: Sendable {
  private struct Node: Sendable {
    var children: [(byte: UInt8, node: Int32)] = []
    var token: Int32 = -1
  }

  private var nodes = [Node()]
  /// The first node for each first byte, or -1: most places of a text need no more than this.
  private var roots = [Int32](repeating: -1, count: 256)

  var isEmpty: Bool { nodes.count == 1 }

  mutating func insert(_ bytes: [UInt8], _ token: Int) {
    guard !bytes.isEmpty else { return }
    var node = 0
    for byte in bytes {
      if let child = nodes[node].children.first(where: { $0.byte == byte }) {
        node = Int(child.node)
      } else {
        nodes.append(Node())
        let child = Int32(nodes.count - 1)
        nodes[node].children.append((byte, child))
        if node == 0 { roots[Int(byte)] = child }
        node = Int(child)
      }
    }
    if nodes[node].token < 0 { nodes[node].token = Int32(token) }
  }

  @inline(__always)
  func longestMatch(_ bytes: Span<UInt8>, _ start: Int) -> (length: Int, token: Int)? {
    let root = roots[Int(bytes[start])]
    guard root >= 0 else { return nil }
    return longestMatch(bytes, start, Int(root))
  }

  private func longestMatch(
    _ bytes: Span<UInt8>, _ start: Int, _ root: Int
  ) -> (length: Int, token: Int)? {
    var node = root
    var place = start + 1
    var best: (length: Int, token: Int)?
    while true {
      if nodes[node].token >= 0 { best = (place - start, Int(nodes[node].token)) }
      guard place < bytes.count,
        let child = nodes[node].children.first(where: { $0.byte == bytes[place] })
      else { return best }
      node = Int(child.node)
      place += 1
    }
  }
}
