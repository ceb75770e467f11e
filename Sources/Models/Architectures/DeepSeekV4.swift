public import Tensors

/// DeepSeek-V4's decoder: several residual streams side by side, attention to a window of tokens and to blocks of earlier
/// ones, and experts in every layer, chosen in the first layers by the token alone.
///
/// The names of the published checkpoints are read; what predicts further tokens (`mtp.`) isn't. Values and activations
/// are not rounded to 8 or 4 bits on the way, as the published program does to save memory. A residual stream is
/// `[tokens, streams × width]` here, the streams one after the other. DeepSeek-AI 2026, “DeepSeek-V4”.
public struct DeepSeekV4: Architecture {
  /// The family's name.
  public static let name = "DeepSeek-V4"
  /// The model types served.
  public static let modelTypes = ["deepseek_v4"]

  /// The sizes.
  public let configuration: ModelConfiguration
  private let compression: CompressionSizes
  private let embedding: Tensor
  private let blocks: [CompressedBlock]
  private let readStreams: StreamReadout
  private let finalNorm: RMSNorm
  private let head: Tensor

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    let layers = try reader.integer("num_hidden_layers", in: SizeLimit.layers)
    let heads = try reader.integer("num_attention_heads", in: SizeLimit.heads)
    // Positions turn pairs of elements.
    let dimension = try reader.integer("head_dim", in: 2...SizeLimit.headDimension.upperBound)
    let compression = try CompressionSizes(
      reader, layers: layers, heads: heads, headDimension: dimension)
    let sizes = try ModelConfiguration(
      compressedDecoder: reader, layers: layers, heads: heads, headDimension: dimension,
      compression: compression)
    let mixture = try CompressedBlock.MixtureRule(reader, layers: layers)
    let streams = HyperConnections.Sizes(
      streams: sizes.streams, width: sizes.width,
      rounds: try reader.integer("hc_sinkhorn_iters", in: 1...1_000, absent: 20),
      epsilon: Float(try reader.positive("hc_eps", atMost: 1, absent: 1e-6)),
      normEpsilon: Float(sizes.normEpsilon))
    let prefix = weights.contains("model.embed.weight") ? "model." : ""
    configuration = sizes
    self.compression = compression
    embedding = try weights.read(
      prefix + "embed.weight", [sizes.vocabulary, sizes.width], part: .embedding)
    var blocks: [CompressedBlock] = []
    for layer in 0..<layers {
      blocks.append(
        try CompressedBlock(
          "\(prefix)layers.\(layer).", sizes: sizes, compression: compression, streams: streams,
          mixture: mixture, layer: layer, weights: &weights))
    }
    self.blocks = blocks
    readStreams = try StreamReadout(prefix + "hc_head", streams, weights: &weights)
    finalNorm = try RMSNorm(
      prefix + "norm", width: sizes.width, epsilon: sizes.normEpsilon, weights: &weights)
    head =
      try reader.truth("tie_word_embeddings", absent: false)
      ? embedding
      : try weights.read("head.weight", [sizes.vocabulary, sizes.width], part: .head)
  }

  /// The embedding's rows of the ids, once for each stream, `[tokens, streams × width]`.
  public func embed(_ ids: [Int], first: Int, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(ids.count, cancellation: cancellation) { range in
      let rows = embedding.gatheringRows(Array(ids[range]))
      return try Tensor.concatenated(
        Array(repeating: rows, count: configuration.streams), axis: 1)
    }
  }

  /// The turns of all positions, in layers without and with blocks.
  public func prepare(tokens: Int) throws -> RunConstants {
    func table(_ rotary: RotaryConfiguration) -> RotaryTable {
      RotaryTable(
        positions: tokens,
        inverseFrequencies: rotary.inverseFrequencies(
          headDimension: compression.positionDimension),
        attentionFactor: Float(rotary.attentionFactor), singlePrecisionAngles: true)
    }
    var constants = RunConstants(rotary: configuration.rotary.map(table))
    constants.blockRotary = table(compression.rotary)
    return constants
  }

  /// Runs one block.
  public func runLayer(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput {
    try blocks[layer].run(hidden, constants: constants, cancellation: cancellation)
  }

  /// Whether the attention can be told again.
  public var canTellAttentionInputs: Bool { true }

  /// The queries, keys, blocks and selections of a layer again.
  public func attentionInputs(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> AttentionInputs? {
    try blocks[layer].attentionInputs(hidden, constants: constants, cancellation: cancellation)
  }

  /// One stream of all, normed.
  public func finish(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(hidden.shape[0], cancellation: cancellation) { range in
      finalNorm(try readStreams(hidden.rows(range), cancellation))
    }
  }

  /// The head's scores, `[rows, vocabulary]`.
  public func logits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try linear(hidden, weight: head, bias: nil, cancellation: cancellation)
  }

  /// How a layer's tokens choose experts.
  public func expertRouter(_ layer: Int) -> ExpertRouter? { blocks[layer].mixture.choosing }
}

extension ModelConfiguration {
  /// Reads the sizes of a decoder with several streams and compressed attention.
  ///
  /// - Throws: `ModelError` for the first value that can't be right.
  init(
    compressedDecoder reader: ConfigurationReader, layers: Int, heads: Int, headDimension: Int,
    compression: CompressionSizes
  ) throws(ModelError) {
    _ = try reader.choice("hidden_act", of: ["silu"], absent: "silu")
    _ = try reader.integer("num_key_value_heads", in: 1...1, absent: 1)
    for key in ["attention_bias", "mlp_bias"] where try reader.truth(key, absent: false) {
      throw .unsupported(key: key, found: "true", supported: ["false"])
    }
    let inner = try reader.integer("moe_intermediate_size", in: SizeLimit.width)
    let count = try reader.integer("n_routed_experts", in: SizeLimit.experts)
    self.init(
      modelType: "deepseek_v4", layers: layers,
      width: try reader.integer("hidden_size", in: SizeLimit.width), heads: heads,
      keyValueHeads: 1, headDimension: headDimension, innerWidth: inner,
      vocabulary: try reader.integer("vocab_size", in: SizeLimit.vocabulary),
      contextLength: try reader.integer(
        "max_position_embeddings", in: SizeLimit.contextLength, absent: 1_048_576),
      isCausal: true, hasLanguageModelHead: true,
      normEpsilon: try reader.positive("rms_norm_eps", atMost: 1, absent: 1e-6),
      attentionScale: 1 / Float(headDimension).squareRoot(),
      rotary: try CompressionSizes.windowRotary(reader),
      experts: ExpertSizes(
        count: count, chosen: try reader.integer("num_experts_per_tok", in: 1...count),
        shared: try reader.integer("n_shared_experts", in: 0...1_024, absent: 1),
        innerWidth: inner, layers: Array(0..<layers)))
    streams = try reader.integer("hc_mult", in: 1...64, absent: 4)
    self.compression = compression
  }
}
