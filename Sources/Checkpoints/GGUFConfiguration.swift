public import DataFormats
import Glibc
import Tensors

extension GGUFFile {
  /// The names of the tensors that `configuration()` reads: they are settings, not weights.
  public var configurationTensorNames: [String] {
    [Self.frequenciesName].filter { contains($0) }
  }

  private static let frequenciesName = "rope_freqs.weight"

  /// What transformers' `config.json` would say of this model, from the file's metadata.
  ///
  /// For the architectures `llama`, `qwen2`, `qwen3`, `deepseek` (DeepSeek-MoE) and `deepseek2` (DeepSeek-V2 and V3).
  ///
  /// - Throws: `CheckpointError` where the architecture is another, a needed key is missing, or the
  ///   frequencies in `rope_freqs.weight` are none of a known scaling.
  public func configuration() throws(CheckpointError) -> JSONObject {
    let known = ["llama", "qwen2", "qwen3", "deepseek", "deepseek2"]
    guard let architecture = values.architecture, known.contains(architecture) else {
      throw .gguf(
        .unknownArchitecture(values.architecture ?? "", known: known), file: fileName(of: path))
    }
    let heads = try whole("attention.head_count")
    let width = try whole("embedding_length")
    guard heads > 0, let embedding = layout(of: "model.embed_tokens.weight")?.shape,
      let vocabulary = embedding.first
    else { throw missingKey("attention.head_count") }
    // The prediction layers of DeepSeek-V3 stand behind the model's own.
    let extra = values.ofArchitecture("nextn_predict_layers")?.integer ?? 0
    var document: JSONObject = [
      "model_type": .string(architecture), "hidden_size": .integer(width),
      "num_hidden_layers": .integer(try whole("block_count") - max(0, min(extra, 1_000))),
      "num_attention_heads": .integer(heads),
      "intermediate_size": .integer(try whole("feed_forward_length")),
      "rms_norm_eps": .number(try number("attention.layer_norm_rms_epsilon")),
      "max_position_embeddings": .integer(try whole("context_length")),
      "vocab_size": .integer(vocabulary), "hidden_act": "silu",
      "tie_word_embeddings": .bool(!contains("lm_head.weight")),
      "rope_theta": .number((try? number("rope.freq_base")) ?? 10_000),
    ]
    if let name = values["general.name"]?.string { document["_name_or_path"] = .string(name) }
    for (key, own) in [
      ("bos_token_id", "tokenizer.ggml.bos_token_id"),
      ("eos_token_id", "tokenizer.ggml.eos_token_id"),
    ] {
      if let id = values[own]?.integer { document[key] = .integer(id) }
    }
    if let scaling = try scaling() { document["rope_scaling"] = .object(scaling) }
    if architecture == "deepseek2" {
      try addLatentAttention(to: &document, heads: heads)
    } else {
      document["num_key_value_heads"] = .integer(
        values.ofArchitecture("attention.head_count_kv")?.integer ?? heads)
      document["head_dim"] = .integer(
        values.ofArchitecture("attention.key_length")?.integer ?? width / heads)
      if architecture == "llama", contains("model.layers.0.self_attn.q_proj.bias") {
        document["attention_bias"] = true
      }
      if architecture == "deepseek" { try addExperts(to: &document) }
    }
    return document
  }

  private func missingKey(_ key: String) -> CheckpointError {
    .gguf(
      .keyMissing("\(values.architecture ?? "").\(key)"), file: fileName(of: path))
  }

  private func whole(_ key: String) throws(CheckpointError) -> Int {
    guard let value = values.ofArchitecture(key)?.integer, value >= 0 else {
      throw missingKey(key)
    }
    return value
  }

  /// A number as it was written before it was rounded to single precision: 1e-05, not 9.99999974e-06.
  private func number(_ key: String) throws(CheckpointError) -> Double {
    guard let value = values.ofArchitecture(key)?.number else { throw missingKey(key) }
    guard Double(Float(value)) == value else { return value }
    return Double("\(Float(value))") ?? value
  }

  /// The sizes of a mixture of experts.
  private func addExperts(to document: inout JSONObject) throws(CheckpointError) {
    func optional(_ key: String) -> Int? { values.ofArchitecture(key)?.integer }
    document["moe_intermediate_size"] = .integer(try whole("expert_feed_forward_length"))
    document["n_routed_experts"] = .integer(try whole("expert_count"))
    document["n_shared_experts"] = .integer(optional("expert_shared_count") ?? 0)
    document["num_experts_per_tok"] = .integer(try whole("expert_used_count"))
    document["first_k_dense_replace"] = .integer(optional("leading_dense_block_count") ?? 0)
    document["routed_scaling_factor"] = .number((try? number("expert_weights_scale")) ?? 1)
    document["norm_topk_prob"] = .bool(
      values.ofArchitecture("expert_weights_norm")?.bool ?? false)
  }

