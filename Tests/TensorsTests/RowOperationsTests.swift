import Glibc
import Tensors
import Testing

/// Element-wise functions agree with double precision to 3e-7 of the larger of 1 and the result (exp: 3e-7 relative);
/// norms and softmax to 2e-6.
@Suite struct RowOperationsTests {
  static let widths = [1, 3, 4, 7, 8, 15, 16, 17, 33, 64, 65, 130]

  private func check(
    _ name: String, _ x: [Float], _ function: (Tensor) -> Tensor, _ expected: (Double) -> Double
  ) {
    let reference = x.map { expected(Double($0)) }
    onEachInstructionSet { set in
      let y = function(Tensor(shape: [x.count], x)).floats
      for i in x.indices {
        let error = abs(Double(y[i]) - reference[i]) / max(1, abs(reference[i]))
        #expect(error <= 3e-7, "\(name) of \(x[i]) on \(set): \(y[i]), not \(reference[i])")
      }
    }
  }

  @Test func activationsAgreeWithDoublePrecision() {
    let x = (-1500...1500).map { Float($0) * 0.0131 } + [0, -0.0, 1e-20, -1e-20, 100, -100]
    check("silu", x, { silu($0) }) { $0 / (1 + Glibc.exp(-$0)) }
    check("gelu", x, { gelu($0) }) { 0.5 * $0 * erfc(-$0 / 2.0.squareRoot()) }
    check("geluTanh", x, { geluTanh($0) }) {
      0.5 * $0 * (1 + Glibc.tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
    }
    check("tanh", x, { Tensors.tanh($0) }) { Glibc.tanh($0) }
    check("exp", x.filter { $0 < 80 }, { Tensors.exp($0) }) { Glibc.exp($0) }
  }

  @Test func gaussianUnitKeepsItsTail() {
    // x Φ(x) for x far below 0 is tiny, and must not be rounded to 0 or past it.
    for x: Float in [-3, -5, -7, -9] {
      let expected = 0.5 * Double(x) * erfc(-Double(x) / 2.0.squareRoot())
      onEachInstructionSet { set in
        let y = Double(gelu(Tensor(shape: [1], [x])).floats[0])
        #expect(abs(y / expected - 1) < 2e-3, "\(set) at \(x)")
      }
    }
  }

  @Test func exponentialReachesTheEnds() {
    onEachInstructionSet { set in
      let y = Tensors.exp(
        Tensor(shape: [6], [-.infinity, .infinity, -104, 89, .nan, -95])
      ).floats
      #expect(
        y[0] == 0 && y[1] == .infinity && y[2] == 0 && y[3] == .infinity && y[4].isNaN, "\(set)")
      #expect(abs(Double(y[5]) / Glibc.exp(-95.0) - 1) < 1e-3, "\(set): a subnormal result")
    }
  }

  @Test(arguments: widths) func normsAgreeWithDoublePrecision(width: Int) {
    var numbers = SeededNumbers(UInt64(width))
    let rows = 5
    let x = numbers.tensor(rows, width, scale: 4)
    let weight = numbers.tensor(width)
    let bias = numbers.tensor(width)
    let epsilon = 1e-5
    var layer: [Double] = []
    var bare: [Double] = []
    var root: [Double] = []
    for row in 0..<rows {
      let values = x.row(row).map(Double.init)
      let mean = values.reduce(0, +) / Double(width)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(width)
      for i in 0..<width {
        let normal = (values[i] - mean) / (variance + epsilon).squareRoot()
        bare.append(normal)
        layer.append(normal * Double(weight.floats[i]) + Double(bias.floats[i]))
        root.append(values[i] / (square + epsilon).squareRoot() * Double(weight.floats[i]))
      }
    }
    onEachInstructionSet { set in
      let a = layerNorm(x, weight: weight, bias: bias, epsilon: Float(epsilon))
      let b = layerNorm(x, weight: nil, bias: nil, epsilon: Float(epsilon))
      let c = rmsNorm(x, weight: weight, epsilon: Float(epsilon))
      // A row of one element is all mean: what is left is rounding over the square root of epsilon.
      #expect(largestDifference(a.floats, layer) <= 2e-6, "\(set)")
      #expect(largestDifference(b.floats, bare) <= 2e-6, "\(set)")
      #expect(largestDifference(c.floats, root) <= 2e-6, "\(set)")
    }
  }

