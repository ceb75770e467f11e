import Tensors

/// The sizes of an indexer.
struct IndexerSizes: Sendable, Equatable {
  var heads: Int
  var headDimension: Int
  /// How many keys a query gets.
  var selectedKeys: Int
}

/// The lightning indexer of sparse attention: many small heads with one key each decide which keys a
/// query's attention sees.
///
/// A key's score is `Σ_h weight_h · heads^-½ · relu(query_h · key · dimension^-½)`. DeepSeek-AI 2025,
/// “DeepSeek-V3.2-Exp”, section 1. Reduced precision and the rotation that serves it are left out:
/// neither changes the scores.
struct LightningIndexer: Sendable {
  private let sizes: IndexerSizes
  /// How many keys a query gets.
  var selectedKeys: Int { sizes.selectedKeys }
  private let query: Linear
  private let key: Linear
  private let keyNorm: LayerNorm
  private let weight: Linear

  /// Reads `name.wq_b`, `name.wk`, `name.k_norm` and `name.weights_proj`.
  init(
    _ name: String, width: Int, queryWidth: Int, sizes: IndexerSizes, layer: Int,
    weights: inout WeightReader
  ) throws(ModelError) {
    self.sizes = sizes
    func map(
      _ suffix: String, from input: Int, to output: Int, _ weights: inout WeightReader
    ) throws(ModelError) -> Linear {
      try Linear(
        name + suffix, from: input, to: output, hasBias: false, part: .indexer, layer: layer,
        weights: &weights)
    }
    query = try map(".wq_b", from: queryWidth, to: sizes.heads * sizes.headDimension, &weights)
    key = try map(".wk", from: width, to: sizes.headDimension, &weights)
    keyNorm = try LayerNorm(
      name + ".k_norm", width: sizes.headDimension, epsilon: 1e-6, layer: layer, weights: &weights)
    weight = try map(".weights_proj", from: width, to: sizes.heads, &weights)
  }

  /// Queries `[rows, heads × headDimension]` and keys `[rows, headDimension]`, turned by position,
  /// and the heads' weights `[rows, heads]`.
  func prepare(
    _ normed: Tensor, queryLatents: Tensor, constants: RunConstants, first: Int,
    _ cancellation: Cancellation?
  ) throws -> [Tensor] {
    // Unlike the attention, the indexer turns the pairs (i, i + d/2), at the start of each head.
    [
      constants.turned(
        try query(queryLatents, cancellation), heads: sizes.heads, style: .halfRotate,
        first: first),
      constants.turned(
        keyNorm(try key(normed, cancellation)), heads: 1, style: .halfRotate, first: first),
      try weight(normed, cancellation),
    ]
  }

  /// The keys with the highest scores for each query; of equal ones the earlier.
  ///
  /// The last query stands at the last key.
  func select(
    queries: Tensor, keys: Tensor, weights: Tensor, cancellation: Cancellation?
  ) throws -> KeySelection {
    let (count, tokens) = (queries.shape[0], keys.shape[0])
    let first = tokens - count
    var selection = KeySelection(limit: sizes.selectedKeys, queryCount: count, first: first)
    var next = selection.unlimitedCount
    // Some 4 million scores of single heads at a time.
    let rowsPerBlock = max(1, (4 << 20) / (sizes.heads * tokens))
    while next < count {
      let range = next..<min(count, next + rowsPerBlock)
      let scores = try Self.scores(
        queries.rows(range), keys: keys, weights: weights.rows(range), sizes, cancellation)
      for (row, query) in range.enumerated() {
        let visible = scores.rows(row..<row + 1).slice(axis: 1, 0..<first + query + 1)
        selection.append(visible.largestPerRow(sizes.selectedKeys)[0].map(\.index))
      }
      next = range.upperBound
    }
    return selection
  }

  /// The scores of all keys for some queries, `[queries, keys]`.
  static func scores(
    _ queries: Tensor, keys: Tensor, weights: Tensor, _ sizes: IndexerSizes,
    _ cancellation: Cancellation?
  ) throws -> Tensor {
    let count = queries.shape[0]
    var products = try linear(
      queries.reshaped([count * sizes.heads, sizes.headDimension]), weight: keys, bias: nil,
      cancellation: cancellation)
    products.scale(by: 1 / Float(sizes.headDimension).squareRoot())
    products = products.combined(with: 0, .maximum)
    var factors = weights
    factors.scale(by: 1 / Float(sizes.heads).squareRoot())
    var result = Tensor(zeros: [count, keys.shape[0]])
    for row in 0..<count {
      let heads = row * sizes.heads..<(row + 1) * sizes.heads
      try result.replaceRows(
        startingAt: row,
        with: matrixProduct(
          factors.rows(row..<row + 1), products.rows(heads), cancellation: cancellation))
    }
    return result
  }
}
