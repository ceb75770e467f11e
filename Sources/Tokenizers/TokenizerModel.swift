import DataFormats

/// The part of a tokenizer that makes tokens of pieces.
enum TokenizerModel: Sendable {
  case bytePairs(BytePairEncoding)
  case wordPiece(WordPiece)

  /// Reads a `model`, with its vocabulary.
  static func read(
    _ part: TokenizerPart
  ) throws(TokenizerError) -> (model: TokenizerModel, vocabulary: Vocabulary) {
    // Old files leave the type out where it shows from the members.
    let type =
      part.member("type") == nil && part.member("merges") != nil ? "BPE" : try part.type
    guard ["BPE", "WordPiece"].contains(type) else {
      throw .unknownType(part: part.place, type: type)
    }
    let vocabulary = try Vocabulary(try part.object("vocab"), place: "\(part.place).vocab")
    let model: TokenizerModel =
      type == "BPE"
      ? .bytePairs(try BytePairEncoding(part, vocabulary))
      : .wordPiece(try WordPiece(part, vocabulary))
    return (model, vocabulary)
  }

  func encode(
    _ bytes: Span<UInt8>, _ piece: Range<Int>, into result: inout [BytePairEncoding.Part]
  ) {
    switch self {
    case .bytePairs(let model): model.encode(bytes, piece, into: &result)
    case .wordPiece(let model): model.encode(bytes, piece, into: &result)
    }
  }
}
