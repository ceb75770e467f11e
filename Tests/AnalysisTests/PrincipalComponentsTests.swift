import DataFormats
import Tensors
import Testing

@testable import Analysis

@Suite("Principal components")
struct PrincipalComponentsTests {
  @Test("equal to scikit-learn's, signs included", arguments: ["tall", "wide"])
  func reference(name: String) throws {
    let fixture = try ProjectionFixture()
    let set = try #require(fixture[name])
    let count = try #require(set["components"]?.integer)
    let found = try PrincipalComponents(of: try fixture.points(name), count: count)
    let pairs: [(String, [Double], Double)] = [
      ("coordinates", found.coordinates.flatMap(\.self), 1e-5),
      ("directions", found.components.flatMap(\.self), 1e-6),
      ("variance", found.explainedVariance, 1e-6), ("ratio", found.explainedVarianceRatio, 1e-8),
    ]
    for (what, mine, tolerance) in pairs {
      let theirs = try ProjectionFixture.numbers(set, what)
      try #require(mine.count == theirs.count, "\(what)")
      let farthest = zip(mine, theirs).map { abs($0 - $1) }.max() ?? .infinity
      #expect(farthest < tolerance, "\(what) differ by \(farthest)")
    }
  }

  @Test("more than 512 points and dimensions: the planted directions and variances")
  func large() throws {
    // Orthogonal directions with known lengths: scaled sines over the rows, unit steps over the columns.
    let (count, width) = (600, 640)
    var generator = SeededGenerator(seed: 5)
    let directions = (0..<3).map { axis in
      (0..<width).map { column in
        column % 3 == axis ? 1 / (Double(width / 3 + (axis == 0 ? 1 : 0))).squareRoot() : 0.0
      }
    }
    let weights = (0..<count).map { _ in
      [9.0, 5, 2].map { $0 * generator.normal() }
    }
    var values: [Float] = []
    for row in 0..<count {
      for column in 0..<width {
        let planted = (0..<3).reduce(0.0) { $0 + weights[row][$1] * directions[$1][column] }
        values.append(Float(planted + 1e-3 * generator.normal()))
      }
    }
    let points = Tensor(shape: [count, width], values)
    let found = try PrincipalComponents(of: points, count: 3, seed: 1)
    // The three planted directions span the plane of the found ones.
    for component in found.components {
      let inside = directions.reduce(0.0) { $0 + dot($1, component) * dot($1, component) }
      #expect(abs(inside - 1) < 1e-4)
    }
    for axis in 0..<3 {
      let other = try PrincipalComponents(of: points, count: 3, seed: 2).components[axis]
      #expect(abs(dot(other, found.components[axis]) - 1) < 1e-8)
    }
    let share = found.explainedVarianceRatio.reduce(0, +)
    #expect(share > 0.999 && share < 1)
  }

  @Test("eigenvalues and eigenvectors of matrices with repeated values and zeros")
  func eigen() throws {
    var generator = SeededGenerator(seed: 3)
    for size in [1, 2, 3, 7, 40] {
      // Two equal eigenvalues and two zeros, turned by reflections.
      let wanted = (0..<size).map { $0 < 2 ? 5.0 : $0 < 4 ? 0.0 : Double($0) }
      var matrix = [Double](repeating: 0, count: size * size)
      for index in 0..<size { matrix[index * size + index] = wanted[index] }
      for _ in 0..<3 {
        var mirror = (0..<size).map { _ in generator.normal() }
        let length = dot(mirror, mirror).squareRoot()
        mirror = mirror.map { $0 / length }
        for byRow in [true, false] {
          for line in 0..<size {
            func place(_ index: Int) -> Int { byRow ? line * size + index : index * size + line }
            let along = (0..<size).reduce(0.0) { $0 + matrix[place($1)] * mirror[$1] }
            for index in 0..<size { matrix[place(index)] -= 2 * along * mirror[index] }
          }
        }
      }
      let found = try SymmetricEigen(matrix, size: size, keeping: size)
      for (mine, theirs) in zip(found.values, wanted.sorted(by: >)) {
        #expect(abs(mine - theirs) < 1e-11)
      }
      for (value, vector) in zip(found.values, found.vectors) {
        #expect(abs(dot(vector, vector) - 1) < 1e-12)
        for row in 0..<size {
          let image = (0..<size).reduce(0.0) { $0 + matrix[row * size + $1] * vector[$1] }
          #expect(abs(image - value * vector[row]) < 1e-10)
        }
      }
    }
  }

  @Test("the same bits whatever the threads")
  func threads() throws {
    let points = try ProjectionFixture().points("tall")
    let alone = try PrincipalComponents(of: points, count: 3, pool: ThreadPool(threadCount: 1))
    let many = try PrincipalComponents(of: points, count: 3, pool: ThreadPool(threadCount: 5))
    #expect(alone.coordinates == many.coordinates)
    #expect(alone.components == many.components)
  }

  @Test("points on a line have one component; what can't be projected is said")
  func degenerate() throws {
    let line = Tensor(shape: [3, 3], [0, 0, 0, 1, 1, 1, 2, 2, 2])
    let found = try PrincipalComponents(of: line, count: 3)
    #expect(abs(found.explainedVarianceRatio[0] - 1) < 1e-12)
    #expect(found.explainedVarianceRatio[1...] == [0, 0])
    #expect(found.coordinates.allSatisfy { $0[1] == 0 && $0[2] == 0 })
    #expect(throws: ProjectionError.tooFewPoints(given: 1, needed: 2)) {
      try PrincipalComponents(of: Tensor(shape: [1, 3], [1, 2, 3]), count: 2)
    }
    #expect(throws: ProjectionError.tooFewDimensions(given: 1, needed: 2)) {
      try PrincipalComponents(of: Tensor(shape: [3, 1], [1, 2, 3]), count: 2)
    }
    #expect(throws: ProjectionError.notFinite(point: 1)) {
      try PrincipalComponents(of: Tensor(shape: [2, 2], [1, 2, .nan, 3]), count: 1)
    }
    #expect(throws: ProjectionError.notRows([4])) {
      try PrincipalComponents(of: Tensor(shape: [4], [1, 2, 3, 4]), count: 1)
    }
  }
}
