import DataFormats

/// The part of a tokenizer that makes tokens of pieces.
enum TokenizerModel: Sendable {
  case bytePairs(BytePairEncoding)
  case wordPiece(WordPiece)
  case unigram(Unigram)

  /// Reads a `model`, with its vocabulary.
  ///
  /// - Parameter isByteLevel: whether the pieces that it will be given are cut for bytes.
  static func read(
    _ part: TokenizerPart, isByteLevel: Bool
  ) throws(TokenizerError) -> (model: TokenizerModel, vocabulary: Vocabulary) {
    // Old files leave the type out where it shows from the members.
    let type =
      part.member("type") == nil && part.member("merges") != nil ? "BPE" : try part.type
    if type == "Unigram" {
      let (model, vocabulary) = try Unigram.read(part)
      return (.unigram(model), vocabulary)
    }
    guard ["BPE", "WordPiece"].contains(type) else {
      throw .unknownType(part: part.place, type: type)
    }
    let vocabulary = try Vocabulary(try part.object("vocab"), place: "\(part.place).vocab")
    let model: TokenizerModel =
      type == "BPE"
      ? .bytePairs(try BytePairEncoding(part, vocabulary, isByteLevel: isByteLevel))
      : .wordPiece(try WordPiece(part, vocabulary))
    return (model, vocabulary)
  }

  func encode(
    _ bytes: Span<UInt8>, _ piece: Range<Int>, into result: inout [BytePairEncoding.Part]
  ) {
    switch self {
    case .bytePairs(let model): model.encode(bytes, piece, into: &result)
    case .wordPiece(let model): model.encode(bytes, piece, into: &result)
    case .unigram(let model): model.encode(bytes, piece, into: &result)
    }
  }
}
