import Tensors

extension Decoder {
  /// Reads a decoder with latent attention and a mixture of experts.
  ///
  /// - Parameters:
  ///   - reader: the configuration.
  ///   - modelType: its model type.
  ///   - rule: reads how experts are chosen.
  ///   - hasIndexer: whether an indexer selects the keys that attention sees.
  ///   - weights: what hands out the weights.
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  init(
    latent reader: ConfigurationReader, modelType: String,
    rule: (ConfigurationReader, ExpertSizes) throws(ModelError) -> RoutingRule,
    hasIndexer: Bool = false, weights: inout WeightReader
  ) throws(ModelError) {
    let latent = try LatentSizes(reader)
    var sizes = try ModelConfiguration(
      latentDecoder: reader, modelType: modelType, latent: latent)
    let experts = try ExpertSizes(reader, layers: sizes.layers)
    sizes.experts = experts
    let routing = try rule(reader, experts)
    let indexer = hasIndexer ? try IndexerSizes(reader, latent: latent) : nil
    sizes.selectedKeys = indexer?.selectedKeys
    let hasBias = try reader.truth("attention_bias", absent: false)
    let isInterleaved = try reader.truth("rope_interleave", absent: true)
    try self.init(sizes: sizes, reader, routing: routing, weights: &weights) {
      [sizes] (name, layer, weights) throws(ModelError) in
      try LatentAttention(
        name, sizes: sizes, latent: latent, style: isInterleaved ? .interleaved : .halfRotate,
        hasBias: hasBias, indexer: indexer, layer: layer, weights: &weights)
    }
  }
}

extension LatentSizes {
  /// Reads the sizes of latent attention.
  ///
  /// - Throws: `ModelError` for the first value that can't be right.
  package init(_ reader: ConfigurationReader) throws(ModelError) {
    keyValueWidth = try reader.integer("kv_lora_rank", in: SizeLimit.width)
    queryWidth =
      reader.value("q_lora_rank") == nil
      ? nil : try reader.integer("q_lora_rank", in: SizeLimit.width)
    contentDimension = try reader.integer("qk_nope_head_dim", in: SizeLimit.headDimension)
    positionDimension = try reader.even("qk_rope_head_dim", in: SizeLimit.headDimension)
  }
}

extension ModelConfiguration {
  /// Reads the sizes of a decoder with latent attention, in the names that DeepSeek-V2 introduced.
  ///
  /// Every head has keys and values of its own, whatever `num_key_value_heads` says.
  ///
  /// - Throws: `ModelError` for the first value that can't be right.
  package init(
    latentDecoder reader: ConfigurationReader, modelType: String, latent: LatentSizes
  ) throws(ModelError) {
    let heads = try reader.integer("num_attention_heads", in: SizeLimit.heads)
    let headDimension = latent.contentDimension + latent.positionDimension
    let rotary = try RotaryConfiguration(reader)
    var scale = 1 / Double(headDimension).squareRoot()
    if case .yarn(let yarn) = rotary.scaling { scale *= yarn.scoreFactor }
    _ = try reader.choice("hidden_act", of: ["silu"], absent: "silu")
    self.init(
      modelType: modelType, layers: try reader.integer("num_hidden_layers", in: SizeLimit.layers),
      width: try reader.integer("hidden_size", in: SizeLimit.width), heads: heads,
      keyValueHeads: heads, headDimension: headDimension,
      innerWidth: try reader.integer("intermediate_size", in: SizeLimit.width),
      vocabulary: try reader.integer("vocab_size", in: SizeLimit.vocabulary),
      contextLength: try reader.integer(
        "max_position_embeddings", in: SizeLimit.contextLength, absent: 2_048),
      isCausal: true, hasLanguageModelHead: true,
      normEpsilon: try reader.positive("rms_norm_eps", atMost: 1, absent: 1e-6),
      attentionScale: Float(scale), rotary: rotary,
      valueDimension: try reader.integer("v_head_dim", in: SizeLimit.headDimension),
      latent: latent)
  }
}
