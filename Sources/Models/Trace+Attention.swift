public import Tensors

extension Trace {
  /// The attention of one head, `[queries, keys]`: each row sums to 1; 0 where a causal model's
  /// query doesn't see the key.
  ///
  /// - Throws: `ModelError` where there is no such layer or head or its inputs weren't kept;
  ///   `Cancelled`.
  public func attentionMap(
    layer: Int, head: Int, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let (queries, keys) = try queriesAndKeys(layer)
    let sizes = model.configuration
    guard (0..<sizes.heads).contains(head) else {
      throw ModelError.headOutOfRange(head, count: sizes.heads)
    }
    return try Tensors.attentionMap(
      queries: queries, keys: keys, head: head, heads: sizes.heads,
      keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
      keyMask: nil, cancellation: cancellation)
  }

  /// The mean or the largest attention over all heads of a layer, `[queries, keys]`, one head in
  /// memory at a time.
  ///
  /// - Throws: `ModelError` where there is no such layer or its inputs weren't kept; `Cancelled`.
  public func reducedAttention(
    layer: Int, reduction: HeadReduction, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let (queries, keys) = try queriesAndKeys(layer)
    let sizes = model.configuration
    return try reducedAttentionMap(
      queries: queries, keys: keys, heads: sizes.heads, keyValueHeads: sizes.keyValueHeads,
      scale: sizes.attentionScale, causal: sizes.isCausal, keyMask: nil, reduction: reduction,
      cancellation: cancellation)
  }
}
