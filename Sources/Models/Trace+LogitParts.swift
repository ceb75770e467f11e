public import Tensors

extension Trace {
  /// The logits of a head's attention as the sum of what contents say and what positions say, `[queries, keys]` each.
  ///
  /// In latent attention a part of each query meets a key that was expanded from the latent and knows no position, the other
  /// part a key that carries the position, the same for all heads (DeepSeek-AI 2024, arXiv:2405.04434, section 2.1.3). Both
  /// are scaled as the attention is; the softmax over the keys that a query sees of their sum is its attention. Logits
  /// of keys that a query doesn't see are given too.
  ///
  /// - Throws: `ModelError` where there is no such layer or head or queries and keys weren't kept; `MissingPartError` where
  ///   the model has no latent attention; `Cancelled`.
  public func attentionLogitParts(
    layer: Int, head: Int, cancellation: Cancellation? = nil
  ) throws -> (content: Tensor, position: Tensor) {
    let latents = try latents(layer)
    let record = try attentionRecord(layer, cancellation)
    let sizes = model.configuration
    guard (0..<sizes.heads).contains(head) else {
      throw ModelError.headOutOfRange(head, count: sizes.heads)
    }
    try requireMemory(maps: 2)
    let first = head * sizes.headDimension
    let middle = first + latents.contentDimension
    let contentKeys = try model.computing {
      try latents.contentKeys(head..<head + 1, cancellation: cancellation)
    }
    var content = try linear(
      record.queries.slice(axis: 1, first..<middle), weight: contentKeys,
      cancellation: cancellation)
    var position = try linear(
      record.queries.slice(axis: 1, middle..<first + sizes.headDimension),
      weight: latents.positionKeys, cancellation: cancellation)
    content.scale(by: sizes.attentionScale)
    position.scale(by: sizes.attentionScale)
    return (content, position)
  }

  /// The attention of some heads of a layer, `[heads, queries, keys]`, as it would be if its indexer had selected every
  /// key: the layer's own queries and keys, without the selection.
  ///
  /// - Throws: as `attentionMaps`.
  public func denseAttentionMaps(
    layer: Int, heads: Range<Int>? = nil, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    try attentionMaps(
      layer: layer, heads: heads, ignoresSelection: true, cancellation: cancellation)
  }
}
