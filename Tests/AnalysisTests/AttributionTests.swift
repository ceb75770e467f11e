import DataFormats
import Foundation
import Models
import Tensors
import Testing

@testable import Analysis

/// Attributions agree with autograd, captum and enumeration in double precision.
@Suite struct AttributionTests {
  private struct Reference {
    let question: AttributionQuestion
    let options: Attribution.Options
    let document: JSON

    init() throws {
      let folder = fixtures.replacing("/Models", with: "/Analysis")
      let data = try Data(contentsOf: URL(filePath: "\(folder)/attributions.json"))
      document = try JSON(parsing: [UInt8](data))
      let model = try LanguageModel.load(path: fixtures + "/llama-grouped")
      question = try AttributionQuestion(
        model, prompt: try #require(document["ids"]?.array).compactMap(\.integer),
        answer: [try #require(document["target"]?.integer)],
        against: try #require(document["against"]?.integer))
      var options = Attribution.Options()
      options.baseline = .token(try #require(document["baseline"]?.integer))
      options.steps = document["steps"]?.integer
      self.options = options
    }

    func numbers(_ key: String) throws -> [Double] {
      try #require(document[key]?.array).compactMap(\.number)
    }
  }

  private func expectClose(_ found: [Double], _ wanted: [Double], _ tolerance: Double = 2e-5) {
    #expect(found.count == wanted.count)
    let largest = wanted.reduce(0) { max($0, abs($1)) }
    for (left, right) in zip(found, wanted) {
      #expect(abs(left - right) <= tolerance * largest, "\(left) and \(right) of \(largest)")
    }
  }

  @Test(arguments: [
    Attribution.Method.gradientNorm, .inputTimesGradient, .integratedGradients, .occlusion,
  ]) func agreesWithTheReference(method: Attribution.Method) throws {
    let reference = try Reference()
    let attribution = try Attribution(
      reference.question, method: method, options: reference.options)
    expectClose(attribution.scores, try reference.numbers(method.rawValue))
    #expect(abs(attribution.value - (try #require(reference.document["value"]?.number))) < 1e-5)
    if method == .integratedGradients {
      #expect(attribution.steps == 24)
      let delta = try #require(reference.document["delta"]?.number)
      #expect(abs(try #require(attribution.delta) - delta) < 2e-5)
      #expect(attribution.gradient?.shape == [7, reference.question.model.configuration.width])
    }
  }

  /// Twenty orders of seven tokens take more runs than there are subsets, sixteen fewer.
  @Test(arguments: [(20, 2e-5), (16, 0.5)]) func shapleyValues(
    orders: Int, tolerance: Double
  ) throws {
    let reference = try Reference()
    var options = reference.options
    options.samples = orders
    let attribution = try Attribution(reference.question, method: .shapley, options: options)
    expectClose(attribution.scores, try reference.numbers("shapley"), tolerance)
    #expect(abs(try #require(attribution.delta)) < 1e-9)
    #expect(
      abs(
        try #require(attribution.baselineValue)
          - (try #require(reference.document["baselineValue"]?.number))) < 1e-5)
  }

  @Test func asManyStepsAsAreNeeded() throws {
    let reference = try Reference()
    var options = reference.options
    options.steps = nil
    let attribution = try Attribution(
      reference.question, method: .integratedGradients, options: options)
    let whole = attribution.value - (try #require(attribution.baselineValue))
    #expect(abs(try #require(attribution.delta)) <= 0.01 * abs(whole) + 1e-5)
  }

  @Test func unitsAreReplacedTogether() throws {
    let reference = try Reference()
    var options = reference.options
    options.units = [[0], [1, 2], [3, 4, 5, 6]]
    let attribution = try Attribution(reference.question, method: .shapley, options: options)
    #expect(attribution.scores[1] == attribution.scores[2])
    #expect(attribution.scores[3] == attribution.scores[6])
    #expect(abs(try #require(attribution.delta)) < 1e-9)
  }

  @Test(arguments: Attribution.Method.allCases) func theSameBitsOnAnyNumberOfThreads(
    method: Attribution.Method
  ) throws {
    let reference = try Reference()
    var options = reference.options
    options.samples = 4
    let once = try Attribution(reference.question, method: method, options: options)
    for threads in [1, 2, 3, 8] {
      let again = try Compute.with(pool: ThreadPool(threadCount: threads)) {
        try Attribution(reference.question, method: method, options: options)
      }
      #expect(once.scores == again.scores)
    }
  }

  @Test func answersOfSeveralTokensAreSummed() throws {
    let model = try LanguageModel.load(path: fixtures + "/llama-grouped")
    let both = try AttributionQuestion(
      model, prompt: [5, 9, 3], answer: [7, 8], measure: .logProbability)
    let value = try Attribution(both, method: .inputTimesGradient).value
    let trace = try model.run(ids: [5, 9, 3, 7])
    let first = try NextTokens.probability(of: 7, in: trace, position: 2)
    let second = try NextTokens.probability(of: 8, in: trace, position: 3)
    #expect(abs(value - (log(first) + log(second))) < 1e-5)
  }

  /// The rule of n points is exact for polynomials of degree 2 n − 1.
  @Test(arguments: [1, 2, 3, 8, 33, 50]) func nodesIntegratePolynomials(count: Int) {
    let nodes = IntegratedPath.nodes(count)
    for degree in 0..<min(2 * count, 40) {
      let sum = nodes.reduce(0.0) { total, node in
        total + node.weight * (0..<degree).reduce(1.0) { power, _ in power * node.position }
      }
      #expect(abs(sum - 1 / Double(degree + 1)) < 1e-13)
    }
  }

  @Test func strongTokensMatterMoreThanRandomOnes() throws {
    let reference = try Reference()
    let attribution = try Attribution(
      reference.question, method: .shapley, options: reference.options)
    let result = try Faithfulness(
      of: attribution, reference.question, options: reference.options, orders: 8)
    #expect(result.deletion.count == 8 && result.insertion.count == 8)
    // Batches of other sizes sum in another order, see `logitsOfOnePositionAreThatRowOfAll`.
    #expect(abs(result.deletion[0] - attribution.value) < 1e-5)
    #expect(abs(result.deletion[7] - result.insertion[0]) < 1e-5)
    #expect(abs(result.insertion[7] - attribution.value) < 1e-5)
    #expect(result.deletionArea < result.randomArea)
    #expect(result.insertionArea > result.deletionArea)
  }

  @Test(arguments: ["t5", "t5-gated"])
  func whatAnEncoderDecoderReadsIsExplained(name: String) throws {
    let model = try LanguageModel.load(path: fixtures + "/" + name)
    let source = [5, 9, 12, 30, 41, 1]
    let question = try AttributionQuestion(model, reading: source, answer: [7, 21])
    #expect(question.promptCount == 6 && question.writtenIDs == [0, 7])
    let vectors = try model.tokenVectors(ids: source)
    let written = try model.tokenVectors(ids: [0, 7])
    let target = LogitTarget([.init(position: 0, id: 7), .init(position: 1, id: 21)])
    let gradient = try model.gradient(of: target, reading: vectors, writing: written)
    let trace = try model.run(source: try model.run(ids: source), targetIDs: [0, 7])
    let value = Double(try trace.logits(at: 0).floats[7] + trace.logits(at: 1).floats[21])
    #expect(abs(gradient.value - value) < 1e-5)
    let width = model.configuration.width
    let products = (0..<6).map { token in
      (token * width..<(token + 1) * width).reduce(0.0) {
        $0 + Double(vectors.floats[$1]) * Double(gradient.source.floats[$1])
      }
    }
    let plain = try Attribution(question, method: .inputTimesGradient)
    expectClose(plain.scores, products)
    #expect(plain.gradient?.shape == [6, width])
    var options = Attribution.Options()
    options.baseline = .token(3)
    let path = try Attribution(question, method: .integratedGradients, options: options)
    #expect(
      abs(try #require(path.delta)) <= 0.01 * abs(path.value - (try #require(path.baselineValue))))
    let lost = try Attribution(question, method: .occlusion, options: options)
    for token in 0..<6 {
      var changed = vectors
      try changed.replaceRows(startingAt: token, with: try model.tokenVectors(ids: [3]))
      let without = try model.value(of: target, reading: changed, writing: written)
      #expect(abs(lost.scores[token] - (value - without)) < 1e-5)
    }
    options.samples = 80
    let shapley = try Attribution(question, method: .shapley, options: options)
    #expect(abs(try #require(shapley.delta)) < 1e-9)
    #expect(abs(try #require(shapley.baselineValue) - (try #require(path.baselineValue))) < 1e-5)
    for method in [Attribution.Method.gradientNorm, .smoothGrad] {
      let scores = try Attribution(question, method: method, options: options).scores
      #expect(scores.count == 6 && scores.allSatisfy { $0 > 0 })
    }
    let faithfulness = try Faithfulness(of: path, question, options: options)
    #expect(abs(faithfulness.deletion[0] - value) < 1e-5)
    let other = try question.asked(of: model)
    #expect(try Attribution(other, method: .occlusion, options: options).scores == lost.scores)
  }

  @Test func whatStandsInAGapIsExplained() throws {
    let model = try LanguageModel.load(path: fixtures + "/bert-masked")
    let ids = [5, 50, 7, 8, 41]
    let question = try AttributionQuestion(model, text: ids, gap: 2, answer: 9, against: 4)
    #expect(question.promptCount == 5 && question.writtenIDs == nil)
    let target = LogitTarget.difference(of: 9, from: 4, at: 2)
    let gradient = try model.gradient(of: .logits(target), ids: ids)
    let scores = try Attribution(question, method: .gradientNorm).scores
    for (token, score) in scores.enumerated() {
      let square = gradient.embeddings.row(token).reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(score - square.squareRoot()) < 1e-6)
    }
    var options = Attribution.Options()
    options.baseline = .token(3)
    let path = try Attribution(question, method: .integratedGradients, options: options)
    #expect(abs(path.value - gradient.value) < 1e-5)
    #expect(
      abs(try #require(path.delta)) <= 0.01 * abs(path.value - (try #require(path.baselineValue))))
    #expect(throws: ModelError.positionOutOfRange(5, count: 5)) {
      try AttributionQuestion(model, text: ids, gap: 5, answer: 9)
    }
  }

  @Test func whatCannotBeAskedSaysSo() throws {
    let encoder = try LanguageModel.load(path: fixtures + "/bert-masked")
    #expect(throws: ModelError.notCausal(model: "bert-masked")) {
      try AttributionQuestion(encoder, prompt: [1], answer: [2])
    }
    let decoder = try LanguageModel.load(path: fixtures + "/deepseek-v3")
    #expect(throws: ModelError.emptyInput) {
      try AttributionQuestion(decoder, prompt: [1], answer: [])
    }
    #expect(throws: ModelError.tokenOutOfRange(id: 60, position: 1, vocabulary: 60)) {
      try AttributionQuestion(decoder, prompt: [1, 60], answer: [2])
    }
    let outside = try AttributionQuestion(decoder, prompt: [1], answer: [60])
    #expect(throws: ModelError.tokenOutOfRange(id: 60, position: 0, vocabulary: 60)) {
      try Attribution(outside, method: .inputTimesGradient)
    }
  }
}
