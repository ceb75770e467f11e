import Glibc
public import Tensors

/// A map of points on which near points stay near: t-distributed stochastic neighbour embedding.
///
/// Van der Maaten and Hinton 2008, with scikit-learn's defaults: perplexity 30, early exaggeration 12 for the first 250
/// iterations with momentum 0.5, then 0.8 up to 1,000; gains of each coordinate; a learning rate of n/48 and at least 50;
/// started from the principal components scaled to a standard deviation of 10⁻⁴, for few points several times. On three axes the map's
/// distances follow Student's distribution with two degrees of freedom, and the gradient is that of the divergence.
/// Up to 1,000 points all pairs attract and repel each other. Beyond, near neighbours attract, and far points repel through
/// the middle of their cluster (Barnes and Hut 1986; for t-SNE van der Maaten 2014), with less error than where each
/// point decides alone; the divergence that is told is of all pairs. Work is divided over points, so the result does not
/// depend on the threads.
public struct TSNE: Sendable {
  /// What decides the result, besides the points.
  public struct Options: Sendable, Hashable {
    /// How many neighbours a point has in effect; `nil` for 30, or a third of the other points where they are few.
    public var perplexity: Double?
    /// How many steps at most.
    public var iterations = 1000
    /// The first start: the principal components, or random numbers.
    public var startsAtRandom = false
    /// How often to begin, all but the first time at random; `nil` for 5 times up to 500 points, else once.
    ///
    /// The map of the lowest divergence is kept.
    public var starts: Int?
    /// Decides random numbers.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// The map `[points][axes]`.
  public let coordinates: [[Double]]
  /// The Kullback–Leibler divergence between neighbourhoods of the points and of the map, in nat.
  public let divergence: Double
  /// The perplexity that was used.
  public let perplexity: Double
  /// How often it was begun.
  public let starts: Int
  /// The number of steps taken from the start that was kept.
  public let iterations: Int

  private static let exploration = 250
  private static let exaggeration = 12.0

  /// Maps points `[points, dimensions]` to 2 or 3 axes.
  ///
  /// - Parameter progress: called now and then with the steps taken, and how many there are at most.
  /// - Throws: `ProjectionError` for points that can't be mapped, `Cancelled`.
  public init(
    of points: Tensor, axes: Int = 2, options: Options = Options(), pool: ThreadPool = Compute.pool,
    cancellation: Cancellation? = nil, progress: (Int, Int) -> Void = { _, _ in }
  ) throws {
    precondition(axes == 2 || axes == 3, "\(axes) axes")
    let rows = try CenteredRows(points)
    let count = rows.count
    guard count >= 3 else { throw ProjectionError.tooFewPoints(given: count, needed: 3) }
    let perplexity = options.perplexity ?? max(1, min(30, Double(count - 1) / 3))
    guard perplexity >= 1, perplexity < Double(count) else {
      throw ProjectionError.perplexity(perplexity, points: count)
    }
    guard rows.sumOfSquares > 0 else { throw ProjectionError.allEqual }
    let affinities = try Affinities(
      rows, perplexity: perplexity, seed: options.seed, pool: pool, cancellation: cancellation)
    let starts = max(1, options.starts ?? (count <= 500 ? 5 : 1))
    var generator = SeededGenerator(seed: options.seed)
    var best: (descent: Descent, divergence: Double, steps: Int)?
    for start in 0..<starts {
      let places = try Self.start(
        rows, axes: axes, options: options, atRandom: start > 0 || options.startsAtRandom,
        generator: &generator, pool: pool, cancellation: cancellation)
      var descent = Descent(
        coordinates: places, affinities: affinities, axes: axes, pool: pool,
        learningRate: max(Double(count) / Self.exaggeration / 4, 50))
      let steps = try Self.descend(&descent, most: options.iterations, cancellation) { step in
        progress(start * options.iterations + step, starts * options.iterations)
      }
      let divergence = try descent.divergence(cancellation)
      if let best, best.divergence <= divergence { continue }
      best = (descent, divergence, steps)
    }
    guard let best else { throw ProjectionError.allEqual }
    coordinates = best.descent.points
    divergence = best.divergence
    iterations = best.steps
    self.perplexity = perplexity
    self.starts = starts
  }

  /// Steps until `most`, or until they no longer help; gives how many were taken.
  private static func descend(
    _ descent: inout Descent, most: Int, _ cancellation: Cancellation?, progress: (Int) -> Void
  ) throws(Cancelled) -> Int {
    var best = Double.infinity
    var bestAt = 0
    for step in 1...max(1, most) {
      if step == exploration + 1 {
        // The second phase begins with fresh speeds and gains.
        descent.restart()
        bestAt = exploration
      }
      let isExploring = step <= exploration
      let length = try descent.step(
        exaggeration: isExploring ? exaggeration : 1, momentum: isExploring ? 0.5 : 0.8,
        cancellation)
      if step % 10 == 0 { progress(step) }
      if step % 50 == 0, !isExploring {
        let divergence = try descent.approximateDivergence(cancellation)
        if divergence < best {
          best = divergence
          bestAt = step
        } else if step - bestAt > 300 {
          return step
        }
        if length <= 1e-7 { return step }
      }
    }
    return max(1, most)
  }

  /// Where the points begin, axis by axis.
  private static func start(
    _ rows: CenteredRows, axes: Int, options: Options, atRandom: Bool,
    generator: inout SeededGenerator, pool: ThreadPool, cancellation: Cancellation?
  ) throws(Cancelled) -> [[Double]] {
    var places = [[Double]](repeating: [], count: axes)
    if !atRandom {
      let known = min(axes, rows.width)
      let components = try PrincipalComponents(
        rows, count: known, seed: options.seed, pool: pool, cancellation: cancellation)
      let spread = (components.explainedVariance[0] * Double(rows.count - 1) / Double(rows.count))
        .squareRoot()
      for axis in 0..<known where components.explainedVarianceRatio[axis] > 1e-20 {
        places[axis] = components.coordinates.map { $0[axis] / spread * 1e-4 }
      }
    }
    // An axis along which all points begin at one place would never be used.
    for axis in 0..<axes where places[axis].isEmpty {
      places[axis] = (0..<rows.count).map { _ in 1e-4 * generator.normal() }
    }
    return places
  }
}
