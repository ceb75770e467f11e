import Tensors

/// How weights come of queries and keys where the model's scale and mask alone don't say it.
protocol AttentionMixing: Sendable {
  /// The maps of some heads, `[heads, queries, keys]`.
  func maps(
    queries: Tensor, keys: Tensor, heads: Range<Int>, cancellation: Cancellation?
  ) throws -> Tensor

  /// The bytes of what it keeps.
  var byteCount: Int { get }
}

/// Attention to the last tokens one by one, to blocks of earlier ones, and to a sink, which takes its share of the weights
/// and gives nothing.
///
/// All heads share one key per token or block, which is its value too. DeepSeek-AI 2026, “DeepSeek-V4”, section 2.3;
/// sinks: Xiao et al. 2023, arXiv:2309.17453, learned as in gpt-oss.
struct WindowedAttention: AttentionMixing {
  let heads: Int
  let window: Int
  let scale: Float
  /// The score of each head's sink.
  let sinks: [Float]
  /// The keys of the blocks, `[blocks, dimension]`, and how many tokens make one; `nil` where there are none.
  var blocks: (keys: Tensor, rate: Int)?
  /// The blocks that each query sees, or `nil` where it sees all that end at its token or before.
  var selection: BlockSelection?

  /// Which keys maps are of.
  enum Keys { case tokens, blocks, all }

  var blockCount: Int { blocks?.keys.shape[0] ?? 0 }

  var byteCount: Int { (blocks?.keys.byteCount ?? 0) + (selection?.byteCount ?? 0) }

  /// Successive queries, the tokens that any of them sees, and how many blocks.
  private struct Part {
    let queries: Range<Int>
    let tokens: Range<Int>
    let blocks: Int
  }

  /// The parts of some queries, the last of which stands at the last key, each of some 4 million scores at most.
  private func parts(queries count: Int, keys: Int, heads: Int) -> [Part] {
    let first = keys - count
    let widest = window + Self.mostRows + blockCount
    let size = max(1, min(Self.mostRows, (4 << 20) / (heads * widest)))
    return stride(from: 0, to: count, by: size).map { start in
      let queries = start..<min(count, start + size)
      let end = first + queries.upperBound
      return Part(
        queries: queries, tokens: max(0, first + start + 1 - window)..<end,
        blocks: blocks.map { end / $0.rate } ?? 0)
    }
  }

  private static let mostRows = 96

  /// The keys that a part sees, tokens before blocks.
  private func keys(of part: Part, _ keys: Tensor) throws -> Tensor {
    guard let blocks, part.blocks > 0 else { return keys.rows(part.tokens) }
    return try Tensor.concatenated(
      [keys.rows(part.tokens), blocks.keys.rows(0..<part.blocks)], axis: 0)
  }

  /// The weights of a part, `[queries × heads, tokens + blocks]`, from its queries `[queries × heads, dimension]`.
  private func weights(
    _ queries: Tensor, _ part: Part, seen: Tensor, first: Int, heads range: Range<Int>,
    _ cancellation: Cancellation?
  ) throws -> Tensor {
    var scores = try linear(queries, weight: seen, bias: nil, cancellation: cancellation)
    scores.scale(by: scale)
    let (count, width) = (range.count, seen.shape[0])
    let known = scores.floats
    // The sink is one more key in the sum of the softmax.
    var floats = [Float](repeating: -.infinity, count: part.queries.count * count * (width + 1))
    for (row, query) in part.queries.enumerated() {
      let own = first + query
      let tokens =
        max(0, own + 1 - window) - part.tokens.lowerBound..<own + 1 - part.tokens.lowerBound
      let visible =
        selection?.blocks(of: query) ?? Array(0..<(blocks.map { (own + 1) / $0.rate } ?? 0))
      for (place, head) in range.enumerated() {
        let (source, target) = ((row * count + place) * width, (row * count + place) * (width + 1))
        for token in tokens { floats[target + token] = known[source + token] }
        for block in visible {
          let column = part.tokens.count + block
          floats[target + column] = known[source + column]
        }
        floats[target + width] = sinks[head]
      }
    }
    return softmax(Tensor(shape: [part.queries.count * count, width + 1], floats))
      .slice(axis: 1, 0..<width)
  }

  /// What the heads gather, `[queries, heads × dimension]`.
  func callAsFunction(
    queries: Tensor, keys: Tensor, cancellation: Cancellation?
  ) throws -> Tensor {
    let (count, dimension) = (queries.shape[0], keys.shape[1])
    var result = Tensor(zeros: queries.shape)
    for part in parts(queries: count, keys: keys.shape[0], heads: heads) {
      try cancellation?.check()
      let seen = try self.keys(of: part, keys)
      let weights = try weights(
        queries.rows(part.queries).reshaped([part.queries.count * heads, dimension]), part,
        seen: seen, first: keys.shape[0] - count, heads: 0..<heads, cancellation)
      let gathered = try matrixProduct(weights, seen, cancellation: cancellation)
      try result.replaceRows(
        startingAt: part.queries.lowerBound,
        with: gathered.reshaped([part.queries.count, heads * dimension]))
    }
    return result
  }

  func maps(
    queries: Tensor, keys: Tensor, heads range: Range<Int>, cancellation: Cancellation?
  ) throws -> Tensor {
    try maps(of: .tokens, queries: queries, keys: keys, heads: range, cancellation: cancellation)
  }

  /// The maps of some heads, `[heads, queries, tokens]`, `[heads, queries, blocks]`, or both side by side.
  func maps(
    of wanted: Keys, queries: Tensor, keys: Tensor, heads range: Range<Int>,
    cancellation: Cancellation?
  ) throws -> Tensor {
    let (count, tokens, dimension) = (queries.shape[0], keys.shape[0], keys.shape[1])
    let blocksFrom = wanted == .all ? tokens : 0
    let width = wanted == .tokens ? tokens : blocksFrom + blockCount
    let own = queries.reshaped([count, heads, dimension]).slice(axis: 1, range)
    var result = [Float](repeating: 0, count: range.count * count * width)
    for part in parts(queries: count, keys: tokens, heads: range.count) {
      try cancellation?.check()
      let seen = try self.keys(of: part, keys)
      let weights = try weights(
        own.rows(part.queries).reshaped([part.queries.count * range.count, dimension]), part,
        seen: seen, first: tokens - count, heads: range, cancellation
      ).floats
      for (row, query) in part.queries.enumerated() {
        for head in 0..<range.count {
          let source = (row * range.count + head) * seen.shape[0]
          let target = (head * count + query) * width
          if wanted != .blocks {
            for (place, token) in part.tokens.enumerated() {
              result[target + token] = weights[source + place]
            }
          }
          if wanted != .tokens {
            for block in 0..<part.blocks {
              result[target + blocksFrom + block] = weights[source + part.tokens.count + block]
            }
          }
        }
      }
    }
    return Tensor(shape: [range.count, count, width], result)
  }
}
