public import Tensors

/// BERT's encoder, with or without the head of masked-token prediction.
///
/// `x = norm(x + attention(x)); x = norm(x + down(gelu(up(x))))` over the normed sum of token,
/// position and segment vectors; every token sees every other. Devlin et al. 2018,
/// arXiv:1810.04805. Serves sentence encoders such as all-MiniLM-L6-v2.
public struct BERT: Architecture {
  /// The family's name.
  public static let name = "BERT"
  /// The model types served.
  public static let modelTypes = ["bert"]

  /// The sizes.
  public let configuration: ModelConfiguration
  let activation: Activation
  let tokenEmbedding: Tensor
  let positionEmbedding: Tensor
  let segmentEmbedding: Tensor
  let embeddingNorm: LayerNorm
  let layers: [Layer]
  let head: Head?

  struct Layer {
    var query: Linear
    var key: Linear
    var value: Linear
    var output: Linear
    var attentionNorm: LayerNorm
    var up: Linear
    var down: Linear
    var feedForwardNorm: LayerNorm
  }

  /// The head of masked-token prediction: a map, an activation, a norm, then the embedding again.
  struct Head {
    var transform: Linear
    var norm: LayerNorm
    var decoder: Tensor
    var bias: Tensor
  }

  /// Reads and checks the configuration, then the weights.
  ///
  /// Names may have the prefix `bert.`, and norms may be called `gamma` and `beta`.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    var sizes = try Self.sizes(reader)
    let (width, inner, vocabulary) = (sizes.width, sizes.innerWidth, sizes.vocabulary)
    activation = try Activation("hidden_act", absent: "gelu", reader)
    let segments = try reader.integer("type_vocab_size", in: 1...1_024, absent: 2)
    let prefix = weights.contains("bert.embeddings.word_embeddings.weight") ? "bert." : ""
    let embeddings = prefix + "embeddings."
    tokenEmbedding = try weights.read(
      embeddings + "word_embeddings.weight", [vocabulary, width], part: .embedding)
    positionEmbedding = try weights.read(
      embeddings + "position_embeddings.weight", [sizes.contextLength, width], part: .embedding)
    segmentEmbedding = try weights.read(
      embeddings + "token_type_embeddings.weight", [segments, width], part: .embedding)
    embeddingNorm = try LayerNorm(
      embeddings + "LayerNorm", width: width, epsilon: sizes.normEpsilon, weights: &weights)
    var layers: [Layer] = []
    for index in 0..<sizes.layers {
      let name = "\(prefix)encoder.layer.\(index)."
      func map(
        _ suffix: String, from input: Int, to output: Int, _ part: ModelPart,
        _ weights: inout WeightReader
      ) throws(ModelError) -> Linear {
        try Linear(
          name + suffix, from: input, to: output, hasBias: true, part: part, layer: index,
          weights: &weights)
      }
      layers.append(
        Layer(
          query: try map("attention.self.query", from: width, to: width, .attention, &weights),
          key: try map("attention.self.key", from: width, to: width, .attention, &weights),
          value: try map("attention.self.value", from: width, to: width, .attention, &weights),
          output: try map("attention.output.dense", from: width, to: width, .attention, &weights),
          attentionNorm: try LayerNorm(
            name + "attention.output.LayerNorm", width: width, epsilon: sizes.normEpsilon,
            layer: index, weights: &weights),
          up: try map("intermediate.dense", from: width, to: inner, .feedForward, &weights),
          down: try map("output.dense", from: inner, to: width, .feedForward, &weights),
          feedForwardNorm: try LayerNorm(
            name + "output.LayerNorm", width: width, epsilon: sizes.normEpsilon, layer: index,
            weights: &weights)))
    }
    self.layers = layers
    head = try Self.head(
      reader, sizes: sizes, embedding: tokenEmbedding, weights: &weights)
    sizes.hasLanguageModelHead = head != nil
    configuration = sizes
  }

  private static func head(
    _ reader: ConfigurationReader, sizes: ModelConfiguration, embedding: Tensor,
    weights: inout WeightReader
  ) throws(ModelError) -> Head? {
    let name = "cls.predictions."
    guard weights.contains(name + "transform.dense.weight") else { return nil }
    let (width, vocabulary) = (sizes.width, sizes.vocabulary)
    let transform = try Linear(
      name + "transform.dense", from: width, to: width, hasBias: true, part: .head,
      weights: &weights)
    let norm = try LayerNorm(
      name + "transform.LayerNorm", width: width, epsilon: sizes.normEpsilon, weights: &weights)
    let isTied = try reader.truth("tie_word_embeddings", absent: true)
    let decoder =
      isTied
      ? embedding
      : try weights.read(name + "decoder.weight", [vocabulary, width], part: .head)
    let biasName =
      weights.contains(name + "bias") ? name + "bias" : name + "decoder.bias"
    return Head(
      transform: transform, norm: norm, decoder: decoder,
      bias: try weights.read(biasName, [vocabulary], part: .head))
  }

  private static func sizes(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration
  {
    let width = try reader.integer("hidden_size", in: SizeLimit.width)
    let heads = try reader.integer("num_attention_heads", in: SizeLimit.heads)
    guard width % heads == 0 else {
      throw .invalidValue(
        key: "num_attention_heads", found: "\(heads)",
        expected: "a divisor of hidden_size (\(width))")
    }
    _ = try reader.choice("position_embedding_type", of: ["absolute"], absent: "absolute")
    if try reader.truth("is_decoder", absent: false) {
      throw .unsupported(key: "is_decoder", found: "true", supported: ["false"])
    }
    return ModelConfiguration(
      modelType: "bert", layers: try reader.integer("num_hidden_layers", in: SizeLimit.layers),
      width: width, heads: heads, keyValueHeads: heads, headDimension: width / heads,
      innerWidth: try reader.integer("intermediate_size", in: SizeLimit.width),
      vocabulary: try reader.integer("vocab_size", in: SizeLimit.vocabulary),
      contextLength: try reader.integer(
        "max_position_embeddings", in: SizeLimit.contextLength, absent: 512),
      isCausal: false, hasLanguageModelHead: false,
      normEpsilon: try reader.positive("layer_norm_eps", atMost: 1, absent: 1e-12),
      attentionScale: 1 / Float(width / heads).squareRoot(), rotary: nil)
  }

  /// The normed sum of token, position and segment vectors; a single text is all segment 0.
  ///
  /// A text is read whole: `first` is 0.
  public func embed(_ ids: [Int], first: Int, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(ids.count, cancellation: cancellation) { range in
      var sum = tokenEmbedding.gatheringRows(Array(ids[range]))
      sum.add(segmentEmbedding.gatheringRows(Array(repeating: 0, count: range.count)))
      sum.add(positionEmbedding.gatheringRows(Array(range)))
      return embeddingNorm(sum)
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
    let tokens = hidden.shape[0]
    let inputs = try RowBlocks.map(tokens, cancellation: cancellation) { range -> [Tensor] in
      let rows = hidden.rows(range)
      return [
        try layer.query(rows, cancellation), try layer.key(rows, cancellation),
        try layer.value(rows, cancellation),
      ]
    }
    let gathered = try attention(
      queries: inputs[0], keys: inputs[1], values: inputs[2], heads: configuration.heads,
      keyValueHeads: configuration.keyValueHeads, scale: configuration.attentionScale,
      causal: false, keyMask: nil, cancellation: cancellation)
    let mixed = try constants.tapped(.heads(index), gathered)
    let output = try RowBlocks.map(tokens, cancellation: cancellation) { range -> Tensor in
      var first = try constants.tapped(
        .attention(index), try layer.output(mixed.rows(range), cancellation),
        first: range.lowerBound)
      first.add(hidden.rows(range))
      first = layer.attentionNorm(first)
      var second = try constants.tapped(
        .feedForward(index),
        try layer.down(activation(try layer.up(first, cancellation)), cancellation),
        first: range.lowerBound)
      second.add(first)
      return layer.feedForwardNorm(second)
    }
    return LayerOutput(
      hidden: output,
      attention: AttentionInputs(queries: inputs[0], keys: inputs[1], values: inputs[2]))
  }

  /// The hidden states as they are: the last block ends with its norm.
  public func finish(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor { hidden }

  /// The scores of masked-token prediction, `[rows, vocabulary]`.
  public func logits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    guard let head else { throw ModelError.noLanguageModelHead(model: Self.name) }
    let transformed = head.norm(activation(try head.transform(hidden, cancellation)))
    return try linear(
      transformed, weight: head.decoder, bias: head.bias, cancellation: cancellation)
  }

  /// The layer's output projection.
  public func attentionOutputWeight(_ layer: Int) -> Tensor? { layers[layer].output.weight }
}
