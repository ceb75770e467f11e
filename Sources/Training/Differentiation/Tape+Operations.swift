import Tensors

extension Tape {
  /// The rows of an embedding.
  func embedding(_ parameter: Parameter, _ ids: [Int32]) -> Variable {
    let result = variable(parameters[parameter].gatheringRows(ids.map { Int($0) }))
    record(from: result.index) { tape, gradient in
      tape.parameters.change(parameter) { [gradient] in $0.addRows(ids, gradient) }
    }
    return result
  }

  /// `x Wᵀ + b`, added to `residual` where one is given.
  func linear(
    _ x: Variable, _ weight: Parameter, bias: Parameter? = nil, addedTo residual: Variable? = nil
  ) throws -> Variable {
    var value = try Tensors.linear(
      x.value, weight: parameters[weight], bias: bias.map { parameters[$0] },
      cancellation: cancellation)
    if let residual { value.add(residual.value) }
    let result = variable(value)
    let (input, source, target) = (x.value, x.index, residual?.index)
    record(from: result.index) { tape, gradient in
      try tape.parameters.addProduct(gradient, input, to: weight, tape.cancellation)
      if let bias {
        tape.parameters.change(bias) { [gradient] in addRowSum(gradient, to: &$0) }
      }
      try tape.addLinear(gradient, tape.parameters[weight], to: source)
      if let target { tape.add(gradient, to: target) }
    }
    return result
  }

  /// A variable times a number.
  func scaled(_ x: Variable, by factor: Float) -> Variable {
    var value = x.value
    value.scale(by: factor)
    let result = variable(value)
    let source = x.index
    record(from: result.index) { tape, gradient in
      var slope = gradient
      slope.scale(by: factor)
      tape.add(slope, to: source)
    }
    return result
  }

  /// Adds `gradient W` to the gradient of a variable.
  func addLinear(_ gradient: Tensor, _ weight: Tensor, to index: Int) throws {
    if let sum = take(index) {
      put(
        try addLinearInputGradient(
          gradient, weight: weight, to: sum, cancellation: cancellation), for: index)
    } else {
      put(
        try linearInputGradient(gradient, weight: weight, cancellation: cancellation), for: index)
    }
  }

  /// The root-mean-square norm of each row, or of each head of a row by itself.
  func rmsNorm(
    _ x: Variable, _ weight: Parameter, epsilon: Float, heads: Int = 1
  ) -> Variable {
    let shape = x.value.shape
    let input = x.value.reshaped([shape[0] * heads, shape[1] / heads])
    let value = Tensors.rmsNorm(input, weight: parameters[weight], epsilon: epsilon)
    let result = variable(value.reshaped(shape))
    let source = x.index
    record(from: result.index) { tape, gradient in
      var sum = tape.take(source) ?? Tensor(zeros: shape)
      let slope = gradient.reshaped(input.shape)
      let gains = tape.parameters[weight]
      var weightSum = Tensor(zeros: gains.shape)
      addRMSNormGradient(
        slope, input: input, weight: gains, epsilon: epsilon, to: &sum, weightSum: &weightSum)
      tape.parameters.change(weight) { $0.add(weightSum) }
      tape.put(sum, for: source)
    }
    return result
  }

  /// Turns heads by their tokens' positions, in the memory of `x`.
  func turn(_ x: inout Variable, heads: Int, by turns: Turns, offset: Int = 0) {
    let result = newIndex()
    x.value.turn(
      heads: heads, table: turns.table, style: turns.style, positions: turns.positions,
      offset: offset)
    let source = x.index
    record(from: result) { tape, gradient in
      var back = gradient
      back.turn(
        heads: heads, table: turns.table, style: turns.style, positions: turns.positions,
        offset: offset, inverse: true)
      tape.add(back, to: source)
    }
    x = Variable(index: result, value: x.value)
  }

  /// Causal attention within each text.
  func attention(
    _ queries: Variable, _ keys: Variable, _ values: Variable, segments: [Range<Int>], heads: Int,
    keyValueHeads: Int, scale: Float
  ) throws -> Variable {
    let (q, k, v) = (queries.value, keys.value, values.value)
    let (mixed, sums) = try attentionOfSegments(
      segments, queries: q, keys: k, values: v, heads: heads, keyValueHeads: keyValueHeads,
      scale: scale, cancellation: cancellation)
    let result = variable(mixed)
    let sources = (queries.index, keys.index, values.index)
    record(from: result.index) { tape, gradient in
      let parts = try attentionOfSegmentsGradient(
        gradient, segments, queries: q, keys: k, values: v, output: mixed, logSumExp: sums,
        heads: heads, keyValueHeads: keyValueHeads, scale: scale, cancellation: tape.cancellation)
      tape.add(parts.queries, to: sources.0)
      tape.add(parts.keys, to: sources.1)
      tape.add(parts.values, to: sources.2)
    }
    return result
  }

  /// `silu(gate) · up`.
  func gatedProduct(_ gate: Variable, _ up: Variable) -> Variable {
    let result = variable(Tensors.gatedProduct(gate.value, up.value))
    guard isRecording else { return result }
    let (gateGiver, upGiver) = (Giver(gate.value), Giver(up.value))
    let sources = (gate.index, up.index)
    record(from: result.index) { tape, gradient in
      let parts = gatedGradient(gradient, gate: gateGiver.give(), up: upGiver.give())
      tape.add(parts.gate, to: sources.0)
      tape.add(parts.up, to: sources.1)
    }
    return result
  }

  /// `down(silu(gate(x)) · up(x))`, added to `residual` where one is given.
  func gatedFeedForward(
    _ x: Variable, _ plan: FeedForwardPlan, addedTo residual: Variable? = nil
  ) throws -> Variable {
    let gated = gatedProduct(
      try linear(x, plan.gate),
      try linear(x, plan.up))
    return try linear(gated, plan.down, addedTo: residual)
  }
}

/// The turns of the tokens of a batch.
struct Turns {
  let table: RotaryTable
  let style: RotaryStyle
  let positions: [Int32]
}
