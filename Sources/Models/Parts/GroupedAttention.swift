import Tensors

/// Attention whose query heads may share key and value heads, with rotary positions.
///
/// Llama, Qwen2 (biases on queries, keys and values), Qwen3 (norms on the heads of queries and keys)
/// and DeepSeek-MoE. Ainslie et al. 2023, arXiv:2305.13245.
struct GroupedAttention: DecoderAttention {
  /// Which of its four maps have a bias.
  enum Biases: Sendable { case none, queriesKeysValues, all }

  let layer: Int
  let sizes: ModelConfiguration
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  var outputWeight: Tensor { output.weight }
  var outputBias: Tensor? { output.bias }
  let queryNorm: RMSNorm?
  let keyNorm: RMSNorm?
  /// Which elements of a head turn together: that follows how the file orders the rows of queries and keys, which are
  /// compared with each other alone.
  let rotaryStyle: RotaryStyle

  /// Reads `name.q_proj`, `name.k_proj`, `name.v_proj`, `name.o_proj` and, where the heads are
  /// normed, `name.q_norm` and `name.k_norm`.
  init(
    _ name: String, sizes: ModelConfiguration, biases: Biases, hasHeadNorms: Bool = false,
    layer: Int, weights: inout WeightReader
  ) throws(ModelError) {
    self.layer = layer
    self.sizes = sizes
    let queryWidth = sizes.heads * sizes.headDimension
    let keyWidth = sizes.keyValueHeads * sizes.headDimension
    func map(
      _ suffix: String, from input: Int, to output: Int, hasBias: Bool, asStored: Bool = false,
      _ weights: inout WeightReader
    ) throws(ModelError) -> Linear {
      try Linear(
        name + suffix, from: input, to: output, hasBias: hasBias, part: .attention, layer: layer,
        asStored: asStored, weights: &weights)
    }
    let width = sizes.width
    let hasBias = biases != .none
    // Norms of heads have the published order, so that the rows must have it too.
    let turned =
      ["q_proj.weight", "k_proj.weight"] + (hasBias ? ["q_proj.bias", "k_proj.bias"] : [])
    let pairs = !hasHeadNorms && weights.storesPairs(turned.map { "\(name).\($0)" })
    rotaryStyle = pairs ? .interleaved : .halfRotate
    query = try map(
      ".q_proj", from: width, to: queryWidth, hasBias: hasBias, asStored: pairs, &weights)
    key = try map(
      ".k_proj", from: width, to: keyWidth, hasBias: hasBias, asStored: pairs, &weights)
    value = try map(".v_proj", from: width, to: keyWidth, hasBias: hasBias, &weights)
    output = try map(".o_proj", from: queryWidth, to: width, hasBias: biases == .all, &weights)
    func norm(_ suffix: String, _ weights: inout WeightReader) throws(ModelError) -> RMSNorm {
      try RMSNorm(
        name + suffix, width: sizes.headDimension, epsilon: sizes.normEpsilon, layer: layer,
        weights: &weights)
    }
    queryNorm = hasHeadNorms ? try norm(".q_norm", &weights) : nil
    keyNorm = hasHeadNorms ? try norm(".k_norm", &weights) : nil
  }

  var canTellInputs: Bool { true }

  func inputs(
    _ hidden: Tensor, norm: RMSNorm, constants: RunConstants, cancellation: Cancellation?
  ) throws -> AttentionInputs? {
    let parts = try parts(hidden, norm, constants, cancellation)
    return AttentionInputs(queries: parts[0], keys: parts[1], values: parts[2])
  }

  /// Queries, keys and values, the first two turned by position.
  private func parts(
    _ hidden: Tensor, _ norm: RMSNorm, _ constants: RunConstants, _ cancellation: Cancellation?
  ) throws -> [Tensor] {
    try RowBlocks.map(hidden.shape[0], cancellation: cancellation) {
      range -> [Tensor] in
      let normed = norm(hidden.rows(range))
      let first = range.lowerBound
      var queries = try query(normed, cancellation)
      var keys = try key(normed, cancellation)
      if let queryNorm { queries = queryNorm(queries, heads: sizes.heads) }
      if let keyNorm { keys = keyNorm(keys, heads: sizes.keyValueHeads) }
      return [
        constants.turned(queries, heads: sizes.heads, style: rotaryStyle, first: first),
        constants.turned(keys, heads: sizes.keyValueHeads, style: rotaryStyle, first: first),
        try value(normed, cancellation),
      ]
    }
  }

  func attend(
    _ hidden: Tensor, norm: RMSNorm, constants: RunConstants, cancellation: Cancellation?
  ) throws -> (mixed: Tensor, inputs: AttentionInputs) {
    let parts = try parts(hidden, norm, constants, cancellation)
    var (keys, values) = (parts[1], parts[2])
    if let cache = constants.cache {
      let all = cache.append(layer, keys, values)
      (keys, values) = (all.first, all.second)
    }
    let mixed = try attention(
      queries: parts[0], keys: keys, values: values, heads: sizes.heads,
      keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: true, keyMask: nil,
      cancellation: cancellation)
    return (mixed, AttentionInputs(queries: parts[0], keys: keys, values: values))
  }

  func project(_ mixed: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    try output(mixed, cancellation)
  }
}
