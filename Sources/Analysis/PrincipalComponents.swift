import Glibc
public import Tensors

/// The directions along which points spread most, and the points along them.
///
/// Up to 512 points or dimensions the decomposition is exact: the covariance (or, for fewer points than dimensions, the
/// products of points) in double precision. Beyond that, block Krylov iteration from a seeded start (Musco and
/// Musco 2015) goes on until the directions stand still. Each component's sign is
/// such that its entry farthest from zero is positive, as in scikit-learn's `svd_flip(u_based_decision=False)`.
public struct PrincipalComponents: Sendable {
  /// The mean that was taken away `[dimensions]`.
  public let mean: [Double]
  /// Unit directions `[components][dimensions]`, the one of the largest variance first.
  ///
  /// A direction along which the points do not spread at all is all zeros.
  public let components: [[Double]]
  /// The points along the components: `[points][components]`.
  public let coordinates: [[Double]]
  /// The variance along each component, with n − 1 in the denominator.
  public let explainedVariance: [Double]
  /// The share of each component in the variance of all dimensions.
  public let explainedVarianceRatio: [Double]

  /// The size up to which the decomposition is exact.
  private static let exactLimit = 512

  /// Finds the first `count` components of points `[points, dimensions]`.
  ///
  /// - Parameter seed: decides the start of the iteration for more than 512 points and dimensions.
  /// - Throws: `ProjectionError` for points that can't be projected, `Cancelled`.
  public init(
    of points: Tensor, count: Int, seed: UInt64 = 0, pool: ThreadPool = Compute.pool,
    cancellation: Cancellation? = nil
  ) throws {
    if points.rank == 2, points.shape[1] >= count, count >= 1,
      min(points.shape[0], points.shape[1]) > Self.exactLimit
    {
      let (rows, mean, total) = points.centeringRows(pool: pool)
      // Numbers that are too large for single precision, or none, are looked at one by one below.
      if total.isFinite {
        let directions = try Self.iterated(rows, count: count, seed: seed, pool: pool, cancellation)
        try self.init(rows, mean: mean, total: total, directions, cancellation)
        return
      }
    }
    let rows = try CenteredRows(points)
    guard rows.count >= 2 else {
      throw ProjectionError.tooFewPoints(given: rows.count, needed: 2)
    }
    guard count >= 1, count <= rows.width else {
      throw ProjectionError.tooFewDimensions(given: rows.width, needed: max(1, count))
    }
    try self.init(rows, count: count, seed: seed, pool: pool, cancellation: cancellation)
  }

  init(
    _ rows: CenteredRows, count: Int, seed: UInt64, pool: ThreadPool, cancellation: Cancellation?
  ) throws(Cancelled) {
    let total = rows.sumOfSquares
    var found: [[Double]]
    if min(rows.count, rows.width) > Self.exactLimit {
      found = try Self.iterated(rows.tensor, count: count, seed: seed, pool: pool, cancellation)
    } else if rows.width <= rows.count {
      let products = try Self.products(
        of: rows.width, reading: { rows.values[$1 * rows.width + $0] }, length: rows.count, pool,
        cancellation)
      found = try SymmetricEigen(
        products, size: rows.width, keeping: count, cancellation: cancellation
      ).vectors
    } else {
      let products = try Self.products(
        of: rows.count, reading: { rows.values[$0 * rows.width + $1] }, length: rows.width, pool,
        cancellation)
      let eigen = try SymmetricEigen(
        products, size: rows.count, keeping: count, cancellation: cancellation)
      found = eigen.vectors.map { Self.combination(of: rows, weights: $0) }
      found += Array(
        repeating: [Double](repeating: 0, count: rows.width), count: count - found.count)
    }
    found = found.map(Self.turned)
    let directions = found
    var places = pool.map(count: rows.count, grain: 64) { range in
      range.map { row in
        directions.map { direction in
          var sum = 0.0
          let start = row * rows.width
          for column in 0..<rows.width { sum += rows.values[start + column] * direction[column] }
          return sum
        }
      }
    }.flatMap(\.self)
    self.init(mean: rows.mean, total: total, found, &places)
  }

