public import Tensors

/// A text that a model reads token by token, keeping what it needs of the tokens before; of an
/// encoder-decoder, the text that it writes.
///
/// Reading one block after another gives what reading the whole text gives.
public struct Continuation {
  /// The second stack of an encoder-decoder, with what each of its layers sees of the text that was read.
  private struct Writing {
    let network: any EncoderDecoder
    let sources: [SourceKeysAndValues]
  }

  private let model: LanguageModel
  private let writing: Writing?
  private var constants: RunConstants
  /// The ids that were read.
  public private(set) var ids: [Int] = []

  /// Begins with nothing.
  ///
  /// - Parameters:
  ///   - model: a causal model.
  ///   - capacity: for how many tokens to take memory at once.
  ///   - taps: look at activations on the way, and may replace them.
  ///   - memoryLimit: how many bytes may be used; `nil` asks the system what is available.
  /// - Throws: `ModelError` where the model sees later tokens, a tap's layer isn't there, or there is no memory.
  public init(
    of model: LanguageModel, capacity: Int, taps: [Tap] = [], memoryLimit: Int? = nil
  ) throws {
    let sizes = model.configuration
    guard sizes.isCausal else { throw ModelError.notCausal(model: model.name) }
    let capacity = max(1, min(capacity, sizes.contextLength))
    try MemoryBudget.require(
      model.runByteCount(tokens: capacity, keeping: [.attention, .values]),
      for: "A text of \(capacity) tokens", limit: memoryLimit)
    self.model = model
    writing = nil
    constants = try model.network.prepare(tokens: capacity)
    constants.taps = try model.checked(taps)
    constants.cache = KeyValueCache(layers: sizes.layers, capacity: capacity)
  }

  /// Begins what an encoder-decoder writes while it looks at a text: with nothing, not even its start.
  ///
  /// - Parameters:
  ///   - model: an encoder-decoder.
  ///   - source: the text that is read, as it went through the encoder.
  ///   - capacity: for how many tokens to take memory at once.
  ///   - memoryLimit: how many bytes may be used; `nil` asks the system what is available.
  ///   - cancellation: stops the reading.
  /// - Throws: `ModelError` where the model is one stack of layers or there is no memory; `Cancelled`.
  public init(
    of model: LanguageModel, reading source: Trace, capacity: Int, memoryLimit: Int? = nil,
    cancellation: Cancellation? = nil
  ) throws {
    guard let network = model.network as? any EncoderDecoder else {
      throw ModelError.noDecoder(model: model.name)
    }
    let sizes = network.decoderConfiguration
    let capacity = max(1, min(capacity, sizes.contextLength))
    try MemoryBudget.require(
      (capacity + source.ids.count) * sizes.layers * 2 * sizes.heads * sizes.headDimension
        * MemoryLayout<Float>.size,
      for: "A text of \(capacity) tokens", limit: memoryLimit)
    let memory = try source.hiddenStates(model.configuration.layers)
    self.model = model
    writing = Writing(
      network: network,
      sources: try model.computing {
        try (0..<sizes.layers).map {
          try network.sourceKeysAndValues($0, memory, cancellation: cancellation)
        }
      })
    constants = RunConstants()
    constants.cache = KeyValueCache(layers: sizes.layers, capacity: capacity)
  }

  /// Reads more tokens; gives the finished hidden states of the last one, `[1, width]`.
  ///
  /// - Throws: `ModelError` for ids that the model doesn't have and texts longer than its context; `Cancelled`, after
  ///   which nothing more can be read; what a tap throws.
  public mutating func read(_ more: [Int], cancellation: Cancellation? = nil) throws -> Tensor {
    try model.check(ids + more)
    constants.position = ids.count
    constants.rotary = constants.rotary?.extended(to: ids.count + more.count)
    let last = try model.computing { try layers(more, cancellation) }
    ids += more
    return last
  }

  private func layers(_ more: [Int], _ cancellation: Cancellation?) throws -> Tensor {
    var hidden = try model.network.embed(more, first: ids.count, cancellation: cancellation)
    if let writing {
      for (layer, source) in writing.sources.enumerated() {
        try cancellation?.check()
        hidden = try writing.network.runTargetLayer(
          layer, hidden, source: source, constants: constants, cancellation: cancellation
        ).hidden
      }
      return try writing.network.finishTarget(
        hidden.rows(more.count - 1..<more.count), cancellation: cancellation)
    }
    for layer in 0..<model.configuration.layers {
      try cancellation?.check()
      hidden = try model.network.runLayer(
        layer, hidden, constants: constants, cancellation: cancellation
      ).hidden
    }
    hidden = try constants.tapped(.residual(model.configuration.layers), hidden)
    return try model.network.finish(
      hidden.rows(more.count - 1..<more.count), cancellation: cancellation)
  }

  /// The logits of the token that follows, `[vocabulary]`, from what `read` gave.
  ///
  /// - Throws: `ModelError` where the model has no head; `Cancelled`.
  public func logits(_ hidden: Tensor, cancellation: Cancellation? = nil) throws -> Tensor {
    if let writing {
      return try model.computing {
        try writing.network.targetLogits(hidden, cancellation: cancellation)
          .reshaped([model.configuration.vocabulary])
      }
    }
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
    return try model.computing {
      try model.network.logits(hidden, cancellation: cancellation)
        .reshaped([model.configuration.vocabulary])
    }
  }
}
