public import Tensors

/// The keys that each query of a layer sees, chosen by an indexer among the tokens up to its own.
public struct KeySelection: Sendable {
  /// How many keys a query sees at most; the first queries, which have no more, see all.
  public let limit: Int
  /// How many queries there are.
  public let queryCount: Int
  /// The position of the first query.
  let first: Int
  /// The keys of the queries from `limit` on, `limit` of each in rising order.
  private var chosen: [Int32] = []

  /// Makes a selection in which only the first `limit` queries have their keys yet.
  init(limit: Int, queryCount: Int, first: Int = 0) {
    self.limit = limit
    self.queryCount = queryCount
    self.first = first
    chosen.reserveCapacity((queryCount - unlimitedCount) * limit)
  }

  /// Adds the keys of the next query, as many as `limit`.
  mutating func append(_ keys: [Int]) {
    chosen.append(contentsOf: keys.sorted().map { Int32($0) })
  }

  /// How many queries, from the first, see every key up to their own.
  var unlimitedCount: Int { max(0, min(limit - first, queryCount)) }

  /// How many keys there are.
  private var keyCount: Int { first + queryCount }

  /// The bytes of the kept choices.
  public var byteCount: Int { chosen.count * MemoryLayout<Int32>.size }

  /// The positions of the keys that a query sees, in rising order.
  ///
  /// Precondition: there is such a query.
  public func keys(of query: Int) -> [Int] {
    precondition((0..<queryCount).contains(query), "query \(query) of \(queryCount)")
    if query < unlimitedCount { return Array(0...first + query) }
    let start = (query - unlimitedCount) * limit
    return chosen[start..<start + limit].map { Int($0) }
  }

  /// Queries that see the same keys.
  struct Part {
    let queries: Range<Int>
    let keys: [Int]
    /// Whether each query sees the keys up to its own, the last query all.
    let isCausal: Bool

    /// The same among queries and keys before which so many others come.
    func moved(queries before: Int, keys keysBefore: Int) -> Part {
      if before == 0, keysBefore == 0 { return self }
      return Part(
        queries: queries.lowerBound + before..<queries.upperBound + before,
        keys: keys.map { $0 + keysBefore }, isCausal: isCausal)
    }
  }

  /// All queries in order: those that see every key up to their own together, the others one by one.
  var parts: [Part] {
    let unlimited = unlimitedCount
    var parts: [Part] = []
    if unlimited > 0 {
      parts.append(
        Part(queries: 0..<unlimited, keys: Array(0..<first + unlimited), isCausal: true))
    }
    for query in unlimited..<queryCount {
      parts.append(Part(queries: query..<query + 1, keys: keys(of: query), isCausal: false))
    }
    return parts
  }

  /// 1 where a query sees a key, otherwise 0, `[queries, keys]`.
  public func mask() -> Tensor {
    var floats = [Float](repeating: 0, count: queryCount * keyCount)
    for query in 0..<queryCount {
      for key in keys(of: query) { floats[query * keyCount + key] = 1 }
    }
    return Tensor(shape: [queryCount, keyCount], floats)
  }

  /// Attention over the chosen keys alone, `[queries, heads × valueDimension]`.
  ///
  /// The work grows with queries × `limit`.
  func attention(
    queries: Tensor, keys: Tensor, values: Tensor, heads: Int, keyValueHeads: Int, scale: Float,
    cancellation: Cancellation?
  ) throws -> Tensor {
    var result = Tensor(
      zeros: [queryCount, heads * (values.shape[1] / keyValueHeads)])
    for part in parts {
      try result.replaceRows(
        startingAt: part.queries.lowerBound,
        with: Tensors.attention(
          queries: queries.rows(part.queries), keys: keys.gatheringRows(part.keys),
          values: values.gatheringRows(part.keys), heads: heads, keyValueHeads: keyValueHeads,
          scale: scale, causal: part.isCausal, keyMask: nil, cancellation: cancellation))
    }
    return result
  }

  /// The maps of heads with keys of their own, `[heads, queries, keys]`: 0 at keys that weren't
  /// chosen.
  func maps(
    queries: Tensor, keys: Tensor, heads: Int, scale: Float, cancellation: Cancellation?
  ) throws -> Tensor {
    var result = Tensor(zeros: [heads * queryCount, queryCount])
    var line = [Float](repeating: 0, count: queryCount)
    for query in 0..<queryCount {
      let places = self.keys(of: query)
      let rows = try Tensors.attentionMaps(
        queries: queries.rows(query..<query + 1), keys: keys.gatheringRows(places),
        headRange: 0..<heads, heads: heads, keyValueHeads: heads, scale: scale, causal: false,
        keyMask: nil, cancellation: cancellation
      ).floats
      for head in 0..<heads {
        for (index, key) in places.enumerated() { line[key] = rows[head * places.count + index] }
        try result.replaceRows(
          startingAt: head * queryCount + query, with: Tensor(shape: [1, queryCount], line))
      }
      for key in places { line[key] = 0 }
    }
    return result.reshaped([heads, queryCount, queryCount])
  }
}