  /// Of many points in many dimensions, which stay in single precision.
  private init(
    _ rows: Tensor, mean: [Double], total: Double, _ directions: [[Double]],
    _ cancellation: Cancellation?
  ) throws(Cancelled) {
    let found = directions.map(Self.turned)
    let weight = Tensor(
      shape: [found.count, mean.count], found.flatMap { $0.map { Float($0) } })
    let along = try linear(rows, weight: weight, bias: nil, cancellation: cancellation).floats
    var places = (0..<rows.shape[0]).map { row in
      (0..<found.count).map { Double(along[row * found.count + $0]) }
    }
    self.init(mean: mean, total: total, found, &places)
  }

  private init(
    mean: [Double], total: Double, _ directions: [[Double]], _ places: inout [[Double]]
  ) {
    var found = directions
    let (count, points) = (found.count, places.count)
    var squares = [Double](repeating: 0, count: count)
    for point in places {
      for axis in 0..<count { squares[axis] += point[axis] * point[axis] }
    }
    // What rounding leaves of a direction without spread says nothing.
    for axis in 0..<count where !(squares[axis] > 1e-24 * total) {
      squares[axis] = 0
      found[axis] = found[axis].map { _ in 0 }
      for point in places.indices { places[point][axis] = 0 }
    }
    self.mean = mean
    components = found
    coordinates = places
    explainedVariance = squares.map { $0 / Double(points - 1) }
    explainedVarianceRatio = squares.map { total > 0 ? $0 / total : 0 }
  }

  /// A unit vector whose entry farthest from zero is positive.
  private static func turned(_ direction: [Double]) -> [Double] {
    let length = dot(direction, direction).squareRoot()
    let farthest = direction.max { abs($0) < abs($1) } ?? 0
    return length > 0 ? direction.map { $0 / (farthest < 0 ? -length : length) } : direction
  }

  /// The symmetric matrix of products of `size` lists of `length` numbers with each other.
  private static func products(
    of size: Int, reading value: @Sendable (Int, Int) -> Double, length: Int, _ pool: ThreadPool,
    _ cancellation: Cancellation?
  ) throws(Cancelled) -> [Double] {
    var lists: [Double] = []
    lists.reserveCapacity(size * length)
    for list in 0..<size { for place in 0..<length { lists.append(value(list, place)) } }
    let numbers = lists
    let loops = DoubleVectors()
    let upper = pool.map(count: size, grain: 1) { range -> [Double] in
      var row = [Double](repeating: 0, count: size)
      let first = range.lowerBound * length
      guard cancellation?.isCancelled != true else { return row }
      for other in range.lowerBound..<size {
        let second = other * length
        let sum = loops.dot(numbers, from: first, numbers, from: second, count: length)
        row[other] = sum
      }
      return row
    }
    try cancellation?.check()
    var matrix = [Double](repeating: 0, count: size * size)
    for row in 0..<size {
      for column in row..<size {
        matrix[row * size + column] = upper[row][column]
        matrix[column * size + row] = upper[row][column]
      }
    }
    return matrix
  }

  /// The sum of the rows, each times its weight.
  private static func combination(of rows: CenteredRows, weights: [Double]) -> [Double] {
    var sum = [Double](repeating: 0, count: rows.width)
    for row in 0..<rows.count {
      let (start, weight) = (row * rows.width, weights[row])
      for column in 0..<rows.width { sum[column] += weight * rows.values[start + column] }
    }
    return sum
  }
}

