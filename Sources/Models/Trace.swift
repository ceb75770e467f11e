public import Tensors
public import Tokenizers

/// One text's way through a model: what was kept, and what can be computed from it.
///
/// Attention maps are computed from the kept queries and keys when they are asked for, so that a
/// trace has the size of a key/value cache and no map of tokens × tokens is stored.
public struct Trace: Sendable {
  /// The model that ran.
  public let model: LanguageModel
  /// The text, or `nil` where ids were given.
  public let text: String?
  /// The tokens; with byte ranges into the text where there is one.
  public let tokens: [Token]
  /// The tokens' ids.
  public let ids: [Int]
  /// What was kept.
  public let contents: TraceContents

  /// The hidden states before every layer and after the last, or only the last.
  private let states: [Tensor]
  /// What was kept of every layer.
  private let records: [LayerRecord]
  /// Where queries, keys and values aren't kept: those of the layer that was looked at last.
  private let again: AttentionAgain?

  init(
    model: LanguageModel, text: String?, tokens: [Token], ids: [Int], contents: TraceContents,
    states: [Tensor], records: [LayerRecord], again: AttentionAgain? = nil
  ) {
    self.model = model
    self.text = text
    self.tokens = tokens
    self.ids = ids
    self.contents = contents
    self.states = states
    self.records = records
    self.again = again
  }

  /// The bytes of the kept tensors.
  public var byteCount: Int {
    states.reduce(0) { $0 + $1.byteCount } + records.reduce(0) { $0 + $1.byteCount }
  }

  /// The hidden states `[tokens, width]`: of 0 what enters the first layer, of `layers` what leaves
  /// the model after its final norm, as transformers counts them.
  ///
  /// Where several residual streams run side by side, those before every layer are `[tokens, streams × width]`, one
  /// stream after the other.
  ///
  /// - Throws: `ModelError` where there is no such layer or they weren't kept.
  public func hiddenStates(_ layer: Int) throws(ModelError) -> Tensor {
    let count = model.configuration.layers + 1
    guard (0..<count).contains(layer) else { throw .layerOutOfRange(layer, count: count) }
    if contents.contains(.hiddenStates) { return states[layer] }
    guard layer == count - 1, let last = states.last else { throw .notKept("hidden states") }
    return last
  }

  /// The queries `[tokens, heads × headDimension]` and keys `[tokens, keyValueHeads ×
  /// headDimension]` of a layer, as they meet: turned by position where the model does so.
  ///
  /// - Throws: `ModelError` where there is no such layer or they weren't kept; `Cancelled` while keys
  ///   are expanded from latents.
  public func queriesAndKeys(
    _ layer: Int, cancellation: Cancellation? = nil
  ) throws -> (queries: Tensor, keys: Tensor) {
    let record = try attentionRecord(layer, cancellation)
    switch record.keys {
    case .heads(let keys):
      return (record.queries, keys)
    case .latents(let latents):
      let heads = 0..<model.configuration.heads
      return try model.computing {
        (record.queries, try latents.keys(heads, cancellation: cancellation))
      }
    }
  }

  /// The values of a layer, `[tokens, keyValueHeads × valueDimension]`.
  ///
  /// - Throws: `ModelError` where there is no such layer or they weren't kept; `Cancelled` while
  ///   values are expanded from latents.
  public func values(_ layer: Int, cancellation: Cancellation? = nil) throws -> Tensor {
    try check(layer: layer)
    if contents.contains(.values), let record = try computedAgain(layer, cancellation) {
      if case .heads(let values)? = record.values { return values }
    }
    switch records[layer].values {
    case .heads(let values): return values
    case .latents(let latents):
      return try model.computing {
        try latents.values(0..<model.configuration.heads, cancellation: cancellation)
      }
    case nil: throw ModelError.notKept("values")
    }
  }

  /// The latents that a layer's keys and values come from.
  ///
  /// - Throws: `ModelError` where there is no such layer, they weren't kept; `MissingPartError` where the
  ///   model has none.
  public func latents(_ layer: Int) throws -> LatentKeysAndValues {
    try check(layer: layer)
    guard model.configuration.latent != nil else {
      throw MissingPartError.noLatents(model: model.name)
    }
    guard let latents = records[layer].latents else { throw ModelError.notKept("keys and values") }
    return latents
  }

  func attentionRecord(
    _ layer: Int, _ cancellation: Cancellation? = nil
  ) throws -> LayerRecord.Attention {
    try check(layer: layer)
    if contents.contains(.attention), let record = try computedAgain(layer, cancellation),
      let attention = record.attention
    {
      return attention
    }
    guard let attention = records[layer].attention else {
      throw ModelError.notKept("queries and keys")
    }
    return attention
  }

