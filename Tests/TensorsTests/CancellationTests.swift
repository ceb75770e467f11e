import Glibc
import Synchronization
import Testing

@testable import Tensors

/// An operation large enough to be interrupted in its middle, and how many multiplications or moved
/// numbers it comes to.
struct LongOperation: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let work: Int
  let run: @Sendable (Cancellation) throws -> Void

  init(_ name: String, work: Int, _ run: @escaping @Sendable (Cancellation) throws -> Void) {
    testDescription = name
    self.work = work
    self.run = run
  }
}

@Suite struct CancellationTests {
  static let x = Tensor(repeating: 0.5, shape: [600, 256])
  static let narrow = Tensor(repeating: 0.5, shape: [2_048, 64])

  static let operations = [
    LongOperation("linear of many rows", work: 600 * 256 * 2_048) {
      _ = try linear(
        x, weight: Tensor(repeating: 1, shape: [2_048, 256]), bias: Tensor(zeros: [2_048]),
        cancellation: $0)
    },
    LongOperation("linear of few rows", work: 8 * 256 * 4_096) {
      _ = try linear(
        x.rows(0..<8), weight: Tensor(repeating: 1, shape: [4_096, 256]), cancellation: $0)
    },
    LongOperation("matrixProduct", work: 600 * 256 * 2_048) {
      _ = try matrixProduct(x, Tensor(repeating: 1, shape: [256, 2_048]), cancellation: $0)
    },
    LongOperation("attention", work: 2 * 2_048 * 2_048 * 64) {
      _ = try attention(
        queries: narrow, keys: narrow, values: narrow, heads: 4, keyValueHeads: 4, scale: 1,
        causal: false, cancellation: $0)
    },
    LongOperation("attentionMaps", work: 4 * 2_048 * 2_048 * 16) {
      _ = try attentionMaps(
        queries: narrow, keys: narrow, headRange: 0..<4, heads: 4, keyValueHeads: 4, scale: 1,
        causal: true, cancellation: $0)
    },
    LongOperation("reducedAttentionMap", work: 4 * 2_048 * 2_048 * 16) {
      _ = try reducedAttentionMap(
        queries: narrow, keys: narrow, heads: 4, keyValueHeads: 4, scale: 1, causal: true,
        reduction: .max, cancellation: $0)
    },
    LongOperation("replaceRows", work: 4_096 * 1_024) {
      var target = Tensor(zeros: [8_192, 1_024])
      try target.replaceRows(
        startingAt: 7, with: Tensor(zeros: [4_096, 1_024]), cancellation: $0)
    },
    LongOperation("combine", work: 4_096 * 1_024) {
      var target = Tensor(zeros: [4_096, 1_024])
      try target.combine(.add, with: Tensor(zeros: [4_096, 1_024]), cancellation: $0)
    },
  ]

  /// A look for at least every 100 million multiplications, or million moved numbers.
  ///
  /// With the slowest kernels that is some 20 ms.
  @Test(arguments: operations)
  func operationsLookOftenAndStopAtOnce(operation: LongOperation) throws {
    let counter = Cancellation(settingItselfAtLook: .max)
    try operation.run(counter)
    let moves = ["replaceRows", "combine"].contains(operation.testDescription)
    #expect(counter.lookCount >= operation.work / (moves ? 1_000_000 : 100_000_000) + 2)
    let step = max(1, counter.lookCount / 7)
    for look in Swift.stride(from: 1, through: counter.lookCount, by: step) {
      let cancellation = Cancellation(settingItselfAtLook: look)
      #expect(throws: Cancelled.self) { try operation.run(cancellation) }
    }
  }

  @Test func zerosAreZerosInMemoryThatWasUsedBefore() {
    for count in [10, 100_000, 3 << 20] {
      for _ in 0..<3 {
        _ = Tensor(repeating: 7, shape: [count])
        #expect(Tensor(zeros: [count]).floats.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test func zerosOfALargeTensorTakeNoMemoryBeforeTheyAreUsed() throws {
    let before = try residentPages()
    let zeros = Tensor(zeros: [1 << 29])
    // 2 GiB; the other tests that run meanwhile take far less.
    #expect(try residentPages() - before < (1 << 30) / 4_096)
    #expect(zeros.element((1 << 29) - 1) == 0)
  }

  @Test func workIsLeftBehindWhenTheFlagIsSet() throws {
    let cancellation = Cancellation()
    #expect(try cancellation.leavingBehind { 6 * 7 } == 42)
    #expect(throws: TensorError.self) {
      try cancellation.leavingBehind { throw TensorError.negativeDimension(shape: [-1]) }
    }
    // The work ends only after it was left: it waits for what comes after the throw.
    let gate = Gate()
    #expect(throws: Cancelled.self) {
      try cancellation.leavingBehind {
        cancellation.cancel()
        gate.pass()
      }
    }
    gate.open()
    #expect(throws: Cancelled.self) { try cancellation.leavingBehind { 1 } }
  }

  @Test func productsBeginWithTheirBiasWhateverTheMemoryHeld() throws {
    // Widths and depths that leave parts of tiles over, and no depth at all.
    for (rows, depth, outs) in [(17, 0, 5), (17, 3, 5), (33, 700, 70), (500, 40, 17)] {
      for _ in 0..<2 {
        let x = Tensor(repeating: 1, shape: [rows, depth])
        let weight = Tensor(repeating: 2, shape: [outs, depth])
        let bias = Tensor(shape: [outs], (0..<outs).map(Float.init))
        let row = (0..<outs).map { Float($0 + 2 * depth) }
        let expected = (0..<rows).flatMap { _ in row }
        #expect(try linear(x, weight: weight, bias: bias).floats == expected)
        #expect(
          try linear(x, weight: weight).floats
            == [Float](repeating: Float(2 * depth), count: rows * outs))
        #expect(
          try matrixProduct(x, Tensor(repeating: 2, shape: [depth, outs])).floats
            == [Float](repeating: Float(2 * depth), count: rows * outs))
      }
    }
  }

  private func residentPages() throws -> Int {
    let file = try #require(fopen("/proc/self/statm", "r"))
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 200)
    try #require(fgets(&line, 200, file) != nil)
    let text = String(
      decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }
}

/// Holds a thread up until another opens it.
private final class Gate: Sendable {
  private let isOpen = Atomic<Bool>(false)
  func open() { isOpen.store(true, ordering: .releasing) }
  func pass() { while !isOpen.load(ordering: .acquiring) { usleep(1_000) } }
}
