public import Tensors

extension Trace {
  /// What the model's head makes of the residual stream before a layer, `[positions, vocabulary]`: the
  /// final norm and the head are applied as if the layers in between were not there.
  ///
  /// Layer 0 is what enters the first layer. Of `layers`, whose states are normed already, these are
  /// the model's own logits. nostalgebraist 2020, interpreting GPT: the logit lens.
  ///
  /// - Throws: `ModelError` where the model has no head, there is no such layer or position, or the
  ///   hidden states weren't kept; `Cancelled`.
  public func lensLogits(
    layer: Int, of positions: Range<Int>, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let hidden = try hiddenStates(layer)
    if layer == model.configuration.layers {
      return try logits(of: positions, cancellation: cancellation)
    }
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
    guard positions.lowerBound >= 0, positions.upperBound <= ids.count else {
      throw ModelError.positionOutOfRange(
        positions.lowerBound < 0 ? positions.lowerBound : positions.upperBound - 1,
        count: ids.count)
    }
    try MemoryBudget.require(
      positions.count * model.configuration.vocabulary * MemoryLayout<Float>.size,
      for: "The lens of \(positions.count) positions")
    return try model.computing {
      let finished = try model.network.finish(hidden.rows(positions), cancellation: cancellation)
      return try model.network.logits(finished, cancellation: cancellation)
    }
  }

  /// The columns of a layer's output projection that belong to a head, `[width, valueDimension]` of
  /// float32, and the head's values, `[tokens, valueDimension]`: their product with the transpose is
  /// what each token would add to the residual stream if the head looked at it alone.
  ///
  /// - Throws: `ModelError` where there is no such layer or head, the values weren't kept, or the
  ///   architecture's projection isn't one plain matrix.
  public func valuesAndOutput(
    layer: Int, head: Int, cancellation: Cancellation? = nil
  ) throws -> (values: Tensor, output: Tensor) {
    let heads = model.configuration.heads
    try check(layer: layer)
    guard (0..<heads).contains(head) else { throw ModelError.headOutOfRange(head, count: heads) }
    let kept = try values(layer)
    guard let weight = model.network.attentionOutputWeight(layer),
      weight.rank == 2, weight.shape[1] % heads == 0
    else { throw ModelError.noOutputProjection(model: model.name) }
    // Values may be narrower than keys, and several heads may share one head's values.
    let dimension = weight.shape[1] / heads
    let valueHeads = kept.shape[1] / dimension
    let shared = head / max(1, heads / max(1, valueHeads))
    return (
      kept.slice(axis: 1, shared * dimension..<(shared + 1) * dimension),
      weight.slice(axis: 1, head * dimension..<(head + 1) * dimension).converted(to: .float32)
    )
  }
}
