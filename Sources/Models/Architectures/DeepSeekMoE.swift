/// DeepSeek-MoE's decoder: Llama's attention, and small experts beside shared ones.
///
/// Dai et al. 2024, arXiv:2401.06066.
public struct DeepSeekMoE: DecoderArchitecture {
  /// The family's name.
  public static let name = "DeepSeek-MoE"
  /// The model types served.
  public static let modelTypes = ["deepseek"]

  /// The decoder.
  public let decoder: Decoder

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    var sizes = try ModelConfiguration(decoder: reader, modelType: "deepseek")
    let experts = try ExpertSizes(reader, layers: sizes.layers)
    sizes.experts = experts
    var rule = try RoutingRule.softmax(reader, experts: experts)
    rule.normalizes = try reader.truth("norm_topk_prob", absent: false)
    let hasBias = try reader.truth("attention_bias", absent: false)
    decoder = try Decoder(sizes: sizes, reader, routing: rule, weights: &weights) {
      [sizes] (name, layer, weights) throws(ModelError) in
      try GroupedAttention(
        name, sizes: sizes, biases: hasBias ? .all : .none, layer: layer, weights: &weights)
    }
  }
}
