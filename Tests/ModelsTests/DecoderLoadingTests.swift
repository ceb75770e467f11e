import DataFormats
import Models
import Tensors
import Testing

/// A value of one family's config.json that can't be right, and the sentence about it.
struct BadFamilyValue: Sendable, CustomTestStringConvertible {
  let model: String
  let key: String
  let value: JSON?
  let sentence: String
  var testDescription: String { "\(model): \(key) = \(String(describing: value))" }

  init(_ model: String, _ key: String, _ value: JSON?, _ sentence: String) {
    self.model = model
    self.key = key
    self.value = value
    self.sentence = sentence
  }
}

@Suite struct DecoderLoadingTests {
  @Test(arguments: [
    BadFamilyValue(
      "qwen2", "use_sliding_window", true,
      #"config.json gives use_sliding_window as "true", which is not supported: supported are false."#
    ),
    BadFamilyValue(
      "qwen3", "head_dim", nil,
      #"The weight "model.layers.0.self_attn.q_proj.weight" has the shape [24, 16], but config.json says [512, 16]."#
    ),
    BadFamilyValue(
      "qwen3", "rope_scaling", ["type": "yarn", "factor": 4],
      "config.json gives original_max_position_embeddings as nothing, but a whole number from 1 to 16777216 is expected."
    ),
    BadFamilyValue(
      "qwen3", "rope_theta", 1,
      "config.json gives rope_theta as 1.0, but a number above 1 for yarn is expected."),
    BadFamilyValue(
      "gpt2", "n_head", 5,
      "config.json gives n_head as 5, but a divisor of n_embd (16) is expected."
    ),
    BadFamilyValue(
      "gpt2", "activation_function", "relu",
      #"config.json gives activation_function as "relu", which is not supported: supported are gelu, gelu_new, gelu_pytorch_tanh."#
    ),
    BadFamilyValue(
      "gpt2", "scale_attn_weights", false,
      #"config.json gives scale_attn_weights as "false", which is not supported: supported are true."#
    ),
    BadFamilyValue(
      "gpt2", "n_inner", 65,
      #"The weight "h.0.mlp.c_fc.weight" has the shape [16, 64], but config.json says [16, 65]."#),
    BadFamilyValue(
      "deepseek-moe", "num_experts_per_tok", 9,
      "config.json gives num_experts_per_tok as 9, but a whole number from 1 to 8 is expected."),
    BadFamilyValue(
      "deepseek-moe", "first_k_dense_replace", 3,
      "config.json gives first_k_dense_replace as 3, but a whole number from 0 to 2 is expected."),
    BadFamilyValue(
      "deepseek-moe", "first_k_dense_replace", 0,
      #"The weight "model.layers.0.mlp.gate.weight", which config.json calls for, is missing from "#
    ),
    BadFamilyValue(
      "deepseek-moe", "scoring_func", "sigmoid",
      #"config.json gives scoring_func as "sigmoid", which is not supported: supported are softmax."#
    ),
    BadFamilyValue(
      "deepseek-v2", "norm_topk_prob", true,
      #"config.json gives norm_topk_prob as "true", which is not supported: supported are false."#),
    BadFamilyValue(
      "deepseek-v2", "topk_method", "random",
      #"config.json gives topk_method as "random", which is not supported: supported are greedy, group_limited_greedy."#
    ),
    BadFamilyValue(
      "deepseek-v2", "n_group", 3,
      "config.json gives n_group as 3, but a divisor of n_routed_experts (8) is expected."),
    BadFamilyValue(
      "deepseek-v2", "topk_group", 1,
      "config.json gives topk_group as 1, but enough groups of 2 experts for num_experts_per_tok (3) is expected."
    ),
    BadFamilyValue(
      "deepseek-v2", "q_lora_rank", nil,
      #"The weight "model.layers.0.self_attn.q_proj.weight", which config.json calls for, is missing from "#
    ),
    BadFamilyValue(
      "deepseek-v3", "qk_rope_head_dim", 3,
      "config.json gives qk_rope_head_dim as 3, but an even number, since positions turn pairs, is expected."
    ),
    BadFamilyValue(
      "deepseek-v3", "v_head_dim", 6,
      #"The weight "model.layers.0.self_attn.kv_b_proj.weight" has the shape [44, 10], but config.json says [48, 10]."#
    ),
    BadFamilyValue(
      "deepseek-v3", "n_routed_experts", 4_000_000_000,
      "config.json gives n_routed_experts as 4000000000, but a whole number from 1 to 65536 is expected."
    ),
    BadFamilyValue(
      "deepseek-v4", "hidden_size", 9_000_000_000,
      "config.json gives hidden_size as 9000000000, but a whole number from 1 to 262144 is expected."
    ),
    BadFamilyValue(
      "deepseek-v4", "sliding_window", 0,
      "config.json gives sliding_window as 0, but a whole number from 1 to 16777216 is expected."),
    BadFamilyValue(
      "deepseek-v4", "compress_ratios", [0, 4, 16_777_216, 0],
      #"The weight "layers.2.attn.compressor.ape" has the shape [6, 10], but config.json says [16777216, 10]."#
    ),
    BadFamilyValue(
      "deepseek-v4", "hc_sinkhorn_iters", 0,
      "config.json gives hc_sinkhorn_iters as 0, but a whole number from 1 to 1000 is expected."),
    BadFamilyValue(
      "deepseek-v4", "num_experts_per_tok", 7,
      "config.json gives num_experts_per_tok as 7, but a whole number from 1 to 6 is expected."),
    BadFamilyValue(
      "deepseek-v32", "index_topk", 0,
      "config.json gives index_topk as 0, but a whole number from 1 to 16777216 is expected."),
    BadFamilyValue(
      "deepseek-v32", "index_head_dim", 2,
      "config.json gives index_head_dim as 2, but a whole number from 4 to 8192 is expected."),
    BadFamilyValue(
      "deepseek-v32", "q_lora_rank", nil,
      "config.json gives q_lora_rank as nothing, but a whole number from 1 to 262144 is expected."),
    BadFamilyValue(
      "deepseek-v32", "mlp_layer_types", ["dense"],
      #"config.json gives mlp_layer_types as a list of 1, but a list of 2 texts, "dense" or "sparse", is expected."#
    ),
  ])
  func anImpossibleConfigurationGetsOneSentence(bad: BadFamilyValue) throws {
    let copy = try ModelCopy(of: bad.model)
    let sentence = try #require(failure { _ = try copy.load(config: { $0[bad.key] = bad.value }) })
    // Where the sentence ends with the copy's folder, only its beginning is known.
    #expect(
      bad.sentence.hasSuffix(" ") ? sentence.hasPrefix(bad.sentence) : sentence == bad.sentence,
      "\(sentence)")
  }

  @Test(arguments: [
    ("qwen2", "model.layers.1.self_attn.k_proj.bias"),
    ("qwen3", "model.layers.1.self_attn.k_norm.weight"), ("gpt2", "h.1.mlp.c_proj.bias"),
    ("deepseek-moe", "model.layers.1.mlp.experts.7.up_proj.weight"),
    ("deepseek-v2", "model.layers.0.self_attn.kv_a_layernorm.weight"),
    ("deepseek-v3", "model.layers.1.mlp.gate.e_score_correction_bias"),
    ("deepseek-v32", "model.layers.1.self_attn.indexer.k_norm.bias"),
  ])
  func aMissingWeightIsNamed(model: String, weight: String) throws {
    let copy = try ModelCopy(of: model)
    let sentence = failure {
      _ = try copy.load(tensors: { $0.removeAll { $0.name == weight } })
    }
    #expect(
      sentence?.hasPrefix(#"The weight "\#(weight)", which config.json calls for, is missing"#)
        == true)
  }

  @Test func newerKeysMeanTheSame() throws {
    let copy = try ModelCopy(of: "deepseek-v3")
    let model = try copy.load(config: { config in
      config["rope_parameters"] = [
        "rope_type": "yarn", "rope_theta": 10_000, "factor": 40, "mscale": 1, "mscale_all_dim": 1,
        "original_max_position_embeddings": 64,
      ]
      config["head_dim"] = 4
      for key in ["rope_scaling", "rope_theta", "topk_method", "scoring_func", "moe_layer_freq"] {
        config[key] = nil
      }
    })
    let before = try LanguageModel.load(path: "\(fixtures)/deepseek-v3")
    #expect(
      try model.run(ids: [1, 2, 3]).logits().floats == before.run(ids: [1, 2, 3]).logits().floats)
  }

