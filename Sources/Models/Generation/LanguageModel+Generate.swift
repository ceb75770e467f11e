import Checkpoints
import DataFormats
public import Tensors
import Tokenizers

extension LanguageModel {
  /// Continues a text.
  ///
  /// - Parameters:
  ///   - ids: the text's tokens.
  ///   - options: how.
  ///   - taps: look at activations on the way, and may replace them, in the prompt as in what follows.
  ///   - cancellation: stops within a few milliseconds.
  ///   - token: called after each token with it and with the text that it adds, which is empty while a character isn't
  ///     whole; gives whether to go on.
  /// - Throws: `ModelError` for ids, models and options that can't be; `Cancelled`; what a tap throws.
  public func generate(
    _ ids: [Int], options: GenerationOptions = GenerationOptions(), taps: [Tap] = [],
    cancellation: Cancellation? = nil,
    token: (GeneratedToken, String) throws -> Bool = { _, _ in
      true
    }
  ) throws -> Generation {
    try check(ids)
    let room = configuration.contextLength - ids.count
    let continuation = try Continuation(
      of: self, capacity: ids.count + min(options.tokens, room), taps: taps)
    return try write(
      continuation, from: ids, prompt: ids, room: room, options: options,
      cancellation: cancellation, token: token)
  }

  /// Lets an encoder-decoder write what it makes of a text.
  ///
  /// The text goes through the encoder once, and every layer of the decoder keeps its keys and values.
  ///
  /// - Parameters:
  ///   - source: the text that is read, as it went through the encoder.
  ///   - options: how; what is written counts for the repetition penalty, not what is read.
  ///   - cancellation: stops within a few milliseconds.
  ///   - token: called after each token, as for a text that is continued.
  /// - Throws: `ModelError` where the model is one stack of layers; `Cancelled`; what `token` throws.
  public func generate(
    reading source: Trace, options: GenerationOptions = GenerationOptions(),
    cancellation: Cancellation? = nil,
    token: (GeneratedToken, String) throws -> Bool = { _, _ in
      true
    }
  ) throws -> Generation {
    guard let network = network as? any EncoderDecoder else {
      throw ModelError.noDecoder(model: name)
    }
    let room = network.decoderConfiguration.contextLength - 1
    let continuation = try Continuation(
      of: self, reading: source, capacity: 1 + min(options.tokens, room),
      cancellation: cancellation)
    return try write(
      continuation, from: [network.startID], prompt: source.ids, room: room, options: options,
      cancellation: cancellation, token: token)
  }

  /// Writes on from the tokens `first`; `room` more fit into the model's context.
  private func write(
    _ continuation: consuming Continuation, from first: [Int], prompt: [Int], room: Int,
    options: GenerationOptions, cancellation: Cancellation?,
    token: (GeneratedToken, String) throws -> Bool
  ) throws -> Generation {
    let ends = options.stopsAtEnd ? Set(endTokenIDs) : []
    var sampler = Sampler(options)
    var text = GeneratedText(tokenizer)
    var tokens: [GeneratedToken] = []
    var ending = Generation.Ending.length
    var next = first
    while tokens.count < options.tokens {
      if tokens.count > room {
        ending = .context
        break
      }
      let hidden = try continuation.read(next, cancellation: cancellation)
      let logits = try continuation.logits(hidden, cancellation: cancellation).floats
      let id = sampler.choose(logits, after: continuation.ids)
      let made = Sampler.token(id, logits: logits, alternatives: options.alternatives)
      tokens.append(made)
      next = [id]
      let isEnd = ends.contains(id)
      let added = isEnd ? text.finish() : text.add(id)
      let goesOn = try token(made, added)
      if isEnd {
        ending = .endToken
        break
      }
      if let stop = options.stopTexts.first(where: { text.ends(with: $0) }) {
        ending = .stopText(stop)
        break
      }
      if !goesOn {
        ending = .stopped
        break
      }
    }
    _ = text.finish()
    return Generation(
      promptIDs: prompt, tokens: tokens, text: tokenizer == nil ? nil : text.whole, ending: ending)
  }

  /// The ids after which the model's text is complete, as its configuration and `generation_config.json` say.
  public var endTokenIDs: [Int] {
    var values = [endOfSequence]
    if folder.contains("generation_config.json"),
      let settings = try? Self.readObject("generation_config.json", in: folder)
    {
      values.append(settings["eos_token_id"])
    }
    var ids: [Int] = []
    for value in values {
      let found = value?.integer.map { [$0] } ?? value?.array?.compactMap(\.integer) ?? []
      for id in found where !ids.contains(id) { ids.append(id) }
    }
    return ids
  }
}

/// The text of tokens that come one by one; what is told never ends in a part of a character.
struct GeneratedText {
  private let tokenizer: Tokenizer?
  private var ids: [Int] = []
  /// What was told.
  private(set) var whole = ""
  /// The bytes of the tokens' text that were told.
  private var toldByteCount = 0

  init(_ tokenizer: Tokenizer?) { self.tokenizer = tokenizer }

  /// Adds a token; gives the text that is new and whole.
  mutating func add(_ id: Int) -> String {
    ids.append(id)
    return tell(all: false)
  }

  /// Gives what was held back.
  mutating func finish() -> String { tell(all: true) }

  /// Whether the end of the text is `ending`, or its last token brought it.
  func ends(with ending: String) -> Bool {
    guard !ending.isEmpty, let tokenizer, let last = ids.last else { return false }
    let tail = Array(whole.utf8.suffix(ending.utf8.count + tokenizer.decode([last]).utf8.count + 8))
    let wanted = Array(ending.utf8)
    guard tail.count >= wanted.count else { return false }
    return (0...tail.count - wanted.count).contains {
      Array(tail[$0..<$0 + wanted.count]) == wanted
    }
  }

  private mutating func tell(all: Bool) -> String {
    guard let tokenizer, !ids.isEmpty else { return "" }
    var scalars = tokenizer.decode(ids).unicodeScalars
    // A part of a character shows as U+FFFD at the end until the rest of it has come, four bytes at most.
    var held = 0
    while !all, held < 3, scalars.last == "\u{fffd}" {
      scalars.removeLast()
      held += 1
    }
    let bytes = Array(String(scalars).utf8)
    guard bytes.count > toldByteCount else { return "" }
    let added = String(decoding: bytes[toldByteCount...], as: UTF8.self)
    toldByteCount = bytes.count
    whole += added
    return added
  }
}
