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
    let pass = try pairPass(
      of: target, reading: source, writing: written, results: layers.count + targetLayers.count,
      options: options, progress: progress, cancellation: cancellation)
    for layer in layers { try check(layer: layer) }
    for layer in targetLayers where !(0..<pass.targetLayerCount).contains(layer) {
      throw ModelError.layerOutOfRange(layer, count: pass.targetLayerCount)
    }
    return try computing {
      try pass.follow(
        source.converted(to: .float32), written.converted(to: .float32), target,
        layers: Set(layers), targetLayers: Set(targetLayers))
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

  /// Prepares a way through both stacks, after everything that can be wrong is checked.
  private func pairPass(
    of target: LogitTarget, reading source: Tensor, writing written: Tensor, results: Int,
    options: GradientOptions, progress: ((RunProgress) -> Void)?, cancellation: Cancellation?
  ) throws -> PairGradientPass {
    guard isEncoderDecoder else { throw ModelError.noDecoder(model: name) }
    guard let network = network as? any DifferentiableEncoderDecoder else {
      throw ModelError.notDifferentiable(architecture: architecture)
    }
    guard options.rule.isDerivative else {
      throw ModelError.noRelevanceRules(architecture: architecture)
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
    let (sources, targets) = (source.shape[0], written.shape[0])
    let perTarget = (sizes.layers + results + 8) * sizes.width + 5 * sizes.innerWidth
    let perToken = 8 * sizes.heads * sizes.headDimension
    let needed =
      gradientByteCount(tokens: sources, layers: results)
      + (targets * perTarget + (sources + targets) * perToken) * MemoryLayout<Float>.size
    try MemoryBudget.require(
      needed, for: "A gradient over \(sources + targets) tokens", limit: options.memoryLimit)
    // Recordings take at most half of what is left; which are kept doesn't show in the numbers.
    let left = (options.memoryLimit ?? MemoryBudget.available).map { ($0 - needed) / 2 } ?? .max
    return PairGradientPass(
      network: network, constants: try network.prepare(tokens: sources),
      recordingLimit: min(left, options.recordingLimit) / 2, progress: progress,
      cancellation: cancellation)
  }
}

/// One way through an encoder and a decoder, and back.
private struct PairGradientPass {
  let network: any DifferentiableEncoderDecoder
  let constants: RunConstants
  /// How many bytes of recorded layers each stack keeps.
  let recordingLimit: Int
  let progress: ((RunProgress) -> Void)?
  let cancellation: Cancellation?

  /// A layer as it is kept: with its way back, or with what it is computed again from.
  private enum Recording {
    case kept(RecordedPairStep)
    case input(Tensor)
  }

  var targetLayerCount: Int { network.decoderConfiguration.layers }
  private var sourceLayerCount: Int { network.configuration.layers }

  private func tell(_ done: Int) {
    progress?(
      RunProgress(
        completedLayers: done, layerCount: 2 * (sourceLayerCount + targetLayerCount)))
  }

  private func sourcePass(tokens: Int) -> GradientPass {
    GradientPass(
      network: network, constants: constants, first: 0, tokens: tokens, rows: 0..<tokens,
      recordingLimit: recordingLimit, progress: nil, cancellation: cancellation)
  }

  /// The scalar, from vectors of what is read and of what is written.
  func value(_ source: Tensor, _ written: Tensor, _ target: LogitTarget) throws -> Double {
    let entry = try network.recordEntry(source, cancellation: cancellation)
    let memory = try network.finish(
      try sourcePass(tokens: source.shape[0]).through(entry.output), cancellation: cancellation)
    var hidden = written
    for layer in 0..<targetLayerCount {
      try cancellation?.check()
      hidden = try network.recordTargetLayer(
        layer, hidden, source: memory, cancellation: cancellation
      ).output
    }
    let finished = try network.finishTarget(hidden.rows(target.rows), cancellation: cancellation)
    return target.evaluate(
      try network.recordTargetLogits(finished, of: target.neededIDs, cancellation: cancellation)
        .output
    ).value
  }

  /// The scalar and its gradients.
  func follow(
    _ source: Tensor, _ written: Tensor, _ target: LogitTarget, layers: Set<Int>,
    targetLayers: Set<Int>
  ) throws -> PairGradient {
    let entry = try network.recordEntry(source, cancellation: cancellation)
    var pass = sourcePass(tokens: source.shape[0])
    let encoded = try network.recordFinish(
      try pass.forward(entry.output), constants: constants, cancellation: cancellation)
    tell(sourceLayerCount)
    let memory = encoded.output
    var hidden = written
    var recordings: [Recording] = []
    var room = recordingLimit
    for layer in 0..<targetLayerCount {
      let step = try record(layer, hidden, memory)
      if step.byteCount <= room {
        room -= step.byteCount
        recordings.append(.kept(step))
      } else {
        recordings.append(.input(hidden))
      }
      hidden = step.output
      tell(sourceLayerCount + layer + 1)
    }
    let (value, slope) = try end(hidden, target)
    var gradient = slope
    var memoryGradient = Tensor(zeros: memory.shape)
    var targetResidual: [Int: Tensor] = [:]
    for layer in (0..<targetLayerCount).reversed() {
      let step =
        switch recordings.removeLast() {
        case .kept(let step): step
        case .input(let hidden): try record(layer, hidden, memory)
        }
      let parts = try step.pullback(gradient, cancellation)
      gradient = parts.target
      memoryGradient.add(parts.source)
      if targetLayers.contains(layer) { targetResidual[layer] = gradient }
      tell(sourceLayerCount + 2 * targetLayerCount - layer)
    }
    var sourceResidual: [Int: Tensor] = [:]
    let first = try pass.back([try encoded.pullback(memoryGradient, cancellation)]) {
      layer, _, gradient in
      if layers.contains(layer) { sourceResidual[layer] = gradient }
      tell(2 * targetLayerCount + 2 * sourceLayerCount - layer)
    }
    return PairGradient(
      source: try entry.pullback(first[0], cancellation), target: gradient,
      sourceResidual: sourceResidual, targetResidual: targetResidual, value: value)
  }

  private func record(
    _ layer: Int, _ hidden: Tensor, _ memory: Tensor
  ) throws -> RecordedPairStep {
    try cancellation?.check()
    return try network.recordTargetLayer(
      layer, hidden, source: memory, cancellation: cancellation)
  }

  /// The scalar, and its gradient with respect to what leaves the decoder's last layer.
  private func end(
    _ hidden: Tensor, _ target: LogitTarget
  ) throws -> (value: Double, gradient: Tensor) {
    let rows = target.rows
    let finish = try network.recordTargetFinish(hidden.rows(rows), cancellation: cancellation)
    let scores = try network.recordTargetLogits(
      finish.output, of: target.neededIDs, cancellation: cancellation)
    let (value, slope) = target.evaluate(scores.output)
    var gradient = Tensor(zeros: hidden.shape)
    try gradient.replaceRows(
      startingAt: rows.lowerBound,
      with: try finish.pullback(try scores.pullback(slope, cancellation), cancellation))
    return (value, gradient)
  }
}
