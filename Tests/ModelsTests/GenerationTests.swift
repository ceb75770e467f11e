import Glibc
import Synchronization
import Tensors
import Testing

@testable import Models

/// A text read token by token gives what the text as a whole gives.
@Suite struct GenerationTests {
  static let causal = [
    "llama-deepseek-llm", "llama-deepseek-coder", "llama-grouped", "qwen2", "qwen3", "gpt2",
    "deepseek-moe", "deepseek-v2", "deepseek-v2-lite", "deepseek-v3", "deepseek-v32",
    "deepseek-v3-scaled",
  ]
  /// Those whose parts add to several streams, and not plainly.
  static let streams = ["deepseek-v4", "deepseek-v4-packed"]
  static let ids = (0..<32).map { 3 + ($0 * 37) % 90 }

  private static func load(_ name: String) throws -> LanguageModel {
    try LanguageModel.load(path: "\(fixtures)/\(name)")
  }

  /// The largest difference of two rows of logits, relative to the largest of them.
  private func deviation(_ computed: [Float], _ expected: [Float]) throws -> Float {
    let shape = [expected.count]
    let difference = try largestDifference(
      Tensor(shape: shape, computed), Tensor(shape: shape, expected))
    return difference / expected.reduce(0) { max($0, abs($1)) }
  }

  /// Blocks of one token, of several, and first more than one tile of the attention.
  @Test(arguments: causal + streams, [[1], [5, 1, 1, 9, 1], [20, 1]])
  func readingInBlocksIsReadingTheWhole(name: String, blocks: [Int]) throws {
    let model = try Self.load(name)
    let ids = Self.ids.map { $0 % model.configuration.vocabulary }
    let whole = try model.run(ids: ids)
    // A capacity that is too small grows.
    var continuation = try Continuation(of: model, capacity: 7)
    var (start, block) = (0, 0)
    var worst: Float = 0
    while start < ids.count {
      let end = min(ids.count, start + blocks[block % blocks.count])
      let hidden = try continuation.read(Array(ids[start..<end]))
      let logits = try continuation.logits(hidden).floats
      worst = max(worst, try deviation(logits, try whole.logits(at: end - 1).floats))
      (start, block) = (end, block + 1)
    }
    #expect(worst <= 5e-6, "\(name) \(blocks): \(worst)")
    #expect(continuation.ids == ids)
    if getenv("VITRINE_SHOW_DEVIATIONS") != nil {
      print("continuation \(name) \(blocks): \(worst)")
    }
  }

  @Test(arguments: causal + streams) func greedyTakesTheLikeliestEachTime(name: String) throws {
    let model = try Self.load(name)
    var options = GenerationOptions()
    options.tokens = 16
    options.stopsAtEnd = false
    let prompt = [5, 9, 3]
    let made = try model.generate(prompt, options: options)
    #expect(made.tokens.count == 16 && made.ending == .length)
    for step in 0..<16 {
      let before = prompt + made.tokens[..<step].map(\.id)
      let logits = try model.run(ids: before).logits(at: before.count - 1).floats
      let best = try #require(logits.max())
      #expect(logits[made.tokens[step].id] >= best - 1e-4 * abs(best))
      #expect(made.tokens[step].alternatives[0].id == made.tokens[step].id)
      #expect(made.tokens[step].probability == made.tokens[step].alternatives[0].probability)
    }
  }

  @Test(arguments: [1, 2, 3, 8]) func theSameTokensOnAnyNumberOfThreads(threads: Int) throws {
    let model = try Self.load("deepseek-v3")
    var options = GenerationOptions()
    options.temperature = 0.8
    options.seed = 4
    options.stopsAtEnd = false
    let made = try Compute.with(pool: ThreadPool(threadCount: threads)) {
      try model.generate([5, 9, 3], options: options)
    }
    #expect(made.tokens == (try model.generate([5, 9, 3], options: options).tokens))
    options.seed = 5
    #expect(made.tokens != (try model.generate([5, 9, 3], options: options).tokens))
  }

  // MARK: Choosing

  /// Kept sets and their shares, as transformers 5's `TopKLogitsWarper` and `TopPLogitsWarper` keep them.
  @Test func limitsKeepTheLikeliest() {
    let scores = [1.0, 3.0, 2.0, 3.0, -1.0]
    var options = GenerationOptions()
    options.temperature = 1
    #expect(Sampler.candidates(scores, options).map(\.id) == [1, 3, 2, 0, 4])
    options.topK = 3
    #expect(Sampler.candidates(scores, options).map(\.id) == [1, 3, 2])
    // The second and third are equally likely: both stay.
    options.topK = 1
    #expect(Sampler.candidates(scores, options).map(\.id) == [1, 3])
    options.topK = nil
    options.topP = 0.39
    #expect(Sampler.candidates(scores, options).map(\.id) == [1])
    options.topP = 0.5
    #expect(Sampler.candidates(scores, options).map(\.id) == [1, 3])
    options.topP = 0.9
    #expect(Sampler.candidates(scores, options).map(\.id) == [1, 3, 2])
    options.topP = 0.001
    options.topK = 2
    #expect(Sampler.candidates(scores, options).map(\.id) == [1])
  }

