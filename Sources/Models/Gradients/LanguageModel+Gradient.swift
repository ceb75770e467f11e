public import Tensors

/// The gradient of a scalar with respect to a run's input and to its residual stream.
public struct EmbeddingGradient: Sendable {
  /// With respect to the tokens' vectors, `[tokens, width]`: those that the embedding holds, before
  /// positions, segments and norms are applied (`inputs_embeds` in transformers).
  public let embeddings: Tensor
  /// With respect to the residual stream that enters a layer, `[tokens, width]`, for the layers asked for.
  public let residual: [Int: Tensor]
  /// What entered each layer, `[tokens, width]`, up to the last token that the scalar depends on; empty unless the
  /// options ask for it.
  public let streams: [Int: Tensor]
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

  /// What the way back follows, but for changes from a baseline, which `multipliers` follow.
  ///
  /// Under the rules of relevance, what is called a gradient is one whose product with the vectors is their relevance.
  public var rule: BackwardRule
  /// Whether what enters each layer is given too.
  public var keepsStreams = false

  /// Makes options.
  public init(
    recordingLimit: Int = 1 << 30, memoryLimit: Int? = nil, rule: BackwardRule = .derivative
  ) {
    self.recordingLimit = recordingLimit
    self.memoryLimit = memoryLimit
    self.rule = rule
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
    try gradients(
      of: [target], embeddings: embeddings, at: layers, options: options, progress: progress,
      cancellation: cancellation)[0]
  }

