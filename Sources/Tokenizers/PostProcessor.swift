import DataFormats

/// The special tokens that a tokenizer puts around a text.
struct PostProcessor: Sendable {
  private(set) var before: [Int] = []
  private(set) var after: [Int] = []

  /// Reads a `post_processor`.
  init(_ part: TokenizerPart, _ vocabulary: Vocabulary) throws(TokenizerError) {
    let type = try part.type
    switch type {
    case "ByteLevel": break
    case "Sequence":
      for step in try part.parts("processors") {
        let inner = try PostProcessor(step, vocabulary)
        before = inner.before + before
        after += inner.after
      }
    case "TemplateProcessing": try readTemplate(part, vocabulary)
    case "BertProcessing", "RobertaProcessing":
      before = [try Self.token(part, "cls", vocabulary)]
      after = [try Self.token(part, "sep", vocabulary)]
    default: throw .unknownType(part: part.place, type: type)
    }
  }

  private static func token(
    _ part: TokenizerPart, _ key: String, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> Int {
    guard let pair = part.value[key]?.array, pair.count == 2, let token = pair[0].string,
      let id = pair[1].integer
    else { throw part.wrong(key, "a pair of token and id") }
    guard vocabulary.piece(of: id) != nil else {
      throw .unknownSpecialToken(role: "\(part.place).\(key)", token: token)
    }
    return id
  }

  private mutating func readTemplate(
    _ part: TokenizerPart, _ vocabulary: Vocabulary
  ) throws(TokenizerError) {
    let special = part.member("special_tokens")
    var isBehind = false
    for piece in try part.parts("single") {
      if piece.member("Sequence") != nil {
        guard !isBehind else { throw part.wrong("single", "a template with one sequence") }
        isBehind = true
        continue
      }
      guard let name = piece.value["SpecialToken"]?["id"]?.string else {
        throw .wrongMember(place: piece.place, expected: "a sequence or a special token")
      }
      guard let ids = special?.value[name]?["ids"]?.array else {
        throw part.wrong("special_tokens.\(name).ids", "a list")
      }
      for item in ids {
        guard let id = item.integer, vocabulary.piece(of: id) != nil else {
          throw .unknownSpecialToken(role: part.place, token: name)
        }
        if isBehind { after.append(id) } else { before.append(id) }
      }
    }
    guard isBehind else { throw part.wrong("single", "a template with one sequence") }
  }
}
