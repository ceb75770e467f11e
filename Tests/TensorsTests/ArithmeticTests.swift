import Glibc
import Tensors
import Testing

@Suite struct ArithmeticTests {
  /// The combination by its definition: every index of the result, one at a time.
  private func naive(_ a: Tensor, _ b: Tensor, _ operation: (Float, Float) -> Float) -> [Float] {
    let rank = max(a.rank, b.rank)
    let aShape = [Int](repeating: 1, count: rank - a.rank) + a.shape
    let bShape = [Int](repeating: 1, count: rank - b.rank) + b.shape
    let shape = zip(aShape, bShape).map { $0 == 1 ? $1 : $0 }
    let (x, y) = (a.floats, b.floats)
    return (0..<shape.reduce(1, *)).map { position in
      var rest = position
      var indices = [Int](repeating: 0, count: rank)
      for axis in stride(from: rank - 1, through: 0, by: -1) {
        indices[axis] = rest % shape[axis]
        rest /= shape[axis]
      }
      func place(_ own: [Int]) -> Int {
        zip(indices, own).reduce(0) { $0 * $1.1 + ($1.1 == 1 ? 0 : $1.0) }
      }
      return operation(x[place(aShape)], y[place(bShape)])
    }
  }

  @Test(
    arguments: [
      ([], []), ([3], []), ([], [2, 3]), ([5], [5]), ([4, 1], [1, 3]), ([2, 3, 5], [3, 1]),
      ([2, 1, 5], [7, 1, 3, 1]), ([1], [0]), ([3, 0], [1, 1]), ([33, 65], [65]),
      ([17, 1], [17, 33]),
    ] as [([Int], [Int])])
  func broadcastingFollowsItsDefinition(_ shapes: ([Int], [Int])) throws {
    var numbers = SeededNumbers(5)
    func make(_ shape: [Int]) -> Tensor {
      Tensor(shape: shape, (0..<shape.reduce(1, *)).map { _ in numbers.next() * 5 })
    }
    let (a, b) = (make(shapes.0), make(shapes.1))
    let operations: [(BinaryOperation, (Float, Float) -> Float)] = [
      (.add, { $0 + $1 }), (.subtract, { $0 - $1 }), (.multiply, { $0 * $1 }),
      (.divide, { $0 / $1 }), (.power, { Float(pow(Double(abs($0)), Double($1))) }),
      (.remainder, { $0 - ($0 / $1).rounded(.down) * $1 }), (.minimum, { min($0, $1) }),
      (.maximum, { max($0, $1) }),
    ]
    for (operation, definition) in operations {
      let first =
        operation == .power ? Tensor(shape: a.shape, a.floats.map { abs($0) }) : a
      let result = try Tensor.broadcast(first, b, operation)
      #expect(result.shape == Tensor.broadcastShape(a.shape, b.shape))
      let expected = naive(first, b, definition)
      #expect(result.count == expected.count)
      for (value, exact) in zip(result.floats, expected) {
        // Powers and remainders are rounded on different ways.
        #expect(abs(value - exact) <= 1e-5 * max(1, abs(exact)), "\(operation)")
      }
    }
  }

