import Glibc
import Tensors

/// The state of t-SNE's gradient descent: places, speeds and gains.
struct Descent {
  private typealias Lanes = Affinities.Lanes

  private let count: Int
  private let axes: Int
  private let affinities: Affinities
  private let pool: ThreadPool
  private let learningRate: Double
  private var coordinates: [[Double]]
  private var speeds: [[Double]]
  private var gains: [[Double]]

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
    let total = forces.reduce(0) { $0 + $1.weight }
    let freedom = Double(axes - 1)
    let factor = 2 * (freedom + 1) / freedom
    var square = 0.0
    for axis in 0..<axes {
      for point in 0..<count {
        let force = forces[point]
        var gradient =
          factor * (exaggeration * force.attraction[axis] - force.repulsion[axis] / total)
        let slows = speeds[axis][point] * gradient < 0
        let gain = max(0.01, slows ? gains[axis][point] + 0.2 : gains[axis][point] * 0.8)
        gains[axis][point] = gain
        gradient *= gain
        square += gradient * gradient
        let speed = momentum * speeds[axis][point] - learningRate * gradient
        speeds[axis][point] = speed
        coordinates[axis][point] += speed
      }
    }
    return square.squareRoot()
  }

  /// What pulls and pushes one point.
  private struct Force: Sendable {
    var attraction = SIMD3<Double>.zero
    var repulsion = SIMD3<Double>.zero
    /// The sum of all others' weights, not yet normalised.
    var weight = 0.0
  }

  /// The places as lanes; what fills the last lane is so far away that it has no weight.
  private var lanes: [[Lanes]] {
    coordinates.map { places in
      var lanes = [Lanes](repeating: Lanes(repeating: 1e15), count: Affinities.laneCount(count))
      for point in 0..<count { lanes[point / 8][point % 8] = Float(places[point]) }
      return lanes
    }
  }

  private func forces(_ cancellation: Cancellation?) throws(Cancelled) -> [Force] {
    let lanes = lanes
    let places = coordinates
    let (affinities, axes) = (affinities, axes)
    let forces = pool.map(count: count, grain: 16) { range in
      range.map { point -> Force in
        guard cancellation?.isCancelled != true else { return Force() }
        var force: Force
        switch affinities.pairs {
        case .all(let shares):
          force =
            axes == 2
            ? Self.planar(point, lanes[0], lanes[1], shares)
            : Self.spatial(point, lanes[0], lanes[1], lanes[2], shares)
        case .near(let starts, let others, let shares):
          force =
            axes == 2
            ? Self.planar(point, lanes[0], lanes[1], nil)
            : Self.spatial(point, lanes[0], lanes[1], lanes[2], nil)
          let freedom = Double(axes - 1)
          for pair in starts[point]..<starts[point + 1] {
            let other = Int(others[pair])
            var apart = SIMD3<Double>.zero
            for axis in 0..<axes { apart[axis] = places[axis][point] - places[axis][other] }
            let distance = (apart * apart).sum()
            force.attraction += apart * (Double(shares[pair]) / (1 + distance / freedom))
          }
        }
        return force
      }
    }.flatMap(\.self)
    try cancellation?.check()
    return forces
  }

  /// Forces in the plane: one degree of freedom, w = 1 / (1 + d²).
  private static func planar(
    _ point: Int, _ xs: [Lanes], _ ys: [Lanes], _ shares: [Lanes]?
  ) -> Force {
    let x = Lanes(repeating: xs[point / 8][point % 8])
    let y = Lanes(repeating: ys[point / 8][point % 8])
    var (pullX, pullY) = (Lanes.zero, Lanes.zero)
    var (pushX, pushY) = (Lanes.zero, Lanes.zero)
    var sum = Lanes.zero
    let first = point * xs.count
    for lane in xs.indices {
      let dx = x - xs[lane]
      let dy = y - ys[lane]
      let weight = 1 / (1 + dx * dx + dy * dy)
      sum += weight
      let square = weight * weight
      pushX += square * dx
      pushY += square * dy
      if let shares {
        let pull = shares[first + lane] * weight
        pullX += pull * dx
        pullY += pull * dy
      }
    }
    // The point's own weight of 1 is no pair's.
    return Force(
      attraction: SIMD3(total(pullX), total(pullY), 0),
      repulsion: SIMD3(total(pushX), total(pushY), 0), weight: total(sum) - 1)
  }

  /// Forces in space: two degrees of freedom, w = 1 / (1 + d²/2), and a pair's weight is w to the power of 3/2.
  private static func spatial(
    _ point: Int, _ xs: [Lanes], _ ys: [Lanes], _ zs: [Lanes], _ shares: [Lanes]?
  ) -> Force {
    let x = Lanes(repeating: xs[point / 8][point % 8])
    let y = Lanes(repeating: ys[point / 8][point % 8])
    let z = Lanes(repeating: zs[point / 8][point % 8])
    var (pullX, pullY, pullZ) = (Lanes.zero, Lanes.zero, Lanes.zero)
    var (pushX, pushY, pushZ) = (Lanes.zero, Lanes.zero, Lanes.zero)
    var sum = Lanes.zero
    let first = point * xs.count
    for lane in xs.indices {
      let dx = x - xs[lane]
      let dy = y - ys[lane]
      let dz = z - zs[lane]
      let near = 1 / (1 + 0.5 * (dx * dx + dy * dy + dz * dz))
      let weight = near * near.squareRoot()
      sum += weight
      let push = weight * near
      pushX += push * dx
      pushY += push * dy
      pushZ += push * dz
      if let shares {
        let pull = shares[first + lane] * near
        pullX += pull * dx
        pullY += pull * dy
        pullZ += pull * dz
      }
    }
    return Force(
      attraction: SIMD3(total(pullX), total(pullY), total(pullZ)),
      repulsion: SIMD3(total(pushX), total(pushY), total(pushZ)), weight: total(sum) - 1)
  }

  private static func total(_ lanes: Lanes) -> Double {
    var sum = 0.0
    for lane in lanes.indices { sum += Double(lanes[lane]) }
    return sum
  }

  /// Σ p ln (p / q) over all pairs, in nat.
  func divergence(_ cancellation: Cancellation?) throws(Cancelled) -> Double {
    let weight = try forces(cancellation).reduce(0) { $0 + $1.weight }
    let places = coordinates
    let (affinities, axes, count) = (affinities, axes, count)
    let freedom = Double(axes - 1)
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
        switch affinities.pairs {
        case .all(let shares):
          let first = point * Affinities.laneCount(count)
          for other in 0..<count where other != point {
            add(point, other, Double(shares[first + other / 8][other % 8]))
          }
        case .near(let starts, let others, let shares):
          for pair in starts[point]..<starts[point + 1] {
            add(point, Int(others[pair]), Double(shares[pair]))
          }
        }
      }
      return sum
    }
    try cancellation?.check()
    return parts.reduce(0, +)
  }
}