  /// Chi-square of 20,000 draws against the softmax at that temperature.
  @Test(arguments: [0.5, 1.0, 2.0]) func drawsFollowTheProbabilities(temperature: Double) {
    let logits: [Float] = [0, 1, 2, 1.5, -1, 0.5]
    var options = GenerationOptions()
    options.temperature = temperature
    options.seed = 11
    var sampler = Sampler(options)
    var counts = [Double](repeating: 0, count: logits.count)
    let draws = 20_000
    for _ in 0..<draws { counts[sampler.choose(logits, after: [])] += 1 }
    let weights = logits.map { exp(Double($0) / temperature) }
    let sum = weights.reduce(0, +)
    let chiSquare = zip(counts, weights).reduce(0.0) { total, pair in
      let expected = Double(draws) * pair.1 / sum
      return total + (pair.0 - expected) * (pair.0 - expected) / expected
    }
    // The 99.9th percentile at five degrees of freedom.
    #expect(chiSquare < 20.5, "\(chiSquare)")
  }

  @Test func repetitionsAreMadeLessLikely() {
    var options = GenerationOptions()
    options.repetitionPenalty = 2
    var sampler = Sampler(options)
    #expect(sampler.choose([3, 2, -1], after: []) == 0)
    #expect(sampler.choose([3, 2, -1], after: [0]) == 1)
    #expect(sampler.choose([-3, -2, -3.5], after: [1]) == 0)
  }

  @Test func logitsThatAreNoNumbersAreNotChosen() {
    var options = GenerationOptions()
    options.temperature = 1
    var sampler = Sampler(options)
    #expect(sampler.choose([.nan, 1, -.infinity], after: []) == 1)
    options.temperature = 0
    sampler = Sampler(options)
    #expect(sampler.choose([.nan, 1, -.infinity], after: []) == 1)
  }

  // MARK: Ending

  @Test func endsWhereItShould() throws {
    let model = try Self.load("llama-deepseek-llm")
    var options = GenerationOptions()
    options.stopsAtEnd = false
    options.tokens = 5
    var seen = 0
    let stopped = try model.generate([5, 9], options: options) { _, _ in
      seen += 1
      return seen < 3
    }
    #expect(stopped.tokens.count == 3 && stopped.ending == .stopped)
    #expect(throws: ModelError.emptyInput) { try model.generate([]) }
    let encoder = try Self.load("bert-masked")
    #expect(throws: ModelError.notCausal(model: "bert-masked")) { try encoder.generate([1, 2]) }
  }

  /// Positions that are computed end where the configuration says, those that are learned where their table does.
  @Test(arguments: [("llama-deepseek-llm", 48), ("deepseek-v3", 48), ("gpt2", 32)])
  func aFullContextEndsIt(name: String, limit: Int) throws {
    let copy = try ModelCopy(of: name)
    let model = try copy.load(config: {
      if name != "gpt2" { $0["max_position_embeddings"] = .integer(limit) }
    })
    try #require(model.configuration.contextLength == limit)
    var options = GenerationOptions()
    options.stopsAtEnd = false
    options.tokens = 1_000_000
    for prompt in [
      [5, 9], Array(repeating: 7, count: limit - 1), Array(repeating: 7, count: limit),
    ] {
      let full = try model.generate(prompt, options: options)
      #expect(full.ending == .context)
      // The last token is written and needs no place.
      #expect(full.tokens.count == limit - prompt.count + 1)
    }
    #expect(throws: ModelError.inputTooLong(tokens: limit + 1, limit: limit)) {
      try model.generate(Array(repeating: 7, count: limit + 1), options: options)
    }
  }

  @Test func anInterruptEndsIt() throws {
    let model = try Self.load("qwen2")
    let cancellation = Cancellation()
    #expect(throws: Cancelled.self) {
      try model.generate([1, 2], cancellation: cancellation) { _, _ in
        cancellation.cancel()
        return true
      }
    }
  }
}

/// Taps see every activation and what they give is used.
@Suite struct TapTests {
  static let models = GenerationTests.causal + ["bert-masked"]
  static let ids = [5, 9, 3, 14, 21, 8]

  private func sites(_ model: LanguageModel) -> [TapSite] {
    (0..<model.configuration.layers).flatMap { layer in
      [.residual(layer), .heads(layer), .attention(layer), .feedForward(layer)]
    } + [.residual(model.configuration.layers)]
  }

