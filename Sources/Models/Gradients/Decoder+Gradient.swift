public import Tensors

extension Llama: DifferentiableArchitecture {}
extension Qwen2: DifferentiableArchitecture {}
extension Qwen3: DifferentiableArchitecture {}
extension DeepSeekMoE: DifferentiableArchitecture {}
extension DeepSeekV2: DifferentiableArchitecture {}
extension DeepSeekV3: DifferentiableArchitecture {}
extension DeepSeekV32: DifferentiableArchitecture {}

extension DifferentiableArchitecture where Self: DecoderArchitecture {
  /// Always.
  public var followsBatches: Bool { true }

  /// The embedding's rows of the ids.
  public func tokenVectors(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor {
    try embed(ids, cancellation: cancellation)
  }

  /// The vectors as they are.
  public func recordEntry(
    _ vectors: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(output: vectors, keeping: []) { gradient, _ in gradient }
  }

  /// Runs one block.
  public func recordLayer(
    _ layer: Int, _ hidden: Tensor, rows: Range<Int>, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedStep {
    let block = decoder.blocks[layer]
    let attended = try block.attention.record(
      block.attentionNorm(hidden), rows: rows, constants: constants, cancellation: cancellation)
    var sum = attended.output
    sum.add(hidden.rows(rows))
    // Of several texts, only the rows that count go through the last feed-forward part.
    let batch = layer == decoder.blocks.count - 1 ? constants.batch : nil
    let stream = batch?.gathered(sum) ?? sum
    let normed = block.feedForwardNorm(stream)
    let change =
      switch block.feedForward {
      case .dense(let part):
        try part.record(normed, constants.rule, cancellation: cancellation)
      case .experts(let part):
        try part.record(normed, constants.rule, cancellation: cancellation)
      }
    var output = change.output
    output.add(stream)
    return RecordedStep(output: output, [attended, change], keeping: [hidden, stream]) {
      gradient, cancellation in
      var streamGradient = block.feedForwardNorm.inputGradient(
        try change.pullback(gradient, cancellation), stream, constants.rule)
      streamGradient.add(gradient)
      if let batch { streamGradient = batch.scattered(streamGradient) }
      var result = block.attentionNorm.inputGradient(
        try attended.pullback(streamGradient, cancellation), hidden, constants.rule)
      try result.addRows(startingAt: rows.lowerBound, streamGradient)
      return result
    }
  }

  /// The final norm.
  public func recordFinish(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    let norm = decoder.finalNorm
    return RecordedStep(
      output: try finish(hidden, cancellation: cancellation), keeping: [hidden]
    ) { gradient, _ in norm.inputGradient(gradient, hidden, constants.rule) }
  }

  /// The head's scores.
  public func recordLogits(
    _ hidden: Tensor, of ids: [Int]?, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    guard let head = decoder.head else {
      throw ModelError.noLanguageModelHead(model: Self.name)
    }
    return try recordScores(
      hidden, weight: head, bias: nil, of: ids, cancellation: cancellation)
  }
}

extension GroupedAttention {
  func record(
    _ normed: Tensor, rows: Range<Int>, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    let recording = AttentionRecording(
      query: query, key: key, value: value, output: output, queryNorm: queryNorm,
      keyNorm: keyNorm, sizes: sizes, constants: constants, rotaryStyle: rotaryStyle)
    return try recording(normed, rows: rows, cancellation: cancellation)
  }
}

extension GatedFeedForward {
  /// The part's output for normed rows `[rows, width]`, with its way back.
  func record(
    _ x: Tensor, _ rule: BackwardRule, cancellation: Cancellation?
  ) throws -> RecordedStep {
    let gates = try gate(x, cancellation)
    let opened = try up(x, cancellation)
    var product = silu(gates)
    product.multiply(by: opened)
    return RecordedStep(output: try down(product, cancellation), keeping: [gates, opened]) {
      gradient, cancellation in
      let parts = rule.gated(
        try down.inputGradient(gradient, cancellation), gate: gates, up: opened)
      return try up.addInputGradient(
        parts.up, to: gate.inputGradient(parts.gate, cancellation), cancellation)
    }
  }
}
