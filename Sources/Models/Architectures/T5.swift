public import Tensors

/// T5: an encoder that reads a text as a whole, and a decoder that writes another one while it looks
/// at it.
///
/// Root-mean-square norms before every part, no biases, attention without a scale and with a bias by
/// distance that the first block of each stack has for all. Version 1.0 has a relu and a tied head,
/// 1.1 and FLAN gated gelu and a head of their own. Raffel et al. 2019, arXiv:1910.10683; Shazeer
/// 2020, arXiv:2002.05202. As an `Architecture` it is its encoder.
public struct T5: EncoderDecoder {
  /// The family's name.
  public static let name = "T5"
  /// The model types served.
  public static let modelTypes = ["t5"]

  /// The encoder's sizes.
  public let configuration: ModelConfiguration
  /// The decoder's sizes.
  public let decoderConfiguration: ModelConfiguration
  /// The id that every text that is written begins with.
  public let startID: Int
  let embedding: Tensor
  let encoder: [T5Block]
  let decoder: [T5Block]
  let encoderNorm: RMSNorm
  let decoderNorm: RMSNorm
  let head: Tensor
  /// What finished hidden states are multiplied with before the head.
  let headScale: Float

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    let sizes = try Self.sizes(reader)
    configuration = sizes
    var decoderSizes = sizes
    decoderSizes.layers = try reader.integer(
      "num_decoder_layers", in: SizeLimit.layers, absent: sizes.layers)
    decoderSizes.isCausal = true
    decoderSizes.hasLanguageModelHead = true
    decoderConfiguration = decoderSizes
    startID = try reader.integer(
      "decoder_start_token_id", in: 0...sizes.vocabulary - 1, absent: 0)
    embedding = try weights.read(
      "shared.weight", [sizes.vocabulary, sizes.width], part: .embedding)
    encoder = try T5Block.stack("encoder", sizes, reader, crosses: false, weights: &weights)
    encoderNorm = try RMSNorm(
      "encoder.final_layer_norm", width: sizes.width, epsilon: sizes.normEpsilon, weights: &weights)
    decoder = try T5Block.stack("decoder", decoderSizes, reader, crosses: true, weights: &weights)
    decoderNorm = try RMSNorm(
      "decoder.final_layer_norm", width: sizes.width, epsilon: sizes.normEpsilon, weights: &weights)
    let isTied = try reader.truth("tie_word_embeddings", absent: true)
    head =
      isTied
      ? embedding
      : try weights.read("lm_head.weight", [sizes.vocabulary, sizes.width], part: .head)
    headScale = isTied ? 1 / Float(sizes.width).squareRoot() : 1
  }

  private static func sizes(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration
  {
    let heads = try reader.integer("num_heads", in: SizeLimit.heads)
    return ModelConfiguration(
      modelType: "t5", layers: try reader.integer("num_layers", in: SizeLimit.layers),
      width: try reader.integer("d_model", in: SizeLimit.width), heads: heads,
      keyValueHeads: heads,
      headDimension: try reader.integer("d_kv", in: SizeLimit.headDimension),
      innerWidth: try reader.integer("d_ff", in: SizeLimit.width),
      vocabulary: try reader.integer("vocab_size", in: SizeLimit.vocabulary),
      // Distances have no end; this only bounds the work.
      contextLength: max(
        4_096, try reader.integer("n_positions", in: SizeLimit.contextLength, absent: 512)),
      isCausal: false, hasLanguageModelHead: false,
      normEpsilon: try reader.positive("layer_norm_epsilon", atMost: 1, absent: 1e-6),
      attentionScale: 1, rotary: nil)
  }

  /// The vectors of tokens; positions are in the attention.
  public func embed(_ ids: [Int], first: Int, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(ids.count, cancellation: cancellation) { range in
      embedding.gatheringRows(Array(ids[range]))
    }
  }

  /// Nothing: positions are in the attention.
  public func prepare(tokens: Int) throws -> RunConstants { RunConstants() }

  /// Runs one block of the encoder.
  public func runLayer(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput {
    let block = encoder[layer]
    let hidden = try constants.tapped(.residual(layer), hidden)
    let (attended, inputs) = try block.attend(
      hidden, constants: constants, layer: layer, cancellation: cancellation)
    return LayerOutput(
      hidden: try block.feedForward(
        attended, constants: constants, layer: layer, cancellation: cancellation),
      attention: inputs)
  }

  /// The encoder's final norm.
  public func finish(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(hidden.shape[0], cancellation: cancellation) {
      encoderNorm(hidden.rows($0))
    }
  }

  /// None: an encoder predicts nothing.
  public func logits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    throw ModelError.noLanguageModelHead(model: Self.name)
  }

  /// The encoder's output projection.
  public func attentionOutputWeight(_ layer: Int) -> Tensor? { encoder[layer].own.output.weight }

  /// The keys and values of a block's attention to the text that was read.
  public func sourceKeysAndValues(
    _ layer: Int, _ source: Tensor, cancellation: Cancellation?
  ) throws -> SourceKeysAndValues {
    try decoder[layer].sourceKeysAndValues(source, cancellation)
  }

  /// Runs one block of the decoder.
  public func runTargetLayer(
    _ layer: Int, _ hidden: Tensor, source: SourceKeysAndValues, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> TargetLayerOutput {
    let block = decoder[layer]
    let (attended, own) = try block.attend(
      hidden, constants: constants, layer: layer, cancellation: cancellation)
    let (crossed, cross) = try block.attend(attended, to: source, cancellation: cancellation)
    return TargetLayerOutput(
      hidden: try block.feedForward(
        crossed, constants: constants, layer: layer, cancellation: cancellation),
      own: own, cross: cross)
  }

  /// The decoder's final norm.
  public func finishTarget(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(hidden.shape[0], cancellation: cancellation) {
      decoderNorm(hidden.rows($0))
    }
  }

  /// The scores of all tokens, `[rows, vocabulary]`, from the decoder's finished hidden states.
  public func targetLogits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    var hidden = hidden
    if headScale != 1 { hidden.scale(by: headScale) }
    return try linear(hidden, weight: head, bias: nil, cancellation: cancellation)
  }
}