  /// Every value that shapes the numbers must show in them: a value that isn't read fails here.
  @Test(
    arguments: [
      ("qwen3", "rope_theta", 100), ("qwen3", "rms_norm_eps", 0.1), ("qwen3", "rope_scaling", nil),
      ("gpt2", "layer_norm_epsilon", 0.1), ("gpt2", "activation_function", "gelu"),
      ("deepseek-moe", "num_experts_per_tok", 2), ("deepseek-moe", "norm_topk_prob", true),
      ("deepseek-v2", "topk_group", 4), ("deepseek-v2", "topk_method", "greedy"),
      ("deepseek-v2", "routed_scaling_factor", 1), ("deepseek-v2", "rope_scaling", nil),
      ("deepseek-v3", "norm_topk_prob", false), ("deepseek-v3", "topk_group", 4),
      ("deepseek-v3", "n_group", 2), ("deepseek-v3", "rope_interleave", false),
      ("deepseek-v32", "index_topk", 4),
    ] as [(String, String, JSON?)])
  func everyValueShowsInTheLogits(model: String, key: String, value: JSON?) throws {
    let copy = try ModelCopy(of: model)
    let changed = try copy.load(config: { $0[key] = value })
    let ids = try #require(try Golden(model).texts.last?.ids)
    let before = try LanguageModel.load(path: "\(fixtures)/\(model)").run(ids: ids).logits()
    let after = try changed.run(ids: ids).logits()
    #expect(try largestDifference(before, after) > 1e-4 * largestMagnitude(before))
  }

