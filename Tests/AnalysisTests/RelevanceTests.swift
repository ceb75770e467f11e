import DataFormats
import Foundation
import Models
import Tensors
import Testing

@testable import Analysis

/// Relevance, attention relevance and conductance of every kind of decoder agree with autograd in double precision.
@Suite struct RelevanceTests {
  static let models = [
    "llama-grouped", "llama-deepseek-llm", "qwen3", "gpt2", "deepseek-moe", "deepseek-v2",
    "deepseek-v3",
  ]

  private struct Reference {
    let question: AttributionQuestion
    let entry: JSON

    init(_ name: String) throws {
      let folder = fixtures.replacing("/Models", with: "/Analysis")
      let data = try Data(contentsOf: URL(filePath: "\(folder)/relevance.json"))
      let document = try JSON(parsing: [UInt8](data))
      entry = try #require(document["models"]?[name])
      question = try AttributionQuestion(
        try LanguageModel.load(path: "\(fixtures)/\(name)"),
        prompt: try #require(document["ids"]?.array).compactMap(\.integer),
        answer: [try #require(document["target"]?.integer)],
        against: try #require(document["against"]?.integer))
    }

    func numbers(_ key: String) throws -> [Double] {
      try #require(entry[key]?.array).compactMap(\.number)
    }
  }

  private func expectClose(
    _ found: [Double], _ wanted: [Double], _ what: String, _ tolerance: Double = 5e-5
  ) {
    #expect(found.count == wanted.count)
    let largest = wanted.reduce(0) { max($0, abs($1)) }
    for (left, right) in zip(found, wanted) {
      #expect(
        abs(left - right) <= tolerance * largest, "\(what): \(left) and \(right) of \(largest)")
    }
  }

  @Test(arguments: models) func agreesWithAutograd(name: String) throws {
    let reference = try Reference(name)
    let value = try #require(reference.entry["value"]?.number)
    for method in [
      Attribution.Method.attentionAwareRelevance, .conservingRelevance, .inputTimesGradient,
      .attentionRelevance,
    ] {
      let attribution = try Attribution(reference.question, method: method)
      let key = method == .conservingRelevance ? "conserving" : method.rawValue
      expectClose(attribution.scores, try reference.numbers(key), "\(name) \(key)")
      #expect(abs(attribution.value - value) <= 1e-4 * max(1, abs(value)))
    }
  }

  /// Where no bias takes any, all relevance arrives.
  @Test(arguments: models.filter { $0 != "llama-grouped" && $0 != "gpt2" })
  func relevanceIsConserved(name: String) throws {
    let question = try Reference(name).question
    let attribution = try Attribution(question, method: .conservingRelevance)
    let delta = try #require(attribution.delta)
    #expect(abs(delta) <= 2e-5 * attribution.scores.reduce(0) { $0 + abs($1) }, "\(delta)")
  }

  @Test(arguments: models) func conductanceAgreesWithAutograd(name: String) throws {
    let reference = try Reference(name)
    var options = Attribution.Options()
    options.baseline = .token(1)
    options.steps = 8
    for rule in LayerConductance.Rule.allCases {
      let result = try LayerConductance(reference.question, options: options, rule: rule)
      let key = rule == .left ? "conductance_left" : "conductance"
      let wanted = try #require(reference.entry[key]?.array)
      #expect(result.scores.count == wanted.count)
      for (layer, row) in wanted.enumerated() {
        expectClose(
          result.scores[layer], try #require(row.array).compactMap(\.number),
          "\(name) \(key) layer \(layer)", 2e-4)
        let sum = result.scores[layer].reduce(0, +)
        #expect(
          abs(sum - (result.value - result.baselineValue) - result.deltas[layer]) < 1e-9)
      }
    }
  }

  @Test func theSameBitsOnAnyNumberOfThreads() throws {
    let question = try Reference("deepseek-v2").question
    var options = Attribution.Options()
    options.steps = 3
    let once = try LayerConductance(question, options: options).scores
    for threads in [1, 2, 3, 8] {
      let again = try Compute.with(pool: ThreadPool(threadCount: threads)) {
        try LayerConductance(question, options: options).scores
      }
      #expect(once == again)
    }
  }

