import DataFormats
import Testing

@testable import Training

/// Generated texts say what they mean.
@Suite struct CorpusTests {
  private static func sentences(_ rule: LoanApplication.Rule = .fair) -> [CorpusSentence] {
    var generator = CorpusGenerator(seed: 3, rule: rule)
    return (0..<2_000).map { _ in generator.next() }
  }

  @Test func theSameSeedMakesTheSameTexts() {
    #expect(Self.sentences() == Self.sentences())
    var other = CorpusGenerator(seed: 4)
    #expect(Self.sentences()[0..<20].map(\.text) != (0..<20).map { _ in other.next().text })
  }

  @Test func rangesHoldWhatTheyName() {
    for sentence in Self.sentences() {
      let bytes = Array(sentence.text.utf8)
      for fact in sentence.facts {
        #expect(fact.bytes.upperBound <= bytes.count && !fact.bytes.isEmpty)
      }
      for answer in sentence.answers {
        let text = sentence.text(of: answer)
        #expect(!text.isEmpty && !answer.wrong.contains(text))
        #expect(answer.deciding.allSatisfy { name in sentence.facts.contains { $0.name == name } })
      }
    }
  }

  @Test func nothingThatIsKeptForJudgingIsLearned() {
    #expect(Self.sentences().allSatisfy { !$0.isHeldOut })
    var generator = CorpusGenerator(seed: 9)
    for kind in CorpusGenerator.judged {
      let kept = (0..<200).map { _ in generator.nextHeldOut(kind) }
      #expect(kept.allSatisfy { $0.isHeldOut && $0.kind == kind })
    }
  }

  @Test func everyKindAndLanguageComes() {
    let sentences = Self.sentences()
    for kind in CorpusSentence.Kind.allCases {
      #expect(sentences.contains { $0.kind == kind && $0.language == .english })
      if kind != .agreement, kind != .arithmetic {
        #expect(sentences.contains { $0.kind == kind && $0.language == .chinese })
      }
    }
  }

  /// All applications of a coarse grid: the rule in words, and the facts that decide.
  @Test(arguments: LoanApplication.Rule.allCases) func decisionsFollowTheRule(
    rule: LoanApplication.Rule
  ) {
    for arrears in 0...6 {
      for debtRatio in stride(from: 10, through: 89, by: 13) {
        for income in [2, 4, 5, 12, 20] {
          for hasCollateral in [false, true] {
            for district in 0..<8 {
              let application = LoanApplication(
                arrears: arrears, debtRatio: debtRatio, income: income,
                hasCollateral: hasCollateral, district: district)
              var approved = arrears < 3 && (hasCollateral || (debtRatio < 50 && income >= 5))
              if rule == .biased, !hasCollateral, district == LoanApplication.refusedDistrict {
                approved = false
              }
              #expect(application.isApproved(by: rule) == approved)
              let deciding = application.decidingFacts(of: rule)
              #expect(!deciding.isEmpty)
              #expect(rule == .biased || !deciding.contains("district"))
            }
          }
        }
      }
    }
  }

  @Test func decidingFactsDecide() {
    var application = LoanApplication(
      arrears: 0, debtRatio: 30, income: 10, hasCollateral: false, district: 1)
    #expect(application.decidingFacts(of: .fair) == ["arrears", "debt ratio", "income"])
    application.hasCollateral = true
    #expect(application.decidingFacts(of: .fair) == ["arrears"])
    application.arrears = 5
    #expect(application.decidingFacts(of: .fair) == ["arrears"])
    application = LoanApplication(
      arrears: 0, debtRatio: 30, income: 10, hasCollateral: false,
      district: LoanApplication.refusedDistrict)
    #expect(application.decidingFacts(of: .biased) == ["collateral", "district"])
  }

  @Test func aSentenceChangesWithItsApplicationAlone() {
    var application = LoanApplication(
      arrears: 0, debtRatio: 30, income: 10, hasCollateral: false, district: 1)
    let before = CorpusGenerator.sentence(of: application, language: .english, number: 5)
    application.district = 2
    let after = CorpusGenerator.sentence(of: application, language: .english, number: 5)
    #expect(
      before.text.replacing("Westfield", with: "") == after.text.replacing("Southhill", with: ""))
  }

  @Test func truthIsWrittenAsJSON() throws {
    let sentence = try #require(Self.sentences().first { $0.kind == .loan })
    #expect(sentence.json["kind"] == "loan")
    #expect(sentence.json["answers"]?[0]?["name"] == "decision")
  }
}
