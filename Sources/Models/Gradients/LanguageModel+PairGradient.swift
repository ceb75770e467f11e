public import Tensors

/// The gradient of a scalar of what an encoder-decoder writes, with respect to both texts.
public struct PairGradient: Sendable {
  /// With respect to the vectors of the tokens that are read, `[sources, width]`.
  public let source: Tensor
  /// With respect to the vectors of the tokens that are written, `[targets, width]`.
  public let target: Tensor
  /// With respect to the residual stream that enters a layer of the encoder, for the layers asked for.
  public let sourceResidual: [Int: Tensor]
  /// With respect to the residual stream that enters a layer of the decoder, for the layers asked for.
  public let targetResidual: [Int: Tensor]
  /// The scalar itself.
  public let value: Double
}

extension LanguageModel {
  /// The gradient of a scalar of the logits of what an encoder-decoder writes.
  ///
  /// - Parameters:
  ///   - target: the scalar; its positions are those of the text that is written, whose first is the
  ///     decoder's start.
  ///   - source: the vectors of the tokens that are read, `[sources, width]`.
  ///   - written: the vectors of the tokens that are written, `[targets, width]`.
  ///   - layers: the encoder's layers whose residual stream is asked for.
  ///   - targetLayers: the decoder's.
  ///   - options: what may be used.
  ///   - progress: called after each layer, forward and back.
  ///   - cancellation: stops within a few milliseconds.
  /// - Throws: `ModelError`, or `Cancelled`.
  public func gradient(
    of target: LogitTarget, reading source: Tensor, writing written: Tensor, at layers: [Int] = [],
    targetLayers: [Int] = [], options: GradientOptions = GradientOptions(),
    progress: ((RunProgress) -> Void)? = nil, cancellation: Cancellation? = nil
  ) throws -> PairGradient {
    precondition(options.rule != .rescale, "changes are followed from a baseline")
    let pass = try pairPass(
      of: target, reading: source, writing: written, results: layers.count + targetLayers.count,
      options: options, progress: progress, cancellation: cancellation)
    for layer in layers { try check(layer: layer) }
    for layer in targetLayers where !(0..<pass.targetLayerCount).contains(layer) {
      throw ModelError.layerOutOfRange(layer, count: pass.targetLayerCount)
    }
    return try computing {
      let (value, gradients) = try pass.follow(
        source.converted(to: .float32), written.converted(to: .float32), layers: Set(layers),
        targetLayers: Set(targetLayers)
      ) { try pass.end($0, target) }
      return PairGradient(
        source: gradients.source, target: gradients.target,
        sourceResidual: gradients.sourceResidual, targetResidual: gradients.targetResidual,
        value: value)
    }
  }

  /// The scalar itself, with no way back; otherwise as for its gradient.
  ///
  /// - Throws: `ModelError`, or `Cancelled`.
  public func value(
    of target: LogitTarget, reading source: Tensor, writing written: Tensor,
    options: GradientOptions = GradientOptions(), cancellation: Cancellation? = nil
  ) throws -> Double {
    let pass = try pairPass(
      of: target, reading: source, writing: written, results: 0, options: options, progress: nil,
      cancellation: cancellation)
    return try computing {
      try pass.value(source.converted(to: .float32), written.converted(to: .float32), target)
    }
  }

  /// DeepLIFT's multipliers of what is read, from a run of it and one of a baseline, beside the same text that is written;
  /// otherwise as for a model of one stack.
  ///
  /// - Parameters:
  ///   - target: the scalar of what is written.
  ///   - source: the vectors of the tokens that are read, `[sources, width]`.
  ///   - baseline: those that they are compared with, of the same shape.
  ///   - written: the vectors of the tokens that are written, `[targets, width]`.
  /// - Throws: `ModelError`, or `Cancelled`.
  public func multipliers(
    of target: LogitTarget, reading source: Tensor, baseline: Tensor, writing written: Tensor,
    memoryLimit: Int? = nil, cancellation: Cancellation? = nil
  ) throws -> RescaledMultipliers {
    var options = GradientOptions(rule: .rescale)
    options.memoryLimit = memoryLimit
    let pass = try pairPass(
      of: target, reading: source, writing: written, texts: 2, results: 0, options: options,
      progress: nil, cancellation: cancellation)
    guard baseline.shape == source.shape else {
      throw ModelError.wrongInputShape(found: baseline.shape, expected: source.shape)
    }
    return try computing {
      func both(_ text: Tensor, _ other: Tensor) throws -> Tensor {
        try Tensor.concatenated([text, other].map { $0.converted(to: .float32) }, axis: 0)
      }
      let (ends, gradients) = try pass.follow(
        try both(source, baseline), try both(written, written), layers: [], targetLayers: []
      ) { hidden in
        let end = try pass.change(hidden, target)
        return ([end.value, end.baselineValue], end.slope)
      }
      return RescaledMultipliers(
        multipliers: gradients.source.rows(0..<source.shape[0]), value: ends[0],
        baselineValue: ends[1])
    }
  }

  /// Prepares a way through both stacks, after everything that can be wrong is checked.
  private func pairPass(
    of target: LogitTarget, reading source: Tensor, writing written: Tensor, texts: Int = 1,
    results: Int, options: GradientOptions, progress: ((RunProgress) -> Void)?,
    cancellation: Cancellation?
  ) throws -> PairGradientPass {
    guard isEncoderDecoder else { throw ModelError.noDecoder(model: name) }
    guard let network = network as? any DifferentiableEncoderDecoder else {
      throw ModelError.notDifferentiable(architecture: architecture)
    }
    try check(embeddings: source)
    try check(embeddings: written)
    let sizes = network.decoderConfiguration
    for term in target.terms {
      guard (0..<written.shape[0]).contains(term.position) else {
        throw ModelError.positionOutOfRange(term.position, count: written.shape[0])
      }
      guard (0..<sizes.vocabulary).contains(term.id) else {
        throw ModelError.tokenOutOfRange(
          id: term.id, position: term.position, vocabulary: sizes.vocabulary)
      }
    }
    let (sources, targets) = (texts * source.shape[0], texts * written.shape[0])
    let perTarget = (sizes.layers + results + 8) * sizes.width + 5 * sizes.innerWidth
    let perToken = 8 * sizes.heads * sizes.headDimension
    let needed =
      gradientByteCount(tokens: sources, layers: results)
      + (targets * perTarget + (sources + targets) * perToken) * MemoryLayout<Float>.size
    try MemoryBudget.require(
      needed, for: "A gradient over \(sources + targets) tokens", limit: options.memoryLimit)
    // Recordings take at most half of what is left; which are kept doesn't show in the numbers.
    let left = (options.memoryLimit ?? MemoryBudget.available).map { ($0 - needed) / 2 } ?? .max
    var constants = try network.prepare(tokens: sources)
    constants.rule = options.rule
    return PairGradientPass(
      network: network, constants: constants,
      recordingLimit: min(left, options.recordingLimit) / 2, progress: progress,
      cancellation: cancellation)
  }
}
