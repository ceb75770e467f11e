import Glibc
import Tensors
import Testing

/// Derivatives agree with central differences in double precision to 2e-6 of the largest (at least 1), on each instruction set.
@Suite struct RowDerivativeTests {
  static let widths = [1, 3, 7, 16, 33, 65, 257]

  /// Compares gradients in single precision, one for each instruction set, with the differences of a function of one row.
  private func check(
    _ what: String, _ x: Tensor, _ slope: Tensor, _ function: ([Double]) -> [Double],
    _ compute: () -> Tensor
  ) {
    let expected = (0..<x.shape[0]).map { row in
      let weights = slope.rows(row..<row + 1).doubles
      return centralDifferences(x.rows(row..<row + 1).doubles) { dot(weights, function($0)) }
    }
    onEachInstructionSet { set in
      let computed = compute()
      for (row, wanted) in expected.enumerated() {
        let difference = largestDifference(computed.row(row), wanted)
        #expect(difference <= 2e-6 * magnitude(wanted), "\(set) \(what), row \(row)")
      }
    }
  }

  @Test(arguments: widths) func normsAgreeWithDifferences(width: Int) {
    var numbers = SeededNumbers(UInt64(width))
    let x = numbers.tensor(2, width, scale: 2)
    let slope = numbers.tensor(2, width)
    let weight = numbers.tensor(width)
    let epsilon = Double(Float(1e-2))
    for given in [nil, weight] {
      let factors = given?.doubles ?? weight.doubles.map { _ in 1 }
      func rms(_ row: [Double]) -> [Double] {
        let square = dot(row, row) / Double(width) + epsilon
        return zip(row, factors).map { $0 * $1 / square.squareRoot() }
      }
      func layer(_ row: [Double]) -> [Double] {
        let mean = row.reduce(0, +) / Double(width)
        let centred = row.map { $0 - mean }
        let variance = dot(centred, centred) / Double(width) + epsilon
        return zip(centred, factors).map { $0 * $1 / variance.squareRoot() }
      }
      check("rms, weight \(given != nil)", x, slope, rms) {
        rmsNormGradient(slope, input: x, weight: given, epsilon: 1e-2)
      }
      check("layer, weight \(given != nil)", x, slope, layer) {
        layerNormGradient(slope, input: x, weight: given, epsilon: 1e-2)
      }
    }
  }

  @Test(arguments: widths) func softmaxAgreesWithDifferences(width: Int) {
    var numbers = SeededNumbers(UInt64(width) + 1)
    let x = numbers.tensor(2, width, scale: 4)
    let slope = numbers.tensor(2, width)
    func softmaxOfRow(_ row: [Double]) -> [Double] {
      let exponentials = row.map { Glibc.exp($0) }
      let total = exponentials.reduce(0, +)
      return exponentials.map { $0 / total }
    }
    check("softmax", x, slope, softmaxOfRow) { softmaxGradient(slope, output: softmax(x)) }
  }

