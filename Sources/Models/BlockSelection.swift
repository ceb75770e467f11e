public import Tensors

/// The blocks of earlier tokens that each query of a layer sees, chosen by an indexer among the whole blocks that end at
/// its own token or before.
public struct BlockSelection: Sendable {
  /// How many blocks a query sees at most.
  public let limit: Int
  /// How many tokens make a block.
  public let rate: Int
  /// How many queries there are.
  public let queryCount: Int
  /// The position of the first query.
  let first: Int
  /// The blocks of the queries that have more than `limit` to choose from, `limit` of each in rising order.
  private var chosen: [Int32] = []

  init(limit: Int, rate: Int, queryCount: Int, first: Int) {
    self.limit = limit
    self.rate = rate
    self.queryCount = queryCount
    self.first = first
  }

  /// How many whole blocks end at a query's token or before.
  func available(to query: Int) -> Int { (first + query + 1) / rate }

  /// How many queries, from the first, see every block before them.
  var unlimitedCount: Int {
    // The first query with one block more than the limit.
    max(0, min((limit + 1) * rate - 1 - first, queryCount))
  }

  /// Adds the blocks of the next query that has a choice, as many as `limit`.
  mutating func append(_ blocks: [Int]) {
    chosen.append(contentsOf: blocks.sorted().map { Int32($0) })
  }

  /// The blocks that a query sees, in rising order.
  ///
  /// Precondition: there is such a query.
  public func blocks(of query: Int) -> [Int] {
    precondition((0..<queryCount).contains(query), "query \(query) of \(queryCount)")
    if query < unlimitedCount { return Array(0..<available(to: query)) }
    let start = (query - unlimitedCount) * limit
    return chosen[start..<start + limit].map { Int($0) }
  }

  /// 1 where a query sees a block, otherwise 0, `[queries, blocks]`.
  public func mask() -> Tensor {
    let count = (first + queryCount) / rate
    var floats = [Float](repeating: 0, count: queryCount * count)
    for query in 0..<queryCount {
      for block in blocks(of: query) { floats[query * count + block] = 1 }
    }
    return Tensor(shape: [queryCount, count], floats)
  }

  /// The bytes of the kept choices.
  public var byteCount: Int { chosen.count * MemoryLayout<Int32>.size }

  /// The bytes of the choices of so many tokens.
  static func byteCount(tokens: Int, rate: Int, limit: Int) -> Int {
    let empty = BlockSelection(limit: limit, rate: rate, queryCount: tokens, first: 0)
    return (tokens - empty.unlimitedCount) * limit * MemoryLayout<Int32>.size
  }
}
