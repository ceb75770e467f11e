import Tensors

/// Attention to a window of tokens and to blocks of earlier ones, with one key for all heads that is the value too.
///
/// Queries come from a latent, every head's is normed; positions turn the last elements of queries and keys, and back what
/// heads gather, so that a value says how far it lies and not where. What groups of heads gather is narrowed before it is
/// written. DeepSeek-AI 2026, “DeepSeek-V4”, section 2.3.
struct CompressedAttention: Sendable {
  let layer: Int
  private let sizes: ModelConfiguration
  private let compression: CompressionSizes
  private let queryDown: Linear
  private let queryNorm: RMSNorm
  private let queryUp: Linear
  private let key: Linear
  private let keyNorm: RMSNorm
  private let narrowing: Tensor
  private let output: Linear
  private let mixing: WindowedAttention
  private let compressor: KeyCompressor?
  private let indexer: BlockIndexer?

  /// Reads `name.wq_a`, `q_norm`, `wq_b`, `wkv`, `kv_norm`, `wo_a`, `wo_b` and `attn_sink`, and a compressor's and an
  /// indexer's weights where the layer has them.
  init(
    _ name: String, sizes: ModelConfiguration, compression: CompressionSizes, layer: Int,
    weights: inout WeightReader
  ) throws(ModelError) {
    self.layer = layer
    self.sizes = sizes
    self.compression = compression
    func map(
      _ suffix: String, from input: Int, to output: Int, _ weights: inout WeightReader
    ) throws(ModelError) -> Linear {
      try Linear(
        name + suffix, from: input, to: output, hasBias: false, part: .attention, layer: layer,
        weights: &weights)
    }
    func norm(
      _ suffix: String, _ width: Int, _ weights: inout WeightReader
    ) throws(ModelError) -> RMSNorm {
      try RMSNorm(
        name + suffix, width: width, epsilon: sizes.normEpsilon, layer: layer, weights: &weights)
    }
    let (width, dimension) = (sizes.width, sizes.headDimension)
    let (groups, narrow) = (compression.outputGroups, compression.outputWidth)
    queryDown = try map(".wq_a", from: width, to: compression.queryWidth, &weights)
    queryNorm = try norm(".q_norm", compression.queryWidth, &weights)
    queryUp = try map(
      ".wq_b", from: compression.queryWidth, to: sizes.heads * dimension, &weights)
    key = try map(".wkv", from: width, to: dimension, &weights)
    keyNorm = try norm(".kv_norm", dimension, &weights)
    narrowing = try weights.read(
      name + ".wo_a.weight", [groups * narrow, sizes.heads / groups * dimension],
      part: .attention, layer: layer)
    output = try map(".wo_b", from: groups * narrow, to: width, &weights)
    let sinks = try weights.read(
      name + ".attn_sink", [sizes.heads], part: .attention, layer: layer)
    mixing = WindowedAttention(
      heads: sizes.heads, window: compression.window, scale: sizes.attentionScale,
      sinks: sinks.floats)
    guard let rate = compression.rate(of: layer) else {
      (compressor, indexer) = (nil, nil)
      return
    }
    let selects = compression.selects(in: layer)
    compressor = try KeyCompressor(
      name + ".compressor", width: width, dimension: dimension,
      positionDimension: compression.positionDimension, rate: rate, overlaps: selects,
      normEpsilon: sizes.normEpsilon, part: .compressor, layer: layer, weights: &weights)
    if selects, let indexer = compression.indexer {
      self.indexer = try BlockIndexer(
        name + ".indexer", width: width, sizes: indexer, compression: compression, rate: rate,
        normEpsilon: sizes.normEpsilon, layer: layer, weights: &weights)
    } else {
      indexer = nil
    }
  }

  private var offset: Int { sizes.headDimension - compression.positionDimension }

  /// The constants with the turns of this layer.
  private func own(_ constants: RunConstants) -> RunConstants {
    var own = constants
    if compressor != nil { own.rotary = constants.blockRotary }
    return own
  }

