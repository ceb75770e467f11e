import Tensors
import Testing

/// Sums of n products of numbers below 1 are compared with double precision to 1e-6 + n · 1e-7
/// (each addition rounds a partial sum, which itself grows).
@Suite struct LinearTests {
  @Test(arguments: [1, 2, 3, 5, 8, 9, 13, 16, 17, 24, 33, 65], [1, 3, 17, 33, 65, 130])
  func agreesWithDoublePrecision(rows: Int, columns: Int) throws {
    for depth in [1, 3, 16, 33, 65, 520] {
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
  @Test(arguments: [17, 24, 25, 30], [1, 31, 32, 70])
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

@Suite struct MatrixProductTests {
  @Test(arguments: [1, 3, 17, 33], [1, 5, 33, 65])
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