extension PrincipalComponents {
  /// Directions from block Krylov spaces (Golub and Underwood 1977; Musco and Musco 2015): from some more than asked for, XᵀX
  /// is applied a few times, and the best combinations of all that came out begin the next round; until the wanted ones
  /// change by less than 10⁻⁵, at most twenty times.
  private static func iterated(
    _ matrix: Tensor, count: Int, seed: UInt64, pool: ThreadPool, _ cancellation: Cancellation?
  ) throws(Cancelled) -> [[Double]] {
    let width = matrix.shape[1]
    let most = min(matrix.shape[0], width)
    let size = min(count + 13, most)
    let blocks = max(1, min(6, most / size))
    var generator = SeededGenerator(seed: seed)
    var block = orthonormal(
      (0..<size).map { _ in (0..<width).map { _ in generator.normal() } })
    for _ in 0..<20 {
      var basis: [[Double]] = []
      var images: [[Double]] = []
      for step in 0..<blocks {
        let flat = Tensor(shape: [size, width], block.flatMap { $0.map { Float($0) } })
        let along = try linear(matrix, weight: flat, bias: nil, cancellation: cancellation)
        let back = try matrixProduct(along.transposed(), matrix, cancellation: cancellation)
        let here = (0..<size).map { back.row($0).map { Double($0) } }
        basis += block
        images += here
        if step + 1 < blocks {
          block = orthonormal(here, to: basis, pool: pool)
        }
      }
      let (known, seen) = (basis, images)
      let inner = pool.map(count: known.count, grain: 2) { range in
        range.flatMap { row in
          known.indices.map { column in
            (dot(seen[row], known[column]) + dot(seen[column], known[row])) / 2
          }
        }
      }.flatMap(\.self)
      let eigen = try SymmetricEigen(
        inner, size: known.count, keeping: size, cancellation: cancellation)
      block = pool.map(count: size, grain: 1) { range in
        range.map { mix(known, eigen.vectors[$0]) }
      }.flatMap(\.self)
      var farthest = 0.0
      for axis in 0..<count {
        let image = mix(images, eigen.vectors[axis])
        let value = max(eigen.values[axis], .leastNormalMagnitude)
        var rest = 0.0
        for column in 0..<width {
          let difference = image[column] / value - block[axis][column]
          rest += difference * difference
        }
        farthest = max(farthest, rest.squareRoot())
      }
      if farthest < 1e-5 { break }
    }
    return Array(block.prefix(count))
  }

  private static func mix(_ vectors: [[Double]], _ weights: [Double]) -> [Double] {
    var sum = [Double](repeating: 0, count: vectors[0].count)
    let loops = DoubleVectors()
    for (vector, weight) in zip(vectors, weights) {
      loops.add(weight, times: vector, to: &sum, count: sum.count)
    }
    return sum
  }

  /// Gram and Schmidt's process, twice for each vector so that rounding leaves nothing; also against vectors that are
  /// orthonormal already.
  private static func orthonormal(
    _ vectors: [[Double]], to others: [[Double]] = [], pool: ThreadPool = Compute.pool
  ) -> [[Double]] {
    var basis: [[Double]] = []
    let lengths = vectors.map { dot($0, $0).squareRoot() }
    var vectors = vectors
    if !others.isEmpty {
      let given = vectors
      vectors = pool.map(count: given.count, grain: 1) { range in
        range.map { index in
          var rest = given[index]
          for _ in 0..<2 { for other in others { take(other, from: &rest) } }
          return rest
        }
      }.flatMap(\.self)
    }
    for (vector, before) in zip(vectors, lengths) {
      var rest = vector
      for _ in 0..<2 { for other in basis { take(other, from: &rest) } }
      let length = dot(rest, rest).squareRoot()
      basis.append(
        length > 1e-12 * before ? rest.map { $0 / length } : rest.map { _ in 0 })
    }
    return basis
  }

  /// Removes what a vector has of a unit vector.
  private static func take(_ other: [Double], from rest: inout [Double]) {
    let along = dot(rest, other)
    DoubleVectors().add(-along, times: other, to: &rest, count: rest.count)
  }
}