  /// Queries, keys, blocks and selections of what the layer reads, `[tokens, width]`; where there is a cache, also those
  /// that it holds.
  func inputs(
    _ read: Tensor, norm: RMSNorm, constants: RunConstants, cancellation: Cancellation?
  ) throws -> (queries: Tensor, keys: Tensor, mixing: WindowedAttention) {
    let constants = own(constants)
    let parts = try RowBlocks.map(read.shape[0], cancellation: cancellation) {
      range -> [Tensor] in
      let normed = norm(read.rows(range))
      let first = range.lowerBound
      let latents = queryNorm(try queryDown(normed, cancellation))
      let queries = try queryUp(latents, cancellation)
      let single = rmsNorm(
        queries.reshaped([range.count * sizes.heads, sizes.headDimension]), weight: nil,
        epsilon: Float(sizes.normEpsilon))
      let keys = keyNorm(try key(normed, cancellation))
      var parts = [
        constants.turned(
          single.reshaped(queries.shape), heads: sizes.heads, style: .interleaved, first: first,
          offset: offset),
        constants.turned(keys, heads: 1, style: .interleaved, first: first, offset: offset),
      ]
      if let compressor { parts += try compressor.prepare(normed, cancellation) }
      if let indexer {
        parts += try indexer.prepare(
          normed, queryLatents: latents, constants: constants, first: first, cancellation)
      }
      return parts
    }
    var kept = constants.cache?.takeCompressed(layer) ?? CompressedLayerRows()
    let keys = constants.cache == nil ? parts[1] : kept.append(parts[1])
    var mixing = mixing
    if let compressor {
      let blocks = try kept.blocks.read(
        parts[2], parts[3], by: compressor, constants: constants, cancellation)
      mixing.blocks = (blocks, compressor.rate)
    }
    if let indexer {
      let blocks = try kept.indexerBlocks.read(
        parts[6], parts[7], by: indexer.compressor, constants: constants, cancellation)
      mixing.selection = try indexer.select(
        queries: parts[4], weights: parts[5], blocks: blocks,
        first: keys.shape[0] - parts[0].shape[0], cancellation: cancellation)
    }
    constants.cache?.putCompressed(layer, kept)
    return (parts[0], keys, mixing)
  }

  /// What the heads gather, turned back, `[tokens, heads × headDimension]`, with what it was made of.
  func attend(
    _ read: Tensor, norm: RMSNorm, constants: RunConstants, cancellation: Cancellation?
  ) throws -> (mixed: Tensor, inputs: AttentionInputs) {
    let (queries, keys, mixing) = try inputs(
      read, norm: norm, constants: constants, cancellation: cancellation)
    let gathered = own(constants).turned(
      try mixing(queries: queries, keys: keys, cancellation: cancellation), heads: sizes.heads,
      style: .interleaved, first: 0, offset: offset, inverse: true)
    return (gathered, Self.attentionInputs(queries, keys, mixing))
  }

  /// What a trace keeps.
  static func attentionInputs(
    _ queries: Tensor, _ keys: Tensor, _ mixing: WindowedAttention
  ) -> AttentionInputs {
    var inputs = AttentionInputs(queries: queries, keys: keys, values: keys)
    inputs.mixing = mixing
    return inputs
  }

  /// What mixed values give to the streams, `[rows, width]`.
  func project(_ mixed: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    let (groups, narrow) = (compression.outputGroups, compression.outputWidth)
    let width = mixed.shape[1] / groups
    let narrowed = try (0..<groups).map { group in
      try linear(
        mixed.slice(axis: 1, group * width..<(group + 1) * width),
        weight: narrowing.rows(group * narrow..<(group + 1) * narrow), bias: nil,
        cancellation: cancellation)
    }
    return try output(Tensor.concatenated(narrowed, axis: 1), cancellation)
  }
}

/// What a layer keeps of the tokens that were read: their keys, and the blocks.
struct CompressedLayerRows: Sendable {
  private var keys: RowBuffer?
  var blocks = CompressedRows()
  var indexerBlocks = CompressedRows()

  /// Adds the keys of new tokens and gives all.
  mutating func append(_ rows: Tensor) -> Tensor {
    var buffer = keys ?? RowBuffer(width: rows.shape[1], capacity: rows.shape[0])
    keys = nil
    buffer.append(rows)
    keys = buffer
    return buffer.rows
  }
}
