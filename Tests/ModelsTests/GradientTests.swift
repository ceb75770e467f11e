import DataFormats
import Glibc
import Models
import Tensors
import Testing

/// Gradients agree with autograd in double precision: cosine at least 0.999999, and no element further off than
/// 2e-5 of the largest.
@Suite struct GradientTests {
  static let models = [
    "llama-deepseek-llm", "llama-deepseek-coder", "llama-grouped", "qwen2", "qwen3", "gpt2",
    "deepseek-moe", "deepseek-v2", "deepseek-v2-lite", "deepseek-v3", "deepseek-v32", "bert-masked",
  ]

  /// One gradient of a golden file.
  private struct Record {
    let key: String
    let ids: [Int]
    let target: GradientTarget
    let value: Double
  }

  private static func records(_ name: String) throws -> (records: [Record], golden: Golden) {
    let golden = try Golden(name, kind: ".gradients")
    let document = try JSON(parsing: try contents("\(fixtures)/golden/\(name).gradients.json"))
    let records = try #require(document["gradients"]?.array).map { entry in
      let measure = LogitTarget.Measure(rawValue: try #require(entry["measure"]?.string))
      let terms = try #require(entry["terms"]?.array).map { term in
        LogitTarget.Term(
          position: try #require(term["position"]?.integer), id: try #require(term["id"]?.integer),
          weight: try #require(term["weight"]?.number))
      }
      return Record(
        key: try #require(entry["text"]?.string) + "." + (try #require(entry["target"]?.string)),
        ids: try #require(entry["ids"]?.array).compactMap(\.integer),
        target: measure.map { .logits(LogitTarget(terms, measure: $0)) } ?? wavesOfHiddenStates,
        value: try #require(entry["value"]?.number))
    }
    #expect(records.count >= 6)
    return (records, golden)
  }

  /// Σ sin(i) hᵢ over the last hidden states.
  private static let wavesOfHiddenStates = GradientTarget.hiddenStates { hidden in
    let waves = (0..<hidden.count).map { Float(Glibc.sin(Double($0))) }
    let value = zip(hidden.floats, waves).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    return (value, Tensor(shape: hidden.shape, waves))
  }

  private func expectClose(_ computed: Tensor, _ expected: Tensor, _ what: String) throws {
    try #require(computed.shape == expected.shape)
    let (a, b) = (computed.floats.map(Double.init), expected.floats.map(Double.init))
    func product(_ x: [Double], _ y: [Double]) -> Double {
      zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let cosine = product(a, b) / (product(a, a) * product(b, b)).squareRoot()
    #expect(cosine >= 0.999999, "\(what): cosine \(cosine)")
    let deviation = try largestDifference(computed, expected) / largestMagnitude(expected)
    #expect(deviation <= 2e-5, "\(what): deviation \(deviation)")
    if getenv("VITRINE_SHOW_DEVIATIONS") != nil {
      print("gradient \(what): 1 - cosine \(1 - cosine), deviation \(deviation)")
    }
  }

  @Test(arguments: models) func gradientsAgreeWithAutograd(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let layers = Array(0..<model.configuration.layers)
    let (records, golden) = try Self.records(name)
    for record in records {
      let gradient = try model.gradient(of: record.target, ids: record.ids, at: layers)
      let what = "\(name) \(record.key)"
      #expect(abs(gradient.value - record.value) <= 1e-4 * max(1, abs(record.value)), "\(what)")
      try expectClose(gradient.embeddings, try golden.tensor("\(record.key).embeddings"), what)
      #expect(gradient.residual.count == layers.count)
      for layer in layers {
        try expectClose(
          try #require(gradient.residual[layer]),
          try golden.tensor("\(record.key).residual.\(layer)"), "\(what) layer \(layer)")
      }
    }
  }

  @Test(arguments: models) func keptAndRepeatedLayersGiveTheSameBytes(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let ids = [5, 50, 7, 8, 41, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]
    let target = GradientTarget.logits(.difference(of: 3, from: 4, at: 17))
    func all(limit: Int, threads: Int) throws -> [[UInt8]] {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        let gradient = try model.gradient(
          of: target, ids: ids, at: [0, 1], options: GradientOptions(recordingLimit: limit))
        return try [
          gradient.embeddings, #require(gradient.residual[0]), #require(gradient.residual[1]),
        ].map(\.bytes)
      }
    }
    let expected = try all(limit: 1 << 30, threads: 1)
    #expect(try all(limit: 0, threads: 1) == expected)
    #expect(try all(limit: 30_000, threads: 2) == expected)
    for threads in [2, 3, 8] { #expect(try all(limit: 1 << 30, threads: threads) == expected) }
  }

  /// The slope along a direction: differences of the value itself, in single precision, to 1 part in 200.
  @Test(arguments: models) func vectorsInPlaceOfTokensMoveTheValueAsTheGradientSays(
    name: String
  ) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let ids = [5, 50, 7, 8, 41]
    let target = GradientTarget.logits(.logProbability(of: 9, at: 4))
    let vectors = try model.tokenVectors(ids: ids)
    let gradient = try model.gradient(of: target, embeddings: vectors)
    #expect(
      gradient.embeddings.bytes == (try model.gradient(of: target, ids: ids)).embeddings.bytes)
    let slopes = gradient.embeddings.floats
    let length = slopes.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    func value(_ step: Double) throws -> Double {
      let moved = zip(vectors.floats, slopes).map { $0 + Float(step * Double($1) / length) }
      return try model.gradient(of: target, embeddings: Tensor(shape: vectors.shape, moved)).value
    }
    let step = 1e-2
    let slope = (try value(step) - value(-step)) / (2 * step)
    #expect(abs(slope - length) <= 5e-3 * length, "\(slope) and \(length)")
  }

