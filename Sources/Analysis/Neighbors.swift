import Glibc
public import Tensors

/// Which points are near which.
public enum Neighbors {
  /// A neighbour of a point.
  struct Near: Sendable {
    let point: Int
    let squaredDistance: Double
  }

  /// Whether so many points of so many dimensions are all compared with each other: up to 4,096 points, and beyond
  /// where that takes some seconds at most.
  static func isExact(count: Int, width: Int) -> Bool {
    count <= 4096 || Double(count) * Double(count) * Double(width + 64) <= 4e10
  }

  /// The `count` nearest others of each point, found by comparing all where that does not take long, else by
  /// `NeighborSearch`.
  static func nearest(
    _ rows: CenteredRows, count: Int, seed: UInt64, pool: ThreadPool, cancellation: Cancellation?
  ) throws(Cancelled) -> (lists: [[Near]], isExact: Bool) {
    if isExact(count: rows.count, width: rows.width) {
      let lists = try nearest(rows, count: count, pool: pool, cancellation: cancellation)
      return (lists, true)
    }
    let search = NeighborSearch(rows, count: count, seed: seed, pool: pool)
    return (try search.run(cancellation), false)
  }

  /// The `count` nearest others of each point by Euclidean distance, nearest first; of equally near ones the
  /// one with the smaller number first.
  static func nearest(
    _ rows: CenteredRows, count: Int, pool: ThreadPool, cancellation: Cancellation?
  ) throws(Cancelled) -> [[Near]] {
    let total = rows.count
    let matrix = rows.tensor
    let squares = squaredLengths(matrix)
    var result: [[Near]] = []
    result.reserveCapacity(total)
    for start in stride(from: 0, to: total, by: 256) {
      try cancellation?.check()
      let end = min(start + 256, total)
      let products = try linear(
        matrix.rows(start..<end), weight: matrix, bias: nil, cancellation: cancellation
      ).floats
      result += pool.map(count: end - start, grain: 16) { range in
        range.map { offset -> [Near] in
          let own = start + offset
          // Some more than asked for: single precision may order near ties otherwise.
          let candidates = smallest(count + 4, of: total, leavingOut: own) { other in
            squares[other] - 2 * products[offset * total + other]
          }
          let exact = candidates.map {
            Near(point: $0, squaredDistance: rows.squaredDistance(own, $0))
          }
          return Array(
            exact.sorted { ($0.squaredDistance, $0.point) < ($1.squaredDistance, $1.point) }
              .prefix(count))
        }
      }.flatMap(\.self)
    }
    return result
  }

  /// The indices of the `count` smallest values, smallest first, the earlier of equal ones first.
  static func smallest(
    _ count: Int, of total: Int, leavingOut own: Int?, _ value: (Int) -> Float
  ) -> [Int] {
    var kept: [(value: Float, index: Int)] = []
    kept.reserveCapacity(count + 1)
    for index in 0..<total where index != own {
      let here = value(index)
      if kept.count == count {
        guard let last = kept.last, here < last.value else { continue }
        kept.removeLast()
      }
      var (low, high) = (0, kept.count)
      while low < high {
        let middle = (low + high) / 2
        if kept[middle].value <= here { low = middle + 1 } else { high = middle }
      }
      kept.insert((here, index), at: low)
    }
    return kept.map(\.index)
  }

  private static func squaredLengths(_ matrix: Tensor) -> [Float] {
    let (values, width) = (matrix.floats, matrix.rowLength)
    return (0..<matrix.rowCount).map { row in
      Float(
        values[(row * width)..<((row + 1) * width)].reduce(0.0) { $0 + Double($1) * Double($1) })
    }
  }

