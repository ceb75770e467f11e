import Tensors
import Testing

/// Sums of n products of numbers below 1 are compared with double precision to 1e-6 + n · 1e-7
/// (each addition rounds a partial sum, which itself grows).
@Suite struct LinearTests {
  @Test(arguments: [1, 2, 3, 5, 8, 9, 12, 13, 17, 33, 65], [1, 3, 17, 33, 65, 130])
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
