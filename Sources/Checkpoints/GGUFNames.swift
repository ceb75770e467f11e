import Tensors

/// transformers' names for the tensors of a GGUF file, and how each is made of them.
///
/// llama.cpp names tensors by their place (`blk.0.attn_q`), merges a layer's experts into one tensor, splits
/// DeepSeek-V2's `kv_b_proj`, and for `llama` and `deepseek` permutes the rows of queries and keys so
/// that the pairs that rotate together lie side by side.
struct GGUFNames {
  /// How a tensor is made.
  enum Source: Sendable, Equatable {
    /// As stored.
    case stored(Int)
    /// With the permutation of its rows undone.
    case unpermuted(Int, heads: Int)
    /// One index of the first axis of a tensor of all experts.
    case expert(Int, number: Int)
    /// The rows of keys, transposed for each head, and of values.
    case keysAndValues(keys: Int, values: Int)
  }

  private(set) var names: [String] = []
  private(set) var sources: [Source] = []

  private static let outside: [(String, String)] = [
    ("token_embd.weight", "model.embed_tokens.weight"), ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
  ]

  private static let inside: [(String, String)] = [
    ("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm"),
    ("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"), ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"), ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"), ("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"), ("attn_q_a", "self_attn.q_a_proj"),
    ("attn_q_a_norm", "self_attn.q_a_layernorm"), ("attn_q_b", "self_attn.q_b_proj"),
    ("attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"),
    ("attn_kv_a_norm", "self_attn.kv_a_layernorm"), ("attn_kv_b", "self_attn.kv_b_proj"),
    ("ffn_gate_inp", "mlp.gate"), ("ffn_gate_shexp", "mlp.shared_experts.gate_proj"),
    ("ffn_up_shexp", "mlp.shared_experts.up_proj"),
    ("ffn_down_shexp", "mlp.shared_experts.down_proj"),
  ]

  private static let experts: [(String, String)] = [
    ("ffn_gate_exps", "gate_proj"), ("ffn_up_exps", "up_proj"), ("ffn_down_exps", "down_proj"),
  ]

  /// More experts than any model has; a tensor of more is left as it is.
  private static let mostExperts = 65_536

  /// The architectures whose names are known; others keep the file's.
  static let architectures = ["llama", "qwen2", "qwen3", "deepseek", "deepseek2"]

  init(_ header: GGUFHeader, file: String) throws(CheckpointError) {
    let architecture = header.metadata.architecture ?? ""
    guard Self.architectures.contains(architecture) else {
      names = header.entries.map(\.name)
      sources = header.entries.indices.map { .stored($0) }
      return
    }
    let isPermuted = architecture == "llama" || architecture == "deepseek"
    var places: [[UInt8]: Int] = [:]
    for (index, entry) in header.entries.enumerated() { places[Array(entry.name.utf8)] = index }
    for (index, entry) in header.entries.enumerated() {
      if let known = Self.outside.first(where: { $0.0 == entry.name }) {
        add(known.1, .stored(index))
        continue
      }
      let parts = entry.name.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 4, parts[0] == "blk", let layer = Int(parts[1]), layer >= 0 else {
        add(entry.name, .stored(index))
        continue
      }
      let (kind, field) = (String(parts[2]), String(parts[3]))
      let prefix = "model.layers.\(layer)."
      if isPermuted, !entry.range.isEmpty, kind == "attn_q" || kind == "attn_k" {
        let heads = try Self.heads(header, of: kind, layer: layer, entry: entry, file: file)
        add(
          prefix + (kind == "attn_q" ? "self_attn.q_proj." : "self_attn.k_proj.") + field,
          .unpermuted(index, heads: heads))
      } else if kind == "exp_probs_b" {
        add(prefix + "mlp.gate.e_score_correction_bias", .stored(index))
      } else if let known = Self.experts.first(where: { $0.0 == kind }), entry.shape.count == 3,
        entry.shape[0] <= Self.mostExperts
      {
        for number in 0..<entry.shape[0] {
          add(
            "\(prefix)mlp.experts.\(number).\(known.1).\(field)", .expert(index, number: number))
        }
      } else if kind == "attn_k_b" || kind == "attn_v_b",
        places[Array("blk.\(layer).attn_kv_b.\(field)".utf8)] != nil
      {
        // Some files have the parts beside the whole.
        continue
      } else if kind == "attn_k_b" {
        let name = prefix + "self_attn.kv_b_proj." + field
        let valueName = "blk.\(layer).attn_v_b.\(field)"
        guard let values = places[Array(valueName.utf8)],
          Self.fit(keys: header.entries[index].shape, values: header.entries[values].shape)
        else { throw .gguf(.unfitParts(tensor: name), file: file) }
        add(name, .keysAndValues(keys: index, values: values))
      } else if kind == "attn_v_b" {
        guard places[Array("blk.\(layer).attn_k_b.\(field)".utf8)] == nil else { continue }
        add(entry.name, .stored(index))
      } else if let known = Self.inside.first(where: { $0.0 == kind }) {
        add("\(prefix)\(known.1).\(field)", .stored(index))
      } else {
        add(entry.name, .stored(index))
      }
    }
  }

  private mutating func add(_ name: String, _ source: Source) {
    names.append(name)
    sources.append(source)
  }

  /// Whether keys `[heads, latent, key]` and values `[heads, value, latent]` belong together.
  private static func fit(keys: [Int], values: [Int]) -> Bool {
    keys.count == 3 && values.count == 3 && !(keys + values).contains(0) && keys[0] == values[0]
      && keys[1] == values[2]
  }

  private static func heads(
    _ header: GGUFHeader, of kind: String, layer: Int, entry: GGUFHeader.Entry, file: String
  ) throws(CheckpointError) -> Int {
    let metadata = header.metadata
    func count(_ key: String) -> Int? {
      guard let value = metadata.ofArchitecture(key) else { return nil }
      if let list = value.integers { return layer < list.count ? list[layer] : nil }
      return value.integer
    }
    let all = "attention.head_count"
    let own = kind == "attn_k" ? "attention.head_count_kv" : all
    guard let heads = count(own) ?? count(all), heads > 0 else {
      throw .gguf(.keyMissing("\(metadata.architecture ?? "").\(all)"), file: file)
    }
    let rows = entry.shape.first ?? 0
    // Divided one after the other: twice a hostile count could overflow.
    guard !entry.shape.isEmpty, rows % heads == 0, rows / heads % 2 == 0,
      entry.shape.count > 1 || entry.elementType.blockLength == 1
    else {
      throw .gguf(.unevenHeads(tensor: entry.name, rows: rows, heads: heads), file: file)
    }
    return heads
  }
}
