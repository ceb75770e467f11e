import DataFormats
public import Tensors
public import Tokenizers

/// The way of two texts through a model that reads one and writes the other.
///
/// Attention maps are computed from the kept queries and keys when they are asked for.
public struct PairTrace: Sendable {
  /// The text that was read, on its way through the encoder.
  public let source: Trace
  /// The tokens of the text that is written, as the decoder reads them: behind its start.
  public let targetTokens: [Token]
  /// Their ids.
  public let targetIDs: [Int]
  private let network: any EncoderDecoder
  private let states: [Tensor]
  private let own: [AttentionInputs]
  private let cross: [AttentionInputs]

  /// The model that ran.
  public var model: LanguageModel { source.model }
  /// The decoder's sizes.
  public var configuration: ModelConfiguration { network.decoderConfiguration }

  init(
    source: Trace, network: any EncoderDecoder, targets: [Token],
    progress: ((RunProgress) -> Void)?,
    cancellation: Cancellation?
  ) throws {
    self.source = source
    self.network = network
    targetTokens = targets
    targetIDs = targets.map(\.id)
    let sizes = network.decoderConfiguration
    let memory = try source.hiddenStates(source.model.configuration.layers)
    var hidden = try network.embed(targetIDs, cancellation: cancellation)
    var states: [Tensor] = []
    var own: [AttentionInputs] = []
    var cross: [AttentionInputs] = []
    let constants = RunConstants()
    for layer in 0..<sizes.layers {
      try cancellation?.check()
      states.append(hidden)
      let output = try network.runTargetLayer(
        layer, hidden,
        source: try network.sourceKeysAndValues(layer, memory, cancellation: cancellation),
        constants: constants, cancellation: cancellation)
      hidden = output.hidden
      own.append(output.own)
      cross.append(output.cross)
      progress?(RunProgress(completedLayers: layer + 1, layerCount: sizes.layers))
    }
    states.append(try network.finishTarget(hidden, cancellation: cancellation))
    self.states = states
    self.own = own
    self.cross = cross
  }

  /// The decoder's hidden states `[targets, width]`: of 0 what enters its first layer, of `layers` what
  /// leaves it after its final norm.
  ///
  /// - Throws: `ModelError` where there is no such layer.
  public func targetHiddenStates(_ layer: Int) throws(ModelError) -> Tensor {
    guard states.indices.contains(layer) else {
      throw .layerOutOfRange(layer, count: states.count)
    }
    return states[layer]
  }

  /// The attention among the targets, `[heads, targets, targets]`; all heads by default.
  ///
  /// - Throws: `ModelError` where there is no such layer or head, or no memory for the maps;
  ///   `Cancelled`.
  public func targetAttentionMaps(
    layer: Int, heads: Range<Int>? = nil, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    try maps(own, layer, heads, keys: targetIDs.count, cancellation)
  }

  /// The attention from targets to sources, `[heads, targets, sources]`; all heads by default.
  ///
  /// - Throws: `ModelError` where there is no such layer or head, or no memory for the maps;
  ///   `Cancelled`.
  public func crossAttentionMaps(
    layer: Int, heads: Range<Int>? = nil, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    try maps(cross, layer, heads, keys: source.ids.count, cancellation)
  }

  private func maps(
    _ inputs: [AttentionInputs], _ layer: Int, _ heads: Range<Int>?, keys count: Int,
    _ cancellation: Cancellation?
  ) throws -> Tensor {
    guard inputs.indices.contains(layer) else {
      throw ModelError.layerOutOfRange(layer, count: inputs.count)
    }
    let heads = heads ?? 0..<configuration.heads
    guard heads.lowerBound >= 0, heads.upperBound <= configuration.heads else {
      throw ModelError.headOutOfRange(
        heads.lowerBound < 0 ? heads.lowerBound : heads.upperBound - 1,
        count: configuration.heads)
    }
    try MemoryBudget.require(
      heads.count * targetIDs.count * count * MemoryLayout<Float>.size, for: "Attention maps")
    guard case .heads(let keys, _) = inputs[layer].keysAndValues, let mixing = inputs[layer].mixing
    else { throw ModelError.notKept("queries and keys") }
    return try mixing.maps(
      queries: inputs[layer].queries, keys: keys, heads: heads, cancellation: cancellation)
  }

