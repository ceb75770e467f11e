import Tensors
import Testing

/// Maps agree with double precision to 1e-6, outputs (means of values below 1) too.
@Suite struct AttentionTests {
  struct Case: Sendable, CustomStringConvertible {
    let queries: Int
    let keys: Int
    let heads: Int
    let keyValueHeads: Int
    let dimension: Int
    let valueDimension: Int
    let causal: Bool
    let isMasked: Bool

    var description: String {
      "\(queries)x\(keys) heads \(heads)/\(keyValueHeads) d \(dimension)/\(valueDimension) causal \(causal) mask \(isMasked)"
    }
  }

  static let cases: [Case] = [
    Case(
      queries: 1, keys: 1, heads: 1, keyValueHeads: 1, dimension: 1, valueDimension: 1,
      causal: true, isMasked: false),
    Case(
      queries: 1, keys: 65, heads: 4, keyValueHeads: 2, dimension: 17, valueDimension: 33,
      causal: true, isMasked: true),
    Case(
      queries: 3, keys: 33, heads: 9, keyValueHeads: 1, dimension: 16, valueDimension: 8,
      causal: true, isMasked: false),
    Case(
      queries: 4, keys: 3, heads: 2, keyValueHeads: 2, dimension: 8, valueDimension: 8,
      causal: true, isMasked: false),
    Case(
      queries: 5, keys: 5, heads: 3, keyValueHeads: 3, dimension: 3, valueDimension: 5,
      causal: true, isMasked: true),
    Case(
      queries: 17, keys: 17, heads: 2, keyValueHeads: 1, dimension: 64, valueDimension: 64,
      causal: true, isMasked: false),
    Case(
      queries: 33, keys: 65, heads: 2, keyValueHeads: 2, dimension: 33, valueDimension: 17,
      causal: true, isMasked: true),
    Case(
      queries: 65, keys: 33, heads: 2, keyValueHeads: 2, dimension: 24, valueDimension: 16,
      causal: false, isMasked: true),
    Case(
      queries: 40, keys: 20, heads: 1, keyValueHeads: 1, dimension: 16, valueDimension: 16,
      causal: true, isMasked: false),
    Case(
      queries: 300, keys: 300, heads: 2, keyValueHeads: 1, dimension: 32, valueDimension: 40,
      causal: true, isMasked: false),
    Case(
      queries: 97, keys: 530, heads: 2, keyValueHeads: 2, dimension: 16, valueDimension: 33,
      causal: false, isMasked: true),
  ]