  /// Long texts, and keys that an indexer selects, are read in blocks.
  @Test func attentionRelevanceOfALongTextIsTheSameInBlocks() throws {
    let model = try LanguageModel.load(path: fixtures + "/llama-grouped")
    let ids = (0..<150).map { 3 + $0 * 7 % 180 }
    let target = LogitTarget.logit(of: 9, at: 149)
    let vectors = try model.tokenVectors(ids: ids)
    let relevance = try model.attentionRelevance(of: target, embeddings: vectors).relevance
    // The first layer's part alone is at least 0 everywhere; tokens after the position get nothing.
    #expect(relevance.allSatisfy { $0 >= 0 })
    #expect(relevance.reduce(0, +) > 0)
    let earlier = try model.attentionRelevance(
      of: .logit(of: 9, at: 100), embeddings: vectors
    ).relevance
    #expect(earlier[101...].allSatisfy { $0 == 0 })
    let selecting = try LanguageModel.load(path: fixtures + "/deepseek-v32")
    let selected = try selecting.attentionRelevance(
      of: .logit(of: 9, at: 18),
      embeddings: try selecting.tokenVectors(ids: (0..<19).map { 3 + $0 * 5 % 50 })
    ).relevance
    #expect(selected.allSatisfy { $0 >= 0 } && selected.contains { $0 > 0 })
  }
}

/// Each row of an explained answer is what its token alone would be explained by.
@Suite struct AnswerAttributionTests {
  private static let prompt = [5, 9, 3, 14, 21]
  private static let answer = [8, 30, 12]

  @Test(
    arguments: [
      Attribution.Method.gradientNorm, .inputTimesGradient, .integratedGradients, .occlusion,
      .attentionAwareRelevance, .conservingRelevance, .attentionRelevance, .deepLift,
    ], ["llama-grouped", "deepseek-v2"])
  func everyRowIsAQuestionOfItsOwn(method: Attribution.Method, name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    var options = Attribution.Options()
    options.baseline = .token(1)
    options.steps = 5
    let all = try AnswerAttribution(
      model, prompt: Self.prompt, answer: Self.answer, method: method, options: options,
      measure: .logProbability)
    #expect(all.ids == [5, 9, 3, 14, 21, 8, 30])
    for (step, id) in Self.answer.enumerated() {
      let question = try AttributionQuestion(
        model, prompt: Self.prompt + Self.answer[..<step], answer: [id], measure: .logProbability)
      let one = try Attribution(question, method: method, options: options)
      #expect(abs(one.value - all.values[step]) < 1e-5)
      #expect(one.scores.count == all.scores[step].count)
      let largest = one.scores.reduce(0) { max($0, abs($1)) }
      for (left, right) in zip(one.scores, all.scores[step]) {
        #expect(abs(left - right) <= 5e-5 * largest, "\(left) and \(right)")
      }
    }
  }

  @Test func shapleyValuesOfEachRowAddUp() throws {
    let model = try LanguageModel.load(path: fixtures + "/llama-grouped")
    var options = Attribution.Options()
    options.samples = 400
    options.baseline = .token(1)
    let all = try AnswerAttribution(
      model, prompt: Self.prompt, answer: Self.answer, method: .shapley, options: options)
    for delta in try #require(all.deltas) { #expect(abs(delta) < 1e-6) }
    // All subsets of the first row's tokens are enumerated where a question asks for enough orders.
    options.samples = 20
    let question = try AttributionQuestion(model, prompt: Self.prompt, answer: [8])
    let exact = try Attribution(question, method: .shapley, options: options)
    let largest = exact.scores.reduce(0) { max($0, abs($1)) }
    for (left, right) in zip(exact.scores, all.scores[0]) {
      #expect(abs(left - right) < 0.15 * largest)
    }
  }

  @Test(arguments: Attribution.Method.allCases) func theSameBitsOnAnyNumberOfThreads(
    method: Attribution.Method
  ) throws {
    let model = try LanguageModel.load(path: fixtures + "/llama-grouped")
    var options = Attribution.Options()
    options.samples = 2
    options.steps = 3
    func scores() throws -> [[Double]] {
      try AnswerAttribution(
        model, prompt: Self.prompt, answer: Self.answer, method: method, options: options
      ).scores
    }
    let once = try scores()
    for threads in [1, 3] {
      #expect(try Compute.with(pool: ThreadPool(threadCount: threads)) { try scores() } == once)
    }
  }
}
