public import Tensors

extension BERT: DifferentiableArchitecture {
  /// Always.
  public var followsBatches: Bool { true }

  /// The token embedding's rows of the ids.
  public func tokenVectors(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor {
    tokenEmbedding.gatheringRows(ids)
  }

  /// Adds position and segment vectors to the tokens' and norms the sums.
  public func recordEntry(
    _ vectors: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    var sum = vectors
    sum.add(segmentEmbedding.gatheringRows(Array(repeating: 0, count: vectors.shape[0])))
    sum.add(positionEmbedding.gatheringRows(constants.positions(vectors.shape[0])))
    let input = sum
    return RecordedStep(output: embeddingNorm(input), keeping: [input]) { gradient, _ in
      embeddingNorm.inputGradient(gradient, input, constants.rule)
    }
  }

  /// Runs one block.
  public func recordLayer(
    _ index: Int, _ hidden: Tensor, rows: Range<Int>, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedStep {
    let layer = layers[index]
    let attention = AttentionRecording(
      query: layer.query, key: layer.key, value: layer.value, output: layer.output,
      sizes: configuration, constants: constants)
    let attended = try attention(hidden, rows: rows, cancellation: cancellation)
    var first = attended.output
    first.add(hidden.rows(rows))
    // Of several texts, only the rows that count go through the last feed-forward part.
    let batch = index == layers.count - 1 ? constants.batch : nil
    let middle = batch?.gathered(first) ?? first
    let normed = layer.attentionNorm(middle)
    let inner = try layer.up(normed, cancellation)
    var second = try layer.down(activation(inner), cancellation)
    second.add(normed)
    let last = second
    let output = layer.feedForwardNorm(last)
    return RecordedStep(output: output, [attended], keeping: [middle, inner, last]) {
      gradient, cancellation in
      let lastGradient = layer.feedForwardNorm.inputGradient(gradient, last, constants.rule)
      let innerGradient = activation.gradient(
        try layer.down.inputGradient(lastGradient, cancellation), inner, constants.rule)
      var middleGradient = layer.attentionNorm.inputGradient(
        try layer.up.addInputGradient(innerGradient, to: lastGradient, cancellation), middle,
        constants.rule)
      if let batch { middleGradient = batch.scattered(middleGradient) }
      var result = try attended.pullback(middleGradient, cancellation)
      try result.addRows(startingAt: rows.lowerBound, middleGradient)
      return result
    }
  }

  /// The hidden states as they are.
  public func recordFinish(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(output: hidden, keeping: []) { gradient, _ in gradient }
  }

  /// The scores of masked-token prediction.
  public func recordLogits(
    _ hidden: Tensor, of ids: [Int]?, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    guard let head else { throw ModelError.noLanguageModelHead(model: Self.name) }
    let inner = try head.transform(hidden, cancellation)
    let activated = activation(inner)
    let scores = try recordScores(
      head.norm(activated), weight: head.decoder, bias: head.bias, of: ids,
      cancellation: cancellation)
    return RecordedStep(output: scores.output, [scores], keeping: [inner, activated]) {
      gradient, cancellation in
      let normedGradient = try scores.pullback(gradient, cancellation)
      let innerGradient = activation.gradient(
        head.norm.inputGradient(normedGradient, activated, constants.rule), inner, constants.rule)
      return try head.transform.inputGradient(innerGradient, cancellation)
    }
  }
}
