public import Tensors

/// The attention of one decoder block.
protocol DecoderAttention: Sendable {
  /// Norms the residual stream `[tokens, width]`, attends, and gives the heads' mixed values
  /// `[tokens, heads × valueDimension]` with what they were made of; where there is a cache, they attend to what it
  /// holds too, and add to it.
  func attend(
    _ hidden: Tensor, norm: RMSNorm, constants: RunConstants, cancellation: Cancellation?
  ) throws -> (mixed: Tensor, inputs: AttentionInputs)

  /// What `attend` makes queries, keys and values of, alone; `nil` where that isn't worth while.
  func inputs(
    _ hidden: Tensor, norm: RMSNorm, constants: RunConstants, cancellation: Cancellation?
  ) throws -> AttentionInputs?

  /// Whether `inputs` gives something.
  var canTellInputs: Bool { get }

  /// The output projection, `[width, heads × valueDimension]`.
  var outputWeight: Tensor { get }

  /// Its bias, `[width]`, where it has one.
  var outputBias: Tensor? { get }

  /// Attends from the positions `rows` to all that normed rows `[tokens, width]` hold, and gives what is added to the
  /// stream there, `[rows, width]`, with the way back.
  ///
  /// Precondition: `rows` ends with the last token.
  func record(
    _ normed: Tensor, rows: Range<Int>, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep

  /// What mixed values add to the residual stream, `[rows, width]`.
  func project(_ mixed: Tensor, _ cancellation: Cancellation?) throws -> Tensor
}

extension DecoderAttention {
  func inputs(
    _ hidden: Tensor, norm: RMSNorm, constants: RunConstants, cancellation: Cancellation?
  ) throws -> AttentionInputs? { nil }

  var canTellInputs: Bool { false }
}

/// One block: `x += attention(rms(x)); x += feedForward(rms(x))`.
struct DecoderBlock: Sendable {
  /// Its number.
  let layer: Int
  /// The second half of a block.
  enum FeedForward: Sendable {
    case dense(GatedFeedForward)
    case experts(MixtureOfExperts)
  }

  let attentionNorm: RMSNorm
  let attention: any DecoderAttention
  let feedForwardNorm: RMSNorm
  let feedForward: FeedForward

  func run(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput {
    let hidden = try constants.tapped(.residual(layer), hidden)
    let (gathered, inputs) = try attention.attend(
      hidden, norm: attentionNorm, constants: constants, cancellation: cancellation)
    let mixed = try constants.tapped(.heads(layer), gathered)
    var routings: [ExpertRouting] = []
    let output = try RowBlocks.map(hidden.shape[0], cancellation: cancellation) {
      range -> Tensor in
      let first = range.lowerBound
      var stream = try constants.tapped(
        .attention(layer), try attention.project(mixed.rows(range), cancellation), first: first)
      stream.add(hidden.rows(range))
      let normed = feedForwardNorm(stream)
      switch feedForward {
      case .dense(let part):
        stream.add(
          try constants.tapped(.feedForward(layer), try part(normed, cancellation), first: first))
      case .experts(let part):
        let (change, routing) = try part(normed, cancellation)
        stream.add(try constants.tapped(.feedForward(layer), change, first: first))
        routings.append(routing)
      }
      return stream
    }
    return LayerOutput(
      hidden: output, attention: inputs, routing: try ExpertRouting.joined(routings))
  }
}

/// A decoder of blocks with RMS norms: embedding, blocks, a final norm, and a head of its own or the
/// embedding again.
///
/// The families differ in the attention that they put in and in whether blocks choose experts.
public struct Decoder: Sendable {
  let configuration: ModelConfiguration
  let embedding: Tensor
  let blocks: [DecoderBlock]
  let finalNorm: RMSNorm
  let head: Tensor?

  /// Reads the weights in the layout that Llama introduced.
  ///
  /// A checkpoint without the prefix `model.` is that of the bare decoder, which has no head. Layers
  /// beyond the configuration's, such as those that predict further tokens in training, are not read.
  ///
  /// - Parameters:
  ///   - sizes: the sizes; whether there is a head is found here.
  ///   - reader: the configuration, for the ties and biases outside attention.
  ///   - routing: how blocks with experts choose them; needed where `sizes` has experts.
  ///   - weights: what hands out the weights.
  ///   - attention: makes a block's attention, whose weights' names begin with the given text.
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  init(
    sizes: ModelConfiguration, _ reader: ConfigurationReader, routing: RoutingRule? = nil,
    weights: inout WeightReader,
    attention: (String, Int, inout WeightReader) throws(ModelError) -> any DecoderAttention
  ) throws(ModelError) {
    let isBare =
      !weights.contains("model.embed_tokens.weight") && weights.contains("embed_tokens.weight")
    let prefix = isBare ? "" : "model."
    var sizes = sizes
    sizes.hasLanguageModelHead = !isBare
    let hasBias = try reader.truth("mlp_bias", absent: false)
    let isTied = try reader.truth("tie_word_embeddings", absent: false)
    embedding = try weights.read(
      prefix + "embed_tokens.weight", [sizes.vocabulary, sizes.width], part: .embedding)
    var blocks: [DecoderBlock] = []
    for layer in 0..<sizes.layers {
      let name = "\(prefix)layers.\(layer)."
      func norm(_ suffix: String, _ weights: inout WeightReader) throws(ModelError) -> RMSNorm {
        try RMSNorm(
          name + suffix, width: sizes.width, epsilon: sizes.normEpsilon, layer: layer,
          weights: &weights)
      }
      func feedForward(
        _ weights: inout WeightReader
      ) throws(ModelError) -> DecoderBlock.FeedForward {
        if let routing, let experts = sizes.experts, experts.layers.contains(layer) {
          return .experts(
            try MixtureOfExperts(
              name + "mlp", width: sizes.width, sizes: experts, rule: routing,
              hasSharedBias: hasBias, layer: layer, weights: &weights))
        }
        return .dense(
          try GatedFeedForward(
            name + "mlp", width: sizes.width, innerWidth: sizes.innerWidth, hasBias: hasBias,
            part: .feedForward, layer: layer, weights: &weights))
      }
      blocks.append(
        DecoderBlock(
          layer: layer, attentionNorm: try norm("input_layernorm", &weights),
          attention: try attention(name + "self_attn", layer, &weights),
          feedForwardNorm: try norm("post_attention_layernorm", &weights),
          feedForward: try feedForward(&weights)))
    }
    self.blocks = blocks
    finalNorm = try RMSNorm(
      prefix + "norm", width: sizes.width, epsilon: sizes.normEpsilon, weights: &weights)
    if isBare {
      head = nil
    } else if isTied {
      head = embedding
    } else {
      head = try weights.read("lm_head.weight", [sizes.vocabulary, sizes.width], part: .head)
    }
    configuration = sizes
  }

