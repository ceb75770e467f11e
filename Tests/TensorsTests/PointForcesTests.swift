import Tensors
import Testing

@Suite("Forces on a map")
struct PointForcesTests {
  /// Points in some clusters and a few far away, axis by axis.
  private static func places(_ count: Int, _ axes: Int) -> [[Float]] {
    var generator = SeededGenerator(seed: 3)
    return (0..<axes).map { axis in
      (0..<count).map { point in
        let center = Double((point * 7 + axis * 3) % 11) * 5
        return Float(center + generator.normal() * (point % 97 == 0 ? 40 : 2))
      }
    }
  }

  private static func pairs(_ count: Int) -> NearShares {
    let lanes = PairForces.lanes
    let others = (0..<count).flatMap { point in
      (0..<lanes).map { Int32((point + 1 + $0 * 13) % count) }
    }
    return NearShares(
      starts: (0...count).map { $0 * lanes }, others: others,
      shares: others.indices.map { 1e-3 / Float(1 + $0 % lanes) })
  }

  @Test(
    "pushes by clusters are within a few thousandths of those of all pairs", arguments: [2, 3],
    InstructionSet.available)
  func clusters(axes: Int, set: InstructionSet) throws {
    let count = 2011
    let places = Self.places(count, axes)
    let shares = Self.pairs(count)
    let result = try #require(
      try Compute.with(instructionSet: set) {
        (
          try PairForces(
            places: places, shares: .near(shares), pool: .shared, cancellation: nil),
          try PairForces(
            places: places, shares: shares, order: PointOrder(places: places), opening: 0.5,
            pool: .shared, cancellation: nil)
        )
      })
    let (exact, near) = result
    #expect(exact.pulls == near.pulls)
    let totals = [exact, near].map { $0.weights.reduce(0) { $0 + Double($1) } }
    #expect(abs(totals[1] / totals[0] - 1) < 2e-3, "\(totals)")
    var (error, length) = (0.0, 0.0)
    for axis in 0..<axes {
      for point in 0..<count {
        let difference = Double(exact.pushes[axis][point] - near.pushes[axis][point])
        error += difference * difference
        length += Double(exact.pushes[axis][point]) * Double(exact.pushes[axis][point])
      }
    }
    #expect((error / length).squareRoot() < 5e-3, "\((error / length).squareRoot())")
  }

  @Test("the same bits whatever the threads, and from an order of another map", arguments: [2, 3])
  func deterministic(axes: Int) throws {
    let places = Self.places(500, axes)
    let shares = Self.pairs(500)
    let order = PointOrder(places: places)
    func forces(_ order: PointOrder, _ threads: Int) throws -> PairForces {
      try PairForces(
        places: places, shares: shares, order: order, opening: 0.5,
        pool: ThreadPool(threadCount: threads), cancellation: nil)
    }
    let (one, four) = (try forces(order, 1), try forces(order, 4))
    #expect(one.weights == four.weights && one.pushes == four.pushes && one.pulls == four.pulls)
    let other = PointOrder(places: places.map { $0.map { $0 * $0 } })
    let old = try forces(other, 2)
    let totals = [one, old].map { $0.weights.reduce(0) { $0 + Double($1) } }
    #expect(abs(totals[1] / totals[0] - 1) < 2e-3, "\(totals)")
    let cancellation = Cancellation()
    cancellation.cancel()
    #expect(throws: Cancelled.self) {
      try PairForces(
        places: places, shares: shares, order: order, opening: 0.5, pool: .shared,
        cancellation: cancellation)
    }
  }
}
