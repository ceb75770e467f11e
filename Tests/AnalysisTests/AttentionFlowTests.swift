import Models
import Tensors
import Testing

@testable import Analysis

@Suite struct AttentionFlowTests {
  @Test(arguments: HeadReference.models)
  func theFlowIsTheReferences(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let ids = try HeadReference.array("\(name).ids").map { Int($0) }
    let trace = try model.run(ids: ids)
    for position in [ids.count - 1, ids.count / 2] {
      let flow = try AttentionFlow(of: trace, positions: [position])
      let expected = try HeadReference.array("\(name).flow.\(position)")
      #expect(largestDifference(flow.flows.floats, expected) < 1e-5)
      // No more flows than leaves the position, or than enters the token.
      #expect(flow.flows.floats.allSatisfy { $0 >= 0 && $0 <= 1 + 1e-5 })
      let sum = expected.reduce(0, +)
      #expect(largestDifference(flow.shares.floats, expected.map { $0 / sum }) < 1e-5)
    }
  }

  @Test func allPositionsAreTheSingleOnes() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: [5, 6, 7, 8])
    var shares: [Double] = []
    let all = try AttentionFlow(of: trace, progress: { shares.append($0) })
    #expect(shares == [0.25, 0.5, 0.75, 1])
    for position in 0..<4 {
      let one = try AttentionFlow(of: trace, positions: [position])
      #expect(all.flows.row(position) == one.flows.floats)
    }
    // The first position of a decoder sees itself alone.
    #expect(all.flows.row(0) == [1, 0, 0, 0])
  }

  /// Two pipes of 0.3 and 0.5 lead to the target, one of them through a neck of 0.2.
  @Test func aKnownNetworkCarriesItsNarrowestCut() throws {
    var network = LayeredNetwork(capacities: [[0.3, 0, 0.5, 0], [0, 0, 0.4, 0.2]], width: 2)
    #expect(abs(try network.largestFlow(from: 1, to: 0, cancellation: nil) - 0.5) < 1e-12)
    var blocked = LayeredNetwork(capacities: [[0.3, 0, 0.5, 0], [0, 0, 0.4, 0.2]], width: 2)
    #expect(try blocked.largestFlow(from: 0, to: 0, cancellation: nil) == 0)
    #expect(try blocked.largestFlow(from: 1, to: 1, cancellation: nil) == 0)
  }

  @Test func longTextsAreRefused() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: Array(repeating: 5, count: 65))
    #expect(throws: AttentionFlowError.tooLong(tokens: 65, limit: 64)) {
      try AttentionFlow(of: trace)
    }
  }
}
