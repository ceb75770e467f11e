import Models
import Tensors
import Testing

/// Gradients of several texts at once are those of each alone, up to the order of sums.
@Suite struct BatchGradientTests {
  /// Texts of different lengths and scalars of different kinds.
  private static let texts: [(ids: [Int], target: GradientTarget)] = [
    ([5, 50, 7, 8, 41], .logits(.logit(of: 9, at: 4))),
    ([7], .logits(.logit(of: 9, at: 0))),
    ([11, 12, 13, 14, 15, 16, 17, 18, 19, 20], .logits(.difference(of: 3, from: 4, at: 6))),
    ([5, 50, 7], .logits(.logProbability(of: 2, at: 2))),
    ([40, 41, 42, 43], .logits(.logProbability(of: 30, at: 3))),
    (
      [9, 8, 7, 6, 5, 4],
      .logits(
        LogitTarget([
          .init(position: 1, id: 4), .init(position: 5, id: 9, weight: -0.5),
          .init(position: 3, id: 7, weight: 2),
        ]))
    ),
  ]

  private func expectClose(_ one: Tensor, _ other: Tensor, _ what: String) throws {
    try #require(one.shape == other.shape)
    let deviation = try largestDifference(one, other) / max(largestMagnitude(other), 1e-30)
    #expect(deviation <= 5e-6, "\(what): \(deviation)")
  }

  @Test(arguments: GradientTests.models) func batchesAgreeWithTextsAlone(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let last = model.configuration.layers - 1
    let vectors = try Self.texts.map { try model.tokenVectors(ids: $0.ids) }
    let targets = Self.texts.map(\.target)
    var shares: [Double] = []
    let together = try model.gradients(
      of: targets, batch: vectors, at: [0, last], progress: { shares.append($0) })
    let values = try model.values(of: targets, batch: vectors)
    #expect(together.count == targets.count && shares.last == 1)
    for (index, text) in Self.texts.enumerated() {
      let alone = try model.gradient(of: text.target, embeddings: vectors[index], at: [0, last])
      let what = "\(name), text \(index)"
      #expect(
        abs(together[index].value - alone.value) <= 1e-5 * max(1, abs(alone.value)), "\(what)")
      #expect(abs(values[index] - alone.value) <= 1e-5 * max(1, abs(alone.value)), "\(what)")
      try expectClose(together[index].embeddings, alone.embeddings, what)
      for layer in [0, last] {
        try expectClose(
          try #require(together[index].residual[layer]), try #require(alone.residual[layer]), what)
      }
    }
    let streams = try Self.texts.map { try model.run(ids: $0.ids).hiddenStates(last) }
    let entering = try model.gradients(of: targets, residualBatch: streams, entering: last)
    for (index, text) in Self.texts.enumerated() {
      let alone = try model.gradient(of: text.target, residual: streams[index], entering: last)
      try expectClose(entering[index].gradient, alone.gradient, "\(name), text \(index) at \(last)")
    }
  }

  /// Also of texts that fill a batch with others and of one that stands alone.
  @Test(arguments: GradientTests.models) func whatEntersLayersIsThatOfTextsAlone(
    name: String
  ) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let layers = [0, model.configuration.layers - 1, model.configuration.layers]
    let texts = Self.texts.map(\.ids)
    for some in [texts, [texts[2]]] {
      var seen: [Int] = []
      try model.residualStreams(of: some, entering: layers) { text, streams in
        seen.append(text)
        let trace = try model.run(ids: some[text])
        for (layer, stream) in zip(layers, streams) {
          try expectClose(
            stream, try trace.hiddenStates(layer), "\(name), text \(text) entering \(layer)")
        }
      }
      #expect(seen == Array(some.indices))
    }
  }

  @Test func batchesGiveTheSameBytesOnAnyNumberOfThreadsAndWhateverIsKept() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let vectors = try Self.texts.map { try model.tokenVectors(ids: $0.ids) }
    func all(threads: Int) throws -> [[UInt8]] {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        try model.gradients(of: Self.texts.map(\.target), batch: vectors).map {
          $0.embeddings.bytes
        }
      }
    }
    let expected = try all(threads: 1)
    for threads in [2, 3, 8] { #expect(try all(threads: threads) == expected) }
  }

  /// All models follow several texts in one pass, and neither experts nor selected keys break the bytes.
  @Test(arguments: ["deepseek-v3", "deepseek-v32", "bert-masked"])
  func latentAttentionAndExpertsFollowBatches(name: String) throws {
    let follows = try GradientTests.models.filter {
      try LanguageModel.load(path: "\(fixtures)/\($0)").batchSize(tokens: 4) > 1
    }
    #expect(follows == GradientTests.models)
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let vectors = try Self.texts.map { try model.tokenVectors(ids: $0.ids) }
    func all(threads: Int) throws -> [[UInt8]] {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        try model.gradients(of: Self.texts.map(\.target), batch: vectors).map {
          $0.embeddings.bytes
        }
      }
    }
    #expect(try all(threads: 1) == all(threads: 3))
  }

  @Test func whatIsWrongWithOneTextIsSaid() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let vectors = try model.tokenVectors(ids: [1, 2])
    #expect(throws: ModelError.positionOutOfRange(2, count: 2)) {
      try model.gradients(
        of: [.logits(.logit(of: 1, at: 1)), .logits(.logit(of: 1, at: 2))],
        batch: [vectors, vectors])
    }
  }
}
