public import Models
public import Tensors

/// Which blocks of earlier tokens a layer let its queries see, and how much attention they would have given to the others.
///
/// DeepSeek-AI 2026, “DeepSeek-V4”. Blocks share a query's attention with the single tokens of its window and the head's
/// sink. What is missed is the share that blocks which weren't selected would have had if all were seen, of the layer's own
/// queries and keys.
public struct SeenBlocks: Sendable {
  /// The layer.
  public let layer: Int
  /// How many blocks an indexer selects for a query at most; `nil` where all before it are seen.
  public let limit: Int?
  /// The tokens that each block stands for.
  public let tokens: [Range<Int>]
  /// The blocks that each query sees, in rising order.
  public let blocks: [[Int]]
  /// How many whole blocks end at each query or before it.
  public let available: [Int]
  /// The mean over the heads of the attention to blocks if all were seen, `[queries, blocks]`.
  public let dense: Tensor
  /// The share of each query's attention that blocks which it sees have, the mean over the heads.
  public let share: [Double]
  /// What a query misses, the mean over the heads.
  public let missed: [Double]
  /// The least that any selection of as many blocks would miss of the heads' mean, for each query.
  public let least: [Double]

  /// Reads a trace.
  ///
  /// - Throws: `ModelError` where there is no such layer or queries and keys weren't kept; `MissingPartError` where the layer
  ///   makes no blocks; `Cancelled`.
  public init(
    _ trace: Trace, layer: Int, cancellation: Cancellation? = nil,
    progress: (Double) -> Void = { _ in }
  ) throws {
    let tokens = try trace.blockTokens(layer)
    let compression = trace.model.configuration.compression
    let selects = compression?.selects(in: layer) ?? false
    let selection = selects ? try trace.blockSelection(layer) : nil
    let (queries, columns) = (trace.ids.count, tokens.count)
    let available = (0..<queries).map { query in
      tokens.count { $0.upperBound <= query + 1 }
    }
    let blocks = (0..<queries).map { query in
      selection?.blocks(of: query) ?? Array(0..<available[query])
    }
    let heads = trace.model.configuration.heads
    var sums = [Double](repeating: 0, count: queries * columns)
    var shares = [Double](repeating: 0, count: queries)
    for head in 0..<heads {
      try cancellation?.check()
      let all = try trace.denseBlockAttentionMaps(
        layer: layer, heads: head..<head + 1, cancellation: cancellation
      ).floats
      let own = try trace.blockAttentionMaps(
        layer: layer, heads: head..<head + 1, cancellation: cancellation
      ).floats
      for place in all.indices {
        sums[place] += Double(all[place])
        shares[place / columns] += Double(own[place])
      }
      progress(Double(head + 1) / Double(heads))
    }
    let means = sums.map { $0 / Double(heads) }
    self.layer = layer
    limit = selection?.limit
    self.tokens = tokens
    self.blocks = blocks
    self.available = available
    dense = Tensor(shape: [queries, columns], means.map { Float($0) })
    share = shares.map { $0 / Double(heads) }
    missed = (0..<queries).map { query in
      let seen = Set(blocks[query])
      return (0..<available[query]).reduce(0.0) { sum, block in
        seen.contains(block) ? sum : sum + means[query * columns + block]
      }
    }
    least = (0..<queries).map { query in
      let sorted = means[query * columns..<query * columns + available[query]].sorted()
      return sorted.dropLast(blocks[query].count).reduce(0, +)
    }
  }
}