  /// What would have been kept of a layer, where it wasn't.
  private func computedAgain(
    _ layer: Int, _ cancellation: Cancellation?
  ) throws -> LayerRecord? {
    try again?.record(of: layer) {
      let constants = try model.network.prepare(tokens: ids.count)
      let inputs = try model.computing {
        try model.network.attentionInputs(
          layer, states[layer], constants: constants, cancellation: cancellation)
      }
      return inputs.map {
        LayerRecord(
          LayerOutput(hidden: states[layer], attention: $0), keeping: [.attention, .values])
      }
    }
  }

  /// Which experts a layer's tokens chose.
  ///
  /// - Throws: `ModelError` where there is no such layer or its routing wasn't kept;
  ///   `MissingPartError` where its feed-forward part is dense.
  public func routing(_ layer: Int) throws -> ExpertRouting {
    try check(layer: layer)
    guard model.configuration.experts?.layers.contains(layer) == true else {
      throw MissingPartError.noExperts(
        layer: layer, layersWithExperts: model.configuration.experts?.layers ?? [])
    }
    guard let routing = records[layer].routing else {
      throw ModelError.notKept("choices of experts")
    }
    return routing
  }

  /// The experts that each token of a layer chose, the most wanted first, `[tokens, chosen]` of int32.
  ///
  /// - Throws: as `routing`.
  public func expertChoices(_ layer: Int) throws -> Tensor { try routing(layer).choices() }

  /// By what each chosen expert's output is multiplied, in the order of `expertChoices`,
  /// `[tokens, chosen]`.
  ///
  /// - Throws: as `routing`.
  public func routerWeights(_ layer: Int) throws -> Tensor { try routing(layer).weights }

  /// How well each expert suits each token in the router's eyes, `[tokens, experts]`: shares that sum
  /// to 1 where the router takes a softmax, each for itself from 0 to 1 where it takes a sigmoid, or from 0 on where it
  /// takes the root of a softplus.
  ///
  /// - Throws: as `routing`.
  public func routerProbabilities(_ layer: Int) throws -> Tensor {
    try routing(layer).probabilities
  }

  /// The logits of every position, `[tokens, vocabulary]`.
  ///
  /// - Throws: `ModelError` where the model has no head, or `Cancelled`.
  public func logits(cancellation: Cancellation? = nil) throws -> Tensor {
    try logits(of: 0..<ids.count, cancellation: cancellation)
  }

  /// The logits of one position, `[vocabulary]`: for a decoder, of the token that follows it.
  ///
  /// - Throws: `ModelError` where the model has no head or there is no such position; `Cancelled`.
  public func logits(at position: Int, cancellation: Cancellation? = nil) throws -> Tensor {
    guard ids.indices.contains(position) else {
      throw ModelError.positionOutOfRange(position, count: ids.count)
    }
    let row = try logits(of: position..<position + 1, cancellation: cancellation)
    return row.reshaped([model.configuration.vocabulary])
  }

  /// The logits of some positions, `[positions, vocabulary]`.
  ///
  /// - Throws: `ModelError` where the model has no head or there are no such positions; `Cancelled`.
  public func logits(of positions: Range<Int>, cancellation: Cancellation? = nil) throws -> Tensor {
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
    guard positions.lowerBound >= 0, positions.upperBound <= ids.count else {
      throw ModelError.positionOutOfRange(
        positions.lowerBound < 0 ? positions.lowerBound : positions.upperBound - 1,
        count: ids.count)
    }
    try MemoryBudget.require(
      positions.count * model.configuration.vocabulary * MemoryLayout<Float>.size,
      for: "The logits of \(positions.count) positions")
    let hidden = try hiddenStates(model.configuration.layers)
    // Blocks of at most some 4 million scores, since a vocabulary is wide.
    let rowsPerBlock = max(1, min(RowBlocks.rowCount, (4 << 20) / model.configuration.vocabulary))
    return try RowBlocks.map(
      positions.count, rowsPerBlock: rowsPerBlock, cancellation: cancellation
    ) { range in
      let first = positions.lowerBound
      return try model.computing {
        try model.network.logits(
          hidden.rows(first + range.lowerBound..<first + range.upperBound),
          cancellation: cancellation)
      }
    }
  }

  func check(layer: Int) throws(ModelError) {
    let count = model.configuration.layers
    guard (0..<count).contains(layer) else { throw .layerOutOfRange(layer, count: count) }
  }
}
