import DataFormats
import Glibc
import Models
import Tensors
import Testing

@Suite struct DecoderTests {
  static let dense = ["qwen2", "qwen3", "gpt2"]
  static let mixtures = [
    "deepseek-moe", "deepseek-v2", "deepseek-v2-lite", "deepseek-v3", "deepseek-v32",
  ]
  static let latent = ["deepseek-v2", "deepseek-v2-lite", "deepseek-v3", "deepseek-v32"]

  static func load(_ name: String) throws -> LanguageModel {
    try LanguageModel.load(path: "\(fixtures)/\(name)")
  }

  @Test(arguments: dense + mixtures)
  func aFamilyGivesTheReferencesNumbers(name: String) throws {
    let model = try Self.load(name)
    let golden = try Golden(name)
    #expect(golden.texts.map(\.ids.count) == [5, 19])
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      let deviation = try deviation(of: trace, from: golden, text: text.name, hasLogits: true)
      expectWithinTolerance(deviation, "\(name) \(text.name)")
      #expect(trace.byteCount == model.traceByteCount(tokens: text.ids.count))
    }
  }

  @Test(arguments: mixtures)
  func tokensChooseTheReferencesExperts(name: String) throws {
    let model = try Self.load(name)
    let golden = try Golden(name)
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      let expected = try golden.tensor("\(text.name).router_weights.1")
      let (choices, weights) = (try trace.expertChoices(1), try trace.routerWeights(1))
      #expect(choices.elementType == .int32)
      #expect(choices.shape == [text.ids.count, 3])
      #expect(weights.shape == [text.ids.count, 3])
      var found = [Float](repeating: 0, count: expected.count)
      for token in 0..<text.ids.count {
        let chosen = try trace.routing(1).experts(of: token)
        #expect(choices.row(token) == chosen.map { Float($0) })
        for (expert, weight) in zip(chosen, weights.row(token)) {
          found[token * 8 + expert] = weight
        }
      }
      #expect(found.map { $0 != 0 } == expected.floats.map { $0 != 0 })
      let largest = zip(found, expected.floats).map { abs($0 - $1) }.max() ?? .infinity
      #expect(largest <= 1e-5, "\(name) \(text.name)")
      let probabilities = try golden.tensor("\(text.name).router_probabilities.1")
      #expect(
        try largestDifference(try trace.routerProbabilities(1), probabilities) <= 1e-5,
        "\(name) \(text.name)")
      #expect(
        failure { _ = try trace.expertChoices(0) }
          == "Layer 0 has no experts, its feed-forward part is dense: the layers with experts are 1."
      )
    }
  }

  @Test func anIndexerSelectsTheReferencesKeys() throws {
    let model = try Self.load("deepseek-v32")
    let golden = try Golden("deepseek-v32")
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      for layer in 0..<2 {
        let selection = try trace.keySelection(layer)
        let expected = try golden.tensor("\(text.name).key_selection.\(layer)")
        #expect(selection.mask().floats == expected.floats)
        for head in 0..<4 {
          let map = try trace.attentionMap(layer: layer, head: head).floats
          #expect(zip(map, expected.floats).allSatisfy { $1 == 1 ? $0 > 0 : $0 == 0 })
        }
        for query in text.ids.indices {
          let keys = selection.keys(of: query)
          #expect(keys.count == min(5, query + 1))
          #expect(keys == keys.sorted())
        }
      }
    }
  }

  @Test func whoSeesAllKeysIsTheModelWithoutIndexer() throws {
    let copy = try ModelCopy(of: "deepseek-v32")
    let ids = Array(1..<30)
    let wide = try copy.load(config: { $0["index_topk"] = 29 }).run(ids: ids)
    let plain = try copy.load(config: { $0["model_type"] = "deepseek_v3" }).run(ids: ids)
    #expect(try wide.hiddenStates(2).floats == plain.hiddenStates(2).floats)
    #expect(
      try largestDifference(
        try wide.attentionMaps(layer: 1), try plain.attentionMaps(layer: 1)) <= 1e-6)
    let narrow = try Self.load("deepseek-v32").run(ids: ids)
    #expect(
      try largestDifference(try narrow.hiddenStates(2), try plain.hiddenStates(2)) > 0.01)
    #expect(
      failure { _ = try plain.keySelection(0) }?.hasSuffix(
        "selects no keys: attention weighs all that a token may see.") == true)
  }

  @Test(arguments: latent)
  func keysAndValuesComeFromTheLatents(name: String) throws {
    let model = try Self.load(name)
    let trace = try model.run(ids: [5, 6, 7])
    let latents = try trace.latents(1)
    #expect(latents.latents.shape == [3, 10])
    #expect(latents.positionKeys.shape == [3, 4])
    #expect(try trace.values(1).shape == [3, 4 * 5])
    let keys = try trace.queriesAndKeys(1).keys
    #expect(keys.shape == [3, 4 * 10])
    let content = try latents.contentKeys(2..<3)
    for token in 0..<3 {
      let row = Array(keys.row(token)[20..<30])
      #expect(row == content.row(token) + latents.positionKeys.row(token))
    }
    // Two heads alone are two of all.
    let all = try trace.attentionMaps(layer: 1)
    let difference = try largestDifference(
      try trace.attentionMaps(layer: 1, heads: 1..<3), all.rows(1..<3))
    #expect(difference <= 1e-6)
    let other = try Self.load("qwen2").run(ids: [1])
    #expect(
      failure { _ = try other.latents(0) }
        == #"The model "qwen2" has no latents: its keys and values are maps of the stream."#)
    #expect(
      failure { _ = try other.routing(0) }
        == "The model has no experts: every feed-forward part is dense.")
  }

  @Test(arguments: latent)
  func meanAndMaximumOverHeadsAreThoseOfTheMaps(name: String) throws {
    let trace = try Self.load(name).run(ids: [5, 6, 7, 8, 9, 50, 11])
    let maps = try (0..<4).map { try trace.attentionMap(layer: 1, head: $0).floats }
    let mean = try trace.reducedAttention(layer: 1, reduction: .mean).floats
    let largest = try trace.reducedAttention(layer: 1, reduction: .max).floats
    for index in 0..<49 {
      let values = maps.map { $0[index] }
      #expect(abs(mean[index] - values.reduce(0, +) / 4) < 1e-6)
      #expect(largest[index] == values.max())
    }
  }

  /// 700 tokens are two blocks of rows.
  @Test(arguments: ["qwen3", "deepseek-moe", "deepseek-v2", "deepseek-v3", "deepseek-v32"])
  func laterTokensDoNotReachEarlierOnes(name: String) throws {
    let model = try Self.load(name)
    let ids = LongContextTests.ids(700, vocabulary: 60)
    let whole = try model.run(ids: ids)
    #expect(whole.byteCount == model.traceByteCount(tokens: 700))
    let start = try model.run(ids: Array(ids[..<350]))
    for layer in 0...2 {
      let expected = try start.hiddenStates(layer)
      let difference = try largestDifference(
        try whole.hiddenStates(layer).rows(0..<350), expected)
      #expect(difference <= 2e-5 * largestMagnitude(expected), "\(name) layer \(layer)")
    }
    if model.configuration.experts != nil {
      #expect(
        try whole.expertChoices(1).rows(0..<350).floats == start.expertChoices(1).floats)
    }
  }

  @Test(arguments: [
    "llama-deepseek-llm", "llama-deepseek-coder", "llama-grouped", "qwen2", "qwen3", "deepseek-moe",
    "deepseek-v2", "deepseek-v2-lite", "deepseek-v3", "deepseek-v3-scaled", "deepseek-v32", "gpt2",
    "gpt2-bin", "bert-masked", "qwen2.gguf", "deepseek-moe.gguf", "deepseek-v3.gguf",
  ])
  func theNumberOfThreadsDoesNotShow(name: String) throws {
    let model = try Self.load(name)
    let ids = Array(LongContextTests.ids(32, vocabulary: 60))
    func results(_ threads: Int) throws -> [Float] {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        let trace = try model.run(ids: ids)
        let last = model.configuration.layers - 1
        return try trace.logits().floats + trace.attentionMaps(layer: last).floats
          + trace.hiddenStates(last).floats
      }
    }
    let one = try results(1)
    for threads in [2, 3, 8] { #expect(try results(threads) == one) }
  }

  @Test func whatIsNotKeptIsNamed() throws {
    let model = try Self.load("deepseek-v32")
    let ids = LongContextTests.ids(40, vocabulary: 60)
    for contents: TraceContents in [
      [], .hiddenStates, .attention, .values, .routing, [.attention, .values],
    ] {
      let trace = try model.run(ids: ids, keeping: contents)
      #expect(trace.byteCount == model.traceByteCount(tokens: 40, keeping: contents))
      let keepsLatents = !contents.isDisjoint(with: [.attention, .values])
      #expect(
        failure { _ = try trace.latents(1) }
          == (keepsLatents ? nil : "The trace was run without keeping its keys and values."))
    }
    let lean = try model.run(ids: ids, keeping: [])
    #expect(
      failure { _ = try lean.routing(1) }
        == "The trace was run without keeping its choices of experts.")
    #expect(
      failure { _ = try lean.keySelection(1) }
        == "The trace was run without keeping its queries and keys.")
    #expect(failure { _ = try lean.values(1) } == "The trace was run without keeping its values.")
  }

  @Test func describesWhatWasLoaded() throws {
    let model = try Self.load("deepseek-v32")
    #expect(model.architecture == "DeepSeek-V3.2")
    let sizes = model.configuration
    #expect(sizes.headDimension == 10)
    #expect(sizes.valueDimension == 5)
    #expect(sizes.latent?.keyValueWidth == 10)
    #expect(sizes.latent?.queryWidth == 12)
    #expect(sizes.experts?.layers == [1])
    #expect(sizes.experts?.count == 8)
    #expect(sizes.selectedKeys == 5)
    let counts = Dictionary(uniqueKeysWithValues: model.parameterCounts.map { ($0.part, $0.count) })
    #expect(counts[.router] == 8 * 16 + 8)
    #expect(counts[.experts] == 8 * 3 * 16 * 6)
    #expect(counts[.sharedExperts] == 3 * 16 * 6)
    #expect(counts[.feedForward] == 3 * 16 * 24)
    #expect(counts[.indexer] == 2 * (48 * 12 + 6 * 16 + 8 * 16))
    // The layer that predicts further tokens is there but isn't read.
    #expect(model.unusedWeightNames.contains("model.layers.2.eh_proj.weight"))
    #expect(model.unusedWeightNames.allSatisfy { $0.hasPrefix("model.layers.2.") })
    #expect(try Self.load("deepseek-v2-lite").configuration.latent?.queryWidth == nil)
    #expect(try Self.load("gpt2").unusedWeightNames == ["h.0.attn.bias", "h.1.attn.bias"])
    #expect(try Self.load("gpt2").configuration.innerWidth == 64)
  }

  @Test func aPrefixInNamesOfGPT2DoesNotMatter() throws {
    let copy = try ModelCopy(of: "gpt2")
    let model = try copy.load(tensors: { tensors in
      for place in tensors.indices { tensors[place].name = "transformer." + tensors[place].name }
    })
    #expect(
      try model.run(ids: [1, 2, 3]).logits().floats
        == Self.load("gpt2").run(ids: [1, 2, 3]).logits().floats)
  }
}
