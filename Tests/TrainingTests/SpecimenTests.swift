import Checkpoints
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

  private static let names = ["specimen", "specimen-moe", "specimen-biased"]
  private static let recipes: [String: SpecimenRecipe] = [
    "specimen": .specimen(), "specimen-moe": .latentExperts(), "specimen-biased": .biased(),
  ]

  private static func record(_ name: String) throws -> JSON {
    try JSON(
      parsing: [UInt8](Data(contentsOf: URL(filePath: "\(folder)/\(name)/training.json"))))
  }

  /// The scores of the committed record, from the committed weights, on the same held-out texts.
  ///
  /// Another processor may round an answer on the edge to the other side: one in a hundred may differ.
  @Test(arguments: names) func theRecordedScoresAreReproduced(name: String) throws {
    let record = try #require(try Self.record(name)["score"])
    let recorded = try #require(record["questions"]?.array)
    let asked = try #require(recorded.first?["asked"]?.integer)
    let model = try LanguageModel.load(path: "\(Self.folder)/\(name)")
    let score = try SpecimenScore(
      of: model, rule: try #require(Self.recipes[name]).rule, count: asked, seed: 424_242)
    #expect(score.questions.count == recorded.count)
    for (question, same) in zip(score.questions, recorded) {
      #expect(question.kind.rawValue == same["kind"]?.string)
      #expect(question.name == same["question"]?.string)
      let right = try #require(same["right"]?.integer)
      #expect(abs(question.right - right) <= asked / 100, "\(question.kind) \(question.name)")
    }
    func number(_ key: String) throws -> Double { try #require(record[key]?.number) }
    #expect(abs(score.induction - (try number("induction"))) < 1e-3)
    #expect(abs(score.districtEffect - (try number("districtEffect"))) < 0.05)
    #expect(abs(score.incomeEffect - (try number("incomeEffect"))) < 0.05)
    // What was asked for: 98 % of decisions, treatments, sentiments and agreements.
    for question in score.questions { #expect(question.share >= 0.98, "\(question.name)") }
  }

  /// About what the committed record says, from the committed weights, on other held-out texts.
  @Test(arguments: names) func answersWhatItHasNotSeen(
    name: String
  ) throws {
    let model = try LanguageModel.load(path: "\(Self.folder)/\(name)")
    let rule: LoanApplication.Rule = name == "specimen-biased" ? .biased : .fair
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

  @Test(arguments: names) func itsTokenizerIsTheOneThatIsLearned(
    name: String
  ) throws {
    let recipe = try #require(Self.recipes[name])
    let files = try recipe.tokenizerFiles()
    let committed = try Data(
      contentsOf: URL(filePath: "\(Self.folder)/\(name)/tokenizer.json"))
    #expect([UInt8](committed) == files.tokenizer)
  }

  @Test func recipesMakeTheCommittedSizes() throws {
    for (name, recipe) in Self.recipes {
      let record = try Self.record(name)
      #expect(record["steps"]?.integer == recipe.steps)
      #expect(record["tokensPerStep"]?.integer == recipe.tokensPerStep)
      #expect(record["rule"]?.string == recipe.rule.rawValue)
    }
  }

  /// transformers loads the folders as they are and computes the same logits, within 1e-5 of the largest.
  @Test(arguments: names) func transformersAgrees(name: String) throws {
    let golden = try SafetensorsFile(path: "\(fixtures)/specimens.safetensors")
    let model = try LanguageModel.load(path: "\(Self.folder)/\(name)")
    for (number, text) in ["English", "Chinese"].enumerated() {
      let key = "\(name).\(text)"
      let given = try #require(golden.metadata.first { $0.key == key }?.value)
      let trace = try model.run(given, keeping: [])
      let expected = try golden.tensor(named: key)
      let ids = try golden.tensor(named: key + ".ids").floats.map { Int($0) }
      #expect(trace.ids == ids, "\(key)")
      let largest = expected.floats.reduce(0) { max($0, abs($1)) }
      let count = expected.shape[0]
      for row in 0..<count {
        let logits = try trace.logits(at: trace.ids.count - count + row).floats
        let worst = zip(logits, expected.row(row)).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= 1e-5 * largest, "\(key) \(number)")
      }
    }
  }

  /// A few steps of the recipe: the loss falls, and twice the same bytes come out.
  @Test(arguments: [SpecimenRecipe.Architecture.llama, .latentExperts(.init())])
  func aShortTrainingIsTheSameTwice(architecture: SpecimenRecipe.Architecture) throws {
    var recipe = SpecimenRecipe.biased(seed: 5)
    recipe.architecture = architecture
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
