/// Llama's decoder, as DeepSeek-LLM, DeepSeek-Coder and R1-Distill-Llama use it.
///
/// Several query heads may share a key head; rotary positions turn the pairs (i, i + d/2). Touvron
/// et al. 2023, arXiv:2302.13971; Bi et al. 2024, arXiv:2401.02954.
public struct Llama: DecoderArchitecture {
  /// The family's name.
  public static let name = "Llama"
  /// The model types served.
  public static let modelTypes = ["llama"]

  /// The decoder.
  public let decoder: Decoder

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    let sizes = try ModelConfiguration(decoder: reader, modelType: "llama")
    let hasBias = try reader.truth("attention_bias", absent: false)
    decoder = try Decoder(sizes: sizes, reader, weights: &weights) {
      (name, layer, weights) throws(ModelError) in
      try GroupedAttention(
        name, sizes: sizes, biases: hasBias ? .all : .none, layer: layer, weights: &weights)
    }
  }
}
