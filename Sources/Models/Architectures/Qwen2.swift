/// Qwen2's decoder, as R1-Distill-Qwen uses it: Llama's with biases on queries, keys and values.
///
/// Yang et al. 2024, arXiv:2407.10671.
public struct Qwen2: DecoderArchitecture {
  /// The family's name.
  public static let name = "Qwen2"
  /// The model types served.
  public static let modelTypes = ["qwen2"]

  /// The decoder.
  public let decoder: Decoder

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  public init(
    configuration reader: ConfigurationReader, weights: inout WeightReader
  ) throws(ModelError) {
    try Self.refuseSlidingWindow(reader)
    let sizes = try ModelConfiguration(
      decoder: reader, modelType: "qwen2", contextLength: 32_768)
    decoder = try Decoder(sizes: sizes, reader, weights: &weights) {
      (name, layer, weights) throws(ModelError) in
      try GroupedAttention(
        name, sizes: sizes, biases: .queriesKeysValues, layer: layer, weights: &weights)
    }
  }

  /// Checks that every layer sees the whole text; a `sliding_window` that isn't used doesn't matter.
  ///
  /// - Throws: `ModelError.unsupported` where some layers would see a window only.
  static func refuseSlidingWindow(_ reader: ConfigurationReader) throws(ModelError) {
    guard try reader.truth("use_sliding_window", absent: false) else { return }
    throw .unsupported(key: "use_sliding_window", found: "true", supported: ["false"])
  }
}
