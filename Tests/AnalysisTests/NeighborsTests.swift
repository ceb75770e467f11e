import DataFormats
import Tensors
import Testing

@testable import Analysis

@Suite("Neighbours")
struct NeighborsTests {
  @Test("trustworthiness equals scikit-learn's", arguments: [0, 1, 2])
  func trustworthiness(index: Int) throws {
    let fixture = try ProjectionFixture()
    let run = fixture.runs[index]
    let map = ProjectionFixture.rows(
      try ProjectionFixture.numbers(run, "first"), try #require(run["dims"]?.integer))
    let points = try fixture.points("mixed")
    for pair in try #require(run["trustworthiness_of_first"]?.array) {
      let neighbors = try #require(pair[0]?.integer)
      let found = try Neighbors.trustworthiness(of: map, for: points, neighbors: neighbors)
      let theirs = try #require(pair[1]?.number)
      #expect(abs(found - theirs) < 1e-12, "\(neighbors) neighbours")
    }
    let one = try Neighbors.trustworthiness(
      of: map, for: points, pool: ThreadPool(threadCount: 3))
    let shared = try Neighbors.trustworthiness(of: map, for: points)
    #expect(one == shared)
    #expect(throws: ProjectionError.neighbors(75, points: 150)) {
      try Neighbors.trustworthiness(of: map, for: points, neighbors: 75)
    }
    #expect(throws: ProjectionError.countMismatch(points: 150, mapped: 1)) {
      try Neighbors.trustworthiness(of: [[0, 0]], for: points)
    }
  }

  @Test("neighbours by cosine, nearest first, ties in order")
  func cosine() {
    let points = Tensor(shape: [5, 2], [1, 0, 0, 2, 3, 3, -1, 0, 0, 0])
    let near = Neighbors.byCosine(of: [2, 0], in: points, count: 9)
    #expect(near.map(\.point) == [0, 2, 1, 4, 3])
    #expect(abs(near[1].cosine - 0.5.squareRoot()) < 1e-12)
    #expect(near[4].cosine == -1)
    #expect(
      Neighbors.byCosine(of: [2, 0], in: points, count: 1, leavingOut: 0).map(\.point) == [2])
  }

  @Test("nearest points by distance are those that sorting finds")
  func nearest() throws {
    let rows = try CenteredRows(try ProjectionFixture().points("mixed"))
    let found = try Neighbors.nearest(rows, count: 7, pool: .shared, cancellation: nil)
    for point in 0..<rows.count {
      let sorted = (0..<rows.count).filter { $0 != point }
        .sorted { rows.squaredDistance(point, $0) < rows.squaredDistance(point, $1) }
      #expect(found[point].map(\.point) == Array(sorted.prefix(7)))
    }
  }
}
