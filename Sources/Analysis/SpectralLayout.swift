import Tensors

/// Places of a graph's points along the slowest vibrations of the graph (Belkin and Niyogi 2003).
///
/// They are the eigenvectors of the normalised Laplacian I − D⁻¹ᐟ² W D⁻¹ᐟ² with the smallest eigenvalues but the
/// first, found by subspace iteration filtered by Chebyshev polynomials (Zhou, Saad, Tiago and Chelikowsky 2006) from a
/// seeded start. Each one's entry farthest from zero is positive.
enum SpectralLayout {
  private static let rounds = 60
  private static let degree = 12

  /// `count` eigenvectors of a connected graph; `nil` where there are not enough points to have them.
  static func eigenvectors(
    of graph: FuzzyGraph, count: Int, seed: UInt64, pool: ThreadPool, cancellation: Cancellation?
  ) throws(Cancelled) -> [[Double]]? {
    let points = graph.starts.count - 1
    let size = min(count + 1 + 6, points)
    guard points >= count + 3 else { return nil }
    let degrees = (0..<points).map { point in
      graph.weights[graph.starts[point]..<graph.starts[point + 1]]
        .reduce(0.0) { $0 + Double($1) }
    }
    let roots = degrees.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
    func product(_ vector: [Double]) -> [Double] {
      pool.map(count: points, grain: 512) { range in
        range.map { point in
          var sum = 0.0
          for pair in graph.starts[point]..<graph.starts[point + 1] {
            let other = Int(graph.others[pair])
            sum += Double(graph.weights[pair]) * roots[other] * vector[other]
          }
          return sum * roots[point]
        }
      }.flatMap(\.self)
    }
    var generator = SeededGenerator(seed: seed)
    // The first eigenvector is known: the roots of the degrees.
    let first = degrees.map { $0.squareRoot() }
    var basis = orthonormal(
      [first] + (1..<size).map { _ in (0..<points).map { _ in generator.normal() } })
    // Eigenvalues of W lie from -1 to 1; those below `cut` are damped.
    var cut = 0.0
    for _ in 0..<rounds {
      for index in 1..<size {
        try cancellation?.check()
        basis[index] = filtered(basis[index], cut: cut, product)
      }
      basis = orthonormal(basis)
      let images = basis.map(product)
      var inner = [Double](repeating: 0, count: size * size)
      for row in 0..<size {
        for column in 0..<size {
          inner[row * size + column] =
            (dot(images[row], basis[column]) + dot(images[column], basis[row])) / 2
        }
      }
      let eigen = try SymmetricEigen(inner, size: size, keeping: size, cancellation: cancellation)
      var farthest = 0.0
      for axis in 0...count {
        let direction = combination(basis, eigen.vectors[axis])
        let image = combination(images, eigen.vectors[axis])
        var rest = 0.0
        for place in direction.indices {
          let difference = image[place] - eigen.values[axis] * direction[place]
          rest += difference * difference
        }
        farthest = max(farthest, rest.squareRoot())
      }
      let turned = eigen.vectors.map { combination(basis, $0) }
      basis = turned
      cut = max(-0.5, min(0.999_99, eigen.values[size - 1]))
      if farthest < 1e-4 { break }
    }
    return basis[1...count].map { vector in
      let farthest = vector.max { abs($0) < abs($1) } ?? 0
      return farthest < 0 ? vector.map { -$0 } : vector
    }
  }

  /// A Chebyshev polynomial of the matrix times a vector: small on eigenvalues from -1 to `cut`, large above.
  private static func filtered(
    _ vector: [Double], cut: Double, _ product: ([Double]) -> [Double]
  ) -> [Double] {
    let (middle, half) = ((cut - 1) / 2, (cut + 1) / 2)
    var before = vector
    var now = product(vector)
    for place in now.indices { now[place] = (now[place] - middle * vector[place]) / half }
    for _ in 1..<degree {
      let image = product(now)
      var largest = 0.0
      for place in now.indices {
        let next = 2 * (image[place] - middle * now[place]) / half - before[place]
        before[place] = now[place]
        now[place] = next
        largest = max(largest, abs(next))
      }
      // Only the direction matters.
      guard largest > 1e100 else { continue }
      for place in now.indices {
        now[place] /= largest
        before[place] /= largest
      }
    }
    return now
  }

  private static func combination(_ vectors: [[Double]], _ weights: [Double]) -> [Double] {
    var sum = [Double](repeating: 0, count: vectors[0].count)
    for (vector, weight) in zip(vectors, weights) {
      for place in sum.indices { sum[place] += weight * vector[place] }
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
          for place in rest.indices { rest[place] -= along * other[place] }
        }
      }
      let length = dot(rest, rest).squareRoot()
      basis.append(length > 1e-12 * before ? rest.map { $0 / length } : rest.map { _ in 0 })
    }
    return basis
  }
}
