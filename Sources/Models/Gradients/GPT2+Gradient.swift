public import Tensors

extension GPT2: DifferentiableArchitecture {
  /// Always.
  public var followsBatches: Bool { true }

  /// The token embedding's rows of the ids.
  public func tokenVectors(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor {
    tokenEmbedding.gatheringRows(ids)
  }

  /// Adds position vectors to the tokens'.
  public func recordEntry(
    _ vectors: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    var sum = vectors
    sum.add(positionEmbedding.gatheringRows(constants.positions(vectors.shape[0])))
    return RecordedStep(output: sum, keeping: []) { gradient, _ in gradient }
  }

  /// Runs one block.
  public func recordLayer(
    _ index: Int, _ hidden: Tensor, rows: Range<Int>, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedStep {
    let layer = layers[index]
    let attended = try recordAttention(
      layer, layer.attentionNorm(hidden), rows: rows, constants: constants,
      cancellation: cancellation)
    var sum = attended.output
    sum.add(hidden.rows(rows))
    // Of several texts, only the rows that count go through the last feed-forward part.
    let batch = index == layers.count - 1 ? constants.batch : nil
    let stream = batch?.gathered(sum) ?? sum
    let inner = try layer.up(layer.feedForwardNorm(stream), cancellation)
    var output = try layer.down(activation(inner), cancellation)
    output.add(stream)
    return RecordedStep(output: output, [attended], keeping: [hidden, stream, inner]) {
      gradient, cancellation in
      let innerGradient = activation.gradient(
        try layer.down.inputGradient(gradient, cancellation), inner, constants.rule)
      var streamGradient = layer.feedForwardNorm.inputGradient(
        try layer.up.inputGradient(innerGradient, cancellation), stream, constants.rule)
      streamGradient.add(gradient)
      if let batch { streamGradient = batch.scattered(streamGradient) }
      var result = layer.attentionNorm.inputGradient(
        try attended.pullback(streamGradient, cancellation), hidden, constants.rule)
      try result.addRows(startingAt: rows.lowerBound, streamGradient)
      return result
    }
  }

  /// What the attention of normed rows `[tokens, width]` adds to the stream at the positions `rows`.
  private func recordAttention(
    _ layer: Layer, _ x: Tensor, rows: Range<Int>, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedStep {
    let sizes = configuration
    let width = sizes.width
    // Queries are wanted of some rows only, but one weight holds all three.
    let all = try layer.queriesKeysValues(x, cancellation)
    let queries = all.slice(axis: 1, 0..<width).rows(rows)
    let keys = all.slice(axis: 1, width..<2 * width)
    let values = all.slice(axis: 1, 2 * width..<3 * width)
    let segments = constants.batch?.segments
    let (mixed, sums) =
      if let segments {
        try attentionOfSegments(
          segments, queries: queries, keys: keys, values: values, heads: sizes.heads,
          keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale,
          cancellation: cancellation)
      } else {
        try attentionWithLogSumExp(
          queries: queries, keys: keys, values: values, heads: sizes.heads,
          keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: true,
          cancellation: cancellation)
      }
    return RecordedStep(
      output: try layer.output(mixed, cancellation), keeping: [queries, keys, values, mixed, sums]
    ) { gradient, cancellation in
      let mixedGradient = try layer.output.inputGradient(gradient, cancellation)
      try constants.witness?.see(
        [
          AttentionBackward(
            gradient: mixedGradient, queries: queries, keys: keys, values: values, rows: rows,
            heads: sizes.heads, keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale,
            isCausal: true)
        ], cancellation)
      let derivatives =
        if constants.rule == .rescale {
          try attentionRescale(
            mixedGradient, queries: queries, keys: keys, values: values, heads: sizes.heads,
            keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale,
            cancellation: cancellation)
        } else if let segments {
          try attentionOfSegmentsGradient(
            mixedGradient, segments, queries: queries, keys: keys, values: values, output: mixed,
            logSumExp: sums, heads: sizes.heads, keyValueHeads: sizes.keyValueHeads,
            scale: sizes.attentionScale, cancellation: cancellation)
        } else {
          try attentionGradient(
            mixedGradient, queries: queries, keys: keys, values: values, output: mixed,
            logSumExp: sums, heads: sizes.heads, keyValueHeads: sizes.keyValueHeads,
            scale: sizes.attentionScale, causal: true, cancellation: cancellation)
        }
      let parts = constants.rule.applied(to: derivatives)
      var queryPart = Tensor(zeros: keys.shape)
      try queryPart.replaceRows(startingAt: rows.lowerBound, with: parts.queries)
      return try layer.queriesKeysValues.inputGradient(
        try Tensor.concatenated([queryPart, parts.keys, parts.values], axis: 1), cancellation)
    }
  }

  /// The final norm.
  public func recordFinish(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(
      output: try finish(hidden, cancellation: cancellation), keeping: [hidden]
    ) { gradient, _ in finalNorm.inputGradient(gradient, hidden, constants.rule) }
  }

  /// The head's scores.
  public func recordLogits(
    _ hidden: Tensor, of ids: [Int]?, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    try recordScores(hidden, weight: head, bias: nil, of: ids, cancellation: cancellation)
  }
}

extension TransposedLinear {
  /// The gradient with respect to the input, `[rows, in]`, from that with respect to the output, `[rows, out]`.
  func inputGradient(_ gradient: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    try linear(gradient, weight: weight, cancellation: cancellation)
  }
}
