public import Tensors

extension T5: DifferentiableEncoderDecoder {
  /// It doesn't: the rules are those of decoders.
  public var hasRelevanceRules: Bool { false }

  /// The embedding's rows of the ids, the same for both texts.
  public func tokenVectors(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor {
    try embed(ids, cancellation: cancellation)
  }

  /// The vectors as they are: positions are in the attention.
  public func recordEntry(
    _ vectors: Tensor, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(output: vectors, keeping: []) { gradient, _ in gradient }
  }

  /// Runs one block of the encoder.
  public func recordLayer(
    _ layer: Int, _ hidden: Tensor, rows: Range<Int>, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedStep {
    let block = encoder[layer]
    let attended = try block.recordOwn(hidden, rows: rows, cancellation)
    let changed = try block.recordFeedForward(attended.output, cancellation)
    return RecordedStep(output: changed.output, [attended, changed], keeping: []) {
      gradient, cancellation in
      try attended.pullback(try changed.pullback(gradient, cancellation), cancellation)
    }
  }

  /// The encoder's final norm.
  public func recordFinish(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(
      output: try finish(hidden, cancellation: cancellation), keeping: [hidden]
    ) { gradient, _ in encoderNorm.inputGradient(gradient, hidden, constants.rule) }
  }

  /// None: an encoder predicts nothing.
  public func recordLogits(
    _ hidden: Tensor, of ids: [Int]?, cancellation: Cancellation?
  ) throws -> RecordedStep {
    throw ModelError.noLanguageModelHead(model: Self.name)
  }

  /// Runs one block of the decoder.
  public func recordTargetLayer(
    _ layer: Int, _ hidden: Tensor, source: Tensor, cancellation: Cancellation?
  ) throws -> RecordedPairStep {
    let block = decoder[layer]
    let attended = try block.recordOwn(hidden, rows: 0..<hidden.shape[0], cancellation)
    let crossed = try block.recordCross(attended.output, source, cancellation)
    let changed = try block.recordFeedForward(crossed.output, cancellation)
    return RecordedPairStep(
      output: changed.output,
      byteCount: attended.byteCount + crossed.byteCount + changed.byteCount
    ) { gradient, cancellation in
      let (target, source) = try crossed.pullback(
        try changed.pullback(gradient, cancellation), cancellation)
      return (try attended.pullback(target, cancellation), source)
    }
  }

  /// The decoder's final norm.
  public func recordTargetFinish(
    _ hidden: Tensor, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(
      output: try finishTarget(hidden, cancellation: cancellation), keeping: [hidden]
    ) { gradient, _ in decoderNorm.inputGradient(gradient, hidden, .derivative) }
  }

  /// The head's scores.
  public func recordTargetLogits(
    _ hidden: Tensor, of ids: [Int]?, cancellation: Cancellation?
  ) throws -> RecordedStep {
    var scaled = hidden
    if headScale != 1 { scaled.scale(by: headScale) }
    let scores = try recordScores(
      scaled, weight: head, bias: nil, of: ids, cancellation: cancellation)
    return RecordedStep(output: scores.output, [scores], keeping: []) { gradient, cancellation in
      var result = try scores.pullback(gradient, cancellation)
      if headScale != 1 { result.scale(by: headScale) }
      return result
    }
  }
}

extension T5Block {
  /// The residual stream at the positions `rows` with what attention to all of the text adds there.
  func recordOwn(
    _ hidden: Tensor, rows: Range<Int>, _ cancellation: Cancellation?
  ) throws -> RecordedStep {
    let normed = own.norm(hidden)
    let queries = try own.query(normed.rows(rows), cancellation)
    let keys = try own.key(normed, cancellation)
    let values = try own.value(normed, cancellation)
    let gathered = try own.mixing(
      queries: queries, keys: keys, values: values, first: rows.lowerBound,
      cancellation: cancellation)
    var output = try own.output(gathered, cancellation)
    output.add(hidden.rows(rows))
    return RecordedStep(output: output, keeping: [hidden, queries, keys, values]) {
      gradient, cancellation in
      let parts = try own.mixing.gradient(
        try own.output.inputGradient(gradient, cancellation), queries: queries, keys: keys,
        values: values, first: rows.lowerBound, cancellation: cancellation)
      var normedGradient = try own.key.inputGradient(parts.keys, cancellation)
      normedGradient = try own.value.addInputGradient(
        parts.values, to: normedGradient, cancellation)
      try normedGradient.addRows(
        startingAt: rows.lowerBound, try own.query.inputGradient(parts.queries, cancellation))
      var result = own.norm.inputGradient(normedGradient, hidden, .derivative)
      try result.addRows(startingAt: rows.lowerBound, gradient)
      return result
    }
  }

  /// The residual stream with what attention to another text's finished hidden states adds.
  func recordCross(
    _ hidden: Tensor, _ source: Tensor, _ cancellation: Cancellation?
  ) throws -> RecordedPairStep {
    guard let cross else {
      return RecordedPairStep(output: hidden, byteCount: 0) { gradient, _ in
        (gradient, Tensor(zeros: source.shape))
      }
    }
    let queries = try cross.query(cross.norm(hidden), cancellation)
    let view = try sourceKeysAndValues(source, cancellation)
    var output = try cross.output(
      try cross.mixing(
        queries: queries, keys: view.keys, values: view.values, cancellation: cancellation),
      cancellation)
    output.add(hidden)
    let kept = [hidden, queries, view.keys, view.values]
    return RecordedPairStep(output: output, byteCount: kept.reduce(0) { $0 + $1.byteCount }) {
      gradient, cancellation in
      let parts = try cross.mixing.gradient(
        try cross.output.inputGradient(gradient, cancellation), queries: queries, keys: view.keys,
        values: view.values, first: 0, cancellation: cancellation)
      var target = cross.norm.inputGradient(
        try cross.query.inputGradient(parts.queries, cancellation), hidden, .derivative)
      target.add(gradient)
      let source = try cross.value.addInputGradient(
        parts.values, to: try cross.key.inputGradient(parts.keys, cancellation), cancellation)
      return (target, source)
    }
  }

  /// The residual stream with what the feed-forward part adds.
  func recordFeedForward(
    _ hidden: Tensor, _ cancellation: Cancellation?
  ) throws -> RecordedStep {
    let normed = norm(hidden)
    let opened = try up(normed, cancellation)
    let gates = try gate?(normed, cancellation)
    var inner = activation(gates ?? opened)
    if gates != nil { inner.multiply(by: opened) }
    var output = try down(inner, cancellation)
    output.add(hidden)
    return RecordedStep(
      output: output, keeping: [hidden, opened] + [gates].compactMap(\.self)
    ) { gradient, cancellation in
      let innerGradient = try down.inputGradient(gradient, cancellation)
      var normedGradient: Tensor
      if let gate, let gates {
        var (gateGradient, upGradient) = (innerGradient, innerGradient)
        gateGradient.multiply(by: opened)
        upGradient.multiply(by: activation(gates))
        normedGradient = try up.addInputGradient(
          upGradient,
          to: try gate.inputGradient(activation.gradient(gateGradient, gates), cancellation),
          cancellation)
      } else {
        normedGradient = try up.inputGradient(
          activation.gradient(innerGradient, opened), cancellation)
      }
      var result = norm.inputGradient(normedGradient, hidden, .derivative)
      result.add(gradient)
      return result
    }
  }
}

extension UnscaledAttention {
  /// The gradients with respect to queries, keys and values from that with respect to what the heads
  /// gather, where the first query stands at the place `first`.
  ///
  /// Weights are computed again, those of a block of queries and one head at a time.
  func gradient(
    _ gradient: Tensor, queries: Tensor, keys: Tensor, values: Tensor, first: Int,
    cancellation: Cancellation?
  ) throws -> AttentionGradient {
    let parts = try (0..<heads).map { head -> [Tensor] in
      let (q, k, v) = (columns(queries, head), columns(keys, head), columns(values, head))
      let slopes = columns(gradient, head)
      var (keyPart, valuePart) = (Tensor(zeros: k.shape), Tensor(zeros: v.shape))
      let queryPart = try RowBlocks.map(q.shape[0], cancellation: cancellation) {
        range -> Tensor in
        let weights = try weights(q, k, head, range, first: first, cancellation)
        let scores = softmaxGradient(
          try linear(slopes.rows(range), weight: v, bias: nil, cancellation: cancellation),
          output: weights)
        valuePart.add(
          try matrixProduct(weights.transposed(), slopes.rows(range), cancellation: cancellation))
        keyPart.add(
          try matrixProduct(scores.transposed(), q.rows(range), cancellation: cancellation))
        return try matrixProduct(scores, k, cancellation: cancellation)
      }
      return [queryPart, keyPart, valuePart]
    }
    return AttentionGradient(
      queries: try Tensor.concatenated(parts.map { $0[0] }, axis: 1),
      keys: try Tensor.concatenated(parts.map { $0[1] }, axis: 1),
      values: try Tensor.concatenated(parts.map { $0[2] }, axis: 1))
  }
}
