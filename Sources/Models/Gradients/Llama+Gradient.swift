public import Tensors

extension Llama: DifferentiableArchitecture {
  /// The embedding's rows of the ids.
  public func tokenVectors(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor {
    try embed(ids, cancellation: cancellation)
  }

  /// The vectors as they are.
  public func recordEntry(
    _ vectors: Tensor, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(output: vectors, keeping: []) { gradient, _ in gradient }
  }

  /// Runs one block.
  public func recordLayer(
    _ index: Int, _ hidden: Tensor, rows: Range<Int>, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedStep {
    let layer = layers[index]
    let attention = AttentionRecording(
      query: layer.query, key: layer.key, value: layer.value, output: layer.output,
      sizes: configuration, rotary: constants.rotary)
    let attended = try attention(
      norm(hidden, layer.attentionNorm), rows: rows, cancellation: cancellation)
    var stream = attended.output
    stream.add(hidden.rows(rows))
    let normed = norm(stream, layer.feedForwardNorm)
    let gate = try layer.gate(normed, cancellation)
    let up = try layer.up(normed, cancellation)
    var gated = silu(gate)
    gated.multiply(by: up)
    var output = try layer.down(gated, cancellation)
    output.add(stream)
    let middle = stream
    let kept = [hidden, middle, gate, up]
    return RecordedStep(output: output, attended, keeping: kept) { gradient, cancellation in
      let gates = gatedGradient(
        try layer.down.inputGradient(gradient, cancellation), gate: gate, up: up)
      let inner = try layer.up.addInputGradient(
        gates.up, to: layer.gate.inputGradient(gates.gate, cancellation), cancellation)
      var streamGradient = normGradient(inner, middle, layer.feedForwardNorm)
      streamGradient.add(gradient)
      var result = normGradient(
        try attended.pullback(streamGradient, cancellation), hidden, layer.attentionNorm)
      result.addRows(startingAt: rows.lowerBound, streamGradient)
      return result
    }
  }

  private func normGradient(_ gradient: Tensor, _ x: Tensor, _ weight: Tensor) -> Tensor {
    rmsNormGradient(
      gradient, input: x, weight: weight, epsilon: Float(configuration.normEpsilon))
  }

  /// The final norm.
  public func recordFinish(
    _ hidden: Tensor, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(
      output: try finish(hidden, cancellation: cancellation), keeping: [hidden]
    ) { gradient, _ in normGradient(gradient, hidden, finalNorm) }
  }

  /// The head's scores.
  public func recordLogits(
    _ hidden: Tensor, of ids: [Int]?, cancellation: Cancellation?
  ) throws -> RecordedStep {
    guard let head else { throw ModelError.noLanguageModelHead(model: Self.name) }
    return try recordScores(
      hidden, weight: head, bias: nil, of: ids, cancellation: cancellation)
  }
}
