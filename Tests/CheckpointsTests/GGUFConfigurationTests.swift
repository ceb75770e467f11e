import Checkpoints
import DataFormats
import Glibc
import Testing

private typealias G = GGUFBytes

private func whole(_ key: String, _ value: Int) -> [UInt8] {
  G.key(key, 4, littleEndian(value, 4))
}

private func number(_ key: String, _ value: Float) -> [UInt8] {
  G.key(key, 6, littleEndian(Int(value.bitPattern), 4))
}

/// A file of an architecture with these keys after its name, and an embedding of four tokens.
private func file(
  _ architecture: String, _ keys: [[UInt8]], tensors: [[UInt8]] = [], data: [Float] = []
) throws -> GGUFFile {
  var bytes = GGUFBytes()
  bytes.keys = [G.key("general.architecture", 8, G.text(architecture))]
  bytes.keys += [
    whole("\(architecture).block_count", 3), whole("\(architecture).embedding_length", 8),
    whole("\(architecture).feed_forward_length", 16), whole("\(architecture).context_length", 64),
    whole("\(architecture).attention.head_count", 2),
    number("\(architecture).attention.layer_norm_rms_epsilon", 1e-6),
  ]
  bytes.keys += keys
  bytes.tensors = [G.tensor("token_embd.weight", [8, 4])] + tensors
  bytes.dataByteCount = 0
  let numbers =
    [UInt8](repeating: 0, count: 128)
    + data.flatMap {
      littleEndian(Int($0.bitPattern), 4)
    }
  let folder = try TemporaryFolder()
  return try GGUFFile(path: try folder.write(bytes.bytes + numbers, to: "x.gguf"))
}

/// Llama 3's divisors for heads of sixteen numbers, theta 500,000.
private func divisors(factor: Double) -> [Float] {
  (0..<8).map { pair in
    let wavelength = 2 * Double.pi * pow(500_000, Double(pair) / 8)
    if wavelength < 2_048 { return 1 }
    if wavelength > 8_192 { return Float(factor) }
    let share = (8_192 / wavelength - 1) / 3
    return Float(1 / ((1 - share) / factor + share))
  }
}

