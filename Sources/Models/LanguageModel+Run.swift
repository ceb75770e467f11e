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
  /// Every layer's queries and keys, from which its attention maps are computed.
  public static let attention = TraceContents(rawValue: 2)
  /// Every layer's values.
  public static let values = TraceContents(rawValue: 4)
  /// All of it.
  public static let all: TraceContents = [.hiddenStates, .attention, .values]
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
  ///   - memoryLimit: how many bytes may be used; `nil` asks the system what is available.
  ///   - progress: called after each layer.
  ///   - cancellation: stops the run within a few milliseconds.
  /// - Throws: `ModelError`, or `Cancelled`.
  public func run(
    _ text: String, keeping contents: TraceContents = .all, memoryLimit: Int? = nil,
    progress: ((RunProgress) -> Void)? = nil, cancellation: Cancellation? = nil
  ) throws -> Trace {
    guard let tokenizer else { throw ModelError.noTokenizer(model: name) }
    let encoding = tokenizer.encode(text)
    return try run(
      tokens: encoding.tokens, ids: encoding.ids, text: text, keeping: contents,
      memoryLimit: memoryLimit, progress: progress, cancellation: cancellation)
  }

  /// Runs token ids through the model.
  ///
  /// - Parameters:
  ///   - ids: the tokens.
  ///   - contents: what to keep.
  ///   - memoryLimit: how many bytes may be used; `nil` asks the system what is available.
  ///   - progress: called after each layer.
  ///   - cancellation: stops the run within a few milliseconds.
  /// - Throws: `ModelError`, or `Cancelled`.
  public func run(
    ids: [Int], keeping contents: TraceContents = .all, memoryLimit: Int? = nil,
    progress: ((RunProgress) -> Void)? = nil, cancellation: Cancellation? = nil
  ) throws -> Trace {
    try run(
      tokens: ids.map(token), ids: ids, text: nil, keeping: contents, memoryLimit: memoryLimit,
      progress: progress, cancellation: cancellation)
  }

  /// Runs tokens, or what enters the first layer in their place.
  func run(
    tokens: [Token], ids: [Int], text: String?, entering entered: Tensor? = nil,
    keeping contents: TraceContents,
    memoryLimit: Int?, progress: ((RunProgress) -> Void)?, cancellation: Cancellation?
  ) throws -> Trace {
    try check(ids)
    try MemoryBudget.require(
      runByteCount(tokens: ids.count, keeping: contents),
      for: "A trace of \(ids.count) tokens", limit: memoryLimit)
    try cancellation?.check()
    let constants = try network.prepare(tokens: ids.count)
    var hidden = try entered ?? network.embed(ids, cancellation: cancellation)
    var states: [Tensor] = []
    var attention: [AttentionInputs] = []
    var values: [Tensor] = []
    for layer in 0..<configuration.layers {
      try cancellation?.check()
      if contents.contains(.hiddenStates) { states.append(hidden) }
      let output = try network.runLayer(
        layer, hidden, constants: constants, cancellation: cancellation)
      hidden = output.hidden
      if contents.contains(.attention) { attention.append(output.attention) }
      if contents.contains(.values) { values.append(output.attention.values) }
      progress?(RunProgress(completedLayers: layer + 1, layerCount: configuration.layers))
    }
    states.append(try network.finish(hidden, cancellation: cancellation))
    return Trace(
      model: self, text: text, tokens: tokens, ids: ids, contents: contents, states: states,
      attention: attention.map { ($0.queries, $0.keys) }, values: values)
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

  /// How many bytes the tensors of a trace take.
  public func traceByteCount(tokens: Int, keeping contents: TraceContents = .all) -> Int {
    let sizes = configuration
    let keyWidth = sizes.keyValueHeads * sizes.headDimension
    var perToken = sizes.width
    if contents.contains(.hiddenStates) { perToken += sizes.layers * sizes.width }
    if contents.contains(.attention) {
      perToken += sizes.layers * (sizes.heads * sizes.headDimension + keyWidth)
    }
    if contents.contains(.values) { perToken += sizes.layers * keyWidth }
    return tokens * perToken * MemoryLayout<Float>.size
  }

  /// How many bytes a run needs at most: the trace, and what one layer holds while it computes.
  public func runByteCount(tokens: Int, keeping contents: TraceContents = .all) -> Int {
    let sizes = configuration
    let attentionWidth = (sizes.heads + 2 * sizes.keyValueHeads) * sizes.headDimension
    let perToken = 4 * sizes.width + 2 * attentionWidth + sizes.headDimension
    // The feed-forward part takes a block of tokens at a time.
    let perBlockToken = 3 * sizes.innerWidth
    let floats = tokens * perToken + min(tokens, RowBlocks.rowCount) * perBlockToken
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