  func embed(_ ids: [Int], first: Int, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(ids.count, cancellation: cancellation) { range in
      embedding.gatheringRows(Array(ids[range]))
    }
  }

  func prepare(tokens: Int) -> RunConstants {
    guard let rotary = configuration.rotary else { return RunConstants() }
    return RunConstants(
      rotary: RotaryTable(
        positions: tokens,
        inverseFrequencies: rotary.inverseFrequencies(
          headDimension: configuration.rotaryDimension),
        attentionFactor: Float(rotary.attentionFactor), singlePrecisionAngles: true))
  }

  func runLayer(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput {
    try blocks[layer].run(hidden, constants: constants, cancellation: cancellation)
  }

  func attentionOutputWeight(_ layer: Int) -> Tensor { blocks[layer].attention.outputWeight }

  func neurons(_ layer: Int, of part: NeuronPart) -> FeedForwardNeurons? {
    let block = blocks[layer]
    let chosen: GatedFeedForward? =
      switch (block.feedForward, part) {
      case (.dense(let feedForward), .dense): feedForward
      case (.experts(let mixture), .shared): mixture.shared
      case (.experts(let mixture), .expert(let expert)):
        mixture.experts.indices.contains(expert) ? mixture.experts[expert] : nil
      default: nil
      }
    return chosen.map { FeedForwardNeurons($0, after: block.feedForwardNorm) }
  }

  func expertRouter(_ layer: Int) -> ExpertRouter? {
    guard case .experts(let mixture) = blocks[layer].feedForward else { return nil }
    return mixture.choosing
  }

  func finish(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try RowBlocks.map(hidden.shape[0], cancellation: cancellation) { range in
      finalNorm(hidden.rows(range))
    }
  }

  func logits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    guard let head else { throw ModelError.noLanguageModelHead(model: configuration.modelType) }
    return try linear(hidden, weight: head, bias: nil, cancellation: cancellation)
  }
}

/// A family whose models are a `Decoder`: it reads the configuration and chooses the attention.
public protocol DecoderArchitecture: Architecture {
  /// The decoder.
  var decoder: Decoder { get }
}

extension DecoderArchitecture {
  /// The sizes.
  public var configuration: ModelConfiguration { decoder.configuration }

  /// The embedding's rows of the ids, `[tokens, width]`.
  public func embed(_ ids: [Int], first: Int, cancellation: Cancellation?) throws -> Tensor {
    try decoder.embed(ids, first: first, cancellation: cancellation)
  }

  /// The turns of all positions.
  public func prepare(tokens: Int) throws -> RunConstants { decoder.prepare(tokens: tokens) }

  /// Runs one block.
  public func runLayer(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput {
    try decoder.runLayer(layer, hidden, constants: constants, cancellation: cancellation)
  }

  /// Whether the attention can be told again.
  public var canTellAttentionInputs: Bool {
    decoder.blocks.allSatisfy { $0.attention.canTellInputs }
  }

  /// The queries, keys and values of a layer again.
  public func attentionInputs(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> AttentionInputs? {
    let block = decoder.blocks[layer]
    return try block.attention.inputs(
      hidden, norm: block.attentionNorm, constants: constants, cancellation: cancellation)
  }

  /// The layer's output projection.
  public func attentionOutputWeight(_ layer: Int) -> Tensor? {
    decoder.attentionOutputWeight(layer)
  }

  /// The bias of the layer's output projection.
  public func attentionOutputBias(_ layer: Int) -> Tensor? {
    decoder.blocks[layer].attention.outputBias
  }

  /// The final norm and the head.
  public var readout: Readout? { decoder.head.map { Readout(decoder.finalNorm, head: $0) } }

  /// How a layer's tokens choose experts.
  public func expertRouter(_ layer: Int) -> ExpertRouter? { decoder.expertRouter(layer) }

  /// The neurons of a layer.
  public func neurons(_ layer: Int, of part: NeuronPart) -> FeedForwardNeurons? {
    decoder.neurons(layer, of: part)
  }

  /// The final norm.
  public func finish(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try decoder.finish(hidden, cancellation: cancellation)
  }

  /// The head's scores, `[rows, vocabulary]`.
  public func logits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor {
    try decoder.logits(hidden, cancellation: cancellation)
  }
}
