public import Tensors

extension Trace {
  /// The attention of one head, `[queries, keys]`: each row sums to 1; 0 where a causal model's
  /// query doesn't see the key, and where the layer's indexer didn't select it.
  ///
  /// Where a model looks at blocks of earlier tokens too (`blockAttentionMaps`) or has sinks, this is the part of single
  /// tokens, whose rows sum to less.
  ///
  /// - Throws: `ModelError` where there is no such layer or head or its inputs weren't kept;
  ///   `Cancelled`.
  public func attentionMap(
    layer: Int, head: Int, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let count = model.configuration.heads
    guard (0..<count).contains(head) else { throw ModelError.headOutOfRange(head, count: count) }
    return try attentionMaps(layer: layer, heads: head..<head + 1, cancellation: cancellation)
      .reshaped([ids.count, ids.count])
  }

  /// The attention of several heads of a layer, `[heads, queries, keys]`; all heads by default.
  ///
  /// - Throws: `ModelError` where there is no such layer or head or its inputs weren't kept, or no
  ///   memory for the maps; `Cancelled`.
  public func attentionMaps(
    layer: Int, heads: Range<Int>? = nil, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    try attentionMaps(
      layer: layer, heads: heads, ignoresSelection: false, cancellation: cancellation)
  }

  func attentionMaps(
    layer: Int, heads: Range<Int>?, ignoresSelection: Bool, cancellation: Cancellation?
  ) throws -> Tensor {
    let record = try attentionRecord(layer, cancellation)
    let sizes = model.configuration
    let heads = heads ?? 0..<sizes.heads
    guard heads.lowerBound >= 0, heads.upperBound <= sizes.heads else {
      throw ModelError.headOutOfRange(
        heads.lowerBound < 0 ? heads.lowerBound : heads.upperBound - 1, count: sizes.heads)
    }
    try requireMemory(maps: heads.count)
    let keys: Tensor
    switch record.keys {
    case .heads(let kept):
      if let mixing = record.mixing {
        return try model.computing {
          try mixing.maps(
            queries: record.queries, keys: kept, heads: heads, cancellation: cancellation)
        }
      }
      return try Tensors.attentionMaps(
        queries: record.queries, keys: kept, headRange: heads, heads: sizes.heads,
        keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
        keyMask: nil, cancellation: cancellation)
    case .latents(let latents):
      keys = try model.computing { try latents.keys(heads, cancellation: cancellation) }
    }
    // Only the asked heads' keys were expanded: their queries are taken out likewise.
    let queries = record.queries.reshaped([ids.count, sizes.heads, sizes.headDimension])
      .slice(axis: 1, heads).reshaped([ids.count, heads.count * sizes.headDimension])
    if let selection = record.selection, !ignoresSelection {
      return try selection.maps(
        queries: queries, keys: keys, heads: heads.count, scale: sizes.attentionScale,
        cancellation: cancellation)
    }
    return try Tensors.attentionMaps(
      queries: queries, keys: keys, headRange: 0..<heads.count, heads: heads.count,
      keyValueHeads: heads.count, scale: sizes.attentionScale, causal: sizes.isCausal,
      keyMask: nil, cancellation: cancellation)
  }

  /// The keys that a layer's indexer let each query see.
  ///
  /// - Throws: `ModelError` where there is no such layer or queries and keys weren't kept;
  ///   `MissingPartError` where the model has no indexer.
  public func keySelection(_ layer: Int) throws -> KeySelection {
    guard let selection = try attentionRecord(layer).selection else {
      throw model.missingKeySelection
    }
    return selection
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
    let record = try attentionRecord(layer, cancellation)
    let sizes = model.configuration
    try requireMemory(maps: 2)
    if case .heads(let keys) = record.keys, record.mixing == nil {
      return try reducedAttentionMap(
        queries: record.queries, keys: keys, heads: sizes.heads,
        keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
        keyMask: nil, reduction: reduction, cancellation: cancellation)
    }
    var result = try attentionMap(layer: layer, head: 0, cancellation: cancellation)
    for head in 1..<max(1, sizes.heads) {
      let map = try attentionMap(layer: layer, head: head, cancellation: cancellation)
      switch reduction {
      case .mean: result.add(map)
      case .max: result = try Tensor.broadcast(result, map, .maximum)
      }
    }
    if reduction == .mean { result.scale(by: 1 / Float(sizes.heads)) }
    return result
  }
}

extension LanguageModel {
  /// Why the model has no selection of keys, where it has none.
  public var missingKeySelection: MissingPartError {
    configuration.compression?.selectingLayers.isEmpty == false
      ? .selectsBlocks(model: name) : .noKeySelection(model: name)
  }
}