@Suite struct GGUFConfigurationTests {
  @Test func sizesOfLlama() throws {
    let document = try file(
      "llama",
      [
        whole("llama.attention.head_count_kv", 1), number("llama.rope.freq_base", 100_000),
        G.key("llama.rope.scaling.type", 8, G.text("linear")),
        number("llama.rope.scaling.factor", 4), whole("tokenizer.ggml.bos_token_id", 2),
        G.key("general.name", 8, G.text("Small")),
      ]
    ).configuration()
    let wanted: JSONObject = [
      "model_type": "llama", "hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2,
      "num_key_value_heads": 1, "head_dim": 4, "intermediate_size": 16, "rms_norm_eps": 1e-6,
      "max_position_embeddings": 64, "vocab_size": 4, "hidden_act": "silu",
      "tie_word_embeddings": true, "rope_theta": 100_000.0, "bos_token_id": 2,
      "_name_or_path": "Small", "rope_scaling": ["type": "linear", "factor": 4.0],
    ]
    #expect(document.count == wanted.count)
    for member in wanted.members { #expect(document[member.key] == member.value, "\(member.key)") }
  }

  @Test(arguments: ["qwen2", "qwen3"]) func sizesOfQwen(architecture: String) throws {
    let document = try file(
      architecture, [whole("\(architecture).attention.key_length", 6)],
      tensors: [G.tensor("output.weight", [8, 0], offset: 128)]
    ).configuration()
    #expect(document["model_type"] == .string(architecture))
    #expect(document["head_dim"] == 6)
    #expect(document["num_key_value_heads"] == 2)
    #expect(document["tie_word_embeddings"] == false)
    #expect(document["rope_scaling"] == nil)
  }

  @Test(arguments: [8.0, 32.0]) func frequenciesOfLlama3(factor: Double) throws {
    let keys = [number("llama.rope.freq_base", 500_000)]
    let tensors = [G.tensor("rope_freqs.weight", [8], offset: 128)]
    let given = divisors(factor: factor)
    let whole = try file("llama", keys, tensors: tensors, data: given)
    #expect(whole.configurationTensorNames == ["rope_freqs.weight"])
    let document = try whole.configuration()
    #expect(
      document["rope_scaling"] == [
        "rope_type": "llama3", "factor": .number(factor), "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8_192,
      ])
    for place in given.indices {
      var changed = given
      changed[place] *= 1.1
      let error = #expect(throws: CheckpointError.self) {
        try file("llama", keys, tensors: tensors, data: changed).configuration()
      }
      #expect(
        error?.description
          == #""x.gguf" has rotary frequencies in rope_freqs.weight that are not those of Llama 3: put the model's config.json beside it."#
      )
    }
  }

  @Test func sizesOfDeepSeekMoE() throws {
    let prefix = "deepseek."
    let file = try file(
      "deepseek",
      [
        whole(prefix + "expert_count", 8), whole(prefix + "expert_used_count", 3),
        whole(prefix + "expert_shared_count", 2), whole(prefix + "expert_feed_forward_length", 6),
        whole(prefix + "leading_dense_block_count", 1),
      ])
    let document = try file.configuration()
    let wanted: JSONObject = [
      "model_type": "deepseek", "num_key_value_heads": 2, "head_dim": 4,
      "moe_intermediate_size": 6, "n_routed_experts": 8, "n_shared_experts": 2,
      "num_experts_per_tok": 3, "first_k_dense_replace": 1, "routed_scaling_factor": 1.0,
      "norm_topk_prob": false,
    ]
    for member in wanted.members { #expect(document[member.key] == member.value, "\(member.key)") }
    #expect(file.configurationTensorNames.isEmpty)
  }

  @Test func sizesOfDeepSeekV3() throws {
    let prefix = "deepseek2."
    let document = try file(
      "deepseek2",
      [
        whole(prefix + "attention.q_lora_rank", 5), whole(prefix + "attention.kv_lora_rank", 7),
        whole(prefix + "attention.key_length", 30), whole(prefix + "attention.value_length", 31),
        whole(prefix + "attention.key_length_mla", 12),
        whole(prefix + "attention.value_length_mla", 9), whole(prefix + "rope.dimension_count", 4),
        whole(prefix + "expert_count", 256), whole(prefix + "expert_used_count", 8),
        whole(prefix + "expert_shared_count", 1), whole(prefix + "expert_gating_func", 2),
        whole(prefix + "expert_feed_forward_length", 6),
        number(prefix + "expert_weights_scale", 2.5),
        G.key(prefix + "expert_weights_norm", 7, [1]),
        whole(prefix + "leading_dense_block_count", 1), whole(prefix + "nextn_predict_layers", 1),
        G.key(prefix + "rope.scaling.type", 8, G.text("yarn")),
        number(prefix + "rope.scaling.factor", 40),
        whole(prefix + "rope.scaling.original_context_length", 4_096),
        number(prefix + "rope.scaling.yarn_log_multiplier", 0.0707),
      ]
    ).configuration()
    let wanted: JSONObject = [
      "model_type": "deepseek_v3", "num_hidden_layers": 2, "num_key_value_heads": 2,
      "q_lora_rank": 5, "kv_lora_rank": 7, "qk_rope_head_dim": 4, "qk_nope_head_dim": 8,
      "v_head_dim": 9, "moe_intermediate_size": 6, "n_routed_experts": 256, "n_shared_experts": 1,
      "num_experts_per_tok": 8, "first_k_dense_replace": 1, "routed_scaling_factor": 2.5,
      "norm_topk_prob": true, "scoring_func": "sigmoid", "topk_method": "noaux_tc", "n_group": 8,
      "topk_group": 4,
      "rope_scaling": [
        "type": "yarn", "factor": 40.0, "original_max_position_embeddings": 4_096, "beta_fast": 32,
        "beta_slow": 1, "mscale": 0.707, "mscale_all_dim": 0.707,
      ],
    ]
    for member in wanted.members { #expect(document[member.key] == member.value, "\(member.key)") }
  }

  @Test func aMissingKeyIsNamed() throws {
    let error = #expect(throws: CheckpointError.self) {
      try file("deepseek2", []).configuration()
    }
    #expect(error?.description == #""x.gguf" has no valid key "deepseek2.rope.dimension_count"."#)
  }
}
