/// Qwen3's dense decoder, as R1-0528-Qwen3-8B uses it: each head of queries and keys is normed before
/// positions turn it, and heads have a width of their own.
///
/// Yang et al. 2025, arXiv:2505.09388.
public struct Qwen3: DecoderArchitecture {
  /// The family's name.
  public static let name = "Qwen3"
  /// The model types served.
  public static let modelTypes = ["qwen3"]

  /// The decoder.
  public let decoder: Decoder

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    try Qwen2.refuseSlidingWindow(reader)
    let sizes = try ModelConfiguration(
      decoder: reader, modelType: "qwen3", headDimension: 128, contextLength: 32_768)
    let hasBias = try reader.truth("attention_bias", absent: false)
    decoder = try Decoder(sizes: sizes, reader, weights: &weights) {
      (name, layer, weights) throws(ModelError) in
      try GroupedAttention(
        name, sizes: sizes, biases: hasBias ? .all : .none, hasHeadNorms: true, layer: layer,
        weights: &weights)
    }
  }
}
