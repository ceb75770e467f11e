import Synchronization
public import Tensors

/// Random texts that concepts are told from, with what every concept's test needs of them.
///
/// Their products with each other are computed once, and so is what random concepts among them do to a scalar: a second
/// concept that is tested against the same texts pays for its own part alone.
public final class ConceptBackground: Sendable {
  /// What random concepts of one size do in one layer.
  struct Null: Sendable {
    /// The mean derivative of each, over its runs.
    let derivatives: [Double]
    /// The TCAV score of a single run of each.
    let signs: [Double]
  }

  private struct Key: Hashable {
    let layer: Int
    let size: Int
    let options: ConceptSensitivity.Options
    let gradients: ConceptGradients.Identity
  }

  /// The layers.
  public let layers: [Int]
  /// How many texts there are.
  public let count: Int
  /// The texts' vectors.
  public let activations: ConceptActivations
  let spaces: [RandomSpace]
  private let known: Known

  /// What random concepts of recent tests did.
  private final class Known: Sendable {
    private let entries = Mutex<[(key: Key, null: Null)]>([])
    private static let most = 256

    func null(_ key: Key, _ find: () throws -> Null) rethrows -> Null {
      if let null = entries.withLock({ $0.first { $0.key == key }?.null }) { return null }
      let null = try find()
      entries.withLock { entries in
        entries.append((key, null))
        if entries.count > Self.most { entries.removeFirst() }
      }
      return null
    }
  }

  /// Takes the vectors of random texts.
  ///
  /// - Throws: `Cancelled`.
  public init(
    _ activations: ConceptActivations, pool: ThreadPool = Compute.pool,
    cancellation: Cancellation? = nil
  ) throws {
    self.activations = activations
    known = Known()
    layers = activations.layers
    count = activations.count
    spaces = try activations.vectors.map { vectors in
      try cancellation?.check()
      return RandomSpace(vectors, pool: pool)
    }
  }

  private init(_ other: ConceptBackground, places: [Int]) {
    layers = places.map { other.layers[$0] }
    known = other.known
    count = other.count
    activations = ConceptActivations(
      layers: layers, vectors: places.map { other.activations.vectors[$0] })
    spaces = places.map { other.spaces[$0] }
  }

  /// Some of the layers.
  ///
  /// Precondition: they are among `layers`.
  public func of(layers some: [Int]) -> ConceptBackground {
    if some == layers { return self }
    return ConceptBackground(self, places: some.compactMap { layers.firstIndex(of: $0) })
  }

  /// Random concepts of `size` texts among the random texts of a layer.
  func null(
    _ place: Int, _ space: ExampleSpace, size: Int, _ gradients: ConceptGradients,
    _ options: ConceptSensitivity.Options, _ pool: ThreadPool, _ cancellation: Cancellation?
  ) throws -> Null {
    let key = Key(
      layer: layers[place], size: size, options: options, gradients: gradients.identity)
    return try known.null(key) {
      // Another stream than that of the concept, so that every concept meets the same random ones.
      var generator = SeededGenerator(seed: options.seed ^ 0x9E37_79B9_7F4A_7C15)
      let all = Array(0..<count)
      let draws = (0..<options.randomConcepts).map { _ in
        let shuffled = all.shuffled(using: &generator)
        let rest = Array(shuffled.dropFirst(size))
        return (
          positives: Array(shuffled.prefix(size)),
          negatives: (0..<options.runs).map { _ in
            ConceptSensitivity.draw(size, of: rest, &generator)
          }
        )
      }
      let found = pool.map(count: draws.count, grain: 1) { range -> (Double, Double)? in
        let (positives, negatives) = draws[range.lowerBound]
        var (sum, sign) = (0.0, 0.0)
        for (run, negatives) in negatives.enumerated() {
          guard cancellation?.isCancelled != true else { return nil }
          let direction = space.direction(positives, negatives, options)
          sum += direction.derivative
          if run == 0 { sign = direction.sign }
        }
        return (sum / Double(options.runs), sign)
      }.compactMap(\.self)
      try cancellation?.check()
      return Null(derivatives: found.map(\.0), signs: found.map(\.1))
    }
  }
}
