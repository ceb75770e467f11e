public import DataFormats

/// A text to token ids and back, as a `tokenizer.json` of the Hugging Face library describes it.
///
/// Byte-pair encoding over bytes or characters, WordPiece and Unigram with the normalizers and
/// pre-tokenizers of the DeepSeek, Qwen, Llama, GPT-2, BERT and T5 families. Each token knows its bytes of the user's text.
public final class Tokenizer: Sendable {
  private let vocabulary: Vocabulary
  private let model: TokenizerModel
  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer?
  private let postProcessor: PostProcessor?
  private let decoder: Decoder?
  private let addedTokens: AddedTokens
  private let addedIDs: Set<Int>
  private let specialIDs: Set<Int>
  private let addsBeginning: Bool
  private let addsEnd: Bool
  private let cache = PieceCache()

  /// The id of the token that begins a sequence, where the configuration names one.
  public let beginOfSequenceID: Int?
  /// The id of the token that ends a sequence, where the configuration names one.
  public let endOfSequenceID: Int?
  /// The id of the token that stands for a gap which the model is to fill, if there is one.
  public let maskID: Int?
  /// The id of the token that fills a batch's shorter texts, where the configuration names one.
  public let paddingID: Int?

  /// Makes a tokenizer of its files' contents.
  ///
  /// - Parameters:
  ///   - json: `tokenizer.json`.
  ///   - configuration: `tokenizer_config.json`; its `add_bos_token` and `add_eos_token` decide
  ///     whether texts begin and end with the tokens it names, which `tokenizer.json` doesn't say.
  /// - Throws: `TokenizerError` naming what is missing, wrong or not supported.
  public init(json: JSON, configuration: JSON? = nil) throws(TokenizerError) {
    guard json.object != nil else {
      throw .wrongMember(place: "tokenizer.json", expected: "an object")
    }
    let root = TokenizerPart(json, place: "")
    guard let modelPart = root.member("model") else { throw root.wrong("model", "an object") }
    var normalizer: Normalizer?
    if let part = root.member("normalizer") { normalizer = try Normalizer(part) }
    if normalizer?.isIdentity == true { normalizer = nil }
    var preTokenizer: PreTokenizer?
    if let part = root.member("pre_tokenizer") { preTokenizer = try PreTokenizer(part) }
    var (model, vocabulary) = try TokenizerModel.read(
      modelPart, isByteLevel: preTokenizer?.isByteLevel == true)
    addedTokens = try AddedTokens(
      root.member("added_tokens") == nil ? [] : try root.parts("added_tokens"), &vocabulary,
      normalizer)
    if let part = root.member("post_processor") {
      postProcessor = try PostProcessor(part, vocabulary)
    } else {
      postProcessor = nil
    }
    decoder = if let part = root.member("decoder") { try Decoder(part) } else { nil }
    let settings = TokenizerPart(configuration ?? [:], place: "configuration")
    func id(_ key: String) throws(TokenizerError) -> Int? {
      guard let named = settings.value[key], let name = named.string ?? named["content"]?.string
      else { return nil }
      guard let id = vocabulary.id(of: name) else {
        throw .unknownSpecialToken(role: key, token: name)
      }
      return id
    }
    addsBeginning = try settings.bool("add_bos_token", or: false)
    addsEnd = try settings.bool("add_eos_token", or: false)
    beginOfSequenceID = try id("bos_token")
    endOfSequenceID = try id("eos_token")
    maskID = try? id("mask_token")
    paddingID = try? id("pad_token")
    var special = Set(addedTokens.tokens.filter(\.isSpecial).map(\.id))
    if let id = beginOfSequenceID { special.insert(id) }
    if let id = endOfSequenceID { special.insert(id) }
    specialIDs = special
    addedIDs = Set(addedTokens.tokens.map(\.id))
    self.vocabulary = vocabulary
    self.model = model
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
  }

  /// One more than the largest id.
  public var vocabularySize: Int { vocabulary.pieces.count }

  /// The id of a piece in the vocabulary's form, or of an added token.
  public func id(of piece: String) -> Int? { vocabulary.id(of: piece) }

  /// The piece of an id in the vocabulary's form.
  public func piece(of id: Int) -> String? { vocabulary.piece(of: id) }

  /// Whether an id is that of a special token.
  public func isSpecial(_ id: Int) -> Bool { specialIDs.contains(id) }

