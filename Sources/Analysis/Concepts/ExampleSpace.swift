import Tensors

/// Random texts' vectors in one layer, with their mean taken away, and their products with each other.
struct RandomSpace: Sendable {
  let count: Int
  let width: Int
  let mean: [Double]
  /// By what products are multiplied, so that the vectors' mean square length is 1.
  let scale: Double
  /// The centred vectors, row after row.
  let rows: [Double]
  /// The products of all rows with each other, not scaled.
  let products: [Double]

  init(_ vectors: Tensor, pool: ThreadPool) {
    let (count, width) = (vectors.shape[0], vectors.shape[1])
    let numbers = vectors.floats
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<count {
      for column in 0..<width {
        mean[column] += Double(numbers[row * width + column]) / Double(count)
      }
    }
    (self.count, self.width, self.mean) = (count, width, mean)
    let rows = Self.centred(numbers, mean)
    self.rows = rows
    let loops = DoubleVectors()
    let upper = pool.map(count: count, grain: 4) { range in
      range.map { row in
        (row..<count).map {
          loops.dot(rows, from: row * width, rows, from: $0 * width, count: width)
        }
      }
    }.flatMap(\.self)
    var products = [Double](repeating: 0, count: count * count)
    for row in 0..<count {
      for column in row..<count {
        products[row * count + column] = upper[row][column - row]
        products[column * count + row] = upper[row][column - row]
      }
    }
    self.products = products
    let square = (0..<count).reduce(0) { $0 + products[$1 * count + $1] } / Double(max(1, count))
    scale = square > 0 ? 1 / square : 1
  }

  /// Rows without a mean.
  static func centred(_ numbers: [Float], _ mean: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: numbers.count)
    let width = mean.count
    for start in stride(from: 0, to: numbers.count, by: max(1, width)) {
      for column in 0..<width {
        result[start + column] = Double(numbers[start + column]) - mean[column]
      }
    }
    return result
  }
}

/// The products of all texts' vectors in one layer with each other and with the gradients, from which every classifier and
/// its derivatives are found without the vectors.
///
/// Random texts come first, then others.
struct ExampleSpace: Sendable {
  /// A classifier's direction.
  struct Direction {
    let examples: [Int]
    let coefficients: [Double]
    let sign: Double
    let derivative: Double
  }

  let width: Int
  let randomCount: Int
  private let random: RandomSpace
  /// The centred vectors of the others, row after row.
  private let others: [Double]
  /// The products of the others with all, random ones first: a row for each.
  private let products: [Double]
  private let count: Int
  /// The products of all with the gradients, `[texts, inputs]`, not scaled.
  private let slopes: [Double]
  private let inputs: Int

  init(_ random: RandomSpace, _ tensors: [Tensor], gradients: Tensor, pool: ThreadPool) {
    self.random = random
    let (width, randomCount) = (random.width, random.count)
    (self.width, self.randomCount) = (width, randomCount)
    let others = tensors.flatMap { RandomSpace.centred($0.floats, random.mean) }
    self.others = others
    let size = tensors.reduce(0) { $0 + $1.shape[0] }
    let count = randomCount + size
    self.count = count
    let loops = DoubleVectors()
    @Sendable func product(_ x: [Double], _ row: Int, with text: Int) -> Double {
      text < randomCount
        ? loops.dot(x, from: row * width, random.rows, from: text * width, count: width)
        : loops.dot(
          x, from: row * width, others, from: (text - randomCount) * width, count: width)
    }
    products = pool.map(count: size, grain: 4) { range in
      range.flatMap { row in (0..<count).map { product(others, row, with: $0) } }
    }.flatMap(\.self)
    let inputs = gradients.shape[0]
    self.inputs = inputs
    let numbers = gradients.floats.map(Double.init)
    slopes = pool.map(count: count, grain: 16) { range in
      range.flatMap { text in (0..<inputs).map { product(numbers, $0, with: text) } }
    }.flatMap(\.self)
  }

  /// The product of two texts' vectors, scaled.
  private func product(_ left: Int, _ right: Int) -> Double {
    let product =
      if left >= randomCount {
        products[(left - randomCount) * count + right]
      } else if right >= randomCount {
        products[(right - randomCount) * count + left]
      } else {
        random.products[left * randomCount + right]
      }
    return product * random.scale
  }

  private func products(_ examples: [Int]) -> [Double] {
    var result = [Double](repeating: 0, count: examples.count * examples.count)
    for (row, left) in examples.enumerated() {
      for (column, right) in examples.enumerated() {
        result[row * examples.count + column] = product(left, right)
      }
    }
    return result
  }

  private func classifier(
    _ positives: [Int], _ negatives: [Int], _ products: [Double],
    _ options: ConceptSensitivity.Options
  ) -> LinearClassifier {
    LinearClassifier(
      products: products, isPositive: positives.map { _ in true } + negatives.map { _ in false },
      loss: options.loss, penalty: options.penalty)
  }

  /// The direction that tells two sets, and how the inputs' scalars change along its unit vector.
  func direction(
    _ positives: [Int], _ negatives: [Int], _ options: ConceptSensitivity.Options
  ) -> Direction {
    let examples = positives + negatives
    let products = products(examples)
    let coefficients = classifier(positives, negatives, products, options).coefficients
    let loops = DoubleVectors()
    var square = 0.0
    for (row, coefficient) in coefficients.enumerated() {
      square +=
        coefficient
        * loops.dot(products, from: row * examples.count, coefficients, count: examples.count)
    }
    // Products are of scaled vectors; the unit vector is the same in both.
    let length = (max(square, 0) / random.scale).squareRoot()
    var changes = [Double](repeating: 0, count: inputs)
    for (example, coefficient) in zip(examples, coefficients) {
      loops.add(coefficient, times: slopes, from: example * inputs, to: &changes, count: inputs)
    }
    let sum = length > 0 ? changes.reduce(0) { $0 + $1 / length } : 0
    return Direction(
      examples: examples, coefficients: coefficients,
      sign: Double(changes.count { $0 > 0 }) / Double(max(1, inputs)),
      derivative: sum / Double(max(1, inputs)))
  }

  /// The unit vector of a direction.
  func vector(_ direction: Direction) -> [Double] {
    let loops = DoubleVectors()
    var result = [Double](repeating: 0, count: width)
    for (example, coefficient) in zip(direction.examples, direction.coefficients) {
      if example < randomCount {
        loops.add(
          coefficient, times: random.rows, from: example * width, to: &result, count: width)
      } else {
        loops.add(
          coefficient, times: others, from: (example - randomCount) * width, to: &result,
          count: width)
      }
    }
    let length = result.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return result.map { $0 / max(length, 1e-30) }
  }

  /// The share of the first third of both sets that is told right by a classifier of the others.
  func accuracy(
    _ positives: [Int], _ negatives: [Int], _ options: ConceptSensitivity.Options
  ) -> Double {
    let held = (max(1, positives.count / 3), max(1, negatives.count / 3))
    guard positives.count > held.0, negatives.count > held.1 else { return .nan }
    let learned = (Array(positives.dropFirst(held.0)), Array(negatives.dropFirst(held.1)))
    let examples = learned.0 + learned.1
    let classifier = classifier(learned.0, learned.1, products(examples), options)
    func value(_ example: Int) -> Double {
      zip(examples, classifier.coefficients).reduce(classifier.bias) {
        $0 + $1.1 * product(example, $1.0)
      }
    }
    let hits =
      positives.prefix(held.0).count { value($0) > 0 }
      + negatives.prefix(held.1).count { value($0) <= 0 }
    return Double(hits) / Double(held.0 + held.1)
  }
}