  @Test(arguments: models) func lookingChangesNothing(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let seen = Mutex<[TapSite: [Float]]>([:])
    let taps = sites(model).map { site in
      Tap(site) { rows, first in
        seen.withLock { $0[site, default: []] += rows.floats }
        #expect(first == 0)
        return rows
      }
    }
    let (plain, tapped) = (try model.run(ids: Self.ids), try model.run(ids: Self.ids, taps: taps))
    let last = model.configuration.layers
    #expect(try plain.hiddenStates(last).floats == tapped.hiddenStates(last).floats)
    // The residual stream of a layer is the one before and what its two parts add.
    let streams = seen.withLock { $0 }
    #expect(streams.count == sites(model).count)
    guard name != "bert-masked" else { return }
    for layer in 0..<last {
      let before = try #require(streams[.residual(layer)])
      let after = try #require(streams[.residual(layer + 1)])
      let attention = try #require(streams[.attention(layer)])
      let feedForward = try #require(streams[.feedForward(layer)])
      for index in before.indices {
        let sum = before[index] + attention[index] + feedForward[index]
        #expect(abs(sum - after[index]) <= 1e-5 * max(1, abs(after[index])))
      }
      #expect(before == (try plain.hiddenStates(layer).floats))
    }
  }

  @Test(arguments: models) func aReplacedStreamIsReadFromThere(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let last = model.configuration.layers
    let other = try model.run(ids: [7, 7, 2, 30, 1, 12])
    let stream = try other.hiddenStates(1)
    let patched = try model.run(ids: Self.ids, taps: [Tap(.residual(1)) { _, _ in stream }])
    #expect(try patched.hiddenStates(last).floats == other.hiddenStates(last).floats)
    #expect(
      try patched.hiddenStates(last).floats
        != model.run(ids: Self.ids).hiddenStates(last).floats)
  }

  @Test func aHeadThatIsTakenAwayAddsNothing() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let sizes = model.configuration
    let seen = Mutex<[[Float]]>([])
    let look = Tap(.attention(0)) { rows, _ in
      seen.withLock { $0.append(rows.floats) }
      return rows
    }
    let columns = sizes.valueDimension..<2 * sizes.valueDimension
    let ablate = Tap(.heads(0)) { rows, _ in
      var floats = rows.floats
      for row in 0..<rows.shape[0] {
        for column in columns { floats[row * rows.shape[1] + column] = 0 }
      }
      return Tensor(shape: rows.shape, floats)
    }
    let plain = try model.run(ids: Self.ids, taps: [look])
    _ = try model.run(ids: Self.ids, taps: [look, ablate])
    let outputs = seen.withLock { $0 }
    let head = try attentionMap(of: plain, layer: 0, head: 1)
    // What the head added: its map times its values times its columns of the output projection.
    let values = try plain.values(0)
    let group = sizes.heads / sizes.keyValueHeads
    let first = 1 / group * sizes.valueDimension
    let mixed = try matrixProduct(
      head, values.slice(axis: 1, first..<first + sizes.valueDimension), cancellation: nil)
    let weight = try #require(model.network.attentionOutputWeight(0))
    let added = try linear(
      mixed, weight: weight.slice(axis: 1, columns), bias: nil, cancellation: nil)
    for (index, number) in added.floats.enumerated() {
      #expect(abs(outputs[0][index] - outputs[1][index] - number) <= 2e-6)
    }
  }

  private func attentionMap(of trace: Trace, layer: Int, head: Int) throws -> Tensor {
    try trace.attentionMap(layer: layer, head: head)
  }

  /// Steering acts in the prompt and in what is written: as in a run of the whole text.
  @Test(arguments: ["qwen2", "deepseek-v3", "gpt2"])
  func tapsActWhileATextIsWritten(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let width = model.configuration.width
    let direction = (0..<width).map { Float(sin(Double($0))) }
    let steer = Tap(.residual(1)) { rows, first in
      var sum = rows
      for row in 0..<rows.shape[0] {
        let scale = 1 + 0.1 * Float(first + row)
        try sum.replaceRows(
          startingAt: row,
          with: Tensor(
            shape: [1, width],
            zip(rows.row(row), direction).map { $0 + scale * $1 }))
      }
      return sum
    }
    var options = GenerationOptions()
    options.tokens = 6
    options.stopsAtEnd = false
    let made = try model.generate([5, 9, 3], options: options, taps: [steer])
    let ids = [5, 9, 3] + made.tokens.map(\.id)
    let whole = try model.run(ids: ids, taps: [steer])
    for step in 0..<6 {
      let logits = try whole.logits(at: 2 + step).floats
      #expect(abs(Double(logits[made.tokens[step].id]) - made.tokens[step].logit) <= 1e-4)
    }
    #expect(made.tokens != (try model.generate([5, 9, 3], options: options).tokens))
  }

  @Test func tapsThatCannotBeAreNamed() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/qwen2")
    let count = model.configuration.layers
    #expect(throws: ModelError.layerOutOfRange(count, count: count)) {
      try model.run(ids: [1], taps: [Tap(.heads(count)) { rows, _ in rows }])
    }
    #expect(
      throws: ModelError.wrongInputShape(
        found: [1, 3], expected: [2, count > 0 ? model.configuration.width : 0])
    ) {
      try model.run(ids: [1, 2], taps: [Tap(.attention(0)) { _, _ in Tensor(zeros: [1, 3]) }])
    }
  }
}