  @Test(arguments: models) func runningATokensVectorsIsRunningTheTokens(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let ids = [5, 50, 7, 8, 41]
    let plain = try model.run(ids: ids)
    let trace = try model.run(embeddings: try model.tokenVectors(ids: ids), ids: ids)
    for layer in 0...model.configuration.layers {
      #expect(try trace.hiddenStates(layer).bytes == plain.hiddenStates(layer).bytes)
    }
    #expect(trace.tokens == plain.tokens)
    let value = try model.gradient(of: .logits(.logit(of: 6, at: 4)), ids: ids).value
    #expect(abs(value - Double(try plain.logits(at: 4).floats[6])) <= 1e-5 * max(1, abs(value)))
  }

  @Test(arguments: models) func theStreamEnteringALayerGivesThatLayersGradient(
    name: String
  ) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let ids = [5, 50, 7, 8, 41]
    let target = GradientTarget.logits(.difference(of: 9, from: 2, at: 3))
    let layers = Array(0..<model.configuration.layers)
    let all = try model.gradient(of: target, ids: ids, at: layers)
    let trace = try model.run(ids: ids)
    for layer in layers {
      var steps: [RunProgress] = []
      let (value, gradient) = try model.gradient(
        of: target, residual: try trace.hiddenStates(layer), entering: layer,
        progress: { steps.append($0) })
      // Streams differ in the last bits where the last layer follows fewer rows.
      #expect(abs(value - all.value) <= 1e-5 * max(1, abs(all.value)))
      try expectClose(gradient, try #require(all.residual[layer]), "\(name) layer \(layer)")
      #expect(steps.map(\.completedLayers) == Array(1...2 * (layers.count - layer)))
    }
    #expect(
      failure {
        _ = try model.gradient(
          of: target, residual: try trace.hiddenStates(0), entering: layers.count)
      } == "There is no layer \(layers.count): layers run from 0 to \(layers.count - 1).")
  }

  @Test func tokensAfterTheTargetHaveNoGradient() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let target = GradientTarget.logits(.logit(of: 3, at: 2))
    let long = try model.gradient(of: target, ids: [5, 6, 7, 8, 9], at: [2])
    let short = try model.gradient(of: target, ids: [5, 6, 7], at: [2])
    #expect(long.embeddings.rows(0..<3).floats == short.embeddings.floats)
    #expect(long.embeddings.rows(3..<5).floats.allSatisfy { $0 == 0 })
    #expect(long.residual[2]?.shape == [5, 32])
    #expect(long.value == short.value)
  }

  @Test func progressCountsBothWaysAndACancelledGradientThrows() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let target = GradientTarget.logits(.logit(of: 3, at: 2))
    var steps: [RunProgress] = []
    _ = try model.gradient(of: target, ids: [5, 6, 7], progress: { steps.append($0) })
    #expect(steps.map(\.completedLayers) == [1, 2, 3, 4, 5, 6])
    #expect(steps.allSatisfy { $0.layerCount == 6 })
    for stop in [0, 2, 5] {
      let cancellation = Cancellation()
      if stop == 0 { cancellation.cancel() }
      #expect(throws: Cancelled.self) {
        try model.gradient(
          of: target, ids: [5, 6, 7],
          progress: { if $0.completedLayers == stop { cancellation.cancel() } },
          cancellation: cancellation)
      }
    }
  }

  @Test func whatCannotBeAskedIsSaid() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    func sentence(
      _ target: LogitTarget, ids: [Int] = [5, 6], at layers: [Int] = [],
      options: GradientOptions = GradientOptions()
    ) -> String? {
      failure {
        _ = try model.gradient(of: .logits(target), ids: ids, at: layers, options: options)
      }
    }
    #expect(
      sentence(.logit(of: 3, at: 2))
        == "There is no token at position 2: positions run from 0 to 1.")
    #expect(sentence(.logit(of: 200, at: 1))?.contains("ids run from 0 to 199") == true)
    #expect(
      sentence(.logit(of: 3, at: 1), ids: []) == "There is nothing to run: the input has no tokens."
    )
    #expect(
      sentence(.logit(of: 3, at: 1), at: [3]) == "There is no layer 3: layers run from 0 to 2.")
    #expect(
      sentence(.logit(of: 3, at: 1), options: GradientOptions(memoryLimit: 100))?
        .contains("A gradient over 2 tokens would take") == true)
    let wrong = Tensor(zeros: [2, 31])
    #expect(
      failure { _ = try model.gradient(of: .logits(.logit(of: 3, at: 1)), embeddings: wrong) }
        == "The given vectors have the shape [2, 31], but [2, 32] is expected.")
    #expect(failure { _ = try model.run(embeddings: wrong, ids: [1, 2]) } != nil)
    #expect(
      failure { _ = try model.run(embeddings: Tensor(zeros: [2, 32]), ids: [1]) } != nil)
    #expect(
      failure { _ = try model.gradient(of: .weightedHiddenStates(wrong), ids: [1, 2]) } != nil)
  }

  @Test func aTargetWithoutTermsIsFlat() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let gradient = try model.gradient(of: .logits(LogitTarget([])), ids: [5, 6])
    #expect(gradient.value == 0)
    #expect(gradient.embeddings.floats == [Float](repeating: 0, count: 64))
  }
}
