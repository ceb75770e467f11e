public import Tensors

extension Trace {
  /// The attention of some heads of a layer to blocks of earlier tokens, `[heads, queries, blocks]`; all heads by default.
  ///
  /// With the attention to the tokens of the window, as `attentionMaps` gives it, a row sums to what the head's sink
  /// leaves.
  ///
  /// - Throws: `ModelError` where there is no such layer or head or its inputs weren't kept; `MissingPartError` where the
  ///   layer makes no blocks; `Cancelled`.
  public func blockAttentionMaps(
    layer: Int, heads: Range<Int>? = nil, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    try windowedMaps(.blocks, layer: layer, heads: heads, cancellation)
  }

  /// The attention of some heads of a layer to blocks if every query saw all that end at its token or before, `[heads,
  /// queries, blocks]`: the layer's own queries and keys, without the selection.
  ///
  /// - Throws: as `blockAttentionMaps`.
  public func denseBlockAttentionMaps(
    layer: Int, heads: Range<Int>? = nil, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    try windowedMaps(
      .blocks, layer: layer, heads: heads, ignoresSelection: true, cancellation)
  }

  /// The attention of some heads of a layer to all that they look at, `[heads, queries, keys]`: the tokens, followed in
  /// layers that make blocks by those.
  ///
  /// - Throws: as `attentionMaps`.
  public func wholeAttentionMaps(
    layer: Int, heads: Range<Int>? = nil, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    guard try attentionRecord(layer, cancellation).mixing is WindowedAttention else {
      return try attentionMaps(layer: layer, heads: heads, cancellation: cancellation)
    }
    return try windowedMaps(.all, layer: layer, heads: heads, cancellation)
  }

  /// How much of each query's attention a layer's sinks take, `[queries, heads]`: what is left of 1.
  ///
  /// - Throws: `ModelError` where there is no such layer or its inputs weren't kept; `MissingPartError` where the model's
  ///   attention has no sinks; `Cancelled`.
  public func sinkShares(layer: Int, cancellation: Cancellation? = nil) throws -> Tensor {
    let sizes = model.configuration
    guard sizes.compression != nil else { throw MissingPartError.noBlocks(model: model.name) }
    var shares = [Float](repeating: 0, count: ids.count * sizes.heads)
    for head in 0..<sizes.heads {
      let map = try wholeAttentionMaps(
        layer: layer, heads: head..<head + 1, cancellation: cancellation)
      let width = map.shape[2]
      let floats = map.floats
      for query in ids.indices {
        let sum = floats[query * width..<(query + 1) * width].reduce(0.0) { $0 + Double($1) }
        shares[query * sizes.heads + head] = Float(max(0, 1 - sum))
      }
    }
    return Tensor(shape: [ids.count, sizes.heads], shares)
  }

  /// The keys of the blocks that a layer made of the text, `[blocks, headDimension]`, turned by position.
  ///
  /// - Throws: `ModelError` where there is no such layer or its inputs weren't kept; `MissingPartError` where it makes none.
  public func blockKeys(_ layer: Int) throws -> Tensor {
    try blockMaker(layer).keys
  }

  /// Which tokens each block of a layer stands for, in order; with overlaps it is made of those before too.
  ///
  /// - Throws: as `blockKeys`.
  public func blockTokens(_ layer: Int) throws -> [Range<Int>] {
    let (keys, rate) = try blockMaker(layer)
    return (0..<keys.shape[0]).map { $0 * rate..<($0 + 1) * rate }
  }

  /// The blocks that a layer's indexer let each query see.
  ///
  /// - Throws: `ModelError` where there is no such layer or its inputs weren't kept; `MissingPartError` where it has no
  ///   indexer of blocks.
  public func blockSelection(_ layer: Int) throws -> BlockSelection {
    let mixing = try attentionRecord(layer).mixing as? WindowedAttention
    guard let selection = mixing?.selection else {
      throw MissingPartError.noBlockSelection(
        layer: layer, selectingLayers: model.configuration.compression?.selectingLayers ?? [])
    }
    return selection
  }

  private func blockMaker(
    _ layer: Int, _ cancellation: Cancellation? = nil
  ) throws -> (keys: Tensor, rate: Int) {
    let mixing = try attentionRecord(layer, cancellation).mixing as? WindowedAttention
    guard let blocks = mixing?.blocks else {
      throw model.configuration.compression == nil
        ? MissingPartError.noBlocks(model: model.name) : .noBlocksInLayer(layer)
    }
    return blocks
  }

  private func windowedMaps(
    _ wanted: WindowedAttention.Keys, layer: Int, heads: Range<Int>?,
    ignoresSelection: Bool = false, _ cancellation: Cancellation?
  ) throws -> Tensor {
    let record = try attentionRecord(layer, cancellation)
    if wanted == .blocks { _ = try blockMaker(layer, cancellation) }
    let count = model.configuration.heads
    let heads = heads ?? 0..<count
    guard heads.lowerBound >= 0, heads.upperBound <= count else {
      throw ModelError.headOutOfRange(
        heads.lowerBound < 0 ? heads.lowerBound : heads.upperBound - 1, count: count)
    }
    try requireMemory(maps: 2 * heads.count)
    guard var mixing = record.mixing as? WindowedAttention, case .heads(let keys) = record.keys
    else { throw MissingPartError.noBlocks(model: model.name) }
    if ignoresSelection { mixing.selection = nil }
    return try model.computing { [mixing] in
      try mixing.maps(
        of: wanted, queries: record.queries, keys: keys, heads: heads, cancellation: cancellation)
    }
  }
}
