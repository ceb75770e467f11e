import Glibc
import Synchronization
import Tensors
import Testing

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8]) func everyIndexIsGivenOnce(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    for count in [0, 1, 2, 7, 100, 1001] {
      for grain in [1, 3, 64] {
        let seen = Mutex([Int](repeating: 0, count: count))
        pool.parallel(count: count, grain: grain) { range in
          seen.withLock { for index in range { $0[index] += 1 } }
        }
        #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
      }
    }
  }

  @Test func regionsMayBeNestedAndConcurrent() {
    let pool = ThreadPool(threadCount: 3)
    let outside = ThreadPool(threadCount: 4)
    let total = Atomic<Int>(0)
    outside.parallel(count: 40) { range in
      for _ in range {
        pool.parallel(count: 50, grain: 7) { piece in
          pool.parallel(count: piece.count) { total.wrappingAdd($0.count, ordering: .relaxed) }
        }
      }
    }
    #expect(total.load(ordering: .relaxed) == 2000)
  }

  @Test func poolsEndWithTheirLastReference() {
    for _ in 0..<50 {
      let pool = ThreadPool(threadCount: 3)
      let total = Atomic<Int>(0)
      pool.parallel(count: 5) { total.wrappingAdd($0.count, ordering: .relaxed) }
      #expect(total.load(ordering: .relaxed) == 5)
    }
  }

  @Test func sleepingThreadsWake() {
    let pool = ThreadPool(threadCount: 2)
    for _ in 0..<5 {
      // Each of the two pieces waits for the other to begin: one thread alone would not end.
      let begun = Atomic<Int>(0)
      pool.parallel(count: 2) { _ in
        begun.wrappingAdd(1, ordering: .relaxed)
        while begun.load(ordering: .relaxed) < 2 { sched_yield() }
      }
      usleep(2000)
    }
  }

  @Test func resultsDoNotDependOnTheNumberOfThreads() throws {
    var numbers = SeededNumbers(11)
    let x = numbers.tensor(131, 130)
    let wide = numbers.tensor(300, 130)
    let one = numbers.tensor(1, 130)
    let q = numbers.tensor(130, 64)
    let k = numbers.tensor(130, 32)
    func results() throws -> [[UInt8]] {
      var all: [[UInt8]] = []
      for type in [ElementType.float32, .bfloat16, .float16, .float64] {
        let weight = wide.converted(to: type)
        for precision in ProductPrecision.allCases {
          all.append(try linear(x, weight: weight, precision: precision).bytes)
        }
        all.append(try linear(one, weight: weight).bytes)
      }
      all.append(try matrixProduct(x, wide.transposed()).bytes)
      all.append(
        try attention(
          queries: q, keys: k, values: k, heads: 4, keyValueHeads: 2, scale: 0.3, causal: true
        ).bytes)
      all.append(
        try attention(
          queries: q.rows(0..<2), keys: k, values: k, heads: 4, keyValueHeads: 2, scale: 0.3,
          causal: true
        ).bytes)
      all.append(
        try attentionMaps(
          queries: q, keys: k, headRange: 1..<4, heads: 4, keyValueHeads: 2, scale: 0.3,
          causal: true
        ).bytes)
      all.append(
        try reducedAttentionMap(
          queries: q, keys: k, heads: 4, keyValueHeads: 2, scale: 0.3, causal: true,
          reduction: .mean
        ).bytes)
      all += [softmax(x), rmsNorm(x, weight: nil, epsilon: 1e-6), gelu(x)].map(\.bytes)
      all.append(layerNorm(x, weight: nil, bias: nil, epsilon: 1e-6).bytes)
      all.append(x.reduced(.mean, axis: 0).bytes)
      return all
    }
    try onEachInstructionSet { set in
      let alone = try Compute.with(pool: ThreadPool(threadCount: 1)) { try results() }
      for threads in [2, 3] {
        let pool = ThreadPool(threadCount: threads)
        let together = try Compute.with(pool: pool) { try results() }
        #expect(together == alone, "\(set) \(threads)")
      }
    }
  }

  @Test func cancelledOperationsThrow() throws {
    let cancellation = Cancellation()
    let x = Tensor(repeating: 1, shape: [20, 20])
    _ = try linear(x, weight: x, cancellation: cancellation)
    cancellation.cancel()
    #expect(cancellation.isCancelled)
    for rows in [1, 20] {
      #expect(throws: Cancelled()) {
        try linear(x.rows(0..<rows), weight: x, cancellation: cancellation)
      }
      #expect(throws: Cancelled()) {
        try attention(
          queries: x.rows(0..<rows), keys: x, values: x, heads: 2, keyValueHeads: 2, scale: 1,
          causal: false, cancellation: cancellation)
      }
    }
    #expect(throws: Cancelled()) { try matrixProduct(x, x, cancellation: cancellation) }
    cancellation.reset()
    _ = try linear(x, weight: x, cancellation: cancellation)
  }
}
