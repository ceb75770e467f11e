public import Tensors

/// GPT-2's decoder: `x += attention(norm(x)); x += down(gelu(up(norm(x))))` with layer norms, embedded
/// positions, a final norm, and the embedding again as the head.
///
/// Radford et al. 2019, “Language Models are Unsupervised Multitask Learners”.
public struct GPT2: Architecture {
  /// The family's name.
  public static let name = "GPT-2"
  /// The model types served.
  public static let modelTypes = ["gpt2"]

  /// The sizes.
  public let configuration: ModelConfiguration
  let activation: Activation
  let tokenEmbedding: Tensor
  let positionEmbedding: Tensor
  let layers: [Layer]
  let finalNorm: LayerNorm
  let head: Tensor

  struct Layer {
    var attentionNorm: LayerNorm
    /// Queries, keys and values side by side.
    var queriesKeysValues: TransposedLinear
    var output: TransposedLinear
    var feedForwardNorm: LayerNorm
    var up: TransposedLinear
    var down: TransposedLinear
  }

  /// Reads and checks the configuration, then the weights, with or without the prefix
  /// `transformer.`.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    let sizes = try Self.sizes(reader)
    activation = try Activation("activation_function", absent: "gelu_new", reader)
    let (width, inner) = (sizes.width, sizes.innerWidth)
    let prefix = weights.contains("transformer.wte.weight") ? "transformer." : ""
    tokenEmbedding = try weights.read(
      prefix + "wte.weight", [sizes.vocabulary, width], part: .embedding)
    positionEmbedding = try weights.read(
      prefix + "wpe.weight", [sizes.contextLength, width], part: .embedding)
    var layers: [Layer] = []
    for index in 0..<sizes.layers {
      let name = "\(prefix)h.\(index)."
      func norm(_ suffix: String, _ weights: inout WeightReader) throws(ModelError) -> LayerNorm {
        try LayerNorm(
          name + suffix, width: width, epsilon: sizes.normEpsilon, layer: index, weights: &weights)
      }
      func map(
        _ suffix: String, from input: Int, to output: Int, _ part: ModelPart,
        _ weights: inout WeightReader
      ) throws(ModelError) -> TransposedLinear {
        try TransposedLinear(
          name + suffix, from: input, to: output, part: part, layer: index, weights: &weights)
      }
      layers.append(
        Layer(
          attentionNorm: try norm("ln_1", &weights),
          queriesKeysValues: try map(
            "attn.c_attn", from: width, to: 3 * width, .attention, &weights),
          output: try map("attn.c_proj", from: width, to: width, .attention, &weights),
          feedForwardNorm: try norm("ln_2", &weights),
          up: try map("mlp.c_fc", from: width, to: inner, .feedForward, &weights),
          down: try map("mlp.c_proj", from: inner, to: width, .feedForward, &weights)))
    }
    self.layers = layers
    finalNorm = try LayerNorm(
      prefix + "ln_f", width: width, epsilon: sizes.normEpsilon, weights: &weights)
    head =
      try reader.truth("tie_word_embeddings", absent: true)
      ? tokenEmbedding
      : try weights.read("lm_head.weight", [sizes.vocabulary, width], part: .head)
    configuration = sizes
  }

  private static func sizes(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration
  {
    let width = try reader.integer("n_embd", in: SizeLimit.width)
    let heads = try reader.integer("n_head", in: SizeLimit.heads)
    guard width % heads == 0 else {
      throw .invalidValue(
        key: "n_head", found: "\(heads)", expected: "a divisor of n_embd (\(width))")
    }
    for (key, supported) in [
      ("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false),
      ("add_cross_attention", false),
    ] where try reader.truth(key, absent: supported) != supported {
      throw .unsupported(key: key, found: "\(!supported)", supported: ["\(supported)"])
    }
    return ModelConfiguration(
      modelType: "gpt2", layers: try reader.integer("n_layer", in: SizeLimit.layers), width: width,
      heads: heads, keyValueHeads: heads, headDimension: width / heads,
      innerWidth: try reader.integer("n_inner", in: SizeLimit.width, absent: 4 * width),
      vocabulary: try reader.integer("vocab_size", in: SizeLimit.vocabulary),
      contextLength: try reader.integer(
        "n_positions", in: SizeLimit.contextLength, absent: 1_024),
      isCausal: true, hasLanguageModelHead: true,
      normEpsilon: try reader.positive("layer_norm_epsilon", atMost: 1, absent: 1e-5),
      attentionScale: 1 / Float(width / heads).squareRoot(), rotary: nil)
  }

  /// The sum of token and position vectors.
  public func embed(_ ids: [Int], first: Int, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(ids.count, cancellation: cancellation) { range in
      var sum = tokenEmbedding.gatheringRows(Array(ids[range]))
      sum.add(positionEmbedding.rows(first + range.lowerBound..<first + range.upperBound))
      return sum
    }
  }

  /// Nothing: positions are in the embedding.
  public func prepare(tokens: Int) throws -> RunConstants { RunConstants() }

  /// Runs one block.
  public func runLayer(
    _ index: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput {
    let layer = layers[index]
    let hidden = try constants.tapped(.residual(index), hidden)
    let (tokens, width) = (hidden.shape[0], configuration.width)
    let inputs = try RowBlocks.map(tokens, cancellation: cancellation) { range -> [Tensor] in
      let normed = layer.attentionNorm(hidden.rows(range))
      let all = try layer.queriesKeysValues(normed, cancellation)
      return (0..<3).map { all.slice(axis: 1, $0 * width..<($0 + 1) * width) }
    }
    var (keys, values) = (inputs[1], inputs[2])
    if let cache = constants.cache {
      let all = cache.append(index, keys, values)
      (keys, values) = (all.first, all.second)
    }
    let gathered = try attention(
      queries: inputs[0], keys: keys, values: values, heads: configuration.heads,
      keyValueHeads: configuration.keyValueHeads, scale: configuration.attentionScale,
      causal: true, keyMask: nil, cancellation: cancellation)
    let mixed = try constants.tapped(.heads(index), gathered)
    let output = try RowBlocks.map(tokens, cancellation: cancellation) { range -> Tensor in
      let first = range.lowerBound
      var stream = try constants.tapped(
        .attention(index), try layer.output(mixed.rows(range), cancellation), first: first)
      stream.add(hidden.rows(range))
      let inner = activation(try layer.up(layer.feedForwardNorm(stream), cancellation))
      stream.add(
        try constants.tapped(
          .feedForward(index), try layer.down(inner, cancellation), first: first))
      return stream
    }
    return LayerOutput(
      hidden: output,
      attention: AttentionInputs(queries: inputs[0], keys: keys, values: values))
  }

  /// The layer's output projection.
  public func attentionOutputWeight(_ layer: Int) -> Tensor? {
    layers[layer].output.weight.transposed()
  }

  /// The bias of the layer's output projection.
  public func attentionOutputBias(_ layer: Int) -> Tensor? { layers[layer].output.bias }

  /// The final norm and the head.
  public var readout: Readout? { Readout(finalNorm, head: head) }

  /// The final norm.
  public func finish(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(hidden.shape[0], cancellation: cancellation) { range in
      finalNorm(hidden.rows(range))
    }
  }

  /// The head's scores, `[rows, vocabulary]`.
  public func logits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try linear(hidden, weight: head, bias: nil, cancellation: cancellation)
  }

  /// The neurons of a layer.
  public func neurons(_ layer: Int, of part: NeuronPart) -> FeedForwardNeurons? {
    guard part == .dense else { return nil }
    let layer = layers[layer]
    return FeedForwardNeurons(count: configuration.innerWidth) {
      [activation] stream, cancellation in
      activation(try layer.up(layer.feedForwardNorm(stream), cancellation))
    } outputs: { activations, cancellation in
      try matrixProduct(activations, layer.down.weight, cancellation: cancellation)
    }
  }
}
