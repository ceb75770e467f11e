import Tensors
import Testing

/// Sums of n products of numbers below 1 are compared with double precision to 1e-6 + n · 1e-7
/// (each addition rounds a partial sum, which itself grows).
@Suite struct LinearTests {
  @Test(arguments: [1, 2, 3, 5, 8, 9, 16, 17, 33, 48, 65, 193], [1, 3, 17, 33, 65, 130])
  func agreesWithDoublePrecision(rows: Int, columns: Int) throws {
    // Many rows are computed another way where the depth is large.
    for depth in [1, 3, 16, 33, 65, 520] + (rows == 193 ? [1030] : []) {
      var numbers = SeededNumbers(UInt64(rows * 1000 + columns * 10 + depth))
      let x = numbers.tensor(rows, depth)
      let stored = numbers.tensor(columns, depth)
      let bias = numbers.tensor(columns)
      for type in [ElementType.float32, .bfloat16, .float16] {
        let weight = stored.converted(to: type)
        let expected = referenceLinear(
          x.floats, weight.floats, bias: bias.floats, rows: rows, columns: columns, depth: depth)
        try onEachInstructionSet { set in
          let y = try linear(x, weight: weight, bias: bias)
          #expect(y.shape == [rows, columns])
          let difference = largestDifference(y.floats, expected)
          #expect(difference <= 1e-6 + 1e-7 * Double(depth), "\(set) \(type) depth \(depth)")
        }
      }
    }
  }
}

/// The bfloat16 product rounds its inputs to 8 bits: compared with the same rounding done beforehand, to 1e-6 + n · 1e-7.
@Suite struct LowPrecisionLinearTests {
  @Test(arguments: [5, 6, 17, 25, 48, 193, 205], [1, 3, 31, 32, 70])
  func roundsInputsOnly(rows: Int, columns: Int) throws {
    for depth in [1, 2, 33, 64, 513, 1030] {
      var numbers = SeededNumbers(UInt64(rows + columns * 100 + depth))
      let x = numbers.tensor(rows, depth)
      let weight = numbers.tensor(columns, depth).converted(to: .bfloat16)
      let rounded = x.converted(to: .bfloat16).floats
      let expected = referenceLinear(
        rounded, weight.floats, bias: nil, rows: rows, columns: columns, depth: depth)
      try onEachInstructionSet { set in
        let y = try linear(x, weight: weight, precision: .bfloat16)
        #expect(
          largestDifference(y.floats, expected) <= 1e-6 + 1e-7 * Double(depth), "\(set) \(depth)")
      }
    }
  }
}

@Suite struct FewRowsTests {
  /// A row's result depends neither on its neighbours nor on the threads; a single one has an order of its own.
  @Test(arguments: [ElementType.float32, .bfloat16, .float16, .q8_0, .q4_k])
  func neighboursAndThreadsDoNotShow(type: ElementType) throws {
    var numbers = SeededNumbers(5)
    let depth = 768
    let x = numbers.tensor(13, depth)
    let weight =
      type.blockLength > 1
      ? try quantised(type, 301, depth, seed: 9) : numbers.tensor(301, depth).converted(to: type)
    for precision in ProductPrecision.allCases {
      let all = try linear(x, weight: weight, precision: precision)
      for threads in [1, 2, 3, 8] {
        try Compute.with(pool: ThreadPool(threadCount: threads)) {
          #expect(try linear(x, weight: weight, precision: precision).floats == all.floats)
          let some = try linear(x.rows(2..<9), weight: weight, precision: precision)
          #expect(some.floats == all.rows(2..<9).floats)
          let part = try linear(x, weight: weight.rows(7..<20), precision: precision)
          #expect(part.slice(axis: 1, 0..<13).floats == all.slice(axis: 1, 7..<20).floats)
        }
      }
    }
  }

  @Test(arguments: blockTypes, [1, 2, 7, 16]) func blocksAreMultipliedAsTheirNumbers(
    type: ElementType, rows: Int
  ) throws {
    for depth in [256, 768] {
      var numbers = SeededNumbers(UInt64(depth + rows))
      let x = numbers.tensor(rows, depth)
      let weight = try quantised(type, 21, depth, seed: 4)
      let expected = referenceLinear(
        x.floats, weight.floats, bias: nil, rows: rows, columns: 21, depth: depth)
      let largest = expected.reduce(0) { max($0, abs($1)) }
      try onEachInstructionSet { set in
        let y = try linear(x, weight: weight)
        #expect(largestDifference(y.floats, expected) <= 1e-5 * largest, "\(set) \(depth)")
      }
    }
  }

  @Test func aPrecisionHoldsInsideItsClosure() throws {
    var numbers = SeededNumbers(6)
    let x = numbers.tensor(20, 64)
    let weight = numbers.tensor(40, 64).converted(to: .bfloat16)
    let fast = try linear(x, weight: weight, precision: .bfloat16)
    let full = try linear(x, weight: weight)
    #expect(fast.floats != full.floats)
    let inside = try Compute.with(precision: .bfloat16) { try linear(x, weight: weight) }
    #expect(inside.floats == fast.floats)
    #expect(try linear(x, weight: weight).floats == full.floats)
  }
}

@Suite struct MachineRatesTests {
  @Test func ratesArePossible() {
    // A tenth of, and a hundred times, what any CPU of these years does.
    #expect(MachineRates.multiplyAdd() > 1e8)
    #expect(MachineRates.multiplyAdd() < 1e14)
    if let rate = MachineRates.bfloat16Dot() { #expect(rate > 1e9) }
    let read = MachineRates.memoryRead(byteCount: 16 << 20, repetitions: 2)
    #expect(read > 1e8 && read < 1e13)
  }
}

@Suite struct MatrixProductTests {
  @Test(arguments: [1, 3, 17, 33, 203], [1, 5, 33, 65])
  func agreesWithDoublePrecision(rows: Int, columns: Int) throws {
    for depth in [0, 1, 17, 65] {
      var numbers = SeededNumbers(UInt64(rows + columns * 100 + depth))
      let a = numbers.tensor(rows, depth)
      let b = numbers.tensor(depth, columns)
      let turned = depth == 0 ? [] : b.transposed().floats
      let expected = referenceLinear(
        a.floats, turned, bias: nil, rows: rows, columns: columns, depth: depth)
      try onEachInstructionSet { set in
        let y = try matrixProduct(a, b)
        #expect(y.shape == [rows, columns])
        #expect(largestDifference(y.floats, expected) <= 1e-5, "\(set)")
      }
    }
  }
}
