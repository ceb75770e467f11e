/// WordPiece: each word as the longest known pieces from its beginning.
///
/// Wu et al. 2016; in this form BERT.
struct WordPiece: Sendable {
  /// Pieces at the beginning of a word, and pieces behind them without their prefix.
  private var initial = ByteStringTable()
  private var initialIDs: [Int32] = []
  private var continuing = ByteStringTable()
  private var continuingIDs: [Int32] = []
  private let unknownID: Int32
  private let longestWord: Int
  /// The length in bytes of the longest piece: no longer one needs to be looked for.
  private var longestPiece = 0

  /// Reads a `model` of type `WordPiece`.
  init(_ part: TokenizerPart, _ vocabulary: Vocabulary) throws(TokenizerError) {
    let unknown = try part.string("unk_token", or: "[UNK]")
    guard let id = vocabulary.id(of: unknown) else {
      throw .unknownSpecialToken(role: "\(part.place).unk_token", token: unknown)
    }
    unknownID = Int32(id)
    longestWord =
      part.member("max_input_chars_per_word") == nil
      ? 100 : try part.integer("max_input_chars_per_word")
    let prefix = Array(try part.string("continuing_subword_prefix", or: "##").utf8)
    for (id, piece) in vocabulary.pieces.enumerated() {
      guard let piece else { continue }
      let bytes = Array(piece.utf8)
      longestPiece = max(longestPiece, bytes.count)
      if initial.insert(bytes.span, 0..<bytes.count).isNew { initialIDs.append(Int32(id)) }
      if bytes.starts(with: prefix) {
        if continuing.insert(bytes.span, prefix.count..<bytes.count).isNew {
          continuingIDs.append(Int32(id))
        }
      }
    }
  }

  /// Appends the tokens of one word; one for the unknown where the pieces don't cover it.
  func encode(
    _ bytes: Span<UInt8>, _ word: Range<Int>, into result: inout [BytePairEncoding.Part]
  ) {
    let count = result.count
    let whole = Int32(truncatingIfNeeded: word.count)
    var scalarCount = 0
    for place in word where bytes[place] & 0xC0 != 0x80 { scalarCount += 1 }
    guard scalarCount <= longestWord else {
      result.append(BytePairEncoding.Part(id: unknownID, length: whole))
      return
    }
    var start = word.lowerBound
    while start < word.upperBound {
      var end = min(word.upperBound, start + longestPiece)
      var id: Int32?
      while end > start {
        // Pieces end where scalars do.
        if end == word.upperBound || bytes[end] & 0xC0 != 0x80 {
          if start == word.lowerBound {
            id = initial.find(bytes, start..<end).map { initialIDs[$0] }
          } else {
            id = continuing.find(bytes, start..<end).map { continuingIDs[$0] }
          }
          if id != nil { break }
        }
        end -= 1
      }
      guard let id else {
        result.removeLast(result.count - count)
        result.append(BytePairEncoding.Part(id: unknownID, length: whole))
        return
      }
      result.append(
        BytePairEncoding.Part(id: id, length: Int32(truncatingIfNeeded: end - start)))
      start = end
    }
  }
}
