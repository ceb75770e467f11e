import Glibc
import Tensors

/// How strongly t-SNE wants points to be neighbours: a joint distribution over pairs, symmetric, summing to 1.
///
/// Each point's Gaussian is as wide as gives the wanted perplexity, found as in scikit-learn: at most a hundred
/// bisections, until the entropy is within 10⁻⁵ nat.
struct Affinities: Sendable {
  /// The pairs' shares.
  let shares: PairShares

  /// Up to so many points all pairs count; beyond, those with the three times perplexity nearest attract.
  static let exactLimit = 1000

  init(
    _ rows: CenteredRows, perplexity: Double, seed: UInt64 = 0, pool: ThreadPool,
    cancellation: Cancellation?
  ) throws(Cancelled) {
    let count = rows.count
    if count <= Self.exactLimit {
      let conditional = pool.map(count: count, grain: 8) { range in
        range.map { point -> [Float] in
          guard cancellation?.isCancelled != true else { return [] }
          var distances = rows.squaredDistances(of: point)
          distances.remove(at: point)
          var shares = Self.shares(distances, perplexity: perplexity)
          shares.insert(0, at: point)
          return shares
        }
      }.flatMap(\.self)
      try cancellation?.check()
      shares = .all(Self.joined(conditional))
    } else {
      let size = min(count - 1, Int(3 * perplexity) + 1)
      let near = try Neighbors.nearest(
        rows, count: size, seed: seed, pool: pool, cancellation: cancellation
      ).lists
      let conditional = pool.map(count: count, grain: 64) { range in
        range.map { point in
          Self.shares(near[point].map(\.squaredDistance), perplexity: perplexity)
        }
      }.flatMap(\.self)
      shares = Self.joined(near.map { $0.map(\.point) }, conditional)
    }
  }

  /// p(j|i) for distances of one point to others.
  private static func shares(_ distances: [Double], perplexity: Double) -> [Float] {
    let nearest = distances.min() ?? 0
    // Distances beyond the nearest give the same shares, and no underflow of them all.
    let beyond = distances.map { min(Float($0 - nearest), .greatestFiniteMagnitude) }
    let wanted = log(perplexity)
    let loops = DoubleVectors()
    var (precision, low, high) = (1.0, -Double.infinity, Double.infinity)
    var weights = [Float](repeating: 0, count: distances.count)
    var sum = 1.0
    for _ in 0..<100 {
      let sums = loops.gaussianWeights(beyond, precision: Float(precision), to: &weights)
      sum = sums.sum
      let difference = log(sum) + precision * sums.moment / sum - wanted
      if abs(difference) <= 1e-5 { break }
      if difference > 0 {
        low = precision
        precision = high.isInfinite ? precision * 2 : (precision + high) / 2
      } else {
        high = precision
        precision = low.isInfinite ? precision / 2 : (precision + low) / 2
      }
    }
    let factor = Float(1 / sum)
    return weights.map { $0 * factor }
  }

  private static func joined(_ conditional: [[Float]]) -> Tensor {
    let count = conditional.count
    let width = PairForces.padded(count)
    var shares = [Float](repeating: 0, count: count * width)
    for row in 0..<count {
      for column in 0..<count where column != row {
        shares[row * width + column] =
          (conditional[row][column] + conditional[column][row]) / (2 * Float(count))
      }
    }
    return Tensor(shape: [count, width], shares)
  }

  private static func joined(_ others: [[Int]], _ conditional: [[Float]]) -> PairShares {
    let count = others.count
    var rows = (0..<count).map { row in
      Array(zip(others[row], conditional[row]))
    }
    for row in 0..<count {
      for (other, share) in zip(others[row], conditional[row]) { rows[other].append((row, share)) }
    }
    var starts = [0]
    var columns: [Int32] = []
    var shares: [Float] = []
    for (point, row) in rows.enumerated() {
      var last = -1
      for (other, share) in row.sorted(by: { $0.0 < $1.0 }) {
        if other == last, let place = shares.indices.last {
          shares[place] += share / (2 * Float(count))
        } else {
          columns.append(Int32(other))
          shares.append(share / (2 * Float(count)))
          last = other
        }
      }
      while !shares.count.isMultiple(of: PairForces.lanes) {
        columns.append(Int32(point))
        shares.append(0)
      }
      starts.append(columns.count)
    }
    return .near(NearShares(starts: starts, others: columns, shares: shares))
  }
}
