public import Tensors

extension T5: DifferentiableEncoderDecoder {
  /// The embedding's rows of the ids, the same for both texts.
  public func tokenVectors(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor {
    try embed(ids, cancellation: cancellation)
  }

  /// The vectors as they are: positions are in the attention.
  public func recordEntry(
    _ vectors: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(output: vectors, keeping: []) { gradient, _ in gradient }
  }

  /// Runs one block of the encoder.
  public func recordLayer(
    _ layer: Int, _ hidden: Tensor, rows: Range<Int>, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedStep {
    let block = encoder[layer]
    let attended = try block.recordOwn(hidden, rows: rows, constants.rule, cancellation)
    let changed = try block.recordFeedForward(attended.output, constants.rule, cancellation)
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
    _ hidden: Tensor, of ids: [Int]?, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    throw ModelError.noLanguageModelHead(model: Self.name)
  }

  /// Runs one block of the decoder.
  public func recordTargetLayer(
    _ layer: Int, _ hidden: Tensor, source: Tensor, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedPairStep {
    let (block, rule) = (decoder[layer], constants.rule)
    let attended = try block.recordOwn(hidden, rows: 0..<hidden.shape[0], rule, cancellation)
    let crossed = try block.recordCross(attended.output, source, rule, cancellation)
    let changed = try block.recordFeedForward(crossed.output, rule, cancellation)
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
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    RecordedStep(
      output: try finishTarget(hidden, cancellation: cancellation), keeping: [hidden]
    ) { gradient, _ in decoderNorm.inputGradient(gradient, hidden, constants.rule) }
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
    _ hidden: Tensor, rows: Range<Int>, _ rule: BackwardRule, _ cancellation: Cancellation?
  ) throws -> RecordedStep {
    let normed = own.norm(hidden)
    let queries = try own.query(normed.rows(rows), cancellation)
    let keys = try own.key(normed, cancellation)
    let values = try own.value(normed, cancellation)
    let gathered = try own.mixing.gathered(
      queries: queries, keys: keys, values: values, first: rows.lowerBound, rule,
      cancellation: cancellation)
    var output = try own.output(gathered, cancellation)
    output.add(hidden.rows(rows))
    return RecordedStep(output: output, keeping: [hidden, queries, keys, values]) {
      gradient, cancellation in
      let parts = try own.mixing.gradient(
        try own.output.inputGradient(gradient, cancellation), queries: queries, keys: keys,
        values: values, first: rows.lowerBound, rule, cancellation: cancellation)
      var normedGradient = try own.key.inputGradient(parts.keys, cancellation)
      normedGradient = try own.value.addInputGradient(
        parts.values, to: normedGradient, cancellation)
      try normedGradient.addRows(
        startingAt: rows.lowerBound, try own.query.inputGradient(parts.queries, cancellation))
      var result = own.norm.inputGradient(normedGradient, hidden, rule)
      try result.addRows(startingAt: rows.lowerBound, gradient)
      return result
    }
  }

  /// The residual stream with what attention to another text's finished hidden states adds.
  func recordCross(
    _ hidden: Tensor, _ source: Tensor, _ rule: BackwardRule, _ cancellation: Cancellation?
  ) throws -> RecordedPairStep {
    guard let cross else {
      return RecordedPairStep(output: hidden, byteCount: 0) { gradient, _ in
        (gradient, Tensor(zeros: source.shape))
      }
    }
    let queries = try cross.query(cross.norm(hidden), cancellation)
    let view = try sourceKeysAndValues(source, cancellation)
    var output = try cross.output(
      try cross.mixing.gathered(
        queries: queries, keys: view.keys, values: view.values, first: 0, rule,
        cancellation: cancellation),
      cancellation)
    output.add(hidden)
    let kept = [hidden, queries, view.keys, view.values]
    return RecordedPairStep(output: output, byteCount: kept.reduce(0) { $0 + $1.byteCount }) {
      gradient, cancellation in
      let parts = try cross.mixing.gradient(
        try cross.output.inputGradient(gradient, cancellation), queries: queries, keys: view.keys,
        values: view.values, first: 0, rule, cancellation: cancellation)
      var target = cross.norm.inputGradient(
        try cross.query.inputGradient(parts.queries, cancellation), hidden, rule)
      target.add(gradient)
      let source = try cross.value.addInputGradient(
        parts.values, to: try cross.key.inputGradient(parts.keys, cancellation), cancellation)
      return (target, source)
    }
  }

  /// The residual stream with what the feed-forward part adds.
  func recordFeedForward(
    _ hidden: Tensor, _ rule: BackwardRule, _ cancellation: Cancellation?
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
        let parts = rule.product(innerGradient, activation(gates), opened)
        normedGradient = try up.addInputGradient(
          parts.second,
          to: try gate.inputGradient(activation.gradient(parts.first, gates, rule), cancellation),
          cancellation)
      } else {
        normedGradient = try up.inputGradient(
          activation.gradient(innerGradient, opened, rule), cancellation)
      }
      var result = norm.inputGradient(normedGradient, hidden, rule)
      result.add(gradient)
      return result
    }
  }
}

extension UnscaledAttention {
  /// What the heads gather; of a text and its baseline, which a rule may follow together, each for itself.
  func gathered(
    queries: Tensor, keys: Tensor, values: Tensor, first: Int, _ rule: BackwardRule,
    cancellation: Cancellation?
  ) throws -> Tensor {
    let texts = rule == .rescale ? 2 : 1
    func part(_ x: Tensor, _ text: Int) -> Tensor {
      let count = x.shape[0] / texts
      return x.rows(text * count..<(text + 1) * count)
    }
    let gathered = try (0..<texts).map { text in
      try self(
        queries: part(queries, text), keys: part(keys, text), values: part(values, text),
        first: first, cancellation: cancellation)
    }
    return texts == 1 ? gathered[0] : try Tensor.concatenated(gathered, axis: 0)
  }

  /// The gradients with respect to queries, keys and values from that with respect to what the heads
  /// gather, where the first query stands at the place `first`, under a rule.
  func gradient(
    _ gradient: Tensor, queries: Tensor, keys: Tensor, values: Tensor, first: Int,
    _ rule: BackwardRule, cancellation: Cancellation?
  ) throws -> AttentionGradient {
    if rule == .rescale {
      return try attentionRescale(
        gradient, queries: queries, keys: keys, values: values, heads: heads,
        keyValueHeads: heads, scale: 1, causal: bias?.isBidirectional == false,
        bias: bias.map { bias in
          { head, queries, keys in
            bias.values(head: head, first: first + queries.lowerBound, queries.count, keys)
          }
        }, cancellation: cancellation)
    }
    return rule.applied(
      to: try derivative(
        gradient, queries: queries, keys: keys, values: values, first: first,
        cancellation: cancellation))
  }

  /// The derivatives.
  ///
  /// Weights are computed again, those of a block of queries and one head at a time.
  private func derivative(
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
