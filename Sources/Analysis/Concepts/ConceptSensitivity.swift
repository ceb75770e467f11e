public import Tensors

/// Whether a direction that stands for a concept moves what a model says: TCAV with a test that random concepts pass as
/// rarely as they should.
///
/// Kim et al. 2018, arXiv:1711.11279. For every layer a linear classifier tells the concept's texts from random
/// ones; the unit normal of its plane is the concept activation vector. Each of several runs takes other random texts. The
/// same is done for many concepts that are random texts themselves; the concept is significant where its mean
/// directional derivative is farther from zero than theirs.
public struct ConceptSensitivity: Sendable {
  /// What decides the numbers.
  public struct Options: Sendable, Hashable {
    /// How the vectors are found.
    public var loss = LinearClassifier.Loss.logistic
    /// C of the classifiers, for vectors of mean square length 1.
    public var penalty = 1.0
    /// How many sets of random texts the concept is told from.
    public var runs = 20
    /// How many random concepts it is compared with.
    public var randomConcepts = 100
    /// Decides what is drawn.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// What one layer gives.
  public struct Layer: Sendable, Equatable {
    /// The layer.
    public let layer: Int
    /// The unit vector towards the concept: the mean over the runs, `[width]`.
    public let vector: [Float]
    /// The mean share of held-out texts that the classifiers tell right.
    public let accuracy: Double
    /// For each run the share of inputs whose derivative along the vector is positive: the TCAV score as published.
    public let signs: [Double]
    /// For each run the mean derivative along the unit vector.
    public let derivatives: [Double]
    /// The same of each random concept, over its runs.
    public let randomDerivatives: [Double]
    /// The TCAV scores of single runs of random concepts.
    public let randomSigns: [Double]
    /// The probability that a random concept's mean derivative is as far from zero.
    public let rankProbability: Double
    /// The two-sided t-test of TCAV scores against those of random concepts, as published.
    public let welchProbability: Double

    /// The mean TCAV score.
    public var sign: Double { signs.reduce(0, +) / Double(signs.count) }
    /// The mean derivative.
    public var derivative: Double { derivatives.reduce(0, +) / Double(derivatives.count) }
  }

  /// Layer by layer.
  public let layers: [Layer]

  /// Tests a concept.
  ///
  /// - Parameters:
  ///   - concept: the vectors of the concept's texts.
  ///   - counterparts: those that it is told from in place of random ones, or `nil`.
  ///   - random: the vectors of random texts, at least twice as many as the concept has.
  ///   - gradients: how the scalar moves, for the inputs, in the same layers.
  ///   - progress: called with the share of layers that is done.
  /// - Throws: `Cancelled`.
  ///
  /// Precondition: the layers are the same, and there are texts enough.
  public init(
    concept: ConceptActivations, counterparts: ConceptActivations? = nil,
    random: ConceptActivations, gradients: ConceptGradients, options: Options = Options(),
    cancellation: Cancellation? = nil, progress: (Double) -> Void = { _ in }
  ) throws {
    precondition(random.count >= 2 * concept.count && concept.count > 1, "texts enough")
    var layers: [Layer] = []
    for place in concept.layers.indices {
      try cancellation?.check()
      layers.append(
        try Self.layer(
          place, concept, counterparts, random, gradients.gradients[place], options, cancellation))
      progress(Double(place + 1) / Double(concept.layers.count))
    }
    self.layers = layers
  }

