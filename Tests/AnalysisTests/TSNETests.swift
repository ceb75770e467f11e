import DataFormats
import Tensors
import Testing

@testable import Analysis

@Suite("t-SNE")
struct TSNETests {
  @Test(
    "divergence within 2 % of scikit-learn's best of five, trustworthiness within 0.01",
    arguments: [0, 1, 2])
  func reference(index: Int) throws {
    let fixture = try ProjectionFixture()
    let run = try #require(fixture.runs.indices.contains(index) ? fixture.runs[index] : nil)
    let points = try fixture.points("mixed")
    var options = TSNE.Options()
    options.perplexity = try #require(run["perplexity"]?.number)
    let map = try TSNE(of: points, axes: try #require(run["dims"]?.integer), options: options)
    let best = try #require(run["kl"]?.number)
    #expect(map.divergence <= best * 1.02, "\(map.divergence) against \(best)")
    let trust = try Neighbors.trustworthiness(of: map.coordinates, for: points)
    let theirs = try #require(run["trustworthiness"]?.number)
    #expect(trust >= theirs - 0.01, "\(trust) against \(theirs)")
  }

  @Test("the divergence of scikit-learn's own map is what scikit-learn says")
  func divergence() throws {
    let fixture = try ProjectionFixture()
    let rows = try CenteredRows(try fixture.points("mixed"))
    for run in fixture.runs {
      let axes = try #require(run["dims"]?.integer)
      let theirs = ProjectionFixture.rows(try ProjectionFixture.numbers(run, "first"), axes)
      let affinities = try Affinities(
        rows, perplexity: try #require(run["perplexity"]?.number), pool: .shared,
        cancellation: nil)
      let descent = Descent(
        coordinates: (0..<axes).map { axis in theirs.map { $0[axis] } }, affinities: affinities,
        axes: axes, pool: .shared, learningRate: 50)
      let mine = try descent.divergence(nil)
      let expected = try #require(run["first_kl"]?.number)
      #expect(abs(mine - expected) < 2e-5 * expected, "\(mine) and \(expected)")
    }
  }

  @Test("the same bits in every run and whatever the threads", arguments: [2, 3])
  func deterministic(axes: Int) throws {
    let points = try ProjectionFixture().points("mixed")
    var options = TSNE.Options()
    options.iterations = 300
    options.starts = 1
    let alone = try TSNE(
      of: points, axes: axes, options: options, pool: ThreadPool(threadCount: 1))
    let many = try TSNE(
      of: points, axes: axes, options: options, pool: ThreadPool(threadCount: 4))
    #expect(alone.coordinates == many.coordinates)
    #expect(alone.divergence == many.divergence)
    options.startsAtRandom = true
    options.seed = 4
    let random = try TSNE(of: points, axes: axes, options: options)
    let again = try TSNE(of: points, axes: axes, options: options)
    #expect(random.coordinates == again.coordinates)
    #expect(random.coordinates != alone.coordinates)
    options.seed = 5
    let other = try TSNE(of: points, axes: axes, options: options)
    #expect(random.coordinates != other.coordinates)
  }

  @Test("more points than are compared pair by pair keep their clusters")
  func many() throws {
    let count = Affinities.exactLimit + 60
    var generator = SeededGenerator(seed: 8)
    var values: [Float] = []
    for point in 0..<count {
      for column in 0..<6 {
        values.append(Float(generator.normal() + (column == point % 4 ? 12 : 0)))
      }
    }
    let points = Tensor(shape: [count, 6], values)
    var options = TSNE.Options()
    options.iterations = 120
    let map = try TSNE(of: points, options: options)
    #expect(map.divergence.isFinite)
    let trust = try Neighbors.trustworthiness(of: map.coordinates, for: points)
    #expect(trust > 0.8, "\(trust)")
    options.iterations = 20
    let (one, three) = (
      try TSNE(of: points, options: options, pool: ThreadPool(threadCount: 1)),
      try TSNE(of: points, options: options, pool: ThreadPool(threadCount: 3))
    )
    #expect(one.coordinates == three.coordinates && one.divergence == three.divergence)
  }

  @Test("a set flag stops the steps; progress is told")
  func cancelled() throws {
    let points = try ProjectionFixture().points("mixed")
    let cancellation = Cancellation()
    var steps: [Int] = []
    #expect(throws: Cancelled.self) {
      try TSNE(of: points, cancellation: cancellation) { step, _ in
        steps.append(step)
        if step == 30 { cancellation.cancel() }
      }
    }
    #expect(steps == [10, 20, 30])
  }

  @Test("few points, equal points and impossible wishes")
  func extremes() throws {
    let three = try TSNE(of: Tensor(shape: [3, 2], [0, 0, 1, 0, 0, 5]))
    #expect(three.coordinates.flatMap(\.self).allSatisfy { $0.isFinite })
    #expect(three.perplexity == 1)
    let twins = try TSNE(
      of: Tensor(shape: [6, 1], [1, 1, 1, 2, 2, 900_000]), axes: 3)
    #expect(twins.coordinates.flatMap(\.self).allSatisfy { $0.isFinite })
    #expect(throws: ProjectionError.allEqual) {
      try TSNE(of: Tensor(shape: [4, 2], [1, 1, 1, 1, 1, 1, 1, 1]))
    }
    #expect(throws: ProjectionError.tooFewPoints(given: 2, needed: 3)) {
      try TSNE(of: Tensor(shape: [2, 2], [1, 1, 2, 1]))
    }
    var options = TSNE.Options()
    options.perplexity = 4
    #expect(throws: ProjectionError.perplexity(4, points: 4)) {
      try TSNE(of: Tensor(shape: [4, 2], [1, 1, 2, 1, 3, 3, 4, 4]), options: options)
    }
  }
}
