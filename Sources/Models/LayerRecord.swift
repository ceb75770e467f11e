import Tensors

/// What a trace keeps of one layer besides the residual stream.
struct LayerRecord: Sendable {
  /// A layer's keys, without values that weren't asked for.
  enum Keys: Sendable {
    case heads(Tensor)
    case latents(LatentKeysAndValues)
  }

  /// What attention maps are computed from.
  struct Attention: Sendable {
    let queries: Tensor
    let keys: Keys
    let selection: KeySelection?
    let mixing: (any AttentionMixing)?
  }

  /// A layer's values.
  enum Values: Sendable {
    case heads(Tensor)
    case latents(LatentKeysAndValues)
  }

  let attention: Attention?
  let values: Values?
  let routing: ExpertRouting?

  /// Keeps of a layer's output what was asked for; latents serve keys and values alike.
  init(_ output: LayerOutput, keeping contents: TraceContents) {
    let inputs = output.attention
    let keys: Keys
    let values: Values
    switch inputs.keysAndValues {
    case .heads(let headKeys, let headValues):
      (keys, values) = (.heads(headKeys), .heads(headValues))
    case .latents(let latents):
      (keys, values) = (.latents(latents), .latents(latents))
    }
    attention =
      contents.contains(.attention)
      ? Attention(
        queries: inputs.queries, keys: keys, selection: inputs.selection, mixing: inputs.mixing)
      : nil
    self.values = contents.contains(.values) ? values : nil
    routing = contents.contains(.routing) ? output.routing : nil
  }

  /// The latents that keys and values come from, where they are kept for either.
  var latents: LatentKeysAndValues? {
    if case .latents(let latents) = attention?.keys { return latents }
    if case .latents(let latents) = values { return latents }
    return nil
  }

  /// The bytes of what is kept.
  var byteCount: Int {
    var bytes = latents?.byteCount ?? 0
    if let attention {
      bytes +=
        attention.queries.byteCount + (attention.selection?.byteCount ?? 0)
        + (attention.mixing?.byteCount ?? 0)
      if case .heads(let keys) = attention.keys { bytes += keys.byteCount }
    }
    if case .heads(let values) = values { bytes += values.byteCount }
    return bytes + (routing?.byteCount ?? 0)
  }
}

extension LatentKeysAndValues {
  /// The bytes of the latents and position keys.
  fileprivate var byteCount: Int { latents.byteCount + positionKeys.byteCount }
}