  @Test(arguments: widths) func softmaxAgreesWithDoublePrecision(width: Int) {
    var numbers = SeededNumbers(UInt64(width + 100))
    let x = numbers.tensor(3, width, scale: 12)
    var expected: [Double] = []
    for row in 0..<3 {
      let e = x.row(row).map { Glibc.exp(Double($0)) }
      let total = e.reduce(0, +)
      expected += e.map { $0 / total }
    }
    onEachInstructionSet { set in
      #expect(largestDifference(softmax(x).floats, expected) <= 1e-6, "\(set)")
    }
    #expect(largestDifference(softmax(x.row(1)), Array(expected[width..<(2 * width)])) <= 1e-7)
  }

  @Test func softmaxOfNothingVisibleIsZero() {
    onEachInstructionSet { _ in
      let hidden = Tensor(repeating: -.infinity, shape: [2, 19])
      #expect(softmax(hidden).floats.allSatisfy { $0 == 0 })
    }
    #expect(softmax([-Float.infinity, -.infinity]) == [0, 0])
  }

  @Test func rotaryTurnsPairs() {
    let table = RotaryTable(positions: 40, headDimension: 6, theta: 100, attentionFactor: 1.25)
    var numbers = SeededNumbers(9)
    let (tokens, heads, dimension, offset, first) = (7, 3, 9, 2, 30)
    let x = numbers.tensor(tokens, heads * dimension)
    for style in [RotaryStyle.halfRotate, .interleaved] {
      var expected = x.floats.map(Double.init)
      for token in 0..<tokens {
        for head in 0..<heads {
          for i in 0..<3 {
            let angle = Double(first + token) * pow(100, -Double(i) / 3)
            let start = (token * heads + head) * dimension + offset
            let (a, b) =
              style == .halfRotate ? (start + i, start + 3 + i) : (start + 2 * i, start + 2 * i + 1)
            let (u, v) = (expected[a], expected[b])
            expected[a] = 1.25 * (u * cos(angle) - v * sin(angle))
            expected[b] = 1.25 * (v * cos(angle) + u * sin(angle))
          }
        }
      }
      onEachInstructionSet { set in
        let turned = applyRotary(
          x, heads: heads, table: table, style: style, firstPosition: first, offset: offset)
        #expect(largestDifference(turned.floats, expected) <= 1e-5, "\(set)")
        let plain = RotaryTable(positions: 40, headDimension: 6, theta: 100)
        let there = applyRotary(x, heads: heads, table: plain, style: style, firstPosition: first)
        let back = applyRotary(
          there, heads: heads, table: plain, style: style, firstPosition: first, inverse: true)
        #expect(largestDifference(back.floats, x.floats.map(Double.init)) <= 1e-6, "\(set)")
      }
    }
  }

  @Test func rotaryTableGrowsWithoutChanging() {
    let table = RotaryTable(positions: 5, headDimension: 8, theta: 1e4, attentionFactor: 1.1)
    let longer = table.extended(to: 6)
    #expect(longer.positions >= 6)
    var numbers = SeededNumbers(3)
    let x = numbers.tensor(5, 16)
    let a = applyRotary(x, heads: 2, table: table, style: .halfRotate)
    #expect(a.bytes == applyRotary(x, heads: 2, table: longer, style: .halfRotate).bytes)
  }

  @Test func inPlaceOperationsWorkOnRowsAndWholes() {
    var numbers = SeededNumbers(4)
    let (a, b, row) = (numbers.tensor(5, 33), numbers.tensor(5, 33), numbers.tensor(33))
    var sum = a
    sum.add(b)
    #expect(sum.floats == zip(a.floats, b.floats).map { $0 + $1 })
    #expect(add(a, b).floats == sum.floats)
    #expect(multiply(a, b).floats == zip(a.floats, b.floats).map { $0 * $1 })
    var shifted = a
    shifted.add(row)
    #expect(shifted.row(3) == zip(a.row(3), row.floats).map { $0 + $1 })
    var scaled = a
    scaled.scale(by: 3)
    #expect(scaled.floats == a.floats.map { $0 * 3 })
  }
}
