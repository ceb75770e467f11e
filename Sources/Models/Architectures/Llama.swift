public import Tensors

/// Llama's decoder, as DeepSeek-LLM and DeepSeek-Coder use it.
///
/// `x += attention(rms(x)); x += down(silu(gate(rms(x))) · up(rms(x)))`, a final RMS norm, and a
/// head of its own or the embedding again. Rotary positions turn the pairs (i, i + d/2); several
/// query heads may share a key head. Touvron et al. 2023, arXiv:2302.13971; Bi et al. 2024,
/// arXiv:2401.02954.
public struct Llama: Architecture {
  /// The family's name.
  public static let name = "Llama"
  /// The model types served.
  public static let modelTypes = ["llama"]

  /// The sizes.
  public let configuration: ModelConfiguration
  let embedding: Tensor
  let layers: [Layer]
  let finalNorm: Tensor
  let head: Tensor?

  struct Layer {
    var attentionNorm: Tensor
    var query: Linear
    var key: Linear
    var value: Linear
    var output: Linear
    var feedForwardNorm: Tensor
    var gate: Linear
    var up: Linear
    var down: Linear
  }

  /// Reads and checks the configuration, then the weights.
  ///
  /// A checkpoint without the prefix `model.` is that of the bare decoder, which has no head.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    let isBare =
      !weights.contains("model.embed_tokens.weight") && weights.contains("embed_tokens.weight")
    let prefix = isBare ? "" : "model."
    var sizes = try Self.sizes(reader)
    sizes.hasLanguageModelHead = !isBare
    let attentionBias = try reader.truth("attention_bias", absent: false)
    let feedForwardBias = try reader.truth("mlp_bias", absent: false)
    let isTied = try reader.truth("tie_word_embeddings", absent: false)

