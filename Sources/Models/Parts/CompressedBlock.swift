import DataFormats
import Tensors

/// One block of several streams: attention reads one vector per token of them and writes to each, then the experts do.
struct CompressedBlock: Sendable {
  /// How the experts of all layers are chosen and bounded.
  struct MixtureRule: Sendable {
    let routing: RoutingRule
    /// The layers whose tokens choose experts by a table.
    let tableLayers: Set<Int>
    /// How far gates and values of a feed-forward part may go, or `nil`.
    let limit: Float?
  }

  private let layer: Int
  private let attentionStreams: HyperConnections
  private let attentionNorm: RMSNorm
  private let attention: CompressedAttention
  private let feedForwardStreams: HyperConnections
  private let feedForwardNorm: RMSNorm
  let mixture: MixtureOfExperts

  /// Reads the weights whose names begin with `name`.
  init(
    _ name: String, sizes: ModelConfiguration, compression: CompressionSizes,
    streams: HyperConnections.Sizes, mixture rule: MixtureRule, layer: Int,
    weights: inout WeightReader
  ) throws(ModelError) {
    self.layer = layer
    func norm(_ suffix: String, _ weights: inout WeightReader) throws(ModelError) -> RMSNorm {
      try RMSNorm(
        name + suffix, width: sizes.width, epsilon: sizes.normEpsilon, layer: layer,
        weights: &weights)
    }
    attentionStreams = try HyperConnections(
      name + "hc_attn", streams, layer: layer, weights: &weights)
    attentionNorm = try norm("attn_norm", &weights)
    attention = try CompressedAttention(
      name + "attn", sizes: sizes, compression: compression, layer: layer, weights: &weights)
    feedForwardStreams = try HyperConnections(
      name + "hc_ffn", streams, layer: layer, weights: &weights)
    feedForwardNorm = try norm("ffn_norm", &weights)
    guard let experts = sizes.experts else {
      preconditionFailure("a block of several streams has experts")
    }
    mixture = try MixtureOfExperts(
      name + "ffn", width: sizes.width, sizes: experts, rule: rule.routing, hasSharedBias: false,
      names: .numbered, limit: rule.limit,
      tableOf: rule.tableLayers.contains(layer) ? sizes.vocabulary : nil, layer: layer,
      weights: &weights)
  }

  func run(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput {
    let streams = try constants.tapped(.residual(layer), hidden)
    let parts = try read(streams, cancellation)
    let (gathered, inputs) = try attention.attend(
      parts[0], norm: attentionNorm, constants: constants, cancellation: cancellation)
    let mixed = try constants.tapped(.heads(layer), gathered)
    var routings: [ExpertRouting] = []
    let output = try RowBlocks.map(streams.shape[0], cancellation: cancellation) {
      range -> Tensor in
      let first = range.lowerBound
      let attended = try constants.tapped(
        .attention(layer), try attention.project(mixed.rows(range), cancellation), first: first)
      let between = attentionStreams.write(
        attended, mixing: parts[1].rows(range), to: streams.rows(range))
      let (read, mixing) = try feedForwardStreams.read(between, cancellation)
      let (change, routing) = try mixture(
        feedForwardNorm(read), ids: constants.ids(range), cancellation)
      routings.append(routing)
      return feedForwardStreams.write(
        try constants.tapped(.feedForward(layer), change, first: first), mixing: mixing,
        to: between)
    }
    return LayerOutput(
      hidden: output, attention: inputs, routing: try ExpertRouting.joined(routings))
  }

  /// What the attention works with, alone.
  func attentionInputs(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> AttentionInputs {
    let (queries, keys, mixing) = try attention.inputs(
      try read(hidden, cancellation)[0], norm: attentionNorm, constants: constants,
      cancellation: cancellation)
    return CompressedAttention.attentionInputs(queries, keys, mixing)
  }

  /// What the attention reads of the streams, and how they are put together after it.
  private func read(_ streams: Tensor, _ cancellation: Cancellation?) throws -> [Tensor] {
    try RowBlocks.map(streams.shape[0], cancellation: cancellation) { range -> [Tensor] in
      let (read, mixing) = try attentionStreams.read(streams.rows(range), cancellation)
      return [read, mixing]
    }
  }
}

extension CompressedBlock.MixtureRule {
  /// Reads the rule: the root of the softplus of each score, corrected for the choice, weights that sum to 1.
  ///
  /// - Throws: `ModelError` for the first value that can't be right.
  init(_ reader: ConfigurationReader, layers: Int) throws(ModelError) {
    let scoring = try reader.choice(
      "scoring_func", of: ["sqrtsoftplus", "sigmoid"], absent: "sqrtsoftplus")
    _ = try reader.choice("topk_method", of: ["noaux_tc"], absent: "noaux_tc")
    if try !reader.truth("norm_topk_prob", absent: true) {
      throw .unsupported(key: "norm_topk_prob", found: "false", supported: ["true"])
    }
    routing = RoutingRule(
      scoring: scoring == "sigmoid" ? .sigmoid : .rootSoftplus, hasCorrection: true, groups: 1,
      keptGroups: 1, groupScore: .largest, normalizes: true,
      scale: Float(try reader.positive("routed_scaling_factor", atMost: 1e6, absent: 1.5)))
    let bound = try reader.number("swiglu_limit", in: 0...1e9) ?? 10
    limit = bound == 0 ? nil : Float(bound)
    if let types = reader.value("mlp_layer_types") {
      guard let list = types.array?.map(\.string), list.count >= layers,
        list.allSatisfy({ $0 == "hash_moe" || $0 == "moe" })
      else {
        throw .invalidValue(
          key: "mlp_layer_types", found: ConfigurationReader.words(types),
          expected: "a list of \(layers) texts, \"hash_moe\" or \"moe\",")
      }
      tableLayers = Set((0..<layers).filter { list[$0] == "hash_moe" })
    } else {
      tableLayers = Set(0..<min(layers, try reader.integer("num_hash_layers", in: 0...1_024)))
    }
  }
}