  /// The rows of `points` `[points, dimensions]` with the largest cosine to a vector, largest first; a zero vector
  /// has the cosine 0 to all.
  ///
  /// - Parameter own: a row that is left out, such as the vector itself.
  public static func byCosine(
    of vector: [Float], in points: Tensor, count: Int, leavingOut own: Int? = nil
  ) -> [(point: Int, cosine: Double)] {
    let (values, width) = (points.floats, points.rowLength)
    precondition(vector.count == width, "a vector of \(vector.count) among points of \(width)")
    let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let cosines = (0..<points.rowCount).map { row -> Double in
      var (product, square) = (0.0, 0.0)
      for column in 0..<width {
        let value = Double(values[row * width + column])
        product += value * Double(vector[column])
        square += value * value
      }
      guard length > 0, square > 0 else { return 0 }
      return max(-1, min(1, product / (length * square.squareRoot())))
    }
    return cosines.indices.filter { $0 != own }
      .sorted { (-cosines[$0], $0) < (-cosines[$1], $1) }
      .prefix(max(0, count)).map { ($0, cosines[$0]) }
  }

  /// How far a map can be trusted not to show strangers as neighbours, from 0 to 1 (Venna and Kaski 2001).
  ///
  /// 1 − 2 / (n k (2n − 3k − 1)) Σᵢ Σⱼ max(0, r(i, j) − k), over the k nearest j of i on the map, where r is j's rank
  /// among all points by distance to i before they were mapped.
  ///
  /// - Throws: `ProjectionError` where `neighbors` is not below half the number of points, `Cancelled`.
  public static func trustworthiness(
    of map: [[Double]], for points: Tensor, neighbors: Int = 5, pool: ThreadPool = Compute.pool,
    cancellation: Cancellation? = nil
  ) throws -> Double {
    let rows = try CenteredRows(points)
    let total = rows.count
    guard map.count == total else {
      throw ProjectionError.countMismatch(points: total, mapped: map.count)
    }
    guard neighbors >= 1, 2 * neighbors < total else {
      throw ProjectionError.neighbors(neighbors, points: total)
    }
    // A few thousand points exactly; beyond, distances by products of matrices in single precision.
    let matrix = rows.tensor
    let squares = squaredLengths(matrix)
    var excess = 0
    let block = 256
    for start in stride(from: 0, to: total, by: block) {
      try cancellation?.check()
      let end = min(start + block, total)
      let products =
        total > 2000
        ? try linear(
          matrix.rows(start..<end), weight: matrix, bias: nil, cancellation: cancellation
        ).floats : []
      let parts = pool.map(count: end - start, grain: 8) { range -> Int in
        var sum = 0
        for offset in range {
          guard cancellation?.isCancelled != true else { return 0 }
          let own = start + offset
          let distances = (0..<total).map { other in
            products.isEmpty
              ? rows.squaredDistance(own, other)
              : Double(squares[other] - 2 * products[offset * total + other])
          }
          let near = nearestOnMap(map, own, neighbors)
          for other in near {
            var rank = 1
            for rival in 0..<total where rival != own && rival != other {
              if distances[rival] < distances[other]
                || (distances[rival] == distances[other] && rival < other)
              {
                rank += 1
              }
            }
            sum += max(0, rank - neighbors)
          }
        }
        return sum
      }
      excess += parts.reduce(0, +)
    }
    try cancellation?.check()
    let (n, k) = (Double(total), Double(neighbors))
    return 1 - Double(excess) * 2 / (n * k * (2 * n - 3 * k - 1))
  }

  private static func nearestOnMap(_ map: [[Double]], _ own: Int, _ count: Int) -> [Int] {
    var kept: [(distance: Double, point: Int)] = []
    let here = map[own]
    for other in map.indices where other != own {
      var distance = 0.0
      for axis in here.indices {
        let difference = map[other][axis] - here[axis]
        distance += difference * difference
      }
      if kept.count == count {
        guard let last = kept.last, distance < last.distance else { continue }
        kept.removeLast()
      }
      let place = kept.firstIndex { distance < $0.distance } ?? kept.count
      kept.insert((distance, other), at: place)
    }
    return kept.map(\.point)
  }
}
