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
    try requireMemory(maps: 1)
    return try Tensors.attentionMap(
      queries: queries, keys: keys, head: head, heads: sizes.heads,
      keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
      keyMask: nil, cancellation: cancellation)
  }

  /// The attention of several heads of a layer, `[heads, queries, keys]`; all heads by default.
  ///
  /// - Throws: `ModelError` where there is no such layer or head or its inputs weren't kept, or no
  ///   memory for the maps; `Cancelled`.
  public func attentionMaps(
    layer: Int, heads: Range<Int>? = nil, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let (queries, keys) = try queriesAndKeys(layer)
    let sizes = model.configuration
    let heads = heads ?? 0..<sizes.heads
    guard heads.lowerBound >= 0, heads.upperBound <= sizes.heads else {
      throw ModelError.headOutOfRange(
        heads.lowerBound < 0 ? heads.lowerBound : heads.upperBound - 1, count: sizes.heads)
    }
    try requireMemory(maps: heads.count)
    return try Tensors.attentionMaps(
      queries: queries, keys: keys, headRange: heads, heads: sizes.heads,
      keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
      keyMask: nil, cancellation: cancellation)
  }

  /// Checks that there is memory for so many maps of tokens × tokens.
  ///
  /// - Throws: `ModelError.notEnoughMemory` with the figures.
  package func requireMemory(maps count: Int, limit: Int? = nil) throws(ModelError) {
    try MemoryBudget.require(
      count * ids.count * ids.count * MemoryLayout<Float>.size,
      for: "\(count == 1 ? "An attention map" : "\(count) attention maps") of \(ids.count) tokens",
      limit: limit)
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
    try requireMemory(maps: 2)
    return try reducedAttentionMap(
      queries: queries, keys: keys, heads: sizes.heads, keyValueHeads: sizes.keyValueHeads,
      scale: sizes.attentionScale, causal: sizes.isCausal, keyMask: nil, reduction: reduction,
      cancellation: cancellation)
  }
}
