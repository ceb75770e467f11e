import Models
import Tensors

/// Declares the parameters of one block.
struct BlockDeclaration {
  /// The part of the model that gradients are reported with.
  let part: String
  /// What the names begin with.
  let prefix: String
  let sizes: ModelConfiguration
  var hasInnerBias = false

  func norm(
    _ suffix: String, _ width: Int, _ declare: inout ParameterDeclaration
  ) throws -> Parameter {
    try declare(prefix + suffix + ".weight", [width], .gain, part: part)
  }

  private func map(
    _ suffix: String, _ input: Int, _ output: Int, hasBias: Bool = false,
    role: ParameterRole = .matrix, _ declare: inout ParameterDeclaration
  ) throws -> LinearPlan {
    LinearPlan(
      weight: try declare(prefix + suffix + ".weight", [output, input], role, part: part),
      bias: hasBias ? try declare(prefix + suffix + ".bias", [output], .bias, part: part) : nil,
      adapter: try declare.adapter(of: prefix + suffix, output, input, part: part))
  }

  func grouped(
    _ reader: ConfigurationReader, type: String, _ declare: inout ParameterDeclaration
  ) throws -> GroupedPlan {
    let isEveryMapBiased = try reader.truth("attention_bias", absent: false)
    let isInputBiased = isEveryMapBiased || type == "qwen2"
    let width = sizes.width
    let queryWidth = sizes.heads * sizes.headDimension
    let keyWidth = sizes.keyValueHeads * sizes.headDimension
    let hasHeadNorms = type == "qwen3"
    return GroupedPlan(
      query: try map("self_attn.q_proj", width, queryWidth, hasBias: isInputBiased, &declare),
      key: try map("self_attn.k_proj", width, keyWidth, hasBias: isInputBiased, &declare),
      value: try map("self_attn.v_proj", width, keyWidth, hasBias: isInputBiased, &declare),
      output: try map(
        "self_attn.o_proj", queryWidth, width, hasBias: isEveryMapBiased, role: .residual, &declare),
      queryNorm: hasHeadNorms ? try norm("self_attn.q_norm", sizes.headDimension, &declare) : nil,
      keyNorm: hasHeadNorms ? try norm("self_attn.k_norm", sizes.headDimension, &declare) : nil)
  }

  /// Precondition: `sizes` are those of a decoder with latent attention.
  func latent(
    _ reader: ConfigurationReader, _ declare: inout ParameterDeclaration
  ) throws -> LatentPlan {
    guard let latent = sizes.latent else { preconditionFailure("latent attention has sizes") }
    let hasBias = try reader.truth("attention_bias", absent: false)
    let width = sizes.width
    let queryWidth = sizes.heads * sizes.headDimension
    var queryLatent: (down: LinearPlan, norm: Parameter)?
    let query: LinearPlan
    if let narrow = latent.queryWidth {
      queryLatent = (
        try map("self_attn.q_a_proj", width, narrow, hasBias: hasBias, &declare),
        try norm("self_attn.q_a_layernorm", narrow, &declare)
      )
      query = try map("self_attn.q_b_proj", narrow, queryWidth, &declare)
    } else {
      query = try map("self_attn.q_proj", width, queryWidth, &declare)
    }
    return LatentPlan(
      queryLatent: queryLatent, query: query,
      down: try map(
        "self_attn.kv_a_proj_with_mqa", width, latent.keyValueWidth + latent.positionDimension,
        hasBias: hasBias, &declare),
      norm: try norm("self_attn.kv_a_layernorm", latent.keyValueWidth, &declare),
      expansion: try map(
        "self_attn.kv_b_proj", latent.keyValueWidth,
        sizes.heads * (latent.contentDimension + sizes.valueDimension), &declare),
      output: try map(
        "self_attn.o_proj", sizes.heads * sizes.valueDimension, width, hasBias: hasBias,
        role: .residual, &declare), sizes: latent)
  }

  /// Experts where the layer has them, otherwise the dense part.
  func feedForward(
    layer: Int, rule: RoutingRule?, _ declare: inout ParameterDeclaration
  ) throws -> BlockPlan.FeedForward {
    guard let rule, let experts = sizes.experts, experts.layers.contains(layer) else {
      return .dense(
        try gated("mlp", sizes.innerWidth, hasBias: hasInnerBias, &declare))
    }
    return .experts(
      MixturePlan(
        router: try declare(
          prefix + "mlp.gate.weight", [experts.count, sizes.width], .matrix, part: part),
        correction: rule.hasCorrection
          ? try declare(
            prefix + "mlp.gate.e_score_correction_bias", [experts.count], .correction, part: part)
          : nil,
        experts: try (0..<experts.count).map {
          try gated("mlp.experts.\($0)", experts.innerWidth, hasBias: false, &declare)
        },
        shared: experts.shared == 0
          ? nil
          : try gated(
            "mlp.shared_experts", experts.shared * experts.innerWidth, hasBias: hasInnerBias,
            &declare), chosen: experts.chosen, rule: rule))
  }

  private func gated(
    _ name: String, _ innerWidth: Int, hasBias: Bool, _ declare: inout ParameterDeclaration
  ) throws -> FeedForwardPlan {
    FeedForwardPlan(
      gate: try map(name + ".gate_proj", sizes.width, innerWidth, hasBias: hasBias, &declare),
      up: try map(name + ".up_proj", sizes.width, innerWidth, hasBias: hasBias, &declare),
      down: try map(
        name + ".down_proj", innerWidth, sizes.width, hasBias: hasBias, role: .residual, &declare))
  }
}
