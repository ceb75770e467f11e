/// DeepSeek-V3.2's decoder: DeepSeek-V3's with an indexer in every layer that selects the keys that a
/// token's attention sees.
///
/// A text of at most `index_topk` tokens sees all its keys and is computed as by DeepSeek-V3.
/// DeepSeek-AI 2025, “DeepSeek-V3.2-Exp”.
public struct DeepSeekV32: DecoderArchitecture {
  /// The family's name.
  public static let name = "DeepSeek-V3.2"
  /// The model types served.
  public static let modelTypes = ["deepseek_v32"]

  /// The decoder.
  public let decoder: Decoder

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    decoder = try Decoder(
      latent: reader, modelType: "deepseek_v32", rule: RoutingRule.sigmoid, hasIndexer: true,
      weights: &weights)
  }
}

extension IndexerSizes {
  /// Reads an indexer's sizes.
  ///
  /// - Throws: `ModelError` for the first value that can't be right.
  init(_ reader: ConfigurationReader, latent: LatentSizes) throws(ModelError) {
    // An indexer's queries come from the latents of the attention's queries.
    _ = try reader.integer("q_lora_rank", in: SizeLimit.width)
    heads = try reader.integer("index_n_heads", in: SizeLimit.heads)
    headDimension = try reader.integer(
      "index_head_dim", in: latent.positionDimension...SizeLimit.headDimension.upperBound)
    selectedKeys = try reader.integer("index_topk", in: SizeLimit.contextLength)
  }
}