  /// Every kind of weight alone is missing, or of another shape.
  @Test func everyMissingOrMisshapenWeightIsNamed() throws {
    let copy = try ModelCopy(of: "deepseek-v4")
    let names = try copy.load().weights.map(\.name)
    #expect(names.count == 137)
    let repeated = [
      "layers.2.", ".experts.1.", ".experts.2.", ".experts.3.", ".experts.4.", ".experts.5.",
    ]
    for name in names where !repeated.contains(where: { name.contains($0) }) {
      let missing = failure {
        _ = try copy.load { _ in
        } tensors: {
          $0.removeAll { $0.name == name }
        }
      }
      #expect(missing?.hasPrefix("The weight \"\(name)\", which config.json calls for,") == true)
      let misshapen = failure {
        _ = try copy.load { _ in
        } tensors: { tensors in
          for place in tensors.indices where tensors[place].name == name {
            tensors[place].tensor = Tensor(shape: [1, 1, 1], [1])
          }
        }
      }
      #expect(misshapen?.contains(" \"\(name)\" ") == true, "\(misshapen ?? "")")
    }
  }

  @Test(arguments: DecoderTests.dense + DecoderTests.mixtures + ["deepseek-v4"])
  func mutatedConfigurationsNeverCrash(name: String) throws {
    let copy = try ModelCopy(of: name)
    _ = try copy.load()
    let text = try contents("\(copy.path)/config.json")
    let pieces: [[UInt8]] = [
      "-1", "0", "1", "3", "1e308", "9223372036854775807", "null", "[]", "\"\"", "0.5",
    ].map { Array($0.utf8) }
    let numbers = text.indices.filter {
      (0x30...0x39).contains(text[$0]) && !(0x30...0x39).contains(text[$0 - 1])
    }
    var loaded = 0
    for place in numbers {
      for piece in pieces {
        var bytes = text
        var end = place
        while (0x30...0x39).contains(bytes[end]) { end += 1 }
        bytes.replaceSubrange(place..<end, with: piece)
        try copy.write(String(decoding: bytes, as: UTF8.self), to: "config.json")
        do {
          let changed = try LanguageModel.load(path: copy.path)
          loaded += 1
          let trace = try changed.run(ids: [1, 2, 3, 4, 5, 6, 7])
          _ = try trace.logits(at: 2)
          _ = try trace.attentionMaps(layer: 0)
        } catch let error as ModelError {
          #expect(error.description.hasSuffix("."))
        }
      }
    }
    #expect(loaded > 20)
  }
}
