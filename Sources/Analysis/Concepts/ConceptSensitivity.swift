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
  ///   - random: the random texts, at least twice as many as the concept has.
  ///   - gradients: how the scalar moves, for the inputs, in the same layers.
  ///   - progress: called with the share of layers that is done.
  /// - Throws: `Cancelled`.
  ///
  /// Precondition: the layers are the same, and there are texts enough.
  public init(
    concept: ConceptActivations, counterparts: ConceptActivations? = nil,
    random: ConceptBackground, gradients: ConceptGradients, options: Options = Options(),
    pool: ThreadPool = Compute.pool, cancellation: Cancellation? = nil,
    progress: (Double) -> Void = { _ in }
  ) throws {
    precondition(random.count >= 2 * concept.count && concept.count > 1, "texts enough")
    var layers: [Layer] = []
    for place in concept.layers.indices {
      try cancellation?.check()
      let space = ExampleSpace(
        random.spaces[place],
        [concept.vectors[place]] + (counterparts.map { [$0.vectors[place]] } ?? []),
        gradients: gradients.gradients[place], pool: pool)
      let null = try random.null(
        place, space, size: concept.count, gradients, options, pool, cancellation)
      layers.append(
        try Self.layer(
          concept.layers[place], space, sizes: (concept.count, counterparts?.count), null, options,
          pool, cancellation))
      progress(Double(place + 1) / Double(concept.layers.count))
    }
    self.layers = layers
  }

  private static func layer(
    _ layer: Int, _ space: ExampleSpace, sizes: (own: Int, opposite: Int?),
    _ null: ConceptBackground.Null, _ options: Options, _ pool: ThreadPool,
    _ cancellation: Cancellation?
  ) throws -> Layer {
    // Random texts come first, then the concept's, then those that it is told from.
    let random = Array(0..<space.randomCount)
    let own = Array(space.randomCount..<space.randomCount + sizes.own)
    let opposite = sizes.opposite.map {
      Array(own[own.count - 1] + 1..<own[own.count - 1] + 1 + $0)
    }
    // One stream of draws for each layer, so that what one layer draws doesn't depend on another.
    var generator = SeededGenerator(seed: options.seed)
    let draws = (0..<options.runs).map { _ in
      let negatives = Self.draw(own.count, of: opposite ?? random, &generator)
      return (
        negatives: negatives,
        order: (own.shuffled(using: &generator), negatives.shuffled(using: &generator))
      )
    }
    let runs = pool.map(count: options.runs, grain: 1) {
      range -> (direction: ExampleSpace.Direction, vector: [Double], accuracy: Double)? in
      guard cancellation?.isCancelled != true else { return nil }
      let (negatives, order) = draws[range.lowerBound]
      let direction = space.direction(own, negatives, options)
      return (
        direction, space.vector(direction), space.accuracy(order.0, order.1, options)
      )
    }.compactMap(\.self)
    try cancellation?.check()
    var vector = [Double](repeating: 0, count: space.width)
    for run in runs {
      for (column, number) in run.vector.enumerated() { vector[column] += number }
    }
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let signs = runs.map(\.direction.sign)
    let derivatives = runs.map(\.direction.derivative)
    let mean = derivatives.reduce(0, +) / Double(derivatives.count)
    return Layer(
      layer: layer, vector: vector.map { Float($0 / max(length, 1e-30)) },
      accuracy: runs.reduce(0) { $0 + $1.accuracy } / Double(runs.count), signs: signs,
      derivatives: derivatives, randomDerivatives: null.derivatives, randomSigns: null.signs,
      rankProbability: SignificanceTests.rank(mean, among: null.derivatives),
      welchProbability: SignificanceTests.welch(signs, null.signs))
  }

  /// So many of a set, without any twice where there are enough.
  static func draw(
    _ count: Int, of set: [Int], _ generator: inout SeededGenerator
  ) -> [Int] {
    if set.count > count { return Array(set.shuffled(using: &generator).prefix(count)) }
    return (0..<count).map { _ in set[Int.random(in: 0..<set.count, using: &generator)] }
  }
}
