import Models
import Testing

@testable import Analysis

@Suite struct NextTokensTests {
  @Test func namesTheReferencesMostLikelyTokens() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-llm")
    let trace = try model.run(ids: ReferenceNumbers.ids)
    let top = try NextTokens.top(trace, count: 5)
    #expect(top.map(\.id) == ReferenceNumbers.topIDs)
    for (token, (probability, logit)) in zip(
      top, zip(ReferenceNumbers.topProbabilities, ReferenceNumbers.topLogits))
    {
      #expect(abs(token.probability - probability) < 1e-5)
      #expect(abs(token.logit - logit) < 1e-3)
      #expect(token.text != nil)
      #expect(
        abs(try NextTokens.probability(of: token.id, in: trace) - token.probability) < 1e-12)
    }
  }

  @Test func allProbabilitiesSumToOne() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let trace = try model.run(ids: [7, 8, 9])
    for position in 0..<3 {
      let all = try NextTokens.top(trace, position: position, count: 1_000)
      #expect(all.count == 200)
      #expect(Set(all.map(\.id)).count == 200)
      #expect(abs(all.reduce(0) { $0 + $1.probability } - 1) < 1e-12)
      #expect(zip(all, all.dropFirst()).allSatisfy { $0.logit >= $1.logit })
      #expect(all.allSatisfy { $0.text == nil })
    }
    #expect(throws: ModelError.positionOutOfRange(3, count: 3)) {
      try NextTokens.top(trace, position: 3)
    }
    #expect(throws: ModelError.self) { try NextTokens.probability(of: 200, in: trace) }
  }

  @Test func equalValuesKeepTheirOrder() {
    #expect(NextTokens.largest([1, 3, 2, 3, 3], count: 3) == [1, 3, 4])
    #expect(NextTokens.largest([1, 3, 2], count: 9) == [1, 2, 0])
    #expect(NextTokens.largest([1, 3, 2], count: 0) == [])
    #expect(NextTokens.largest([], count: 2) == [])
  }

  @Test func largeScoresDoNotOverflow() {
    #expect(abs(logSumExp([3_000, 3_000]) - (3_000 + 0.6931471805599453)) < 1e-9)
    #expect(abs(logSumExp([-3_000, -3_001]) - (-3_000 + 0.31326168751822286)) < 1e-9)
  }
}
