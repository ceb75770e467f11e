import Glibc
import Tensors

/// What attention adds to its scores by how far a key lies from its query: one learned number for
/// each head and bucket of distances, the same in all layers.
///
/// Raffel et al. 2019, arXiv:1910.10683, section 2.1. Half of the buckets are single distances, the
/// others grow with the logarithm; with it scores aren't scaled.
struct RelativeBias: Sendable {
  /// Bias by head and bucket, `[heads, buckets]`.
  private let table: [Float]
  private let buckets: Int
  private let farthest: Int
  /// Whether keys behind their query count too, in buckets of their own; else they aren't seen.
  let isBidirectional: Bool

  /// Takes the weight `[buckets, heads]`.
  init(_ weight: Tensor, farthest: Int, isBidirectional: Bool) {
    table = weight.converted(to: .float32).transposed().floats
    buckets = weight.shape[0]
    self.farthest = farthest
    self.isBidirectional = isBidirectional
  }

  /// The bucket of a key that lies so many places behind its query (before it where negative).
  func bucket(_ offset: Int) -> Int {
    let count = isBidirectional ? buckets / 2 : buckets
    let first = isBidirectional && offset > 0 ? count : 0
    let distance = isBidirectional ? abs(offset) : max(0, -offset)
    let exact = count / 2
    if distance < exact { return first + distance }
    // In single precision, as the reference computes: its borders lie where that rounds.
    let share = logf(Float(distance) / Float(exact)) / Float(log(Double(farthest) / Double(exact)))
    return first + min(exact + Int(share * Float(count - exact)), count - 1)
  }

  /// What is added to the scores of one head, `[queries, keys]`, where the first of so many queries stands at the place
  /// `first`; also for keys that a query doesn't see.
  func values(head: Int, first: Int, _ queries: Int, _ keys: Int) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(queries * keys)
    for query in first..<first + queries {
      for key in 0..<keys { result.append(table[head * buckets + bucket(key - query)]) }
    }
    return result
  }

  /// The weights of one head, `[queries, keys]`, from its scores of some queries, the first of which stands
  /// at the place `first`.
  func weights(_ scores: Tensor, head: Int, first: Int) -> Tensor {
    let (rows, keys) = (scores.shape[0], scores.shape[1])
    // The bias by the place of the key less that of the query, from the last query's view of the first key on.
    let last = first + rows - 1
    let line = (-last..<max(keys - first, 1 - last)).map {
      table[head * buckets + bucket($0)]
    }
    var floats = scores.floats
    for row in 0..<rows {
      let query = first + row
      for key in 0..<keys {
        let place = row * keys + key
        if !isBidirectional, key > query {
          floats[place] = -.infinity
        } else {
          floats[place] += line[key - query + last]
        }
      }
    }
    return softmax(Tensor(shape: [rows, keys], floats))
  }
}

/// Attention whose scores aren't scaled, with a bias by distance or none.
struct UnscaledAttention: AttentionMixing {
  let heads: Int
  let dimension: Int
  /// `nil` where queries and keys are of different texts.
  let bias: RelativeBias?
  /// The model's own bias is no part of a trace.
  var byteCount: Int { 0 }

  func columns(_ x: Tensor, _ head: Int) -> Tensor {
    x.slice(axis: 1, head * dimension..<(head + 1) * dimension)
  }

  /// The weights of one head for some of the queries, `[rows, keys]`; the first query of all stands at the
  /// place `first`.
  func weights(
    _ queries: Tensor, _ keys: Tensor, _ head: Int, _ range: Range<Int>, first: Int,
    _ cancellation: Cancellation?
  ) throws -> Tensor {
    let scores = try linear(
      queries.rows(range), weight: keys, bias: nil, cancellation: cancellation)
    return bias?.weights(scores, head: head, first: first + range.lowerBound) ?? softmax(scores)
  }

  /// What the heads gather, `[queries, heads × dimension]`, where the first query stands at the place
  /// `first`; the weights of a block of queries and one head are in memory at a time.
  func callAsFunction(
    queries: Tensor, keys: Tensor, values: Tensor, first: Int = 0, cancellation: Cancellation?
  ) throws -> Tensor {
    let count = queries.shape[0]
    let gathered = try (0..<heads).map { head in
      let (q, k) = (columns(queries, head), columns(keys, head))
      let v = columns(values, head).transposed()
      return try RowBlocks.map(count, cancellation: cancellation) { range in
        try linear(
          try weights(q, k, head, range, first: first, cancellation), weight: v, bias: nil,
          cancellation: cancellation)
      }
    }
    return try Tensor.concatenated(gathered, axis: 1)
  }

  /// The maps of some heads, `[heads, queries, keys]`.
  func maps(
    queries: Tensor, keys: Tensor, heads range: Range<Int>, cancellation: Cancellation?
  ) throws -> Tensor {
    let count = queries.shape[0]
    let maps = try range.map { head in
      let (q, k) = (columns(queries, head), columns(keys, head))
      return try RowBlocks.map(count, cancellation: cancellation) { rows in
        try weights(q, k, head, rows, first: 0, cancellation)
      }
    }
    return try Tensor.concatenated(maps, axis: 0).reshaped([range.count, count, keys.shape[0]])
  }
}
