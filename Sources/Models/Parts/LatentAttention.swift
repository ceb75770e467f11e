import Tensors

/// Multi-head latent attention: all heads' keys and values are expanded from one narrow latent per
/// token; a part of each key, the same for all heads, carries the position.
///
/// DeepSeek-AI 2024, arXiv:2405.04434, section 2.1.
struct LatentAttention: DecoderAttention {
  /// What is added to a variance in the norms of the latents, in every published model.
  static let latentNormEpsilon = 1e-6

  enum Queries {
    case direct(Linear)
    case latent(down: Linear, norm: RMSNorm, up: Linear)
  }

  let layer: Int
  let sizes: ModelConfiguration
  let latent: LatentSizes
  let style: RotaryStyle
  let queries: Queries
  let down: Linear
  let norm: RMSNorm
  let expansion: Linear
  let output: Linear
  var outputWeight: Tensor { output.weight }
  var outputBias: Tensor? { output.bias }
  let indexer: LightningIndexer?

  /// Reads `name.q_proj` or `name.q_a_proj`, `name.q_a_layernorm` and `name.q_b_proj`, then
  /// `name.kv_a_proj_with_mqa`, `name.kv_a_layernorm`, `name.kv_b_proj` and `name.o_proj`, and an
  /// indexer's weights where its sizes are given.
  init(
    _ name: String, sizes: ModelConfiguration, latent: LatentSizes, style: RotaryStyle,
    hasBias: Bool, indexer: IndexerSizes? = nil, layer: Int, weights: inout WeightReader
  ) throws(ModelError) {
    self.layer = layer
    self.sizes = sizes
    self.latent = latent
    self.style = style
    func map(
      _ suffix: String, from input: Int, to output: Int, hasBias: Bool = false,
      _ weights: inout WeightReader
    ) throws(ModelError) -> Linear {
      try Linear(
        name + suffix, from: input, to: output, hasBias: hasBias, part: .attention, layer: layer,
        weights: &weights)
    }
    func norm(
      _ suffix: String, _ width: Int, _ weights: inout WeightReader
    ) throws(ModelError) -> RMSNorm {
      try RMSNorm(
        name + suffix, width: width, epsilon: Self.latentNormEpsilon, layer: layer,
        weights: &weights)
    }
    let width = sizes.width
    let queryWidth = sizes.heads * sizes.headDimension
    if let narrow = latent.queryWidth {
      queries = .latent(
        down: try map(".q_a_proj", from: width, to: narrow, hasBias: hasBias, &weights),
        norm: try norm(".q_a_layernorm", narrow, &weights),
        up: try map(".q_b_proj", from: narrow, to: queryWidth, &weights))
    } else {
      queries = .direct(try map(".q_proj", from: width, to: queryWidth, &weights))
    }
    down = try map(
      ".kv_a_proj_with_mqa", from: width, to: latent.keyValueWidth + latent.positionDimension,
      hasBias: hasBias, &weights)
    self.norm = try norm(".kv_a_layernorm", latent.keyValueWidth, &weights)
    expansion = try map(
      ".kv_b_proj", from: latent.keyValueWidth,
      to: sizes.heads * (latent.contentDimension + sizes.valueDimension), &weights)
    output = try map(
      ".o_proj", from: sizes.heads * sizes.valueDimension, to: width, hasBias: hasBias, &weights)
    if let indexer, let queryWidth = latent.queryWidth {
      self.indexer = try LightningIndexer(
        name + ".indexer", width: width, queryWidth: queryWidth, sizes: indexer, layer: layer,
        weights: &weights)
    } else {
      self.indexer = nil
    }
  }

