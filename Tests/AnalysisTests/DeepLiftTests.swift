import DataFormats
import Foundation
import Models
import Tensors
import Testing

@testable import Analysis

/// DeepLIFT and SmoothGrad agree with references in double precision, and DeepLIFT's parts sum to the change.
@Suite struct DeepLiftTests {
  static let models = [
    "llama-grouped", "llama-deepseek-llm", "qwen3", "gpt2", "deepseek-moe", "deepseek-v2",
    "deepseek-v3",
  ]
  static let dense = ["llama-grouped", "llama-deepseek-llm", "qwen3", "gpt2"]

  private struct Reference {
    let question: AttributionQuestion
    let entry: JSON
    var options = Attribution.Options()

    init(_ name: String, measure: LogitTarget.Measure = .logit) throws {
      let folder = fixtures.replacing("/Models", with: "/Analysis")
      let data = try Data(contentsOf: URL(filePath: "\(folder)/deeplift.json"))
      let document = try JSON(parsing: [UInt8](data))
      entry = try #require(document["models"]?[name])
      question = try AttributionQuestion(
        try LanguageModel.load(path: "\(fixtures)/\(name)"),
        prompt: try #require(document["ids"]?.array).compactMap(\.integer),
        answer: [try #require(document["target"]?.integer)],
        against: try #require(document["against"]?.integer), measure: measure)
      options.baseline = .token(try #require(document["baseline"]?.integer))
      options.samples = try #require(document["samples"]?.integer)
      options.seed = UInt64(try #require(document["seed"]?.integer))
    }

    func number(_ key: String) throws -> Double { try #require(entry[key]?.number) }

    func numbers(_ key: String) throws -> [Double] {
      try #require(entry[key]?.array).compactMap(\.number)
    }
  }

  private func expectClose(_ found: [Double], _ wanted: [Double], _ what: String) {
    #expect(found.count == wanted.count)
    let largest = wanted.reduce(0) { max($0, abs($1)) }
    for (left, right) in zip(found, wanted) {
      #expect(abs(left - right) <= 1e-4 * largest, "\(what): \(left) and \(right) of \(largest)")
    }
  }

  @Test(arguments: models) func agreesWithTheRuleInDoublePrecision(name: String) throws {
    let reference = try Reference(name)
    let found = try Attribution(
      reference.question, method: .deepLift, options: reference.options)
    expectClose(found.scores, try reference.numbers("deeplift"), name)
    #expect(abs(found.value - (try reference.number("value"))) < 1e-4)
    #expect(
      abs(try #require(found.baselineValue) - (try reference.number("baseline_value"))) < 1e-4)
    let size = found.scores.reduce(0) { $0 + abs($1) }
    #expect(
      abs(try #require(found.delta) - (try reference.number("delta"))) <= 1e-4 * max(1, size))
  }

  /// Without experts nothing of the change is lost, also of a logarithm of a probability, and after long texts.
  @Test(arguments: dense, LogitTarget.Measure.allCases) func partsSumToTheChange(
    name: String, measure: LogitTarget.Measure
  ) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    for length in [1, 7, min(90, model.configuration.contextLength)] {
      let question = try AttributionQuestion(
        model, prompt: (0..<length).map { 2 + $0 * 7 % 50 }, answer: [9], measure: measure)
      var options = Attribution.Options()
      // A vector of zeros has no mean square: RMS norms multiply changes from it by 1 / √ε in every layer, and nothing is
      // left of them in float32. GPT-2's positions are added to it.
      let baselines: [AttributionBaseline] =
        [.token(1), .mean] + (name == "gpt2" ? [.zero] : [])
      for baseline in baselines {
        options.baseline = baseline
        let found = try Attribution(question, method: .deepLift, options: options)
        let size = found.scores.reduce(0) { $0 + abs($1) }
        #expect(
          abs(try #require(found.delta)) <= 2e-4 * max(size, 0.1),
          "\(length) tokens, \(baseline): \(found.delta ?? .nan) of \(size)")
      }
    }
  }

  /// A text that is its own baseline has nothing to explain, and the rule becomes the derivative.
  @Test func withoutAChangeTheMultipliersAreTheDerivative() throws {
    let question = try Reference("llama-grouped").question
    let model = question.model
    let found = try model.multipliers(
      of: question.target, embeddings: question.vectors, baseline: question.vectors)
    let gradient = try model.gradient(
      of: .logits(question.target), embeddings: question.vectors)
    expectClose(
      found.multipliers.floats.map(Double.init), gradient.embeddings.floats.map(Double.init), "")
    #expect(found.value == found.baselineValue)
  }

  @Test(arguments: models) func noiseIsAveragedAsByAutograd(name: String) throws {
    let reference = try Reference(name)
    let found = try Attribution(
      reference.question, method: .smoothGrad, options: reference.options)
    expectClose(found.scores, try reference.numbers("smoothgrad"), name)
  }

  @Test func whatIsNotFollowedSaysSo() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/deepseek-v32")
    let ids = (0..<19).map { 3 + $0 * 5 % 50 }
    let question = try AttributionQuestion(model, prompt: ids, answer: [9])
    #expect(throws: ModelError.noSelectedChanges(model: "deepseek-v32", tokens: 19, limit: 5)) {
      try Attribution(question, method: .deepLift)
    }
    #expect(
      throws: ModelError.wrongInputShape(
        found: [1, model.configuration.width], expected: question.vectors.shape)
    ) {
      try model.multipliers(
        of: question.target, embeddings: question.vectors, baseline: question.vectors.rows(0..<1))
    }
  }
}
