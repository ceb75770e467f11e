/// DeepSeek-V2's decoder, also in its Lite form: latent attention, and experts chosen by a softmax,
/// from the best groups only where there are groups.
///
/// DeepSeek-AI 2024, arXiv:2405.04434.
public struct DeepSeekV2: DecoderArchitecture {
  /// The family's name.
  public static let name = "DeepSeek-V2"
  /// The model types served.
  public static let modelTypes = ["deepseek_v2"]

  /// The decoder.
  public let decoder: Decoder

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    if try reader.truth("norm_topk_prob", absent: false) {
      throw .unsupported(key: "norm_topk_prob", found: "true", supported: ["false"])
    }
    decoder = try Decoder(
      latent: reader, modelType: "deepseek_v2", rule: RoutingRule.softmax, weights: &weights)
  }
}
