import Models
import Tensors
import Testing

@testable import Analysis

@Suite struct AttentionRolloutTests {
  @Test(arguments: HeadReference.models)
  func theRolloutIsTheReferences(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let trace = try model.run(ids: try HeadReference.array("\(name).ids").map { Int($0) })
    for layer in 0..<model.configuration.layers {
      let rollout = try AttentionRollout.rollout(trace, through: layer)
      #expect(
        largestDifference(
          rollout.floats, try HeadReference.array("\(name).rollout.\(layer)")) < 1e-5)
      for row in 0..<rollout.shape[0] {
        #expect(abs(rollout.row(row).reduce(0, +) - 1) < 1e-5)
      }
    }
    let last = model.configuration.layers - 1
    #expect(
      try AttentionRollout.rollout(trace).floats
        == AttentionRollout.rollout(trace, through: last).floats)
  }

  @Test func itStopsAndRefuses() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: [5, 6, 7])
    #expect(throws: ModelError.layerOutOfRange(3, count: 3)) {
      try AttentionRollout.rollout(trace, through: 3)
    }
    let cancellation = Cancellation()
    cancellation.cancel()
    #expect(throws: Cancelled.self) {
      try AttentionRollout.rollout(trace, cancellation: cancellation)
    }
    #expect(throws: Cancelled.self) { try AttentionFlow(of: trace, cancellation: cancellation) }
  }
}