  /// The tokens of a text.
  ///
  /// - Parameters:
  ///   - text: the user's text; special tokens written in it count as such.
  ///   - addSpecialTokens: whether to put the model's special tokens around it, as its files say; a
  ///     beginning that the text already has isn't doubled.
  public func encode(_ text: String, addSpecialTokens: Bool = true) -> Encoding {
    let bytes = Array(text.utf8)
    let raw = rawTokens(bytes, addSpecialTokens: addSpecialTokens)
    let ranges = raw.map(\.range)
    let shared = SharedCharacters(ranges, in: bytes)
    var tokens: [Token] = []
    tokens.reserveCapacity(raw.count)
    for (index, token) in raw.enumerated() {
      let characters = shared.characterRanges[index] ?? 0..<0
      tokens.append(
        Token(
          id: token.id, piece: vocabulary.piece(of: token.id) ?? "", byteRange: token.range,
          text: String(decoding: bytes[characters], as: UTF8.self), part: shared.parts[index],
          isSpecial: specialIDs.contains(token.id)))
    }
    return Encoding(ids: raw.map(\.id), tokens: tokens)
  }

  /// The ids alone, as `encode` gives them.
  public func ids(of text: String, addSpecialTokens: Bool = true) -> [Int] {
    rawTokens(Array(text.utf8), addSpecialTokens: addSpecialTokens).map(\.id)
  }

  /// The text of ids: their bytes joined.
  ///
  /// What isn't UTF-8 becomes U+FFFD; ids without a piece are left out.
  public func decode(_ ids: [Int], skippingSpecialTokens: Bool = false) -> String {
    var items: [Decoder.Item] = []
    for id in ids where !(skippingSpecialTokens && specialIDs.contains(id)) {
      guard let piece = vocabulary.piece(of: id) else { continue }
      items.append(Decoder.Item(bytes: Array(piece.utf8), isAdded: addedIDs.contains(id)))
    }
    guard let decoder else {
      return items.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: " ")
    }
    return String(decoding: decoder.decode(items).flatMap(\.bytes), as: UTF8.self)
  }

  private struct RawToken {
    let id: Int
    let range: Range<Int>?
  }

  private func rawTokens(_ bytes: [UInt8], addSpecialTokens: Bool) -> [RawToken] {
    var raw: [RawToken] = []
    raw.reserveCapacity(bytes.count / 3 + 4)
    if addSpecialTokens {
      for id in postProcessor?.before ?? [] { raw.append(RawToken(id: id, range: nil)) }
    }
    var memory = cache.borrow()
    let text = AlignedText(original: bytes)
    if addedTokens.hasTokens(normalized: false) {
      addedTokens.divide(text, normalized: false) { part, token in
        if let token {
          raw.append(RawToken(id: token.id, range: part))
        } else {
          append(
            AlignedText(original: Array(bytes[part]), base: part.lowerBound), &memory, &raw)
        }
      }
    } else if !bytes.isEmpty {
      append(text, &memory, &raw)
    }
    cache.giveBack(memory)
    guard addSpecialTokens else { return raw }
    for id in postProcessor?.after ?? [] { raw.append(RawToken(id: id, range: nil)) }
    if addsBeginning, let id = beginOfSequenceID, raw.first?.id != id {
      raw.insert(RawToken(id: id, range: nil), at: 0)
    }
    if addsEnd, let id = endOfSequenceID, raw.last?.id != id {
      raw.append(RawToken(id: id, range: nil))
    }
    return raw
  }

  /// Appends the tokens of a text between added tokens that are found before normalisation.
  private func append(
    _ text: AlignedText, _ memory: inout PieceMemory, _ raw: inout [RawToken]
  ) {
    let changed = normalizer?.apply(to: text) ?? text
    guard addedTokens.hasTokens(normalized: true) else {
      return appendPieces(changed, 0..<changed.bytes.count, &memory, &raw)
    }
    addedTokens.divide(changed, normalized: true) { part, token in
      if let token {
        raw.append(RawToken(id: token.id, range: changed.origin(of: part)))
      } else {
        appendPieces(changed, part, &memory, &raw)
      }
    }
  }

  private func appendPieces(
    _ text: AlignedText, _ range: Range<Int>, _ memory: inout PieceMemory,
    _ raw: inout [RawToken]
  ) {
    guard !range.isEmpty else { return }
    var text = text
    let pieces = preTokenizer?.apply(to: &text, [range]) ?? [range]
    let bytes = text.bytes
    var parts: [BytePairEncoding.Part] = []
    for piece in pieces {
      parts.removeAll(keepingCapacity: true)
      memory.encode(bytes.span, piece, by: model, into: &parts)
      var place = piece.lowerBound
      for part in parts {
        let end = place + Int(part.length)
        raw.append(RawToken(id: Int(part.id), range: text.origin(of: place..<end)))
        place = end
      }
    }
  }
}
