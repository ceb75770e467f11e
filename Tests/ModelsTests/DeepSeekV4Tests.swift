import DataFormats
import Glibc
import Tensors
import Testing

@testable import Models

@Suite struct DeepSeekV4Tests {
  static func load(_ name: String = "deepseek-v4") throws -> LanguageModel {
    try LanguageModel.load(path: "\(fixtures)/\(name)")
  }

  /// The committed model, or that of another seed and other sizes which the fixtures' script has put into a folder.
  private static let folder = getenv("VITRINE_V4_FIXTURES").map { String(cString: $0) } ?? fixtures

  private func reference(
    _ name: String = "deepseek-v4"
  ) throws -> (model: LanguageModel, golden: Golden) {
    let folder = name == "deepseek-v4" ? Self.folder : fixtures
    return (
      try LanguageModel.load(path: "\(folder)/\(name)"), try Golden(name, in: folder)
    )
  }

  @Test func givesTheReferencesNumbers() throws {
    let (model, golden) = try reference()
    let sizes = model.configuration
    #expect(golden.texts.map(\.ids.count) == [5, 19])
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      var result = Deviation()
      for layer in 0...sizes.layers {
        let reference = try golden.tensor("\(text.name).hidden_states.\(layer)")
        let states = try trace.hiddenStates(layer)
        #expect(
          states.shape == [text.ids.count, layer < sizes.layers ? sizes.streamWidth : sizes.width])
        let difference = try largestDifference(states.reshaped(reference.shape), reference)
        result.hidden = max(result.hidden, difference / largestMagnitude(reference))
      }
      for layer in 0..<sizes.layers {
        let reference = try golden.tensor("\(text.name).attentions.\(layer)")
        let maps = try trace.wholeAttentionMaps(layer: layer)
        result.attention = max(result.attention, try largestDifference(maps, reference))
      }
      let logits = try golden.tensor("\(text.name).logits")
      result.logits = try largestDifference(try trace.logits(), logits) / largestMagnitude(logits)
      expectWithinTolerance(result, "deepseek-v4 \(text.name)")
      #expect(result.hidden <= 1e-5)
      #expect(trace.byteCount == model.traceByteCount(tokens: text.ids.count))
      #expect(trace.byteCount > 0)
    }
  }

  @Test func mapsOfTokensAndBlocksAreTheWholeMap() throws {
    let model = try Self.load()
    let ids = LongContextTests.ids(40, vocabulary: 60)
    let trace = try model.run(ids: ids)
    let sizes = model.configuration
    for layer in 0..<sizes.layers {
      let whole = try trace.wholeAttentionMaps(layer: layer)
      let shares = try trace.sinkShares(layer: layer)
      for head in 0..<sizes.heads {
        let own = whole.rows(head..<head + 1).reshaped([40, whole.shape[2]])
        let tokens = try trace.attentionMap(layer: layer, head: head)
        #expect(try largestDifference(own.slice(axis: 1, 0..<40), tokens) <= 1e-6)
        if sizes.compression?.rate(of: layer) != nil {
          let blocks = try trace.blockAttentionMaps(layer: layer, heads: head..<head + 1)
          #expect(
            try largestDifference(
              own.slice(axis: 1, 40..<whole.shape[2]), blocks.reshaped([40, blocks.shape[2]]))
              <= 1e-6)
        }
        for query in 0..<40 {
          // A query sees no more than its window, and the sink takes what is left.
          let row = tokens.row(query)
          let first = max(0, query + 1 - (sizes.compression?.window ?? 0))
          #expect(row.indices.allSatisfy { (first...query).contains($0) || row[$0] == 0 })
          let sum = own.row(query).reduce(0, +) + shares.row(query)[head]
          #expect(abs(sum - 1) <= 1e-5)
          #expect(shares.row(query)[head] > 0)
        }
      }
    }
  }

  @Test func tokensChooseTheReferencesExperts() throws {
    let (model, golden) = try reference()
    let sizes = try #require(model.configuration.experts)
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      for layer in 0..<model.configuration.layers {
        let expected = try golden.tensor("\(text.name).router_weights.\(layer)")
        let weights = try trace.routerWeights(layer)
        var found = [Float](repeating: 0, count: expected.count)
        for token in text.ids.indices {
          let chosen = try trace.routing(layer).experts(of: token)
          for (expert, weight) in zip(chosen, weights.row(token)) {
            found[token * sizes.count + expert] = weight
          }
          #expect(weights.row(token) == weights.row(token).sorted(by: >) || layer > 0)
        }
        #expect(found.map { $0 != 0 } == expected.floats.map { $0 != 0 })
        let largest = zip(found, expected.floats).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest <= 1e-5, "\(text.name) \(layer): \(largest)")
        let probabilities = try golden.tensor("\(text.name).router_probabilities.\(layer)")
        #expect(
          try largestDifference(try trace.routerProbabilities(layer), probabilities) <= 1e-5)
      }
    }
    #expect(try model.expertRouter(0).isFixed)
    #expect(try model.expertRouter(0).correction == nil)
    #expect(try !model.expertRouter(1).isFixed)
    #expect(try model.expertRouter(1).correction?.count == sizes.count)
    #expect(try model.expertRouter(1).scoring == "square root of softplus")
  }

  @Test func anIndexerSelectsTheReferencesBlocks() throws {
    let (model, golden) = try reference()
    let compression = try #require(model.configuration.compression)
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      for layer in compression.selectingLayers {
        let selection = try trace.blockSelection(layer)
        let expected = try golden.tensor("\(text.name).block_selection.\(layer)")
        #expect(selection.mask().shape == expected.shape)
        #expect(selection.mask().floats == expected.floats)
        let maps = try trace.blockAttentionMaps(layer: layer)
        for head in 0..<model.configuration.heads {
          let map = maps.rows(head..<head + 1).floats
          #expect(zip(map, expected.floats).allSatisfy { $1 == 1 ? $0 > 0 : $0 == 0 })
        }
        let rate = try #require(compression.rate(of: layer))
        for query in text.ids.indices {
          let blocks = selection.blocks(of: query)
          #expect(blocks.count == min(compression.selectedBlocks, (query + 1) / rate))
          #expect(blocks == blocks.sorted())
        }
        let tokens = try trace.blockTokens(layer)
        #expect(tokens.count == text.ids.count / rate)
        #expect(tokens.enumerated().allSatisfy { $1 == $0 * rate..<($0 + 1) * rate })
        #expect(
          try trace.blockKeys(layer).shape == [tokens.count, model.configuration.headDimension])
      }
    }
  }

  @Test(arguments: ["deepseek-v4", "deepseek-v4-packed"])
  func continuesAsTheReferenceDoes(name: String) throws {
    let (model, golden) = try reference(name)
    var options = GenerationOptions()
    options.tokens = 16
    options.stopsAtEnd = false
    for text in golden.texts {
      let made = try model.generate(text.ids, options: options)
      let expected = try golden.tensor("\(text.name).greedy").floats.map { Int($0) }
      #expect(made.tokens.map(\.id) == expected, "\(name) \(text.name)")
    }
  }

  @Test func packedWeightsAreTheNumbersTheyStandFor() throws {
    let (model, golden) = try reference("deepseek-v4-packed")
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      let logits = try golden.tensor("\(text.name).logits")
      let deviation = try largestDifference(try trace.logits(), logits) / largestMagnitude(logits)
      #expect(deviation <= 1e-4, "\(deviation)")
      for layer in 0..<2 {
        let expected = try golden.tensor("\(text.name).router_weights.\(layer)")
        var found = [Float](repeating: 0, count: expected.count)
        for token in text.ids.indices {
          for expert in try trace.routing(layer).experts(of: token) {
            found[token * expected.shape[1] + expert] = 1
          }
        }
        #expect(found == expected.floats.map { $0 == 0 ? 0 : 1 })
      }
      #expect(
        try trace.blockSelection(0).mask().floats
          == golden.tensor("\(text.name).block_selection.0").floats)
    }
    // Scales are no weights of their own, and experts count their numbers, not their bytes.
    #expect(model.unusedWeightNames.isEmpty)
    let counts = Dictionary(uniqueKeysWithValues: model.parameterCounts.map { ($0.part, $0.count) })
    #expect(counts[.experts] == 2 * 4 * 3 * 32 * 32)
    let expert = try #require(model.weights.first { $0.part == .experts })
    #expect(expert.elementType == .float4e2m1 && expert.byteCount == 32 * 32 / 2)
    #expect(model.configuration.streams == 2)
    #expect(model.configuration.compression?.rates == [4, 3])
    #expect(model.configuration.compression?.positionDimension == 4)
  }

  /// 500 tokens are two blocks of rows and several parts of attention.
  @Test func laterTokensDoNotReachEarlierOnes() throws {
    let model = try Self.load()
    let ids = LongContextTests.ids(500, vocabulary: 60)
    let whole = try model.run(ids: ids)
    #expect(whole.byteCount == model.traceByteCount(tokens: 500))
    let start = try model.run(ids: Array(ids[..<240]))
    for layer in 0...3 {
      let expected = try start.hiddenStates(layer)
      let difference = try largestDifference(
        try whole.hiddenStates(layer).rows(0..<240), expected)
      #expect(difference <= 2e-5 * largestMagnitude(expected), "layer \(layer)")
    }
    for layer in 0..<3 {
      #expect(
        try whole.expertChoices(layer).rows(0..<240).floats == start.expertChoices(layer).floats)
    }
    // One head alone is one of all.
    #expect(
      try largestDifference(
        try whole.attentionMaps(layer: 1, heads: 2..<3),
        try whole.attentionMaps(layer: 1).rows(2..<3)) <= 1e-6)
  }

  @Test func theNumberOfThreadsDoesNotShow() throws {
    let model = try Self.load()
    let ids = LongContextTests.ids(100, vocabulary: 60)
    func results(_ threads: Int) throws -> [Float] {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        let trace = try model.run(ids: ids)
        return try trace.logits().floats + trace.wholeAttentionMaps(layer: 1).floats
      }
    }
    let one = try results(1)
    #expect(try results(2) == one)
    #expect(try results(3) == one)
    #expect(try results(8) == one)
  }

  @Test func attentionThatIsNotKeptIsComputedAgain() throws {
    let model = try Self.load()
    let ids = LongContextTests.ids(40, vocabulary: 60)
    let kept = try model.run(ids: ids)
    let again = try AttentionAgain.$smallest.withValue(0) { try model.run(ids: ids) }
    #expect(again.byteCount < kept.byteCount)
    for layer in [2, 0, 1] {
      #expect(
        try again.wholeAttentionMaps(layer: layer).floats
          == kept.wholeAttentionMaps(layer: layer).floats)
    }
    #expect(
      try again.blockSelection(1).mask().floats == kept.blockSelection(1).mask().floats)
    #expect(try again.values(1).floats == kept.values(1).floats)
  }

  @Test func tapsSeeStreamsAndParts() throws {
    let model = try Self.load()
    let sizes = model.configuration
    let ids = [5, 9, 3, 17, 2, 40, 8]
    let plain = try model.run(ids: ids)
    func run(_ site: TapSite, width: Int, factor: Float) throws -> Trace {
      try model.run(
        ids: ids,
        taps: [
          Tap(site) { activation, first in
            #expect(activation.shape == [ids.count, width] && first == 0)
            var result = activation
            result.scale(by: factor)
            return result
          }
        ])
    }
    let sites: [(TapSite, Int)] = [
      (.residual(1), sizes.streamWidth), (.heads(1), sizes.heads * sizes.headDimension),
      (.attention(1), sizes.width), (.feedForward(1), sizes.width),
      (.residual(3), sizes.streamWidth),
    ]
    for (site, width) in sites {
      let same = try run(site, width: width, factor: 1)
      #expect(try same.logits().floats == plain.logits().floats)
      let other = try run(site, width: width, factor: -0.5)
      #expect(try largestDifference(try other.logits(), try plain.logits()) > 1e-3)
    }
    #expect(
      failure { _ = try run(.residual(4), width: 1, factor: 1) }
        == "There is no layer 4: layers run from 0 to 3.")
  }

  @Test func aLensReadsTheStreamsAsTheModelDoes() throws {
    let trace = try Self.load().run(ids: [5, 9, 3, 17])
    #expect(try trace.lensLogits(layer: 3, of: 0..<4).floats == trace.logits().floats)
    #expect(try trace.lensLogits(layer: 1, of: 1..<3).shape == [2, 60])
  }

  @Test func describesWhatWasLoaded() throws {
    let model = try Self.load()
    #expect(model.architecture == "DeepSeek-V4")
    let sizes = model.configuration
    #expect(sizes.streams == 4 && sizes.width == 8 && sizes.streamWidth == 32)
    #expect(sizes.keyValueHeads == 1 && sizes.headDimension == 10 && sizes.rotaryDimension == 4)
    let compression = try #require(sizes.compression)
    #expect(compression.rates == [0, 4, 6])
    #expect(compression.selectingLayers == [1] && compression.selectedBlocks == 2)
    #expect(compression.window == 5)
    #expect(compression.rate(of: 0) == nil)
    let counts = Dictionary(uniqueKeysWithValues: model.parameterCounts.map { ($0.part, $0.count) })
    #expect(
      counts[.hyperConnections] == 3 * 2 * (24 * 32 + 24 + 3) + 4 * 32 + 4 + 1)
    #expect(counts[.compressor] == 2 * 20 * 8 + 4 * 20 + 2 * 10 * 8 + 6 * 10)
    #expect(counts[.indexer] == 8 * 6 * 8 + 8 * 8 + 2 * 12 * 8 + 4 * 12)
    #expect(counts[.router] == 3 * 6 * 8 + 2 * 6 + 60 * 2)
    #expect(counts[.experts] == 3 * 6 * 3 * 8 * 6)
    // What predicts further tokens is there but isn't read.
    #expect(model.unusedWeightNames.sorted() == ["mtp.0.e_proj.weight", "mtp.0.enorm.weight"])
  }

  @Test func whatIsNotThereIsNamed() throws {
    let trace = try Self.load().run(ids: [5, 9, 3])
    #expect(
      failure { _ = try trace.blockAttentionMaps(layer: 0) }
        == "Layer 0 makes no blocks of tokens: it looks at the last tokens alone.")
    #expect(
      failure { _ = try trace.blockSelection(2) }
        == "Layer 2 selects no blocks of tokens: the layers that do are 1.")
    // What begins all streams is still each token's vector.
    let vectors = try trace.model.tokenVectors(ids: [5, 9])
    #expect(vectors.shape == [2, 8])
    #expect(try vectors.floats == trace.hiddenStates(0).slice(axis: 1, 8..<16).rows(0..<2).floats)
    for call in [{ _ = try trace.model.readout() }, { _ = try trace.model.neuronCount(layer: 0) }]
      as [() throws -> Void]
    {
      #expect(failure(call)?.contains("is 4 streams that mix in every layer") == true)
    }
    #expect(try trace.blockKeys(1).shape == [0, 10])
    #expect(try trace.blockAttentionMaps(layer: 1).shape == [4, 3, 0])
    let other = try LanguageModel.load(path: "\(fixtures)/qwen2").run(ids: [1])
    #expect(
      failure { _ = try other.sinkShares(layer: 0) }?.hasSuffix(
        "makes no blocks of tokens and has no sinks: it weighs single tokens alone.") == true)
    #expect(
      failure { _ = try other.blockSelection(0) }
        == "The model selects no blocks of tokens: no layer has an indexer for them.")
    #expect(
      try other.wholeAttentionMaps(layer: 0).floats == other.attentionMaps(layer: 0).floats)
    let model = try Self.load()
    #expect(
      failure { _ = try model.gradient(of: .logits(.logit(of: 1, at: 0)), ids: [1, 2]) }
        == "Gradients of the architecture \"DeepSeek-V4\" can't be computed: it runs forward alone."
    )
    #expect(
      failure { _ = try trace.valuesAndOutput(layer: 0, head: 0) }?.contains(
        "its attention has no single output projection") == true)
  }

  /// A broken table must not send a token anywhere.
  @Test func aTableOfExpertsOutOfRangeIsNamed() throws {
    let copy = try ModelCopy(of: "deepseek-v4")
    let name = "layers.0.ffn.gate.tid2eid"
    #expect(
      failure {
        _ = try copy.load { _ in
        } tensors: { tensors in
          for place in tensors.indices where tensors[place].name == name {
            tensors[place].tensor = Tensor(zeros: [60, 2])
          }
        }
      } == "The table \"\(name)\" is stored as f32: only i32 and i64 can name experts.")
    func model(_ expert: Int32, _ token: Int) throws -> LanguageModel {
      try copy.load { _ in
      } tensors: { tensors in
        guard let place = tensors.firstIndex(where: { $0.name == name }) else { return }
        var numbers = tensors[place].tensor.floats.map { Int32($0) }
        numbers[2 * token] = expert
        guard
          let table = try? Tensor(
            shape: [60, 2], elementType: .int32, bytes: numbers.withUnsafeBytes { Array($0) })
        else { return }
        tensors[place].tensor = table
      }
    }
    for expert: Int32 in [6, -1, .max, .min] {
      let broken = try model(expert, 9)
      _ = try broken.run(ids: [5, 8])
      #expect(
        failure { _ = try broken.run(ids: [5, 9]) }?.hasPrefix(
          "The table of layer 0 sends the token 9 to the expert \(expert == 6 ? "6" : "")")
          == true)
    }
  }

  @Test func wrongConfigurationsAreNamed() throws {
    let copy = try ModelCopy(of: "deepseek-v4")
    func sentence(_ change: @escaping (inout JSONObject) -> Void) -> String? {
      failure { _ = try copy.load(config: change) }
    }
    #expect(
      sentence { $0["compress_ratios"] = [0, 4] }
        == "config.json gives compress_ratios as a list of 2, but a list of at least 3 whole numbers, or "
        + "layer_types, is expected.")
    #expect(
      sentence { $0["compress_ratios"] = [0, 4, -1] }
        == "config.json gives compress_ratios as a list with -1, but a list of whole numbers that are 0 or the "
        + "tokens of a block is expected.")
    #expect(
      sentence {
        $0["layer_types"] = ["sliding_attention", "full_attention", "sliding_attention"]
      }?
      .contains("each sliding_attention, compressed_sparse_attention or heavily") == true)
    #expect(
      sentence { $0["o_groups"] = 3 }?.contains("a divisor of num_attention_heads (4)") == true)
    #expect(sentence { $0["qk_rope_head_dim"] = 12 }?.contains("from 2 to 10") == true)
    #expect(sentence { $0["num_key_value_heads"] = 2 }?.contains("from 1 to 1") == true)
    #expect(sentence { $0["scoring_func"] = "softmax" }?.contains("sqrtsoftplus, sigmoid") == true)
    #expect(sentence { $0["norm_topk_prob"] = false }?.contains("supported are true") == true)
    #expect(sentence { $0["rope_scaling"] = "yarn" }?.contains("an object or null") == true)
    #expect(
      sentence { $0["hc_mult"] = 3 }
        == #"The weight "layers.0.hc_attn_fn" has the shape [24, 32], but config.json says [15, 24]."#
    )
    #expect(
      sentence { $0["num_hash_layers"] = 2 }
        == #"The weight "layers.1.ffn.gate.tid2eid", which config.json calls for, is missing from "#
        + "\"\(copy.path.split(separator: "/").last ?? "")\".")
    #expect(
      sentence { $0["index_topk"] = 0 }?.contains("index_topk as 0") == true)
  }
}
