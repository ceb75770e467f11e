extension ModelConfiguration {
  /// Reads the sizes of a decoder in the names that Llama introduced.
  ///
  /// - Parameters:
  ///   - reader: the configuration.
  ///   - modelType: its model type.
  ///   - headDimension: what a configuration without `head_dim` means; `nil` divides the width.
  ///   - contextLength: what a configuration without `max_position_embeddings` means.
  /// - Throws: `ModelError` for the first value that can't be right.
  package init(
    decoder reader: ConfigurationReader, modelType: String, headDimension absent: Int? = nil,
    contextLength: Int = 2_048
  ) throws(ModelError) {
    let width = try reader.integer("hidden_size", in: SizeLimit.width)
    let heads = try reader.integer("num_attention_heads", in: SizeLimit.heads)
    let keyValueHeads = try reader.integer(
      "num_key_value_heads", in: SizeLimit.heads, absent: heads)
    guard heads % keyValueHeads == 0 else {
      throw .invalidValue(
        key: "num_key_value_heads", found: "\(keyValueHeads)",
        expected: "a divisor of num_attention_heads (\(heads))")
    }
    if reader.value("head_dim") == nil, absent == nil, width % heads != 0 {
      throw .invalidValue(
        key: "num_attention_heads", found: "\(heads)",
        expected: "a divisor of hidden_size (\(width))")
    }
    let headDimension = try reader.even(
      "head_dim", in: SizeLimit.headDimension, absent: absent ?? width / heads)
    _ = try reader.choice("hidden_act", of: ["silu"], absent: "silu")
    self.init(
      modelType: modelType, layers: try reader.integer("num_hidden_layers", in: SizeLimit.layers),
      width: width, heads: heads, keyValueHeads: keyValueHeads, headDimension: headDimension,
      innerWidth: try reader.integer("intermediate_size", in: SizeLimit.width),
      vocabulary: try reader.integer("vocab_size", in: SizeLimit.vocabulary),
      contextLength: try reader.integer(
        "max_position_embeddings", in: SizeLimit.contextLength, absent: contextLength),
      isCausal: true, hasLanguageModelHead: true,
      normEpsilon: try reader.positive("rms_norm_eps", atMost: 1, absent: 1e-6),
      attentionScale: 1 / Float(headDimension).squareRoot(),
      rotary: try RotaryConfiguration(reader))
  }
}
