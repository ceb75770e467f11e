import Glibc
import Testing

@testable import Models

@Suite struct RoutingRuleTests {
  private func rule(
    groups: Int = 1, kept: Int = 1, score: RoutingRule.GroupScore = .largest,
    normalizes: Bool = false, scale: Float = 1
  ) -> RoutingRule {
    RoutingRule(
      scoring: .softmax, hasCorrection: false, groups: groups, keptGroups: kept, groupScore: score,
      normalizes: normalizes, scale: scale)
  }

  @Test func theMostWantedComesFirstAndOfEqualOnesTheEarlier() {
    #expect(rule().choose(3, [0.1, 0.5, 0.2, 0.5, 0.2], correction: nil) == [1, 3, 2])
  }

  @Test func aGroupIsWorthItsBestOrItsTwoBest() {
    let probabilities: ArraySlice<Float> = [0.9, 0, 0.1, 0.5, 0.6, 0, 0.3, 0.2, 0.25]
    // By the best one the groups stand 0, 1, 2; by the two best 1 (1.1), 0 (1.0), 2 (0.55).
    #expect(
      rule(groups: 3, kept: 1).choose(2, probabilities, correction: nil) == [0, 2])
    #expect(
      rule(groups: 3, kept: 1, score: .sumOfTwoLargest).choose(2, probabilities, correction: nil)
        == [4, 3])
    #expect(
      rule(groups: 3, kept: 2).choose(4, probabilities, correction: nil) == [0, 4, 3, 2])
  }

  @Test func anExpertOfADroppedGroupIsNeverChosen() {
    // Corrections may make everything that is kept negative: what is dropped still isn't chosen.
    let chosen = rule(groups: 2, kept: 1, score: .sumOfTwoLargest).choose(
      2, [0.1, 0.2, 0.3, 0.4], correction: [-1, -1, -2, -2])
    #expect(chosen == [1, 0])
  }

  @Test func correctionsMoveChoicesButNotWeights() {
    let probabilities: ArraySlice<Float> = [0.5, 0.25, 0.125]
    let chosen = rule().choose(2, probabilities, correction: [0, -1, 1])
    #expect(chosen == [2, 0])
    #expect(rule(scale: 2).weights(chosen, probabilities) == [0.25, 1])
    #expect(rule(normalizes: true, scale: 2.5).weights(chosen, probabilities) == [0.5, 2])
  }

  @Test func aSliceIsCountedFromItsStart() {
    let line: [Float] = [9, 9, 0.1, 0.7, 0.2]
    #expect(rule().choose(1, line[2...], correction: nil) == [1])
    #expect(rule().weights([1, 2], line[2...]) == [0.7, 0.2])
  }

  /// Against central differences in double precision of Σ slope · weight over the chosen, to 1e-8.
  @Test(arguments: [RoutingRule.Scoring.softmax, .sigmoid], [false, true])
  func scoresAreFollowedBackFromTheWeights(scoring: RoutingRule.Scoring, normalizes: Bool) {
    let rule = RoutingRule(
      scoring: scoring, hasCorrection: false, groups: 1, keptGroups: 1, groupScore: .largest,
      normalizes: normalizes, scale: 2.5)
    let scores = [0.3, -1.2, 2.1, 0.7, -0.4]
    let slopes = [0, 0.9, -1.7, 0, 0.6]
    let chosen = [2, 4, 1]
    func probabilities(_ scores: [Double]) -> [Double] {
      let powers = scores.map { exp($0) }
      let total = powers.reduce(0, +)
      return scoring == .softmax ? powers.map { $0 / total } : powers.map { $0 / (1 + $0) }
    }
    func value(_ scores: [Double]) -> Double {
      let shares = probabilities(scores)
      let total = normalizes ? chosen.reduce(0) { $0 + shares[$1] } : 1
      return chosen.reduce(0) { $0 + slopes[$1] * 2.5 * shares[$1] / total }
    }
    let gradient = rule.scoreGradient(slopes, chosen: chosen, probabilities(scores))
    for index in scores.indices {
      var (high, low) = (scores, scores)
      high[index] += 1e-5
      low[index] -= 1e-5
      #expect(abs(gradient[index] - (value(high) - value(low)) / 2e-5) <= 1e-8)
    }
  }
}