  private static func layer(
    _ place: Int, _ concept: ConceptActivations, _ counterparts: ConceptActivations?,
    _ random: ConceptActivations, _ gradients: Tensor, _ options: Options,
    _ cancellation: Cancellation?
  ) throws -> Layer {
    let space = ExampleSpace(
      [concept.vectors[place], random.vectors[place]]
        + (counterparts.map { [$0.vectors[place]] } ?? []),
      gradients: gradients)
    let own = Array(0..<concept.count)
    let pool = Array(concept.count..<concept.count + random.count)
    let opposite = counterparts.map { other in
      Array(concept.count + random.count..<concept.count + random.count + other.count)
    }
    // One stream of draws for each layer, so that what one layer draws doesn't depend on another.
    var generator = SeededGenerator(seed: options.seed)
    var vector = [Double](repeating: 0, count: space.width)
    var accuracies: [Double] = []
    var signs: [Double] = []
    var derivatives: [Double] = []
    for _ in 0..<options.runs {
      let negatives = Self.draw(own.count, of: opposite ?? pool, &generator)
      let direction = space.direction(own, negatives, options)
      for (column, number) in space.vector(direction).enumerated() { vector[column] += number }
      signs.append(direction.sign)
      derivatives.append(direction.derivative)
      accuracies.append(space.accuracy(own, negatives, options, &generator))
    }
    var randomDerivatives: [Double] = []
    var randomSigns: [Double] = []
    for _ in 0..<options.randomConcepts {
      try cancellation?.check()
      let shuffled = pool.shuffled(using: &generator)
      let positives = Array(shuffled.prefix(own.count))
      let rest = Array(shuffled.dropFirst(own.count))
      var sum = 0.0
      for run in 0..<options.runs {
        let negatives = Self.draw(own.count, of: rest, &generator)
        let direction = space.direction(positives, negatives, options)
        sum += direction.derivative
        if run == 0 { randomSigns.append(direction.sign) }
      }
      randomDerivatives.append(sum / Double(options.runs))
    }
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let mean = derivatives.reduce(0, +) / Double(derivatives.count)
    return Layer(
      layer: concept.layers[place], vector: vector.map { Float($0 / max(length, 1e-30)) },
      accuracy: accuracies.reduce(0, +) / Double(accuracies.count), signs: signs,
      derivatives: derivatives, randomDerivatives: randomDerivatives, randomSigns: randomSigns,
      rankProbability: SignificanceTests.rank(mean, among: randomDerivatives),
      welchProbability: SignificanceTests.welch(signs, randomSigns))
  }

  /// So many of a set, without any twice where there are enough.
  private static func draw(
    _ count: Int, of set: [Int], _ generator: inout SeededGenerator
  ) -> [Int] {
    if set.count > count { return Array(set.shuffled(using: &generator).prefix(count)) }
    return (0..<count).map { _ in set[Int.random(in: 0..<set.count, using: &generator)] }
  }
}

/// The products of all texts' vectors in one layer with each other and with the gradients, from which every classifier and
/// its derivatives are found without the vectors.
struct ExampleSpace {
  /// A classifier's direction.
  struct Direction {
    let examples: [Int]
    let coefficients: [Double]
    /// Of the direction in the scaled space.
    let length: Double
    let sign: Double
    let derivative: Double
  }

  let width: Int
  private let count: Int
  private let vectors: [Float]
  private let mean: [Double]
  private let scale: Double
  /// Of centred vectors of mean square length 1.
  private let products: [Double]
  /// Of centred, unscaled vectors with the gradients, `[texts, inputs]`.
  private let slopes: [Double]
  private let inputs: Int

