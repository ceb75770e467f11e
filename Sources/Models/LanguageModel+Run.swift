public import Tensors
import Tokenizers

/// What a trace keeps besides the last hidden states.
public struct TraceContents: OptionSet, Sendable, Hashable {
  /// The bits.
  public let rawValue: Int

  /// Makes a set from bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// The residual stream before every layer.
  public static let hiddenStates = TraceContents(rawValue: 1)
  /// Every layer's queries and keys, from which its attention maps are computed, and its selections
  /// of keys.
  public static let attention = TraceContents(rawValue: 2)
  /// Every layer's values.
  public static let values = TraceContents(rawValue: 4)
  /// Which experts every layer's tokens chose.
  public static let routing = TraceContents(rawValue: 8)
  /// All of it.
  public static let all: TraceContents = [.hiddenStates, .attention, .values, .routing]
}

/// How far a run is.
public struct RunProgress: Sendable, Equatable {
  /// How many layers are done.
  public let completedLayers: Int
  /// How many there are.
  public let layerCount: Int
}

extension LanguageModel {
  /// Runs a text through the model.
  ///
  /// - Parameters:
  ///   - text: the text, which the model's tokenizer cuts into tokens.
  ///   - contents: what to keep.
  ///   - taps: look at activations on the way, and may replace them; what is kept was computed with what they give.
  ///   - memoryLimit: how many bytes may be used; `nil` asks the system what is available.
  ///   - progress: called after each layer.
  ///   - cancellation: stops the run within a few milliseconds.
  /// - Throws: `ModelError`, `Cancelled`, or what a tap throws.
  public func run(
    _ text: String, keeping contents: TraceContents = .all, taps: [Tap] = [],
    memoryLimit: Int? = nil, progress: ((RunProgress) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> Trace {
    let encoding = try encode(text, cancellation: cancellation)
    return try run(
      tokens: encoding.tokens, ids: encoding.ids, text: text, keeping: contents, taps: taps,
      memoryLimit: memoryLimit, progress: progress, cancellation: cancellation)
  }

  /// Runs token ids through the model.
  ///
  /// - Parameters:
  ///   - ids: the tokens.
  ///   - contents: what to keep.
  ///   - taps: look at activations on the way, and may replace them.
  ///   - memoryLimit: how many bytes may be used; `nil` asks the system what is available.
  ///   - progress: called after each layer.
  ///   - cancellation: stops the run within a few milliseconds.
  /// - Throws: `ModelError`, `Cancelled`, or what a tap throws.
  public func run(
    ids: [Int], keeping contents: TraceContents = .all, taps: [Tap] = [], memoryLimit: Int? = nil,
    progress: ((RunProgress) -> Void)? = nil, cancellation: Cancellation? = nil
  ) throws -> Trace {
    try run(
      tokens: ids.map(token), ids: ids, text: nil, keeping: contents, taps: taps,
      memoryLimit: memoryLimit, progress: progress, cancellation: cancellation)
  }

  /// Runs tokens, or what enters the first layer in their place.
  func run(
    tokens: [Token], ids: [Int], text: String?, entering entered: Tensor? = nil,
    keeping contents: TraceContents, taps: [Tap] = [],
    memoryLimit: Int?, progress: ((RunProgress) -> Void)?, cancellation: Cancellation?
  ) throws -> Trace {
    try check(ids)
    try MemoryBudget.require(
      runByteCount(tokens: ids.count, keeping: contents),
      for: "A trace of \(ids.count) tokens", limit: memoryLimit)
    try cancellation?.check()
    // What taps replace isn't in the hidden states, so that it can't be computed from them again.
    let computesAgain =
      taps.isEmpty && computesAttentionAgain(tokens: ids.count, keeping: contents)
    let (states, records) = try computing {
      try layers(
        of: ids, entering: entered,
        keeping: computesAgain ? contents.subtracting([.attention, .values]) : contents,
        taps: taps, progress: progress, cancellation: cancellation)
    }
    return Trace(
      model: self, text: text, tokens: tokens, ids: ids, contents: contents, states: states,
      records: records, again: computesAgain ? AttentionAgain() : nil)
  }

  /// What is kept of all layers.
  private func layers(
    of ids: [Int], entering entered: Tensor?, keeping contents: TraceContents,
    taps: [Tap], progress: ((RunProgress) -> Void)?, cancellation: Cancellation?
  ) throws -> (states: [Tensor], records: [LayerRecord]) {
    var constants = try network.prepare(tokens: ids.count)
    constants.taps = try checked(taps)
    constants.tokenIDs = ids
    var hidden = try entered ?? network.embed(ids, cancellation: cancellation)
    var states: [Tensor] = []
    var records: [LayerRecord] = []
    for layer in 0..<configuration.layers {
      try cancellation?.check()
      if contents.contains(.hiddenStates) { states.append(hidden) }
      let output = try network.runLayer(
        layer, hidden, constants: constants, cancellation: cancellation)
      hidden = output.hidden
      records.append(LayerRecord(output, keeping: contents))
      progress?(RunProgress(completedLayers: layer + 1, layerCount: configuration.layers))
    }
    hidden = try constants.tapped(.residual(configuration.layers), hidden)
    states.append(try network.finish(hidden, cancellation: cancellation))
    return (states, records)
  }

  /// The taps, each of a layer that there is.
  func checked(_ taps: [Tap]) throws(ModelError) -> TapSet {
    for tap in taps {
      var count = configuration.layers
      if case .residual = tap.site { count += 1 }
      guard (0..<count).contains(tap.site.layer) else {
        throw .layerOutOfRange(tap.site.layer, count: count)
      }
    }
    return TapSet(taps)
  }

  func check(_ ids: [Int]) throws(ModelError) {
    guard !ids.isEmpty else { throw .emptyInput }
    guard ids.count <= configuration.contextLength else {
      throw .inputTooLong(tokens: ids.count, limit: configuration.contextLength)
    }
    for (position, id) in ids.enumerated() where !(0..<configuration.vocabulary).contains(id) {
      throw .tokenOutOfRange(id: id, position: position, vocabulary: configuration.vocabulary)
    }
  }

  /// Whether a trace of so many tokens keeps no queries, keys and values, but computes those of a layer that is looked at
  /// again from the residual stream: where they would take more than `AttentionAgain.smallest` bytes.
  func computesAttentionAgain(tokens: Int, keeping contents: TraceContents) -> Bool {
    let sizes = configuration
    guard network.canTellAttentionInputs, contents.contains(.hiddenStates),
      !contents.isDisjoint(with: [.attention, .values])
    else { return false }
    let perLayer =
      sizes.heads * sizes.headDimension
      + sizes.keyValueHeads * (sizes.headDimension + sizes.valueDimension)
    return tokens * sizes.layers * perLayer * MemoryLayout<Float>.size > AttentionAgain.smallest
  }

  /// How many bytes the tensors of a trace take.
  public func traceByteCount(tokens: Int, keeping contents: TraceContents = .all) -> Int {
    let contents =
      computesAttentionAgain(tokens: tokens, keeping: contents)
      ? contents.subtracting([.attention, .values]) : contents
    let sizes = configuration
    var perToken = sizes.width
    var others = 0
    if contents.contains(.hiddenStates) { perToken += sizes.layers * sizes.streamWidth }
    if contents.contains(.attention) {
      perToken += sizes.layers * sizes.heads * sizes.headDimension
      if let limit = sizes.selectedKeys {
        others += sizes.layers * max(0, tokens - limit) * limit * MemoryLayout<Int32>.size
      }
    }
    if let latent = sizes.latent {
      if !contents.isDisjoint(with: [.attention, .values]) {
        perToken += sizes.layers * (latent.keyValueWidth + latent.positionDimension)
      }
    } else {
      let heads = sizes.layers * sizes.keyValueHeads
      if contents.contains(.attention) { perToken += heads * sizes.headDimension }
      if contents.contains(.values) { perToken += heads * sizes.valueDimension }
    }
    if contents.contains(.attention), let compression = sizes.compression {
      for (layer, rate) in compression.rates.enumerated() where rate > 0 {
        others += tokens / rate * sizes.headDimension * MemoryLayout<Float>.size
        guard compression.selects(in: layer) else { continue }
        others += BlockSelection.byteCount(
          tokens: tokens, rate: rate, limit: compression.selectedBlocks)
      }
    }
    if contents.contains(.routing), let experts = sizes.experts {
      let perLayer = experts.count * MemoryLayout<Float>.size + experts.chosen * 8
      others += tokens * experts.layers.count * perLayer
    }
    return tokens * perToken * MemoryLayout<Float>.size + others
  }

  /// How many bytes a run needs at most: the trace, and what one layer holds while it computes.
  public func runByteCount(tokens: Int, keeping contents: TraceContents = .all) -> Int {
    let sizes = configuration
    let attentionWidth =
      (sizes.heads + sizes.keyValueHeads) * sizes.headDimension
      + sizes.keyValueHeads * sizes.valueDimension
    let perToken = 4 * sizes.streamWidth + 2 * attentionWidth + sizes.headDimension
    // The feed-forward part takes a block of tokens at a time.
    let expertWidth = (sizes.experts?.innerWidth ?? 0) * max(1, sizes.experts?.shared ?? 0)
    let perBlockToken = 3 * max(sizes.innerWidth, expertWidth) + (sizes.experts?.count ?? 0)
    // An indexer's choice for one query takes copies of the chosen keys and values.
    let chosenWidth = sizes.keyValueHeads * (sizes.headDimension + sizes.valueDimension)
    let floats =
      tokens * perToken + min(tokens, RowBlocks.rowCount) * perBlockToken
      + min(tokens, sizes.selectedKeys ?? 0) * chosenWidth
    return traceByteCount(tokens: tokens, keeping: contents)
      + floats * MemoryLayout<Float>.size
  }
}

extension LanguageModel {
  /// A token that comes from its id and from no text.
  func token(_ id: Int) -> Token {
    Token(
      id: id, piece: tokenizer?.piece(of: id) ?? "\(id)", byteRange: nil,
      text: tokenizer?.decode([id]) ?? "\(id)", isSpecial: tokenizer?.isSpecial(id) ?? false)
  }
}
