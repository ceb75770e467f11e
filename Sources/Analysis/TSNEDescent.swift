import Glibc
import Tensors

/// The state of t-SNE's gradient descent: places, speeds and gains.
struct Descent {
  private let count: Int
  private let axes: Int
  private let affinities: Affinities
  private let pool: ThreadPool
  private let learningRate: Double
  private var coordinates: [[Double]]
  private var speeds: [[Double]]
  private var gains: [[Double]]
  /// The points in an order for forces by clusters, and for how many steps it has been used.
  private var order: PointOrder?
  private var orderAge = 0

  /// How large clusters may seem from afar where they push as one: beyond `Affinities.exactLimit` points.
  private static let opening: Float = 0.8

  /// Begins at coordinates given axis by axis.
  init(
    coordinates: [[Double]], affinities: Affinities, axes: Int, pool: ThreadPool,
    learningRate: Double
  ) {
    self.coordinates = coordinates
    self.affinities = affinities
    self.axes = axes
    self.pool = pool
    self.learningRate = learningRate
    count = coordinates[0].count
    speeds = coordinates.map { $0.map { _ in 0 } }
    gains = coordinates.map { $0.map { _ in 1 } }
  }

  /// The places, point by point.
  var points: [[Double]] {
    (0..<count).map { point in coordinates.map { $0[point] } }
  }

  /// Forgets speeds and gains.
  mutating func restart() {
    speeds = coordinates.map { $0.map { _ in 0 } }
    gains = coordinates.map { $0.map { _ in 1 } }
  }

  /// Moves all points once; gives the length of the gradient, each coordinate times its gain.
  mutating func step(
    exaggeration: Double, momentum: Double, _ cancellation: Cancellation?
  ) throws(Cancelled) -> Double {
    let forces = try forces(cancellation)
    let total = Self.total(forces.weights)
    let freedom = Double(axes - 1)
    let factor = 2 * (freedom + 1) / freedom
    var square = 0.0
    for axis in 0..<axes {
      let (pulls, pushes) = (forces.pulls[axis], forces.pushes[axis])
      // Taken out of their lists, so that they are changed where they are.
      var (places, speeds, gains): ([Double], [Double], [Double]) = ([], [], [])
      swap(&places, &coordinates[axis])
      swap(&speeds, &self.speeds[axis])
      swap(&gains, &self.gains[axis])
      for point in 0..<count {
        var gradient =
          factor * (exaggeration * Double(pulls[point]) - Double(pushes[point]) / total)
        let slows = speeds[point] * gradient < 0
        let gain = max(0.01, slows ? gains[point] + 0.2 : gains[point] * 0.8)
        gains[point] = gain
        gradient *= gain
        square += gradient * gradient
        let speed = momentum * speeds[point] - learningRate * gradient
        speeds[point] = speed
        places[point] += speed
      }
      swap(&places, &coordinates[axis])
      swap(&speeds, &self.speeds[axis])
      swap(&gains, &self.gains[axis])
    }
    return square.squareRoot()
  }

  private mutating func forces(_ cancellation: Cancellation?) throws(Cancelled) -> PairForces {
    let places = coordinates.map { $0.map { Float($0) } }
    guard case .near(let near) = affinities.shares else {
      return try exactForces(places, cancellation)
    }
    // Points change places slowly: an order of some steps ago is nearly as good.
    if order == nil || orderAge >= 8 {
      order = PointOrder(places: places)
      orderAge = 0
    }
    orderAge += 1
    guard let order else { return try exactForces(places, cancellation) }
    return try PairForces(
      places: places, shares: near, order: order, opening: Self.opening, pool: pool,
      cancellation: cancellation)
  }

  private func exactForces(
    _ places: [[Float]], _ cancellation: Cancellation?
  ) throws(Cancelled) -> PairForces {
    try PairForces(
      places: places, shares: affinities.shares, pool: pool, cancellation: cancellation)
  }

  private static func total(_ weights: [Float]) -> Double {
    weights.reduce(0) { $0 + Double($1) }
  }

  /// Σ p ln (p / q) over all pairs, in nat; what q is normalised by is exact.
  func divergence(_ cancellation: Cancellation?) throws(Cancelled) -> Double {
    let places = coordinates.map { $0.map { Float($0) } }
    return try divergence(of: try exactForces(places, cancellation), cancellation)
  }

  /// The divergence with far points in clusters where there are many, to see whether steps help.
  mutating func approximateDivergence(_ cancellation: Cancellation?) throws(Cancelled) -> Double {
    try divergence(of: try forces(cancellation), cancellation)
  }

  private func divergence(
    of forces: PairForces, _ cancellation: Cancellation?
  ) throws(Cancelled) -> Double {
    let weight = Self.total(forces.weights)
    let places = coordinates
    let (affinities, axes, count) = (affinities, axes, count)
    let freedom = Double(axes - 1)
    let all: [Float] = if case .all(let tensor) = affinities.shares { tensor.floats } else { [] }
    let parts = pool.map(count: count, grain: 16) { range -> Double in
      guard cancellation?.isCancelled != true else { return 0 }
      var sum = 0.0
      func add(_ point: Int, _ other: Int, _ share: Double) {
        guard share > 0 else { return }
        var distance = 0.0
        for axis in 0..<axes {
          let apart = places[axis][point] - places[axis][other]
          distance += apart * apart
        }
        // ln q = −(a + 1)/2 · ln(1 + d²/a) − ln Σ, with a degrees of freedom.
        let tail = (freedom + 1) / 2 * log(1 + distance / freedom)
        sum += share * (log(share) + tail + log(weight))
      }
      for point in range {
        switch affinities.shares {
        case .all:
          let first = point * PairForces.padded(count)
          for other in 0..<count where other != point {
            add(point, other, Double(all[first + other]))
          }
        case .near(let near):
          for pair in near.starts[point]..<near.starts[point + 1] {
            add(point, Int(near.others[pair]), Double(near.shares[pair]))
          }
        }
      }
      return sum
    }
    try cancellation?.check()
    return parts.reduce(0, +)
  }
}
