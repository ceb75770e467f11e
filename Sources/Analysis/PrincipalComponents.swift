import Glibc
public import Tensors

/// The directions along which points spread most, and the points along them.
///
/// Up to 512 points or dimensions the decomposition is exact: the covariance (or, for fewer points than dimensions, the
/// products of points) in double precision. Beyond that, subspace iteration from a seeded start (Halko, Martinsson and
/// Tropp 2011, algorithm 4.4) goes on until the directions stand still. Each component's sign is
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
    of points: Tensor, count: Int, seed: UInt64 = 0, pool: ThreadPool = .shared,
    cancellation: Cancellation? = nil
  ) throws {
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
      found = try Self.iterated(rows, count: count, seed: seed, pool: pool, cancellation)
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
    found = found.map { direction in
      let length = dot(direction, direction).squareRoot()
      let farthest = direction.max { abs($0) < abs($1) } ?? 0
      return length > 0
        ? direction.map { $0 / (farthest < 0 ? -length : length) } : direction
    }
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
    mean = rows.mean
    components = found
    coordinates = places
    explainedVariance = squares.map { $0 / Double(rows.count - 1) }
    explainedVarianceRatio = squares.map { total > 0 ? $0 / total : 0 }
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
    let upper = pool.map(count: size, grain: 1) { range -> [Double] in
      var row = [Double](repeating: 0, count: size)
      let first = range.lowerBound * length
      guard cancellation?.isCancelled != true else { return row }
      for other in range.lowerBound..<size {
        let second = other * length
        // Four sums at a time: one alone would wait for each addition.
        var sums = SIMD4<Double>.zero
        var place = 0
        while place + 4 <= length {
          let a = SIMD4(
            numbers[first + place], numbers[first + place + 1], numbers[first + place + 2],
            numbers[first + place + 3])
          let b = SIMD4(
            numbers[second + place], numbers[second + place + 1], numbers[second + place + 2],
            numbers[second + place + 3])
          sums += a * b
          place += 4
        }
        var sum = sums.sum()
        while place < length {
          sum += numbers[first + place] * numbers[second + place]
          place += 1
        }
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
  /// Directions by subspace iteration: 24 more than asked for, which costs little and saves many rounds, multiplied by XᵀX until the wanted ones
  /// change by less than 10⁻⁵, at most a hundred times.
  private static func iterated(
    _ rows: CenteredRows, count: Int, seed: UInt64, pool: ThreadPool, _ cancellation: Cancellation?
  ) throws(Cancelled) -> [[Double]] {
    let width = rows.width
    let size = min(count + 24, min(rows.count, width))
    let matrix = rows.tensor
    var generator = SeededGenerator(seed: seed)
    var basis = orthonormal(
      (0..<size).map { _ in (0..<width).map { _ in generator.normal() } })
    for _ in 0..<100 {
      let flat = Tensor(shape: [size, width], basis.flatMap { $0.map { Float($0) } })
      let along = try linear(matrix, weight: flat, bias: nil, cancellation: cancellation)
      let back = try matrixProduct(along.transposed(), matrix, cancellation: cancellation)
      let images = (0..<size).map { back.row($0).map { Double($0) } }
      // Within the subspace: the best combinations of what the basis has become.
      var inner = [Double](repeating: 0, count: size * size)
      for row in 0..<size {
        for column in 0..<size {
          inner[row * size + column] =
            (dot(images[row], basis[column]) + dot(images[column], basis[row])) / 2
        }
      }
      let eigen = try SymmetricEigen(inner, size: size, keeping: size, cancellation: cancellation)
      var farthest = 0.0
      for axis in 0..<count {
        let direction = mix(basis, eigen.vectors[axis])
        let image = mix(images, eigen.vectors[axis])
        let value = max(eigen.values[axis], .leastNormalMagnitude)
        var rest = 0.0
        for column in 0..<width {
          let difference = image[column] / value - direction[column]
          rest += difference * difference
        }
        farthest = max(farthest, rest.squareRoot())
      }
      let turned = eigen.vectors.map { mix(images, $0) }
      basis = orthonormal(turned)
      if farthest < 1e-5 { break }
    }
    return Array(basis.prefix(count))
  }

  private static func mix(_ vectors: [[Double]], _ weights: [Double]) -> [Double] {
    var sum = [Double](repeating: 0, count: vectors[0].count)
    for (vector, weight) in zip(vectors, weights) {
      for column in sum.indices { sum[column] += weight * vector[column] }
    }
    return sum
  }

  /// Gram and Schmidt's process, twice for each vector so that rounding leaves nothing.
  private static func orthonormal(_ vectors: [[Double]]) -> [[Double]] {
    var basis: [[Double]] = []
    for vector in vectors {
      var rest = vector
      let before = dot(rest, rest).squareRoot()
      for _ in 0..<2 {
        for other in basis {
          let along = dot(rest, other)
          for column in rest.indices { rest[column] -= along * other[column] }
        }
      }
      let length = dot(rest, rest).squareRoot()
      basis.append(
        length > 1e-12 * before ? rest.map { $0 / length } : rest.map { _ in 0 })
    }
    return basis
  }
}