  /// The logits of every target, `[targets, vocabulary]`: of the token that follows it.
  ///
  /// - Throws: `ModelError.notEnoughMemory`, or `Cancelled`.
  public func logits(cancellation: Cancellation? = nil) throws -> Tensor {
    try logits(of: 0..<targetIDs.count, cancellation: cancellation)
  }

  /// The logits of the token that follows one target, `[vocabulary]`.
  ///
  /// - Throws: `ModelError` where there is no such target; `Cancelled`.
  public func logits(at position: Int, cancellation: Cancellation? = nil) throws -> Tensor {
    guard targetIDs.indices.contains(position) else {
      throw ModelError.positionOutOfRange(position, count: targetIDs.count)
    }
    let row = try logits(of: position..<position + 1, cancellation: cancellation)
    return row.reshaped([configuration.vocabulary])
  }

  private func logits(of positions: Range<Int>, cancellation: Cancellation?) throws -> Tensor {
    try MemoryBudget.require(
      positions.count * configuration.vocabulary * MemoryLayout<Float>.size,
      for: "The logits of \(positions.count) positions")
    let hidden = states[configuration.layers].rows(positions)
    return try model.computing {
      try RowBlocks.map(positions.count, cancellation: cancellation) {
        try network.targetLogits(hidden.rows($0), cancellation: cancellation)
      }
    }
  }
}

extension LanguageModel {
  /// Whether the model reads one text and writes another one.
  public var isEncoderDecoder: Bool { network is any EncoderDecoder }

  /// The id that every text begins with which an encoder-decoder writes; `nil` of other models.
  public var decoderStartID: Int? { (network as? any EncoderDecoder)?.startID }

  /// The decoder's sizes of a model that reads one text and writes another one; `nil` of other models.
  public var decoderConfiguration: ModelConfiguration? {
    (network as? any EncoderDecoder)?.decoderConfiguration
  }

  /// Runs a text through the encoder and another one through the decoder that looks at it.
  ///
  /// - Parameters:
  ///   - source: the text that is read, as it went through the encoder.
  ///   - target: the text that is written; it is put behind the decoder's start.
  ///   - progress: called after each layer of the decoder.
  ///   - cancellation: stops the run within a few milliseconds.
  /// - Throws: `ModelError`, `Cancelled`.
  public func run(
    source: Trace, target: String, progress: ((RunProgress) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> PairTrace {
    guard let tokenizer else { throw ModelError.noTokenizer(model: name) }
    guard let network = network as? any EncoderDecoder else {
      throw ModelError.noDecoder(model: name)
    }
    let tokens =
      [token(network.startID)] + tokenizer.encode(target, addSpecialTokens: false).tokens
    return try run(source: source, targets: tokens, progress: progress, cancellation: cancellation)
  }

  /// Runs ids through the decoder, as they are: they begin with its start.
  ///
  /// - Throws: as the other one.
  public func run(
    source: Trace, targetIDs: [Int], progress: ((RunProgress) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> PairTrace {
    try run(
      source: source, targets: targetIDs.map(token), progress: progress,
      cancellation: cancellation)
  }

  private func run(
    source: Trace, targets: [Token], progress: ((RunProgress) -> Void)?,
    cancellation: Cancellation?
  ) throws -> PairTrace {
    guard let network = network as? any EncoderDecoder else {
      throw ModelError.noDecoder(model: name)
    }
    try check(targets.map(\.id))
    let sizes = network.decoderConfiguration
    let perToken =
      (sizes.layers + 1) * sizes.width + sizes.layers * 4 * sizes.heads * sizes.headDimension
    try MemoryBudget.require(
      (targets.count + source.ids.count) * perToken * MemoryLayout<Float>.size,
      for: "A trace of \(targets.count) tokens")
    return try computing {
      try PairTrace(
        source: source, network: network, targets: targets, progress: progress,
        cancellation: cancellation)
    }
  }
}