  func attend(
    _ hidden: Tensor, norm attentionNorm: RMSNorm, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> (mixed: Tensor, inputs: AttentionInputs) {
    let parts = try RowBlocks.map(hidden.shape[0], cancellation: cancellation) {
      range -> [Tensor] in
      let normed = attentionNorm(hidden.rows(range))
      let first = range.lowerBound
      let (queries, queryLatents) = try queries(of: normed, cancellation)
      let narrow = try down(normed, cancellation)
      let split = latent.keyValueWidth
      let parts = [
        constants.turned(
          queries, heads: sizes.heads, style: style, first: first, offset: latent.contentDimension),
        norm(narrow.slice(axis: 1, 0..<split)),
        constants.turned(
          narrow.slice(axis: 1, split..<split + latent.positionDimension), heads: 1, style: style,
          first: first),
      ]
      guard let indexer, let queryLatents else { return parts }
      return try parts
        + indexer.prepare(
          normed, queryLatents: queryLatents, constants: constants, first: first, cancellation)
    }
    var (allLatents, positionKeys) = (parts[1], parts[2])
    var indexerKeys = indexer == nil ? nil : parts[4]
    if let cache = constants.cache {
      let all = cache.append(layer, allLatents, positionKeys, indexerKeys)
      (allLatents, positionKeys, indexerKeys) = (all.first, all.second, all.third)
    }
    let latents = LatentKeysAndValues(
      latents: allLatents, positionKeys: positionKeys, expansion: expansion,
      keyDimension: latent.contentDimension, valueDimension: sizes.valueDimension)
    var selection: KeySelection?
    if let indexer, let indexerKeys {
      selection = try indexer.select(
        queries: parts[3], keys: indexerKeys, weights: parts[5], cancellation: cancellation)
    }
    // A few new tokens meet the latents of many: their queries are brought to the latents then, which costs less than
    // to expand the keys and values of all.
    let isContinuing = 4 * hidden.shape[0] <= allLatents.shape[0]
    let mixed =
      isContinuing
      ? try attendToLatents(parts[0], latents, selection, cancellation)
      : try attend(
        parts[0], keys: try latents.keys(0..<sizes.heads, cancellation: cancellation),
        values: try latents.values(0..<sizes.heads, cancellation: cancellation),
        keyValueHeads: sizes.heads, selection, cancellation)
    let inputs = AttentionInputs(
      queries: parts[0], keysAndValues: .latents(latents), selection: selection)
    return (mixed, inputs)
  }

  /// Attention over all visible keys, or over those that were selected.
  private func attend(
    _ queries: Tensor, keys: Tensor, values: Tensor, keyValueHeads: Int,
    _ selection: KeySelection?, _ cancellation: Cancellation?
  ) throws -> Tensor {
    if let selection {
      return try selection.attention(
        queries: queries, keys: keys, values: values, heads: sizes.heads,
        keyValueHeads: keyValueHeads, scale: sizes.attentionScale, cancellation: cancellation)
    }
    return try attention(
      queries: queries, keys: keys, values: values, heads: sizes.heads,
      keyValueHeads: keyValueHeads, scale: sizes.attentionScale, causal: true, keyMask: nil,
      cancellation: cancellation)
  }

  /// The same attention without expanded keys and values: a head's query is multiplied with what expands its keys, meets
  /// the latents themselves, and the latents that it gathers are expanded to values (section 2.1.2).
  private func attendToLatents(
    _ queries: Tensor, _ latents: LatentKeysAndValues, _ selection: KeySelection?,
    _ cancellation: Cancellation?
  ) throws -> Tensor {
    let (content, width) = (latent.contentDimension, sizes.valueDimension)
    func weight(_ head: Int, _ offset: Int, _ count: Int) -> Tensor {
      let first = head * (content + width) + offset
      return expansion.weight.rows(first..<first + count)
    }
    let brought = try (0..<sizes.heads).flatMap { head in
      let first = head * sizes.headDimension
      return [
        try linearInputGradient(
          queries.slice(axis: 1, first..<first + content), weight: weight(head, 0, content),
          cancellation: cancellation),
        queries.slice(axis: 1, first + content..<first + sizes.headDimension),
      ]
    }
    let gathered = try attend(
      try Tensor.concatenated(brought, axis: 1),
      keys: try Tensor.concatenated([latents.latents, latents.positionKeys], axis: 1),
      values: latents.latents, keyValueHeads: 1, selection, cancellation)
    let values = try (0..<sizes.heads).map { head in
      let first = head * latent.keyValueWidth
      return try linear(
        gathered.slice(axis: 1, first..<first + latent.keyValueWidth),
        weight: weight(head, content, width), bias: nil, cancellation: cancellation)
    }
    return try Tensor.concatenated(values, axis: 1)
  }

  /// The queries, not yet turned, and the latents that they come from where there are any.
  private func queries(
    of normed: Tensor, _ cancellation: Cancellation?
  ) throws -> (queries: Tensor, latents: Tensor?) {
    switch queries {
    case .direct(let map): return (try map(normed, cancellation), nil)
    case .latent(let down, let norm, let up):
      let latents = norm(try down(normed, cancellation))
      return (try up(latents, cancellation), latents)
    }
  }

  func project(_ mixed: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    try output(mixed, cancellation)
  }
}
