/// DeepSeek-V3's decoder, which R1 shares: latent attention, and experts chosen by corrected sigmoids
/// from the best groups.
///
/// Layers beyond `num_hidden_layers`, which predict further tokens in training, are not used.
/// DeepSeek-AI 2024, arXiv:2412.19437.
public struct DeepSeekV3: DecoderArchitecture {
  /// The family's name.
  public static let name = "DeepSeek-V3"
  /// The model types served.
  public static let modelTypes = ["deepseek_v3"]

  /// The decoder.
  public let decoder: Decoder

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    decoder = try Decoder(
      latent: reader, modelType: "deepseek_v3", rule: RoutingRule.sigmoid, weights: &weights)
  }
}
