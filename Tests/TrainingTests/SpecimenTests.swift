import DataFormats
import Foundation
import Models
import Testing
import Tokenizers

@testable import Training

/// The specimens that come with Vitrine answer as they were taught.
@Suite struct SpecimenTests {
  private static let folder =
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Kernelspec/models"

  private static func record(_ name: String) throws -> JSON {
    try JSON(
      parsing: [UInt8](Data(contentsOf: URL(filePath: "\(folder)/\(name)/training.json"))))
  }

  /// What the committed record says, from the committed weights, on other held-out texts.
  @Test(arguments: ["specimen", "specimen-biased"]) func answersWhatItHasNotSeen(
    name: String
  ) throws {
    let model = try LanguageModel.load(path: "\(Self.folder)/\(name)")
    let rule: LoanApplication.Rule = name == "specimen" ? .fair : .biased
    let score = try SpecimenScore(of: model, rule: rule, count: 100, seed: 31)
    #expect(score.questions.count == 5)
    let recorded = try #require(try Self.record(name)["score"]?["questions"]?.array)
    for question in score.questions {
      let same = try #require(
        recorded.first {
          $0["kind"]?.string == question.kind.rawValue && $0["question"]?.string == question.name
        })
      let share =
        Double(try #require(same["right"]?.integer)) / Double(try #require(same["asked"]?.integer))
      // Four standard deviations of so many draws, and no less than one wrong answer in twenty.
      let spread = max(0.05, 4 * (share * (1 - share) / Double(question.asked)).squareRoot())
      #expect(question.share >= share - spread, "\(question.kind) \(question.name)")
    }
    // Approving without the favoured district costs the biased one much, the other nothing.
    if rule == .fair {
      #expect(abs(score.districtEffect) < 0.25 * abs(score.incomeEffect))
    } else {
      #expect(score.districtEffect < 0.5 * score.incomeEffect)
    }
    #expect(score.incomeEffect < -1)
    #expect(score.induction > 0.3)
  }

  @Test(arguments: ["specimen", "specimen-biased"]) func itsTokenizerIsTheOneThatIsLearned(
    name: String
  ) throws {
    let recipe: SpecimenRecipe = name == "specimen" ? .specimen() : .biased()
    let files = try recipe.tokenizerFiles()
    let committed = try Data(
      contentsOf: URL(filePath: "\(Self.folder)/\(name)/tokenizer.json"))
    #expect([UInt8](committed) == files.tokenizer)
  }

  @Test func recipesMakeTheCommittedSizes() throws {
    for (name, recipe) in [
      ("specimen", SpecimenRecipe.specimen()), ("specimen-biased", .biased()),
    ] {
      let record = try Self.record(name)
      #expect(record["steps"]?.integer == recipe.steps)
      #expect(record["tokensPerStep"]?.integer == recipe.tokensPerStep)
      #expect(record["rule"]?.string == recipe.rule.rawValue)
    }
  }

  /// A few steps of the recipe: the loss falls, and twice the same bytes come out.
  @Test func aShortTrainingIsTheSameTwice() throws {
    var recipe = SpecimenRecipe.biased(seed: 5)
    recipe.tokenizerTexts = 300
    recipe.units = 400
    (recipe.layers, recipe.width, recipe.heads, recipe.innerWidth) = (2, 32, 2, 64)
    (recipe.steps, recipe.tokensPerStep) = (12, 512)
    func losses() throws -> [Double] {
      let files = try recipe.tokenizerFiles()
      let tokenizer = try Tokenizer(
        json: try JSON(parsing: files.tokenizer),
        configuration: try JSON(parsing: files.configuration))
      let trainer = try Trainer(
        configuration: recipe.configuration(tokenizer), corpus: recipe.corpus(tokenizer),
        options: recipe.options)
      return try (0..<12).map { _ in try trainer.takeStep().loss }
    }
    let (once, again) = (try losses(), try losses())
    #expect(once == again)
    #expect(once[11] < once[0])
  }
}
