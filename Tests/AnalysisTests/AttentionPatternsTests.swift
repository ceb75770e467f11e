import Models
import Tensors
import Testing

@testable import Analysis

@Suite struct AttentionPatternsTests {
  @Test func theNumbersOfEveryHeadAreTheReferences() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-llm")
    let trace = try model.run(ids: ReferenceNumbers.ids)
    var shares: [Double] = []
    let summaries = try AttentionPatterns.summaries(trace, progress: { shares.append($0) })
    #expect(summaries.map(\.layer) == [0, 0, 0, 1, 1, 1, 2, 2, 2])
    #expect(summaries.map(\.head) == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    #expect(shares.count == 9 && shares.last == 1)
    for (index, summary) in summaries.enumerated() {
      #expect(abs(summary.entropy - ReferenceNumbers.entropies[index]) < 1e-4)
      #expect(abs(summary.distance - ReferenceNumbers.distances[index]) < 1e-4)
      #expect(abs(summary.firstTokenShare - ReferenceNumbers.firstTokenShares[index]) < 1e-5)
    }
  }

  @Test func aGridSharesOneRangeThatLeavesOutUnseenKeys() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: [5, 6, 7, 8, 9])
    let grid = try AttentionPatterns.grid(
      trace, layers: [2, 0], heads: [.head(3), .mean, .max])
    #expect(grid.patterns.map(\.layer) == [2, 2, 2, 0, 0, 0])
    #expect(grid.patterns.map(\.heads) == [.head(3), .mean, .max, .head(3), .mean, .max])
    #expect(grid.range.upperBound == 1)
    // No visible weight is exactly 0, all invisible ones are.
    #expect(grid.range.lowerBound > 0)
    var smallest = Float.infinity
    for pattern in grid.patterns {
      #expect(pattern.isCausal)
      let single = try AttentionPatterns.pattern(
        trace, layer: pattern.layer, heads: pattern.heads)
      #expect(single.values.floats == pattern.values.floats)
      for query in 0..<5 { smallest = min(smallest, pattern.values.row(query)[...query].min()!) }
    }
    #expect(grid.range.lowerBound == smallest)
    #expect(throws: ModelError.layerOutOfRange(3, count: 3)) {
      try AttentionPatterns.grid(trace, layers: [3], heads: [.mean])
    }
    let cancellation = Cancellation()
    cancellation.cancel()
    #expect(throws: Cancelled.self) {
      try AttentionPatterns.grid(
        trace, layers: [0], heads: [.mean], cancellation: cancellation)
    }
  }
}
