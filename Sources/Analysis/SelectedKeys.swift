public import Models
public import Tensors

/// Which keys a layer's indexer let its queries see, and how much attention they would have given to the others.
///
/// DeepSeek-AI 2025, “DeepSeek-V3.2-Exp”. What is missed is the share of the same layer's attention without the selection,
/// from its own queries and keys: what the layers before would have written without theirs isn't asked.
public struct SelectedKeys: Sendable {
  /// The layer.
  public let layer: Int
  /// How many keys a query sees at most.
  public let limit: Int
  /// The keys that each query sees, in rising order.
  public let keys: [[Int]]
  /// The mean over the heads of the attention without the selection, `[queries, keys]`.
  public let dense: Tensor
  /// The share of each head's attention that lies on keys that weren't selected, `[heads, queries]`.
  public let missed: Tensor
  /// The least that any selection of as many keys would miss of the heads' mean, for each query.
  public let least: [Double]

  /// Reads a trace.
  ///
  /// - Throws: `ModelError` where there is no such layer or queries and keys weren't kept; `MissingPartError` where the
  ///   model has no indexer; `Cancelled`.
  public init(
    _ trace: Trace, layer: Int, cancellation: Cancellation? = nil,
    progress: (Double) -> Void = { _ in }
  ) throws {
    let selection = try trace.keySelection(layer)
    let heads = trace.model.configuration.heads
    let count = trace.ids.count
    let keys = (0..<count).map { selection.keys(of: $0) }
    try trace.requireMemory(maps: 2)
    var sums = [Double](repeating: 0, count: count * count)
    var missed: [Float] = []
    for head in 0..<heads {
      try cancellation?.check()
      let map = try trace.denseAttentionMaps(
        layer: layer, heads: head..<head + 1, cancellation: cancellation
      ).floats
      for place in map.indices { sums[place] += Double(map[place]) }
      for query in 0..<count {
        var isSelected = [Bool](repeating: false, count: query + 1)
        for key in keys[query] { isSelected[key] = true }
        let lost = (0...query).reduce(0.0) { sum, key in
          isSelected[key] ? sum : sum + Double(map[query * count + key])
        }
        missed.append(Float(lost))
      }
      progress(Double(head + 1) / Double(heads))
    }
    self.layer = layer
    limit = selection.limit
    self.keys = keys
    self.missed = Tensor(shape: [heads, count], missed)
    let means = sums.map { $0 / Double(heads) }
    dense = Tensor(shape: [count, count], means.map { Float($0) })
    least = (0..<count).map { query in
      let sorted = means[query * count...query * count + query].sorted()
      return sorted.dropLast(keys[query].count).reduce(0, +)
    }
  }

  /// What the heads' mean misses, for each query.
  public var missedByMean: [Double] {
    let heads = missed.shape[0]
    let rows = (0..<heads).map { missed.row($0) }
    return keys.indices.map { query in
      rows.reduce(0.0) { $0 + Double($1[query]) } / Double(heads)
    }
  }

  /// How many queries saw fewer keys than there were.
  public var limitedCount: Int { keys.enumerated().count { $0.element.count <= $0.offset } }
}
