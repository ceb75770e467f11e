import Glibc
import Tensors
import Testing

/// Attention's derivatives agree with the closed form in double precision to 2e-6 of the largest (at least 1), and that
/// form with central differences to 1e-8.
@Suite struct AttentionDerivativeTests {
  static let cases: [AttentionTests.Case] =
    AttentionTests.cases + [
      AttentionTests.Case(
        queries: 131, keys: 259, heads: 4, keyValueHeads: 2, dimension: 12, valueDimension: 20,
        causal: true, isMasked: false),
      AttentionTests.Case(
        queries: 200, keys: 200, heads: 6, keyValueHeads: 2, dimension: 5, valueDimension: 7,
        causal: true, isMasked: true),
    ]

  private struct Input {
    let queries: Tensor
    let keys: Tensor
    let values: Tensor
    let slope: Tensor
    let mask: [Bool]?
    let reference: ReferenceAttention
    let item: AttentionTests.Case

    init(_ item: AttentionTests.Case) {
      self.item = item
      var numbers = SeededNumbers(UInt64(item.queries * 11 + item.keys))
      queries = numbers.tensor(item.queries, item.heads * item.dimension, scale: 3)
      keys = numbers.tensor(item.keys, item.keyValueHeads * item.dimension)
      values = numbers.tensor(item.keys, item.keyValueHeads * item.valueDimension)
      slope = numbers.tensor(item.queries, item.heads * item.valueDimension)
      // The first two keys are hidden, so that a causal query may see none.
      mask = item.isMasked ? (0..<item.keys).map { $0 > 1 && $0 % 3 != 0 } : nil
      reference = ReferenceAttention(
        heads: item.heads, keyValueHeads: item.keyValueHeads, dimension: item.dimension,
        valueDimension: item.valueDimension, queryCount: item.queries, keyCount: item.keys,
        scale: 1 / Double(item.dimension).squareRoot(), causal: item.causal, keyMask: mask)
    }

    func run(_ cancellation: Cancellation? = nil) throws -> (AttentionGradient, Tensor) {
      let scale = Float(reference.scale)
      let (output, sums) = try attentionWithLogSumExp(
        queries: queries, keys: keys, values: values, heads: item.heads,
        keyValueHeads: item.keyValueHeads, scale: scale, causal: item.causal, keyMask: mask)
      return (
        try attentionGradient(
          slope, queries: queries, keys: keys, values: values, output: output, logSumExp: sums,
          heads: item.heads, keyValueHeads: item.keyValueHeads, scale: scale, causal: item.causal,
          keyMask: mask, cancellation: cancellation), output
      )
    }
  }

  @Test(arguments: cases) func agreesWithDoublePrecision(_ item: AttentionTests.Case) throws {
    let input = Input(item)
    let expected = input.reference.gradient(
      input.slope.doubles, input.queries.doubles, input.keys.doubles, input.values.doubles)
    try onEachInstructionSet { set in
      let (gradient, output) = try input.run()
      let plain = try attention(
        queries: input.queries, keys: input.keys, values: input.values, heads: item.heads,
        keyValueHeads: item.keyValueHeads, scale: Float(input.reference.scale),
        causal: item.causal, keyMask: input.mask)
      #expect(output.bytes == plain.bytes, "\(set)")
      for (name, computed, wanted) in [
        ("queries", gradient.queries, expected.queries), ("keys", gradient.keys, expected.keys),
        ("values", gradient.values, expected.values),
      ] {
        let difference = largestDifference(computed.floats, wanted)
        #expect(difference <= 2e-6 * magnitude(wanted), "\(set) \(name)")
      }
    }
  }

  @Test(arguments: cases.filter { $0.queries * $0.keys <= 100 })
  func theClosedFormAgreesWithDifferences(_ item: AttentionTests.Case) {
    let input = Input(item)
    let (q, k, v) = (input.queries.doubles, input.keys.doubles, input.values.doubles)
    let slope = input.slope.doubles
    let form = input.reference.gradient(slope, q, k, v)
    let all = centralDifferences(q + k + v) { moved in
      let keys = Array(moved[q.count..<q.count + k.count])
      return dot(
        slope,
        input.reference.output(
          Array(moved[..<q.count]), keys, Array(moved[(q.count + k.count)...])))
    }
    let difference = zip(form.queries + form.keys + form.values, all).reduce(0.0) {
      max($0, abs($1.0 - $1.1))
    }
    #expect(difference <= 1e-8)
  }

  @Test func hugeScoresDoNotOverflow() throws {
    var numbers = SeededNumbers(31)
    let queries = numbers.tensor(40, 16, scale: 60)
    let keys = numbers.tensor(40, 16, scale: 60)
    let values = numbers.tensor(40, 8)
    let (output, sums) = try attentionWithLogSumExp(
      queries: queries, keys: keys, values: values, heads: 1, keyValueHeads: 1, scale: 0.25,
      causal: true)
    let gradient = try attentionGradient(
      numbers.tensor(40, 8), queries: queries, keys: keys, values: values, output: output,
      logSumExp: sums, heads: 1, keyValueHeads: 1, scale: 0.25, causal: true)
    for part in [gradient.queries, gradient.keys, gradient.values] {
      #expect(part.floats.allSatisfy { $0.isFinite && abs($0) < 1_000 })
    }
  }

  @Test func theNumberOfThreadsDoesNotShow() throws {
    let input = Input(Self.cases[Self.cases.count - 2])
    var numbers = SeededNumbers(77)
    let slope = numbers.tensor(150, 130)
    let weight = numbers.tensor(130, 170).converted(to: .bfloat16)
    let x = numbers.tensor(150, 130)
    func everything() throws -> [[UInt8]] {
      let (gradient, _) = try input.run()
      let gated = gatedGradient(slope, gate: x, up: slope)
      return [
        gradient.queries, gradient.keys, gradient.values,
        try linearInputGradient(slope, weight: weight),
        try linearInputGradient(slope, weight: weight, precision: .bfloat16),
        rmsNormGradient(slope, input: x, weight: nil, epsilon: 1e-5),
        layerNormGradient(slope, input: x, weight: nil, epsilon: 1e-5),
        geluGradient(slope, input: x), gated.gate, gated.up,
      ].map(\.bytes)
    }
    let expected = try Compute.with(pool: ThreadPool(threadCount: 1)) { try everything() }
    for count in [2, 3, 8] {
      let found = try Compute.with(pool: ThreadPool(threadCount: count)) { try everything() }
      #expect(found == expected, "\(count) threads")
    }
  }

  @Test func aCancelledDerivativeThrows() throws {
    let input = Input(Self.cases[5])
    let cancellation = Cancellation()
    cancellation.cancel()
    #expect(throws: Cancelled.self) { try input.run(cancellation) }
    #expect(throws: Cancelled.self) {
      try linearInputGradient(
        Tensor(zeros: [2, 3]), weight: Tensor(zeros: [3, 4]), cancellation: cancellation)
    }
  }
}