  @Test(arguments: cases)
  func agreesWithDoublePrecision(_ item: Case) throws {
    var numbers = SeededNumbers(UInt64(item.queries * 7 + item.keys))
    let queries = numbers.tensor(item.queries, item.heads * item.dimension, scale: 3)
    let keys = numbers.tensor(item.keys, item.keyValueHeads * item.dimension)
    let values = numbers.tensor(item.keys, item.keyValueHeads * item.valueDimension)
    // The first two keys are hidden, so that a causal query may see none.
    let mask = item.isMasked ? (0..<item.keys).map { $0 > 1 && $0 % 3 != 0 } : nil
    let scale = 1 / Double(item.dimension).squareRoot()
    let expected = referenceAttention(
      queries.floats, keys.floats, values.floats, heads: item.heads,
      keyValueHeads: item.keyValueHeads, dimension: item.dimension,
      valueDimension: item.valueDimension, queryCount: item.queries, keyCount: item.keys,
      scale: scale, causal: item.causal, keyMask: mask)
    let maps = (0..<item.heads).map { head in
      referenceMap(
        queries.floats, keys.floats, head: head, heads: item.heads,
        keyValueHeads: item.keyValueHeads, dimension: item.dimension, queryCount: item.queries,
        keyCount: item.keys, scale: scale, causal: item.causal, keyMask: mask)
    }
    try onEachInstructionSet { set in
      let output = try attention(
        queries: queries, keys: keys, values: values, heads: item.heads,
        keyValueHeads: item.keyValueHeads, scale: Float(scale), causal: item.causal, keyMask: mask)
      #expect(output.shape == [item.queries, item.heads * item.valueDimension])
      #expect(largestDifference(output.floats, expected) <= 1e-6, "\(set)")
      for head in 0..<item.heads {
        let map = try attentionMap(
          queries: queries, keys: keys, head: head, heads: item.heads,
          keyValueHeads: item.keyValueHeads, scale: Float(scale), causal: item.causal,
          keyMask: mask)
        #expect(largestDifference(map.floats, maps[head]) <= 1e-6, "\(set) head \(head)")
      }
      let all = try attentionMaps(
        queries: queries, keys: keys, headRange: 0..<item.heads, heads: item.heads,
        keyValueHeads: item.keyValueHeads, scale: Float(scale), causal: item.causal, keyMask: mask)
      #expect(largestDifference(all.floats, maps.flatMap { $0 }) <= 1e-6, "\(set)")
      let mean = try reducedAttentionMap(
        queries: queries, keys: keys, heads: item.heads, keyValueHeads: item.keyValueHeads,
        scale: Float(scale), causal: item.causal, keyMask: mask, reduction: .mean)
      let largest = try reducedAttentionMap(
        queries: queries, keys: keys, heads: item.heads, keyValueHeads: item.keyValueHeads,
        scale: Float(scale), causal: item.causal, keyMask: mask, reduction: .max)
      let places = maps[0].indices
      let meanExpected = places.map { i in maps.reduce(0) { $0 + $1[i] } / Double(item.heads) }
      let maxExpected = places.map { i in maps.reduce(0) { max($0, $1[i]) } }
      #expect(largestDifference(mean.floats, meanExpected) <= 1e-6, "\(set)")
      #expect(largestDifference(largest.floats, maxExpected) <= 1e-6, "\(set)")
    }
  }

  /// Scores of several hundred: their rounding moves probabilities by up to 1e-3, and nothing overflows.
  @Test(arguments: [2, 40, 600]) func hugeScoresDoNotOverflow(tokens: Int) throws {
    var numbers = SeededNumbers(21)
    let queries = numbers.tensor(tokens, 16, scale: 30)
    let keys = numbers.tensor(tokens, 16, scale: 30)
    let values = numbers.tensor(tokens, 8)
    let expected = referenceAttention(
      queries.floats, keys.floats, values.floats, heads: 1, keyValueHeads: 1, dimension: 16,
      valueDimension: 8, queryCount: tokens, keyCount: tokens, scale: 0.25, causal: true,
      keyMask: nil)
    try onEachInstructionSet { set in
      let output = try attention(
        queries: queries, keys: keys, values: values, heads: 1, keyValueHeads: 1, scale: 0.25,
        causal: true)
      #expect(largestDifference(output.floats, expected) <= 1e-3, "\(set)")
    }
  }

  @Test func longContextsAgreeWithDoublePrecision() throws {
    var numbers = SeededNumbers(22)
    let (tokens, last) = (4099, 3)
    let queries = numbers.tensor(tokens, 8, scale: 4)
    let keys = numbers.tensor(tokens, 8)
    let values = numbers.tensor(tokens, 8)
    let expected = referenceAttention(
      queries.rows((tokens - last)..<tokens).floats, keys.floats, values.floats, heads: 1,
      keyValueHeads: 1, dimension: 8, valueDimension: 8, queryCount: last, keyCount: tokens,
      scale: 0.35, causal: true, keyMask: nil)
    let output = try attention(
      queries: queries, keys: keys, values: values, heads: 1, keyValueHeads: 1, scale: 0.35,
      causal: true)
    #expect(
      largestDifference(output.rows((tokens - last)..<tokens).floats, expected) <= 1e-6)
    let decoded = try attention(
      queries: queries.rows((tokens - last)..<tokens), keys: keys, values: values, heads: 1,
      keyValueHeads: 1, scale: 0.35, causal: true)
    #expect(largestDifference(decoded.floats, expected) <= 1e-6)
  }
}
