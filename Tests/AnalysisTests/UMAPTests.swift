import DataFormats
import Glibc
import Tensors
import Testing

@testable import Analysis

@Suite("UMAP")
struct UMAPTests {
  private static func fixture() throws -> JSON { try ProjectionFixture.file("umap.json") }

  private static func points(_ name: String, _ set: JSON) throws -> Tensor {
    guard let text = set["bytes"]?.string else { return try ProjectionFixture().points(name) }
    let bytes = try Base64.decode(text)
    return Tensor(
      shape: try #require(set["shape"]?.array).compactMap(\.integer), bytes.map { Float($0) })
  }

  /// The mean share of the 10 nearest points that are among the 10 nearest on the map.
  private static func recall(_ points: Tensor, _ map: [[Double]]) throws -> Double {
    let flat = Tensor(
      shape: [map.count, map[0].count], map.flatMap { $0.map { Float($0) } })
    let (before, after) = (
      try Neighbors.nearest(
        CenteredRows(points), count: 10, pool: .shared, cancellation: nil),
      try Neighbors.nearest(CenteredRows(flat), count: 10, pool: .shared, cancellation: nil)
    )
    let kept = zip(before, after).map { Set($0.map(\.point)).intersection($1.map(\.point)).count }
    return Double(kept.reduce(0, +)) / Double(10 * map.count)
  }

  @Test("the curve's numbers are umap-learn's within 1e-3")
  func curves() throws {
    let curves = try #require(try Self.fixture()["curves"]?.array)
    #expect(curves.count == 5)
    for curve in curves {
      let numbers = try #require(curve.array).compactMap(\.number)
      let mine = UMAPCurve(minimumDistance: numbers[1], spread: numbers[0])
      #expect(abs(mine.a - numbers[2]) < 1e-3, "\(mine.a) and \(numbers[2])")
      #expect(abs(mine.b - numbers[3]) < 1e-3, "\(mine.b) and \(numbers[3])")
    }
  }

  @Test("the fuzzy graph is umap-learn's within 1e-4", arguments: [0, 1])
  func graph(index: Int) throws {
    let theirs = try #require(try Self.fixture()["graphs"]?[index])
    let rows = try CenteredRows(try ProjectionFixture().points("mixed"))
    let size = try #require(theirs["neighbors"]?.integer)
    let graph = FuzzyGraph(
      near: try Neighbors.nearest(rows, count: size - 1, pool: .shared, cancellation: nil))
    #expect(graph.starts == (try #require(theirs["starts"]?.array)).compactMap(\.integer))
    #expect(
      graph.others == (try #require(theirs["others"]?.array)).compactMap(\.integer).map(Int32.init))
    let weights = try ProjectionFixture.numbers(theirs, "weights")
    #expect(weights.count == graph.weights.count)
    for (mine, expected) in zip(graph.weights, weights) {
      #expect(abs(Double(mine) - expected) < 1e-4)
    }
  }

  @Test(
    "neighbours are kept as well as by umap-learn",
    arguments: ["mixed", "ring", "digits"], [0, 1])
  func quality(name: String, index: Int) throws {
    let set = try #require(try Self.fixture()["sets"]?[name])
    let reference = try #require(set["maps"]?[index])
    let points = try Self.points(name, set)
    let axes = try #require(reference["dims"]?.integer)
    let map = try UMAP(of: points, axes: axes)
    #expect(map.neighbors == 15 && map.hasExactNeighbors && map.epochs == 500)
    let trust = try Neighbors.trustworthiness(of: map.coordinates, for: points)
    let theirs = try #require(reference["trustworthiness"]?.number)
    #expect(trust > theirs - 0.01, "\(trust) against \(theirs)")
    let recall = try Self.recall(points, map.coordinates)
    let expected = try #require(reference["recall"]?.number)
    #expect(recall > expected - 0.02, "\(recall) against \(expected)")
  }

  @Test("the same bits in every run and whatever the threads", arguments: [2, 3])
  func deterministic(axes: Int) throws {
    let points = try ProjectionFixture().points("mixed")
    var options = UMAP.Options()
    options.seed = 4
    let alone = try UMAP(of: points, axes: axes, options: options, pool: ThreadPool(threadCount: 1))
    let many = try UMAP(of: points, axes: axes, options: options, pool: ThreadPool(threadCount: 5))
    #expect(alone.coordinates == many.coordinates)
    options.seed = 5
    #expect(try UMAP(of: points, axes: axes, options: options).coordinates != alone.coordinates)
  }

  @Test("the slowest vibrations of a path are cosines")
  func spectral() throws {
    let count = 40
    let near = (0..<count).map { point in
      [point - 1, point + 1].filter { (0..<count).contains($0) }.map {
        Neighbors.Near(point: $0, squaredDistance: 1)
      }
    }
    let graph = FuzzyGraph(near: near)
    #expect(graph.isConnected && graph.weights.allSatisfy { $0 == 1 })
    let found = try #require(
      try SpectralLayout.eigenvectors(
        of: graph, count: 2, seed: 0, pool: .shared, cancellation: nil))
    // For a path with D⁻¹ᐟ²WD⁻¹ᐟ² they are √d · cos(π k i / (n − 1)).
    for (number, vector) in found.enumerated() {
      let exact = (0..<count).map { point in
        (point == 0 || point == count - 1 ? 1 : 2.0.squareRoot())
          * cos(Double(number + 1) * .pi * Double(point) / Double(count - 1))
      }
      let cosine =
        dot(exact, vector) / (dot(exact, exact) * dot(vector, vector)).squareRoot()
      #expect(abs(cosine) > 1 - 1e-6, "\(cosine)")
    }
  }

  @Test("many points' neighbours are found without comparing all")
  func search() throws {
    var generator = SeededGenerator(seed: 2)
    let (count, width) = (6000, 24)
    var values: [Float] = []
    for point in 0..<count {
      for column in 0..<width {
        let scale = column < 6 ? 1.0 : 0.3
        values.append(Float(scale * generator.normal() + (column == point % 5 ? 3 : 0)))
      }
    }
    let rows = try CenteredRows(Tensor(shape: [count, width], values))
    let exact = try Neighbors.nearest(rows, count: 14, pool: .shared, cancellation: nil)
    let search = NeighborSearch(rows, count: 14, seed: 1, pool: ThreadPool(threadCount: 3))
    let found = try search.run(nil)
    let kept = zip(exact, found).reduce(0) {
      $0 + Set($1.0.map(\.point)).intersection($1.1.map(\.point)).count
    }
    #expect(Double(kept) > 0.97 * Double(14 * count), "\(kept)")
    #expect(found.allSatisfy { $0.count == 14 })
    let alone = try NeighborSearch(rows, count: 14, seed: 1, pool: ThreadPool(threadCount: 1))
      .run(nil)
    #expect(zip(alone, found).allSatisfy { $0.map(\.point) == $1.map(\.point) })
    let cancellation = Cancellation()
    cancellation.cancel()
    #expect(throws: Cancelled.self) { try search.run(cancellation) }
  }

  @Test("clusters far apart, few points, equal points and impossible wishes")
  func extremes() throws {
    var values: [Float] = []
    for point in 0..<40 { values += [point < 20 ? 0 : 1000, Float(point % 20)] }
    let apart = try UMAP(of: Tensor(shape: [40, 2], values))
    #expect(!apart.isConnected && apart.coordinates.flatMap(\.self).allSatisfy { $0.isFinite })
    let three = try UMAP(of: Tensor(shape: [3, 2], [0, 0, 1, 0, 0, 5]), axes: 3)
    #expect(three.neighbors == 3 && three.coordinates.flatMap(\.self).allSatisfy { $0.isFinite })
    let twins = try UMAP(of: Tensor(shape: [6, 1], [1, 1, 1, 2, 2, 900_000]), axes: 3)
    #expect(twins.coordinates.flatMap(\.self).allSatisfy { $0.isFinite })
    #expect(throws: ProjectionError.allEqual) {
      try UMAP(of: Tensor(shape: [4, 2], [1, 1, 1, 1, 1, 1, 1, 1]))
    }
    var options = UMAP.Options()
    options.neighbors = 5
    #expect(throws: ProjectionError.neighborhood(5, points: 4)) {
      try UMAP(of: Tensor(shape: [4, 2], [1, 1, 2, 1, 3, 3, 4, 4]), options: options)
    }
    options.neighbors = nil
    options.minimumDistance = 2
    #expect(throws: ProjectionError.minimumDistance(2, spread: 1)) {
      try UMAP(of: Tensor(shape: [4, 2], [1, 1, 2, 1, 3, 3, 4, 4]), options: options)
    }
    let cancellation = Cancellation()
    var epochs: [Int] = []
    #expect(throws: Cancelled.self) {
      try UMAP(of: ProjectionFixture().points("mixed"), cancellation: cancellation) { epoch, _ in
        epochs.append(epoch)
        if epoch == 30 { cancellation.cancel() }
      }
    }
    #expect(epochs == [10, 20, 30])
  }
}