  @Test func activationsAgreeWithDifferences() {
    var numbers = SeededNumbers(5)
    let x = Tensor(shape: [4, 67], (0..<268).map { Float($0) / 14 - 9.5 } as [Float])
    let slope = numbers.tensor(4, 67)
    check("silu", x, slope, { $0.map { $0 / (1 + Glibc.exp(-$0)) } }) {
      siluGradient(slope, input: x)
    }
    check("gelu", x, slope, { $0.map { $0 / 2 * Glibc.erfc(-$0 / 2.0.squareRoot()) } }) {
      geluGradient(slope, input: x)
    }
    func geluTanhOfRow(_ row: [Double]) -> [Double] {
      row.map { x in
        x / 2 * (1 + Glibc.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
      }
    }
    check("gelu tanh", x, slope, geluTanhOfRow) { geluTanhGradient(slope, input: x) }
  }

  @Test func activationsFarOutAreFlatOrStraight() {
    let x = Tensor(shape: [8], [-1e30, -1e4, -200, -100, 100, 200, 1e4, 1e30])
    let ones = Tensor(repeating: 1, shape: [8])
    onEachInstructionSet { set in
      for derivative in [siluGradient, geluGradient, geluTanhGradient] {
        #expect(derivative(ones, x).floats == [0, 0, 0, 0, 1, 1, 1, 1], "\(set)")
      }
    }
  }

  @Test(arguments: [1, 5, 16, 67, 40_000]) func gatedProductGivesBothDerivatives(count: Int) {
    var numbers = SeededNumbers(UInt64(count))
    let gate = numbers.tensor(count, scale: 5)
    let up = numbers.tensor(count, scale: 2)
    let slope = numbers.tensor(count)
    let (gates, ups, slopes) = (gate.doubles, up.doubles, slope.doubles)
    let expectedUp = gates.indices.map { slopes[$0] * gates[$0] / (1 + Glibc.exp(-gates[$0])) }
    onEachInstructionSet { set in
      let result = gatedGradient(slope, gate: gate, up: up)
      #expect(largestDifference(result.up.floats, expectedUp) <= 1e-6, "\(set)")
      if count <= 100 {
        let expectedGate = centralDifferences(gates) { gates in
          gates.indices.reduce(0) {
            $0 + slopes[$1] * ups[$1] * gates[$1] / (1 + Glibc.exp(-gates[$1]))
          }
        }
        #expect(largestDifference(result.gate.floats, expectedGate) <= 3e-6, "\(set)")
      }
    }
  }

  /// ⟨R x, y⟩ = ⟨x, Rᵀ y⟩, where the table carries a factor, which the transposed keeps.
  @Test(arguments: [RotaryStyle.halfRotate, .interleaved])
  func rotaryBackwardsIsTheTransposed(style: RotaryStyle) {
    var numbers = SeededNumbers(8)
    let table = RotaryTable(positions: 9, headDimension: 6, theta: 100, attentionFactor: 1.25)
    let x = numbers.tensor(5, 3 * 8)
    let y = numbers.tensor(5, 3 * 8)
    let turned = applyRotary(x, heads: 3, table: table, style: style, firstPosition: 4, offset: 2)
    let back = applyRotary(
      y, heads: 3, table: table, style: style, firstPosition: 4, offset: 2, inverse: true)
    #expect(abs(dot(turned.doubles, y.doubles) - dot(x.doubles, back.doubles)) <= 1e-5)
  }
}

/// Sums of n products of numbers below 1 are compared with double precision to 1e-6 + n · 1e-7.
@Suite struct LinearDerivativeTests {
  @Test(arguments: [1, 5, 17, 33, 203], [1, 3, 17, 33, 70])
  func inputGradientIsTheProductWithTheWeight(rows: Int, width: Int) throws {
    for outs in [1, 2, 33, 130, 521] {
      var numbers = SeededNumbers(UInt64(rows * 1000 + width * 10 + outs))
      let slope = numbers.tensor(rows, outs)
      let start = numbers.tensor(rows, width)
      let stored = numbers.tensor(outs, width)
      var weights = [ElementType.float32, .bfloat16, .float16].map { stored.converted(to: $0) }
      // A type that is widened before it is packed: of float8e4m3 the bytes below 0x38 are numbers below 1.
      var bytes: [UInt8] = []
      for index in 0..<outs * width { bytes.append(UInt8(index * 37 % 0x38)) }
      weights.append(
        try Tensor(shape: [outs, width], elementType: .float8e4m3, bytes: bytes))
      for weight in weights {
        let type = weight.elementType
        let expected = referenceLinear(
          slope.floats, Tensor(shape: [outs, width], weight.floats).transposed().floats, bias: nil,
          rows: rows, columns: width, depth: outs)
        let added = zip(expected, start.doubles).map { $0 + $1 }
        let tolerance = 1e-6 + 1e-7 * Double(outs)
        try onEachInstructionSet { set in
          let result = try linearInputGradient(slope, weight: weight)
          #expect(result.shape == [rows, width])
          #expect(largestDifference(result.floats, expected) <= tolerance, "\(set) \(type) \(outs)")
          let sum = try addLinearInputGradient(slope, weight: weight, to: start)
          #expect(largestDifference(sum.floats, added) <= tolerance, "\(set) \(type) \(outs)")
        }
      }
    }
  }

  @Test(arguments: [1, 3, 40, 203], [1, 31, 32, 70])
  func lowPrecisionRoundsTheGradientOnly(rows: Int, width: Int) throws {
    for outs in [1, 2, 33, 513] {
      var numbers = SeededNumbers(UInt64(rows + width * 100 + outs))
      let slope = numbers.tensor(rows, outs)
      let weight = numbers.tensor(outs, width).converted(to: .bfloat16)
      let expected = referenceLinear(
        slope.converted(to: .bfloat16).floats,
        Tensor(shape: [outs, width], weight.floats).transposed().floats, bias: nil, rows: rows,
        columns: width, depth: outs)
      try onEachInstructionSet { set in
        let result = try linearInputGradient(slope, weight: weight, precision: .bfloat16)
        #expect(
          largestDifference(result.floats, expected) <= 1e-6 + 1e-7 * Double(outs), "\(set) \(outs)"
        )
      }
    }
  }

  /// Against the product with the widened weight, which differs in nothing.
  @Test(arguments: blockTypes) func quantisedWeightsAreThoseWidenedBefore(type: ElementType) throws
  {
    var numbers = SeededNumbers(61)
    let slope = numbers.tensor(20, 70)
    let weight = try quantised(type, 70, 768, seed: 62)
    try onEachInstructionSet { set in
      let widened = try linearInputGradient(slope, weight: Tensor(shape: [70, 768], weight.floats))
      #expect(try linearInputGradient(slope, weight: weight).bytes == widened.bytes, "\(set)")
    }
  }

  @Test func scaledWeightsAreThoseWidenedBefore() throws {
    var numbers = SeededNumbers(63)
    let slope = numbers.tensor(20, 75)
    let bytes = (0..<75 * 133).map { UInt8($0 * 37 % 0x38) }
    let stored = try Tensor(shape: [75, 133], elementType: .float8e4m3, bytes: bytes)
    let weight = try stored.scaled(by: numbers.tensor(3, 5), block: (rows: 30, columns: 30))
    let part = weight.rows(10..<70)
    for (weight, slope) in [(weight, slope), (part, numbers.tensor(20, 60))] {
      let widened = try linearInputGradient(
        slope, weight: Tensor(shape: weight.shape, weight.floats))
      #expect(try linearInputGradient(slope, weight: weight).bytes == widened.bytes)
    }
  }

  @Test func aGradientAddsToNothingElse() throws {
    let kept = Tensor(repeating: 1, shape: [2, 3])
    let sum = try addLinearInputGradient(
      Tensor(repeating: 1, shape: [2, 4]), weight: Tensor(repeating: 2, shape: [4, 3]), to: kept)
    #expect(sum.floats == [Float](repeating: 9, count: 6))
    #expect(kept.floats == [Float](repeating: 1, count: 6))
  }
}