  /// DeepSeek-V2's attention through latents, and the experts.
  private func addLatentAttention(
    to document: inout JSONObject, heads: Int
  ) throws(CheckpointError) {
    let rotary = try whole("rope.dimension_count")
    func optional(_ key: String) -> Int? { values.ofArchitecture(key)?.integer }
    let suffix = optional("attention.key_length_mla") == nil ? "" : "_mla"
    let key = try whole("attention.key_length" + suffix)
    let value = try whole("attention.value_length" + suffix)
    let experts = try whole("expert_count")
    // Softmax gating is 1, and what files without the key mean; sigmoid gating came with V3.
    let isSigmoid = optional("expert_gating_func") == 2
    // Older files don't name the groups, which the published models have all the same.
    let published = isSigmoid && experts == 256 ? (8, 4) : experts == 160 ? (8, 3) : (1, 1)
    let groups = optional("expert_group_count") ?? published.0
    document["model_type"] = isSigmoid ? "deepseek_v3" : "deepseek_v2"
    document["num_key_value_heads"] = .integer(heads)
    document["q_lora_rank"] = optional("attention.q_lora_rank").map { .integer($0) } ?? .null
    document["kv_lora_rank"] = .integer(try whole("attention.kv_lora_rank"))
    document["qk_rope_head_dim"] = .integer(rotary)
    document["qk_nope_head_dim"] = .integer(max(0, key - rotary))
    document["v_head_dim"] = .integer(value)
    try addExperts(to: &document)
    document["scoring_func"] = isSigmoid ? "sigmoid" : "softmax"
    document["topk_method"] =
      isSigmoid ? "noaux_tc" : groups > 1 ? "group_limited_greedy" : "greedy"
    document["n_group"] = .integer(groups)
    document["topk_group"] = .integer(optional("expert_group_used_count") ?? published.1)
  }

  /// How the rotary frequencies are stretched, or `nil` where they aren't.
  private func scaling() throws(CheckpointError) -> JSONObject? {
    if contains(Self.frequenciesName) { return try llamaScaling() }
    guard let kind = values.ofArchitecture("rope.scaling.type")?.string, kind != "none" else {
      return nil
    }
    var scaling: JSONObject = [
      "type": .string(kind), "factor": .number(try number("rope.scaling.factor")),
    ]
    guard kind == "yarn" else { return scaling }
    scaling["original_max_position_embeddings"] = .integer(
      try whole("rope.scaling.original_context_length"))
    scaling["beta_fast"] = 32
    scaling["beta_slow"] = 1
    if let multiplier = try? number("rope.scaling.yarn_log_multiplier") {
      // The file has 0.1 times the factor, and the published models give both factors alike.
      let factor = (multiplier * 10 * 1e6).rounded() / 1e6
      scaling["mscale"] = .number(factor)
      scaling["mscale_all_dim"] = .number(factor)
    }
    return scaling
  }

  /// Llama 3's scaling, of which the file has only the divisors of the frequencies.
  ///
  /// The slowest pair is divided by the whole factor; the other constants are those of all published models,
  /// and are taken only where they give every divisor of the file.
  private func llamaScaling() throws(CheckpointError) -> JSONObject {
    let divisors = try tensor(named: Self.frequenciesName).floats.map(Double.init)
    let theta = (try? number("rope.freq_base")) ?? 10_000
    let (low, high, original) = (1.0, 4.0, 8_192.0)
    let factor = divisors.last ?? 0
    for (pair, divisor) in divisors.enumerated() {
      let wavelength = 2 * Double.pi * pow(theta, Double(pair) / Double(divisors.count))
      let expected: Double
      if wavelength < original / high {
        expected = 1
      } else if wavelength > original / low {
        expected = factor
      } else {
        let share = (original / wavelength - low) / (high - low)
        expected = 1 / ((1 - share) / factor + share)
      }
      guard factor >= 1, abs(divisor - expected) <= 1e-3 * expected else {
        throw .gguf(.unknownFrequencies, file: fileName(of: path))
      }
    }
    return [
      "rope_type": "llama3", "factor": .number(factor), "low_freq_factor": .number(low),
      "high_freq_factor": .number(high),
      "original_max_position_embeddings": .integer(Int(original)),
    ]
  }
}