    let (width, inner) = (sizes.width, sizes.innerWidth)
    let queryWidth = sizes.heads * sizes.headDimension
    let keyWidth = sizes.keyValueHeads * sizes.headDimension
    embedding = try weights.read(
      prefix + "embed_tokens.weight", [sizes.vocabulary, width], part: .embedding)
    var layers: [Layer] = []
    for index in 0..<sizes.layers {
      let name = "\(prefix)layers.\(index)."
      func norm(_ suffix: String, _ weights: inout WeightReader) throws(ModelError) -> Tensor {
        try weights.read(name + suffix, [width], part: .normalization, layer: index)
      }
      func attention(
        _ suffix: String, from input: Int, to output: Int, _ weights: inout WeightReader
      ) throws(ModelError) -> Linear {
        try Linear(
          name + "self_attn." + suffix, from: input, to: output, hasBias: attentionBias,
          part: .attention, layer: index, weights: &weights)
      }
      func feedForward(
        _ suffix: String, from input: Int, to output: Int, _ weights: inout WeightReader
      ) throws(ModelError) -> Linear {
        try Linear(
          name + "mlp." + suffix, from: input, to: output, hasBias: feedForwardBias,
          part: .feedForward, layer: index, weights: &weights)
      }
      layers.append(
        Layer(
          attentionNorm: try norm("input_layernorm.weight", &weights),
          query: try attention("q_proj", from: width, to: queryWidth, &weights),
          key: try attention("k_proj", from: width, to: keyWidth, &weights),
          value: try attention("v_proj", from: width, to: keyWidth, &weights),
          output: try attention("o_proj", from: queryWidth, to: width, &weights),
          feedForwardNorm: try norm("post_attention_layernorm.weight", &weights),
          gate: try feedForward("gate_proj", from: width, to: inner, &weights),
          up: try feedForward("up_proj", from: width, to: inner, &weights),
          down: try feedForward("down_proj", from: inner, to: width, &weights)))
    }
    self.layers = layers
    finalNorm = try weights.read(prefix + "norm.weight", [width], part: .normalization)
    if isBare {
      head = nil
    } else if isTied {
      head = embedding
    } else {
      head = try weights.read("lm_head.weight", [sizes.vocabulary, width], part: .head)
    }
    configuration = sizes
  }

  private static func sizes(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration
  {
    let width = try reader.integer("hidden_size", in: SizeLimit.width)
    let heads = try reader.integer("num_attention_heads", in: SizeLimit.heads)
    let keyValueHeads = try reader.integer(
      "num_key_value_heads", in: SizeLimit.heads, absent: heads)
    guard heads % keyValueHeads == 0 else {
      throw .invalidValue(
        key: "num_key_value_heads", found: "\(keyValueHeads)",
        expected: "a divisor of num_attention_heads (\(heads))")
    }
    if reader.value("head_dim") == nil, width % heads != 0 {
      throw .invalidValue(
        key: "num_attention_heads", found: "\(heads)",
        expected: "a divisor of hidden_size (\(width))")
    }
    let headDimension = try reader.integer(
      "head_dim", in: SizeLimit.headDimension, absent: width / heads)
    guard headDimension % 2 == 0 else {
      throw .invalidValue(
        key: "head_dim", found: "\(headDimension)",
        expected: "an even number, since positions turn pairs,")
    }
    _ = try reader.choice("hidden_act", of: ["silu"], absent: "silu")
    return ModelConfiguration(
      modelType: "llama", layers: try reader.integer("num_hidden_layers", in: SizeLimit.layers),
      width: width, heads: heads, keyValueHeads: keyValueHeads, headDimension: headDimension,
      innerWidth: try reader.integer("intermediate_size", in: SizeLimit.width),
      vocabulary: try reader.integer("vocab_size", in: SizeLimit.vocabulary),
      contextLength: try reader.integer(
        "max_position_embeddings", in: SizeLimit.contextLength, absent: 2_048),
      isCausal: true, hasLanguageModelHead: true,
      normEpsilon: try reader.positive("rms_norm_eps", atMost: 1, absent: 1e-6),
      attentionScale: 1 / Float(headDimension).squareRoot(),
      rotary: try RotaryConfiguration(reader))
  }

  /// The embedding's rows of the ids.
  public func embed(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(ids.count, cancellation: cancellation) { range in
      embedding.gatheringRows(Array(ids[range]))
    }
  }

  /// The turns of all positions.
  public func prepare(tokens: Int) throws -> RunConstants {
    guard let rotary = configuration.rotary else { return RunConstants() }
    return RunConstants(
      rotary: RotaryTable(
        positions: tokens,
        inverseFrequencies: rotary.inverseFrequencies(headDimension: configuration.headDimension),
        singlePrecisionAngles: true))
  }

  /// Runs one block.
  public func runLayer(
    _ index: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput {
    let layer = layers[index]
    let tokens = hidden.shape[0]
    let inputs = try RowBlocks.map(tokens, cancellation: cancellation) { range -> [Tensor] in
      let normed = norm(hidden.rows(range), layer.attentionNorm)
      let first = range.lowerBound
      return [
        turned(try layer.query(normed, cancellation), configuration.heads, first, constants),
        turned(try layer.key(normed, cancellation), configuration.keyValueHeads, first, constants),
        try layer.value(normed, cancellation),
      ]
    }
    let mixed = try attention(
      queries: inputs[0], keys: inputs[1], values: inputs[2], heads: configuration.heads,
      keyValueHeads: configuration.keyValueHeads, scale: configuration.attentionScale,
      causal: true, keyMask: nil, cancellation: cancellation)
    let output = try RowBlocks.map(tokens, cancellation: cancellation) { range -> Tensor in
      var stream = try layer.output(mixed.rows(range), cancellation)
      stream.add(hidden.rows(range))
      let normed = norm(stream, layer.feedForwardNorm)
      var gated = silu(try layer.gate(normed, cancellation))
      gated.multiply(by: try layer.up(normed, cancellation))
      stream.add(try layer.down(gated, cancellation))
      return stream
    }
    return LayerOutput(
      hidden: output,
      attention: AttentionInputs(queries: inputs[0], keys: inputs[1], values: inputs[2]))
  }

  /// Queries or keys turned by their positions, of which `first` is the first.
  private func turned(
    _ x: Tensor, _ heads: Int, _ first: Int, _ constants: RunConstants
  ) -> Tensor {
    guard let table = constants.rotary else { return x }
    return applyRotary(x, heads: heads, table: table, style: .halfRotate, firstPosition: first)
  }

  func norm(_ x: Tensor, _ weight: Tensor) -> Tensor {
    rmsNorm(x, weight: weight, epsilon: Float(configuration.normEpsilon))
  }

  /// The final norm.
  public func finish(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(hidden.shape[0], cancellation: cancellation) { range in
      norm(hidden.rows(range), finalNorm)
    }
  }

  /// The head's scores, `[rows, vocabulary]`.
  public func logits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    guard let head else { throw ModelError.noLanguageModelHead(model: Self.name) }
    return try linear(hidden, weight: head, bias: nil, cancellation: cancellation)
  }
}
