/// A text as a model sees it: token ids, and for each what it is of the user's text.
public struct Encoding: Sendable, Hashable {
  /// The ids in order, special tokens included.
  public let ids: [Int]
  /// The same tokens with their pieces and places.
  public let tokens: [Token]

  /// Makes an encoding.
  public init(ids: [Int], tokens: [Token]) {
    self.ids = ids
    self.tokens = tokens
  }
}

/// One token of a text.
public struct Token: Sendable, Hashable {
  /// A token's place among those that share characters.
  public struct Part: Sendable, Hashable {
    /// Which of them this is, from 1.
    public let index: Int
    /// How many there are.
    public let of: Int
  }

  /// The token's number in the vocabulary.
  public let id: Int
  /// The vocabulary's own form, in which for example `Ġ` stands for a space.
  public let piece: String
  /// The bytes of the user's UTF-8 text for which the token stands, which may begin or end inside a
  /// character; `nil` for tokens that the tokenizer has added.
  public let byteRange: Range<Int>?
  /// The user's own characters, whole ones also where the token is a part of one; empty for tokens
  /// that the tokenizer has added.
  public let text: String
  /// Which part of its characters this token is, where several share them.
  public let part: Part?
  /// Whether it is one of the special tokens, such as the beginning of a sequence.
  public let isSpecial: Bool

  /// Makes a token.
  public init(
    id: Int, piece: String, byteRange: Range<Int>?, text: String, part: Part? = nil,
    isSpecial: Bool = false
  ) {
    self.id = id
    self.piece = piece
    self.byteRange = byteRange
    self.text = text
    self.part = part
    self.isSpecial = isSpecial
  }

  /// Whether all fields are the same, texts compared by their bytes.
  public static func == (left: Token, right: Token) -> Bool {
    left.id == right.id && left.byteRange == right.byteRange && left.part == right.part
      && left.isSpecial == right.isSpecial && left.piece.utf8.elementsEqual(right.piece.utf8)
      && left.text.utf8.elementsEqual(right.text.utf8)
  }
}

/// Tokens that share characters, found from their ranges.
struct SharedCharacters {
  /// The whole characters that each token touches.
  private(set) var characterRanges: [Range<Int>?] = []
  private(set) var parts: [Token.Part?]

  /// - Parameters:
  ///   - ranges: the tokens' byte ranges in the order of the tokens.
  ///   - bytes: the user's text.
  init(_ ranges: [Range<Int>?], in bytes: [UInt8]) {
    parts = [Token.Part?](repeating: nil, count: ranges.count)
    var group: [Int] = []
    var groupEnd = 0
    func close(_ parts: inout [Token.Part?]) {
      guard group.count > 1 else { return }
      for (number, token) in group.enumerated() {
        parts[token] = Token.Part(index: number + 1, of: group.count)
      }
    }
    for (index, range) in ranges.enumerated() {
      guard let range, !range.isEmpty else {
        characterRanges.append(range)
        continue
      }
      var start = range.lowerBound
      while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
      var end = range.upperBound
      while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
      characterRanges.append(start..<end)
      if start < groupEnd {
        group.append(index)
        groupEnd = max(groupEnd, end)
      } else {
        close(&parts)
        group = [index]
        groupEnd = end
      }
    }
    close(&parts)
  }
}
