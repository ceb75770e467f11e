public import Tensors

/// The gradient of a scalar with respect to a run's input and to its residual stream.
public struct EmbeddingGradient: Sendable {
  /// With respect to the tokens' vectors, `[tokens, width]`: those that the embedding holds, before
  /// positions, segments and norms are applied (`inputs_embeds` in transformers).
  public let embeddings: Tensor
  /// With respect to the residual stream that enters a layer, `[tokens, width]`, for the layers asked for.
  public let residual: [Int: Tensor]
  /// The scalar itself.
  public let value: Double
}

/// What a gradient may use and whom it tells.
public struct GradientOptions: Sendable {
  /// How many bytes of recorded layers are kept for the way back.
  ///
  /// Layers beyond that are computed again there, from their inputs; the numbers are the same.
  public var recordingLimit: Int
  /// How many bytes may be used in all; `nil` asks the system what is available.
  public var memoryLimit: Int?

  /// Makes options.
  public init(recordingLimit: Int = 1 << 30, memoryLimit: Int? = nil) {
    self.recordingLimit = recordingLimit
    self.memoryLimit = memoryLimit
  }
}

extension LanguageModel {
  /// The gradient of a scalar of the logits, or of the last hidden states, with respect to the vectors of the
  /// tokens `ids` and to the residual stream entering any layer.
  ///
  /// Positions after the last one that the scalar depends on are left out where the model is causal: their
  /// gradient is zero.
  ///
  /// - Parameters:
  ///   - target: the scalar.
  ///   - ids: the tokens.
  ///   - layers: the layers whose residual stream is asked for.
  ///   - options: what may be used.
  ///   - progress: called after each layer, forward and back: twice as many as there are.
  ///   - cancellation: stops within a few milliseconds.
  /// - Throws: `ModelError`, what the target throws, or `Cancelled`.
  public func gradient(
    of target: GradientTarget, ids: [Int], at layers: [Int] = [],
    options: GradientOptions = GradientOptions(), progress: ((RunProgress) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> EmbeddingGradient {
    try check(ids)
    let vectors = try differentiable.tokenVectors(ids, cancellation: cancellation)
    return try gradient(
      of: target, embeddings: vectors, at: layers, options: options, progress: progress,
      cancellation: cancellation)
  }

  /// The gradient for given vectors `[tokens, width]` in place of those of tokens, as integrated
  /// gradients need it; otherwise as for ids.
  ///
  /// - Throws: `ModelError`, what the target throws, or `Cancelled`.
  public func gradient(
    of target: GradientTarget, embeddings: Tensor, at layers: [Int] = [],
    options: GradientOptions = GradientOptions(), progress: ((RunProgress) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> EmbeddingGradient {
    let network = try differentiable
    try check(embeddings: embeddings)
    let count = embeddings.shape[0]
    for layer in layers where !(0..<configuration.layers).contains(layer) {
      throw ModelError.layerOutOfRange(layer, count: configuration.layers)
    }
    let rows = try rows(of: target, tokens: count)
    let tokens = configuration.isCausal ? rows.upperBound : count
    try MemoryBudget.require(
      gradientByteCount(tokens: tokens, layers: layers.count),
      for: "A gradient over \(tokens) tokens", limit: options.memoryLimit)
    var pass = GradientPass(
      network: network, constants: try network.prepare(tokens: tokens), rows: rows,
      recordingLimit: options.recordingLimit, progress: progress, cancellation: cancellation)
    let vectors = embeddings.rows(0..<tokens).converted(to: .float32)
    let entry = try network.recordEntry(vectors, cancellation: cancellation)
    let hidden = try pass.forward(entry.output)
    let (value, slope) = try pass.end(hidden, target: target)
    var residual: [Int: Tensor] = [:]
    let first = try pass.back(slope) { layer, gradient in
      if layers.contains(layer) { residual[layer] = gradient.padded(to: count) }
    }
    return EmbeddingGradient(
      embeddings: try entry.pullback(first, cancellation).padded(to: count), residual: residual,
      value: value)
  }

  /// How many bytes a gradient needs at least: the input of every layer, one layer's recording and what its way
  /// back holds, and the results.
  public func gradientByteCount(tokens: Int, layers: Int = 0) -> Int {
    let sizes = configuration
    let attentionWidth = (2 * sizes.heads + 2 * sizes.keyValueHeads) * sizes.headDimension
    let perLayer = 4 * sizes.width + 3 * attentionWidth + 5 * sizes.innerWidth
    return tokens * ((sizes.layers + layers + 4) * sizes.width + perLayer)
      * MemoryLayout<Float>.size
  }

  var differentiable: any DifferentiableArchitecture {
    get throws(ModelError) {
      guard let network = network as? any DifferentiableArchitecture else {
        throw .notDifferentiable(architecture: architecture)
      }
      return network
    }
  }

  /// The positions whose last hidden states a target looks at, from the first to the last.
  private func rows(of target: GradientTarget, tokens: Int) throws(ModelError) -> Range<Int> {
    guard case .logits(let target) = target else { return 0..<tokens }
    guard configuration.hasLanguageModelHead else { throw .noLanguageModelHead(model: name) }
    for term in target.terms {
      guard (0..<tokens).contains(term.position) else {
        throw .positionOutOfRange(term.position, count: tokens)
      }
      guard (0..<configuration.vocabulary).contains(term.id) else {
        throw .tokenOutOfRange(
          id: term.id, position: term.position, vocabulary: configuration.vocabulary)
      }
    }
    return target.rows
  }
}

/// One way through the layers and back.
private struct GradientPass {
  let network: any DifferentiableArchitecture
  let constants: RunConstants
  /// The positions that are followed through the last layer.
  let rows: Range<Int>
  let recordingLimit: Int
  let progress: ((RunProgress) -> Void)?
  let cancellation: Cancellation?
  private var layers: [Recording] = []

  /// A layer as it is kept: with its way back, or with what it is computed again from.
  private enum Recording {
    case kept(RecordedStep)
    case input(Tensor)
  }

  init(
    network: any DifferentiableArchitecture, constants: RunConstants, rows: Range<Int>,
    recordingLimit: Int, progress: ((RunProgress) -> Void)?, cancellation: Cancellation?
  ) {
    self.network = network
    self.constants = constants
    self.rows = rows
    self.recordingLimit = recordingLimit
    self.progress = progress
    self.cancellation = cancellation
  }

  private var count: Int { network.configuration.layers }

  private func record(_ layer: Int, _ hidden: Tensor) throws -> RecordedStep {
    try cancellation?.check()
    return try network.recordLayer(
      layer, hidden, rows: layer == count - 1 ? rows : 0..<hidden.shape[0], constants: constants,
      cancellation: cancellation)
  }

  /// Through all layers, `[rows, width]`.
  mutating func forward(_ input: Tensor) throws -> Tensor {
    var hidden = input
    var room = recordingLimit
    for layer in 0..<count {
      let step = try record(layer, hidden)
      if step.byteCount <= room {
        room -= step.byteCount
        layers.append(.kept(step))
      } else {
        layers.append(.input(hidden))
      }
      hidden = step.output
      progress?(RunProgress(completedLayers: layer + 1, layerCount: 2 * count))
    }
    return hidden
  }

  /// The scalar, and its gradient with respect to what leaves the last layer.
  func end(_ hidden: Tensor, target: GradientTarget) throws -> (value: Double, gradient: Tensor) {
    let finish = try network.recordFinish(hidden, cancellation: cancellation)
    switch target {
    case .hiddenStates(let function):
      let (value, gradient) = try function(finish.output)
      guard gradient.shape == finish.output.shape else {
        throw ModelError.wrongInputShape(found: gradient.shape, expected: finish.output.shape)
      }
      return (value, try finish.pullback(gradient.converted(to: .float32), cancellation))
    case .logits(let target):
      let scores = try network.recordLogits(
        finish.output, of: target.neededIDs, cancellation: cancellation)
      let (value, gradient) = target.evaluate(scores.output)
      return (
        value, try finish.pullback(try scores.pullback(gradient, cancellation), cancellation)
      )
    }
  }

  /// Back through all layers: calls `body` with the gradient with respect to each layer's input.
  mutating func back(_ slope: Tensor, _ body: (Int, Tensor) -> Void) throws -> Tensor {
    var gradient = slope
    for layer in (0..<count).reversed() {
      try cancellation?.check()
      let step =
        switch layers.removeLast() {
        case .kept(let step): step
        case .input(let hidden): try record(layer, hidden)
        }
      gradient = try step.pullback(gradient, cancellation)
      body(layer, gradient)
      progress?(RunProgress(completedLayers: 2 * count - layer, layerCount: 2 * count))
    }
    return gradient
  }
}