  @Test func shapesThatDoNotFitAreRefused() {
    #expect(throws: TensorError.incompatibleShapes([2, 3], [4, 3])) {
      try Tensor.broadcast(Tensor(zeros: [2, 3]), Tensor(zeros: [4, 3]), .add)
    }
    #expect(Tensor.broadcastShape([2], [0]) == nil)
    #expect(throws: TensorError.self) {
      try Tensor.concatenated([Tensor(zeros: [2, 3]), Tensor(zeros: [2, 4])], axis: 0)
    }
  }

  @Test func remainderHasTheDivisorsSign() {
    let x = Tensor(shape: [4], [7, -7, 6, -6])
    #expect(x.combined(with: 3, .remainder).floats == [1, 2, 0, 0])
    #expect(x.combined(with: -3, .remainder).floats == [-2, -1, 0, 0])
    #expect(x.combined(with: 2, .power).floats == [49, 49, 36, 36])
  }

  @Test func reductionsFollowTheirDefinition() {
    var numbers = SeededNumbers(6)
    let x = numbers.tensor(3, 5, 7)
    for axis in 0..<3 {
      let shape = x.shape.enumerated().filter { $0.offset != axis }.map(\.element)
      let groups = (0..<shape.reduce(1, *)).map { position -> [Double] in
        (0..<x.shape[axis]).map { index in
          var indices = [position / shape[1], position % shape[1]]
          indices.insert(index, at: axis)
          return Double(x.element(indices[0], indices[1], indices[2]))
        }
      }
      func check(_ reduction: AxisReduction, _ definition: ([Double]) -> Double) {
        for axis in [axis, axis - 3] {
          let result = x.reduced(reduction, axis: axis)
          #expect(result.shape == shape)
          #expect(largestDifference(result.floats, groups.map(definition)) <= 1e-6)
        }
      }
      check(.sum) { $0.reduce(0, +) }
      check(.mean) { $0.reduce(0, +) / Double($0.count) }
      check(.minimum) { $0.min() ?? 0 }
      check(.maximum) { $0.max() ?? 0 }
    }
    #expect(abs(x.sum - x.floats.reduce(0.0) { $0 + Double($1) }) < 1e-12)
    #expect(x.maximum == x.floats.max())
    #expect(x.minimum == x.floats.min())
  }

  @Test func rowStatistics() {
    let x = Tensor(shape: [2, 3], [3, 0, 4, 0, 0, 0])
    #expect(x.normalizedRows().floats == [0.6, 0, 0.8, 0, 0, 0])
    #expect(x.meanOfRows().floats == [1.5, 0, 2])
    #expect(x.meanOfRows(where: [true, false]).floats == [3, 0, 4])
    #expect(x.meanOfRows(where: [false, false]).floats == [0, 0, 0])
    let ranked = Tensor(shape: [1, 6], [1, 5, .nan, 5, -.infinity, 2])
    #expect(ranked.largestPerRow(3)[0].map(\.index) == [1, 3, 5])
    #expect(ranked.largestPerRow(99)[0].map(\.index) == [1, 3, 5, 0, 4, 2])
    var numbers = SeededNumbers(8)
    let many = numbers.tensor(2, 500)
    for count in [5, 70] {
      for (row, found) in many.largestPerRow(count).enumerated() {
        #expect(found.map(\.value) == Array(many.row(row).sorted(by: >).prefix(count)))
      }
    }
    #expect(abs(logSumExp([1000, 1000]) - (1000 + log(2.0))) < 1e-12)
    #expect(logSumExp([]) == -.infinity)
    #expect(abs(logSoftmax([0, 0])[0] + Float(log(2.0))) < 1e-7)
  }

  @Test func rearranging() throws {
    let x = Tensor(shape: [2, 3, 2], (0..<12).map(Float.init))
    #expect(x.slice(axis: 1, 1..<3).floats == [2, 3, 4, 5, 8, 9, 10, 11])
    #expect(x.slice(axis: -1, 1..<2).shape == [2, 3, 1])
    #expect(x.slice(axis: -1, 1..<2).floats == [1, 3, 5, 7, 9, 11])
    #expect(x.slice(axis: 0, 1..<2).floats == [6, 7, 8, 9, 10, 11])
    for axis in 0..<3 {
      let parts = [x.slice(axis: axis, 0..<1), x.slice(axis: axis, 1..<x.shape[axis])]
      #expect(try Tensor.concatenated(parts, axis: axis).floats == x.floats)
    }
    let mixed = try Tensor.concatenated(
      [x.converted(to: .float16), x.converted(to: .bfloat16)], axis: 0)
    #expect(mixed.elementType == .float32 && mixed.floats == x.floats + x.floats)
    var numbers = SeededNumbers(2)
    let matrix = numbers.tensor(37, 21)
    #expect(matrix.transposed().shape == [21, 37])
    #expect(matrix.transposed().element(5, 30) == matrix.element(30, 5))
    #expect(matrix.transposed().transposed().floats == matrix.floats)
  }
}