  init(_ tensors: [Tensor], gradients: Tensor) {
    let rows = tensors.reduce(0) { $0 + $1.shape[0] }
    let columns = tensors.first?.shape[1] ?? 0
    (count, width) = (rows, columns)
    let all = tensors.flatMap(\.floats)
    vectors = all
    var mean = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        mean[column] += Double(all[row * columns + column]) / Double(rows)
      }
    }
    self.mean = mean
    let centred = all.indices.map { Double(all[$0]) - mean[$0 % columns] }
    var products = [Double](repeating: 0, count: rows * rows)
    for row in 0..<rows {
      for other in 0...row {
        var sum = 0.0
        for column in 0..<columns {
          sum += centred[row * columns + column] * centred[other * columns + column]
        }
        products[row * rows + other] = sum
        products[other * rows + row] = sum
      }
    }
    let square = (0..<rows).reduce(0) { $0 + products[$1 * rows + $1] } / Double(max(1, rows))
    let scale = square > 0 ? 1 / square : 1
    self.scale = scale
    self.products = products.map { $0 * scale }
    inputs = gradients.shape[0]
    let numbers = gradients.floats.map(Double.init)
    var slopes = [Double](repeating: 0, count: rows * inputs)
    for row in 0..<rows {
      for input in 0..<inputs {
        var sum = 0.0
        for column in 0..<columns {
          sum += centred[row * columns + column] * numbers[input * columns + column]
        }
        slopes[row * inputs + input] = sum
      }
    }
    self.slopes = slopes
  }

  private func submatrix(_ examples: [Int]) -> [Double] {
    examples.flatMap { row in examples.map { products[row * count + $0] } }
  }

  private func classifier(
    _ positives: [Int], _ negatives: [Int], _ options: ConceptSensitivity.Options
  ) -> LinearClassifier {
    LinearClassifier(
      products: submatrix(positives + negatives),
      isPositive: positives.map { _ in true } + negatives.map { _ in false }, loss: options.loss,
      penalty: options.penalty)
  }

  /// The direction that tells two sets, and how the inputs' scalars change along its unit vector.
  func direction(
    _ positives: [Int], _ negatives: [Int], _ options: ConceptSensitivity.Options
  ) -> Direction {
    let examples = positives + negatives
    let coefficients = classifier(positives, negatives, options).coefficients
    var square = 0.0
    for (row, left) in zip(examples, coefficients) {
      for (column, right) in zip(examples, coefficients) {
        square += left * right * products[row * count + column]
      }
    }
    // Products are of scaled vectors; the unit vector is the same in both.
    let length = (max(square, 0) / scale).squareRoot()
    var positive = 0
    var sum = 0.0
    for input in 0..<inputs {
      var slope = 0.0
      for (example, coefficient) in zip(examples, coefficients) {
        slope += coefficient * slopes[example * inputs + input]
      }
      if slope > 0 { positive += 1 }
      sum += length > 0 ? slope / length : 0
    }
    return Direction(
      examples: examples, coefficients: coefficients, length: length,
      sign: Double(positive) / Double(max(1, inputs)), derivative: sum / Double(max(1, inputs)))
  }

  /// The unit vector of a direction.
  func vector(_ direction: Direction) -> [Double] {
    var result = [Double](repeating: 0, count: width)
    for (example, coefficient) in zip(direction.examples, direction.coefficients) {
      for column in 0..<width {
        result[column] += coefficient * (Double(vectors[example * width + column]) - mean[column])
      }
    }
    let length = result.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return result.map { $0 / max(length, 1e-30) }
  }

  /// The share of a third of both sets that is told right by a classifier of the others.
  func accuracy(
    _ positives: [Int], _ negatives: [Int], _ options: ConceptSensitivity.Options,
    _ generator: inout SeededGenerator
  ) -> Double {
    let (left, right) = (
      positives.shuffled(using: &generator), negatives.shuffled(using: &generator)
    )
    let held = (max(1, left.count / 3), max(1, right.count / 3))
    guard left.count > held.0, right.count > held.1 else { return .nan }
    let learned = (Array(left.dropFirst(held.0)), Array(right.dropFirst(held.1)))
    let classifier = classifier(learned.0, learned.1, options)
    let examples = learned.0 + learned.1
    func value(_ example: Int) -> Double {
      zip(examples, classifier.coefficients).reduce(classifier.bias) {
        $0 + $1.1 * products[example * count + $1.0]
      }
    }
    let hits =
      left.prefix(held.0).count { value($0) > 0 } + right.prefix(held.1).count { value($0) <= 0 }
    return Double(hits) / Double(held.0 + held.1)
  }
}