  /// The gradients of several scalars, for which the model runs forward once; otherwise as for one.
  ///
  /// - Throws: `ModelError`, what a target throws, or `Cancelled`.
  public func gradients(
    of targets: [GradientTarget], embeddings: Tensor, at layers: [Int] = [],
    options: GradientOptions = GradientOptions(), progress: ((RunProgress) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> [EmbeddingGradient] {
    let network = try differentiable
    try check(embeddings: embeddings)
    for layer in layers { try check(layer: layer) }
    if targets.isEmpty { return [] }
    let count = embeddings.shape[0]
    var pass = try pass(
      from: 0, targets: targets, tokens: count, results: layers.count * targets.count,
      options: options, progress: progress, cancellation: cancellation)
    pass.keepsStreams = options.keepsStreams
    let vectors = embeddings.rows(0..<pass.tokens).converted(to: .float32)
    return try computing {
      let entry = try network.recordEntry(
        vectors, constants: pass.constants, cancellation: cancellation)
      var residual = [[Int: Tensor]](repeating: [:], count: targets.count)
      let results = try pass.follow(entry.output, targets) { layer, index, gradient in
        if layers.contains(layer) { residual[index][layer] = try gradient.padded(to: count) }
      }
      return try results.enumerated().map { index, result in
        EmbeddingGradient(
          embeddings: try entry.pullback(result.gradient, cancellation).padded(to: count),
          residual: residual[index], streams: pass.streams, value: result.value)
      }
    }
  }

  /// How much a scalar looks at each token by way of the attention: for a position t that the scalar is read at, row t of R
  /// with `R ← R + Ā R` from the first layer to the last, where `Ā = mean_h max(0, A ∘ ∂A)` and R begins as the identity,
  /// whose own 1 at t is left out; several positions are summed.
  ///
  /// Chefer et al. 2021, arXiv:2103.15679. Computed from the last layer to the first as `r ← r + r Ā`, a block of one head's
  /// map at a time, so that no map is stored.
  ///
  /// - Returns: a number for each row of `embeddings`.
  /// - Throws: `ModelError`, or `Cancelled`.
  public func attentionRelevance(
    of target: LogitTarget, embeddings: Tensor, options: GradientOptions = GradientOptions(),
    progress: ((RunProgress) -> Void)? = nil, cancellation: Cancellation? = nil
  ) throws -> (value: Double, relevance: [Double]) {
    let network = try differentiable
    guard !isEncoderDecoder else { throw ModelError.noPairRelevance(model: name) }
    try check(embeddings: embeddings)
    let count = embeddings.shape[0]
    var pass = try pass(
      from: 0, targets: [.logits(target)], tokens: count, results: 0, options: options,
      progress: progress, cancellation: cancellation)
    var start = [Double](repeating: 0, count: count)
    for position in Set(target.terms.map(\.position)) { start[position] = 1 }
    let witness = AttentionWitness(start)
    pass.constants.witness = witness
    let vectors = embeddings.rows(0..<pass.tokens).converted(to: .float32)
    let value = try computing {
      let entry = try network.recordEntry(
        vectors, constants: pass.constants, cancellation: cancellation)
      return try pass.follow(entry.output, [.logits(target)]) { _, _, _ in }[0].value
    }
    return (value, zip(witness.row, start).map { $0 - $1 })
  }

  /// The value of a scalar and its gradient `[tokens, width]` where `stream` is the residual stream that
  /// enters a layer, such as a trace's hidden states; only that layer and those after it are run.
  ///
  /// - Parameters:
  ///   - target: the scalar.
  ///   - stream: the residual stream, `[tokens, width]`.
  ///   - layer: the layer that it enters.
  ///   - options: what may be used.
  ///   - progress: called after each of these layers, forward and back.
  ///   - cancellation: stops within a few milliseconds.
  /// - Throws: `ModelError`, what the target throws, or `Cancelled`.
  public func gradient(
    of target: GradientTarget, residual stream: Tensor, entering layer: Int,
    options: GradientOptions = GradientOptions(), progress: ((RunProgress) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> (value: Double, gradient: Tensor) {
    try check(embeddings: stream)
    try check(layer: layer)
    let count = stream.shape[0]
    var pass = try pass(
      from: layer, targets: [target], tokens: count, results: 1, options: options,
      progress: progress, cancellation: cancellation)
    let hidden = stream.rows(0..<pass.tokens).converted(to: .float32)
    let (value, gradient) = try computing {
      try pass.follow(hidden, [target]) { _, _, _ in }[0]
    }
    return (value, try gradient.padded(to: count))
  }

  /// Prepares a way through the layers from `first` on, after everything that can be wrong is checked.
  func pass(
    from first: Int, targets: [GradientTarget], tokens count: Int, results: Int,
    options: GradientOptions, progress: ((RunProgress) -> Void)?, cancellation: Cancellation?
  ) throws -> GradientPass {
    let network = try differentiable
    precondition(options.rule != .rescale, "changes are followed from a baseline")
    let ranges = try targets.map { try self.rows(of: $0, tokens: count) }
    let rows =
      (ranges.map(\.lowerBound).min() ?? 0)..<(ranges.map(\.upperBound).max() ?? count)
    let tokens = configuration.isCausal ? rows.upperBound : count
    let needed = gradientByteCount(tokens: tokens, layers: results)
    try MemoryBudget.require(
      needed, for: "A gradient over \(tokens) tokens", limit: options.memoryLimit)
    // Recordings take at most half of what is left; which are kept doesn't show in the numbers.
    let left = (options.memoryLimit ?? MemoryBudget.available).map { ($0 - needed) / 2 } ?? .max
    var constants = try network.prepare(tokens: tokens)
    constants.rule = options.rule
    return GradientPass(
      network: network, constants: constants, first: first,
      tokens: tokens, rows: rows, recordingLimit: min(left, options.recordingLimit),
      progress: progress,
      cancellation: cancellation)
  }

  /// Prepares a way of several texts.
  func pass(
    from first: Int, batch: TextBatch, longest: Int, results: Int, options: GradientOptions,
    cancellation: Cancellation?
  ) throws -> GradientPass {
    let network = try differentiable
    let count = batch.positions.count
    let needed = gradientByteCount(tokens: count, layers: results)
    try MemoryBudget.require(
      needed, for: "A gradient over \(count) tokens of several texts", limit: options.memoryLimit)
    let left = (options.memoryLimit ?? MemoryBudget.available).map { ($0 - needed) / 2 } ?? .max
    var constants = try network.prepare(tokens: longest)
    constants.rule = options.rule
    constants.batch = batch
    return GradientPass(
      network: network, constants: constants, first: first, tokens: count, rows: 0..<count,
      recordingLimit: min(left, options.recordingLimit), progress: nil, cancellation: cancellation)
  }

  func check(layer: Int) throws(ModelError) {
    guard (0..<configuration.layers).contains(layer) else {
      throw .layerOutOfRange(layer, count: configuration.layers)
    }
  }

  /// How many bytes a gradient needs at least: the input of every layer, one layer's recording and what its way
  /// back holds, and the results.
  public func gradientByteCount(tokens: Int, layers: Int = 0) -> Int {
    let sizes = configuration
    let attentionWidth = (2 * sizes.heads + 2 * sizes.keyValueHeads) * sizes.headDimension
    let expertWidth = sizes.experts.map { ($0.chosen + $0.shared) * ($0.innerWidth + sizes.width) }
    let perLayer =
      4 * sizes.width + 3 * attentionWidth + 5 * max(sizes.innerWidth, expertWidth ?? 0)
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
  func rows(of target: GradientTarget, tokens: Int) throws(ModelError) -> Range<Int> {
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
