import Models
import Tensors
import Testing

@testable import Analysis

@Suite struct HeadSummaryTests {
  @Test(arguments: HeadReference.models)
  func theScoresAreTheReferences(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let trace = try model.run(ids: try HeadReference.array("\(name).ids").map { Int($0) })
    for summary in try AttentionPatterns.summaries(trace) {
      let expected = try HeadReference.array("\(name).scores.\(summary.layer).\(summary.head)")
      let patterns = [summary.previousToken, summary.duplicateToken, summary.induction]
      var found = [summary.normalizedEntropy]
      for pattern in patterns { found += [pattern.mean ?? -1, pattern.share] }
      #expect(largestDifference(found, expected) < 1e-5)
    }
  }

  @Test func aKnownMapGivesKnownNumbers() throws {
    let map = Tensor(shape: [2, 2], [1, 0, 0.5, 0.5])
    let summary = try HeadSummary(of: map, ids: [7, 7], isCausal: true, layer: 4, head: 2)
    #expect(summary.layer == 4 && summary.head == 2)
    #expect(summary.entropy == 0.5)
    #expect(summary.normalizedEntropy == 1)
    #expect(summary.distance == 0.25)
    #expect(summary.firstTokenShare == 0.75)
    #expect(summary.previousToken == PatternScore(sum: 0.5, queries: 1, total: 2))
    #expect(summary.duplicateToken == PatternScore(sum: 0.5, queries: 1, total: 2))
    // What followed the first 7 is the second, which looks at itself.
    #expect(summary.induction == PatternScore(sum: 0.5, queries: 1, total: 2))
    // Without the mask the first query sees two keys, too, and looks at one.
    let open = try HeadSummary(of: map, ids: [7, 8], isCausal: false, layer: 0, head: 0)
    #expect(open.normalizedEntropy == 0.5)
    #expect(open.induction.mean == nil && open.induction.share == 0)
  }

  /// A head that always looks at what followed the same token before, and at itself where it can't.
  @Test func aPerfectInductionHeadScoresOne() throws {
    let ids = [9, 1, 2, 3, 1, 2, 3]
    var map = [Float](repeating: 0, count: 49)
    for query in 0..<7 { map[query * 7 + (query >= 4 ? query - 2 : query)] = 1 }
    let summary = try HeadSummary(
      of: Tensor(shape: [7, 7], map), ids: ids, isCausal: true, layer: 0, head: 0)
    #expect(summary.induction == PatternScore(sum: 3, queries: 3, total: 7))
    #expect(summary.induction.mean == 1)
    #expect(summary.induction.share == 3.0 / 7)
    #expect(summary.duplicateToken.mean == 0)
    #expect(summary.previousToken.mean == 0)
  }

  @Test func aSingleTokenHasNoPatterns() throws {
    let summary = try HeadSummary(
      of: Tensor(shape: [1, 1], [1]), ids: [3], isCausal: true, layer: 0, head: 0)
    #expect(summary.normalizedEntropy == 0)
    #expect(summary.previousToken.mean == nil)
  }

  /// Head 2 of layer 0 of all-MiniLM-L6-v2 is known to look at the token before.
  @Test func theTrainedModelHasItsPreviousTokenHead() throws {
    let trace = try loadMiniLM().run(
      "The cat sat on the mat because it was tired, and the dog watched it from the door.")
    let summaries = try AttentionPatterns.summaries(trace, layers: [0])
    let scores = summaries.map { $0.previousToken.mean ?? 0 }
    #expect(scores[2] > 0.8)
    #expect(scores.indices.allSatisfy { $0 == 2 || scores[$0] < scores[2] })
  }
}
