import DataFormats
import Foundation
import Models
import Tensors
import Testing

@testable import Analysis

/// What a model of masked tokens puts in a gap and what an encoder-decoder writes are explained as by references in double
/// precision, no score further off than 2e-5 of the largest; see make_encoders.py beside the numbers.
@Suite struct EncoderRelevanceTests {
  static let models = ["bert-masked", "t5", "t5-gated"]

  private struct Reference {
    let question: AttributionQuestion
    let entry: JSON
    var options = Attribution.Options()

    init(_ name: String) throws {
      let folder = fixtures.replacing("/Models", with: "/Analysis")
      let data = try Data(contentsOf: URL(filePath: "\(folder)/encoders.json"))
      let document = try JSON(parsing: [UInt8](data))
      entry = try #require(document["models"]?[name])
      let ids = try #require(entry["ids"]?.array).compactMap(\.integer)
      // Each term is a position, an id and a weight.
      let terms = try #require(entry["terms"]?.array).map { $0.array?.compactMap(\.number) ?? [] }
      let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
      question =
        model.isEncoderDecoder
        ? try AttributionQuestion(model, reading: ids, answer: terms.map { Int($0[1]) })
        : try AttributionQuestion(
          model, text: ids, gap: Int(terms[0][0]), answer: Int(terms[0][1]),
          against: Int(terms[1][1]))
      options.baseline = .token(try #require(document["baseline"]?.integer))
      options.samples = try #require(document["samples"]?.integer)
      options.seed = UInt64(try #require(document["seed"]?.integer))
    }

    func number(_ key: String) throws -> Double { try #require(entry[key]?.number) }

    func numbers(_ key: String) throws -> [Double] {
      try #require(entry[key]?.array).compactMap(\.number)
    }
  }

  private func expectClose(
    _ found: [Double], _ wanted: [Double], _ what: String, _ tolerance: Double = 2e-5
  ) {
    #expect(found.count == wanted.count)
    let largest = wanted.reduce(0) { max($0, abs($1)) }
    for (left, right) in zip(found, wanted) {
      #expect(
        abs(left - right) <= tolerance * largest, "\(what): \(left) and \(right) of \(largest)")
    }
  }

  @Test(
    arguments: models,
    [
      Attribution.Method.inputTimesGradient, .attentionAwareRelevance, .conservingRelevance,
      .attentionRelevance, .deepLift, .smoothGrad,
    ]) func agreesWithTheReference(name: String, method: Attribution.Method) throws
  {
    let reference = try Reference(name)
    if method == .attentionRelevance, reference.question.model.isEncoderDecoder {
      #expect(throws: ModelError.noPairRelevance(model: name)) {
        try Attribution(reference.question, method: method)
      }
      return
    }
    let found = try Attribution(reference.question, method: method, options: reference.options)
    expectClose(found.scores, try reference.numbers(method.rawValue), "\(name) \(method)")
    #expect(abs(found.value - (try reference.number("value"))) <= 2e-5)
    if method == .deepLift {
      #expect(
        abs(try #require(found.baselineValue) - (try reference.number("baseline_value"))) <= 2e-5)
      let size = found.scores.reduce(0) { $0 + abs($1) }
      #expect(abs(try #require(found.delta)) <= 1e-4 * size, "\(found.delta ?? .nan) of \(size)")
    }
    if method == .conservingRelevance {
      // What doesn't arrive at the text is at biases, positions and what is written.
      let rest = try reference.number("rest")
      #expect(abs(try #require(found.delta) + rest) <= 1e-4 * max(1, abs(rest)))
    }
  }

  /// T5 has no bias that relevance could go to: all of it arrives at the two texts.
  @Test(arguments: ["t5", "t5-gated"]) func relevanceIsConserved(name: String) throws {
    let question = try Reference(name).question
    let written = try question.model.tokenVectors(ids: [0, 7])
    let found = try question.model.gradient(
      of: question.target, reading: question.vectors, writing: written,
      options: GradientOptions(rule: .conserving))
    func parts(_ vectors: Tensor, _ gradient: Tensor) -> [Double] {
      zip(vectors.floats, gradient.floats).map { Double($0) * Double($1) }
    }
    let all = parts(question.vectors, found.source) + parts(written, found.target)
    let size = all.reduce(0) { $0 + abs($1) }
    #expect(abs(all.reduce(0, +) - found.value) <= 1e-5 * size, "\(found.value) of \(size)")
  }

  /// Nothing of the change is lost, also of a logarithm of a probability, of any length, and where nothing changes.
  @Test(arguments: models, LogitTarget.Measure.allCases) func partsSumToTheChange(
    name: String, measure: LogitTarget.Measure
  ) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    for length in [1, 7, min(90, model.configuration.contextLength)] {
      let ids = (0..<length).map { 2 + $0 * 7 % 50 }
      let question =
        model.isEncoderDecoder
        ? try AttributionQuestion(model, reading: ids, answer: [9, 3, 30], measure: measure)
        : try AttributionQuestion(model, text: ids, gap: length / 2, answer: 9, measure: measure)
      var options = Attribution.Options()
      for baseline in [AttributionBaseline.token(1), .mean] {
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
  @Test(arguments: models) func withoutAChangeTheMultipliersAreTheDerivative(name: String) throws {
    let question = try Reference(name).question
    let (model, vectors) = (question.model, question.vectors)
    let found: RescaledMultipliers
    let wanted: Tensor
    if model.isEncoderDecoder {
      let written = try model.tokenVectors(ids: [0, 7])
      found = try model.multipliers(
        of: question.target, reading: vectors, baseline: vectors, writing: written)
      wanted = try model.gradient(of: question.target, reading: vectors, writing: written).source
      #expect(
        throws: ModelError.wrongInputShape(
          found: [1, model.configuration.width], expected: vectors.shape)
      ) {
        try model.multipliers(
          of: question.target, reading: vectors, baseline: vectors.rows(0..<1), writing: written)
      }
    } else {
      found = try model.multipliers(
        of: question.target, embeddings: vectors, baseline: vectors)
      wanted = try model.gradient(of: .logits(question.target), embeddings: vectors).embeddings
    }
    expectClose(found.multipliers.floats.map(Double.init), wanted.floats.map(Double.init), name)
    #expect(found.value == found.baselineValue)
  }

  @Test(arguments: models) func theSameBitsOnAnyNumberOfThreads(name: String) throws {
    let reference = try Reference(name)
    for method in [Attribution.Method.deepLift, .conservingRelevance] {
      func scores(_ threads: Int) throws -> [Double] {
        try Compute.with(pool: ThreadPool(threadCount: threads)) {
          try Attribution(reference.question, method: method, options: reference.options).scores
        }
      }
      let once = try scores(1)
      for threads in [2, 3] { #expect(try scores(threads) == once) }
    }
  }
}
