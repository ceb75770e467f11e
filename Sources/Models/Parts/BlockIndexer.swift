import Tensors

/// The indexer of compressed sparse attention: a lightning indexer whose keys are blocks, made by a compressor of its own.
///
/// DeepSeek-AI 2026, “DeepSeek-V4”, section 2.3.1. Reduced precision and the rotation that serves it are left out:
/// neither changes the scores.
struct BlockIndexer: Sendable {
  let sizes: IndexerSizes
  let compressor: KeyCompressor
  private let offset: Int
  private let query: Linear
  private let weight: Linear

  /// Reads `name.wq_b`, `name.weights_proj` and `name.compressor`.
  init(
    _ name: String, width: Int, sizes: IndexerSizes, compression: CompressionSizes, rate: Int,
    normEpsilon: Double, layer: Int, weights: inout WeightReader
  ) throws(ModelError) {
    self.sizes = sizes
    offset = sizes.headDimension - compression.positionDimension
    query = try Linear(
      name + ".wq_b", from: compression.queryWidth, to: sizes.heads * sizes.headDimension,
      hasBias: false, part: .indexer, layer: layer, weights: &weights)
    weight = try Linear(
      name + ".weights_proj", from: width, to: sizes.heads, hasBias: false, part: .indexer,
      layer: layer, weights: &weights)
    compressor = try KeyCompressor(
      name + ".compressor", width: width, dimension: sizes.headDimension,
      positionDimension: compression.positionDimension, rate: rate, overlaps: true,
      normEpsilon: normEpsilon, part: .indexer, layer: layer, weights: &weights)
  }

  /// Queries `[rows, heads × headDimension]`, turned by position, the heads' weights `[rows, heads]`, and what the
  /// compressor takes.
  func prepare(
    _ normed: Tensor, queryLatents: Tensor, constants: RunConstants, first: Int,
    _ cancellation: Cancellation?
  ) throws -> [Tensor] {
    try [
      constants.turned(
        try query(queryLatents, cancellation), heads: sizes.heads, style: .interleaved,
        first: first, offset: offset),
      weight(normed, cancellation),
    ] + compressor.prepare(normed, cancellation)
  }

  /// The blocks with the highest scores for each query; of equal ones the earlier.
  func select(
    queries: Tensor, weights: Tensor, blocks: Tensor, first: Int, cancellation: Cancellation?
  ) throws -> BlockSelection {
    let count = queries.shape[0]
    var selection = BlockSelection(
      limit: sizes.selectedKeys, rate: compressor.rate, queryCount: count, first: first)
    var next = selection.unlimitedCount
    // Some 4 million scores of single heads at a time.
    let rowsPerBlock = max(1, (4 << 20) / (sizes.heads * max(1, blocks.shape[0])))
    while next < count {
      let range = next..<min(count, next + rowsPerBlock)
      let scores = try LightningIndexer.scores(
        queries.rows(range), keys: blocks, weights: weights.rows(range), sizes, cancellation)
      for (row, query) in range.enumerated() {
        let visible = scores.rows(row..<row + 1).slice(
          axis: 1, 0..<selection.available(to: query))
        selection.append(visible.largestPerRow(sizes.selectedKeys)[0].map(\.index))
      }
      next = range.upperBound
    }
    return selection
  }
}
