import DataFormats
import Models
import Tensors

/// The parameters of a map.
struct LinearPlan {
  let weight: Parameter
  let bias: Parameter?
  let adapter: AdapterPlan?
}

/// The parameters of a gated feed-forward part.
struct FeedForwardPlan {
  let gate: LinearPlan
  let up: LinearPlan
  let down: LinearPlan
}

/// The parameters of one decoder block.
struct BlockPlan {
  /// The second half of a block.
  enum FeedForward {
    case dense(FeedForwardPlan)
    case experts(MixturePlan)
  }

  let attentionNorm: Parameter
  let attention: AttentionPlan
  let feedForwardNorm: Parameter
  let feedForward: FeedForward
}

/// A decoder whose parameters training changes: the computation of `Models`' decoders over many texts at a time, recorded with
/// the way back to every weight.
struct TrainableDecoder {
  let sizes: ModelConfiguration
  let epsilon: Float
  let rotaryStyle: RotaryStyle
  let embedding: Parameter
  let blocks: [BlockPlan]
  let finalNorm: Parameter
  /// The embedding again where they are tied.
  let head: Parameter

  /// Declares the parameters in the layout that Llama introduced.
  init(_ reader: ConfigurationReader, _ declare: inout ParameterDeclaration) throws {
    let type = try reader.choice("model_type", of: Self.modelTypes, absent: "llama")
    let latent = type == "deepseek_v3" ? try LatentSizes(reader) : nil
    var sizes: ModelConfiguration
    var rule: RoutingRule?
    if let latent {
      sizes = try ModelConfiguration(latentDecoder: reader, modelType: type, latent: latent)
      let experts = try ExpertSizes(reader, layers: sizes.layers)
      sizes.experts = experts
      rule = try RoutingRule.sigmoid(reader, experts: experts)
    } else {
      sizes = try ModelConfiguration(decoder: reader, modelType: type)
    }
    self.sizes = sizes
    epsilon = Float(sizes.normEpsilon)
    let isInterleaved = try reader.truth("rope_interleave", absent: true)
    rotaryStyle = latent != nil && isInterleaved ? .interleaved : .halfRotate
    let hasInnerBias = try reader.truth("mlp_bias", absent: false)
    embedding = try declare(
      "model.embed_tokens.weight", [sizes.vocabulary, sizes.width], .embedding, part: "embedding")
    var blocks: [BlockPlan] = []
    for layer in 0..<sizes.layers {
      let part = "layers.\(layer)"
      var block = BlockDeclaration(part: part, prefix: "model.\(part).", sizes: sizes)
      block.hasInnerBias = hasInnerBias
      blocks.append(
        BlockPlan(
          attentionNorm: try block.norm("input_layernorm", sizes.width, &declare),
          attention: latent == nil
            ? .grouped(try block.grouped(reader, type: type, &declare))
            : .latent(try block.latent(reader, &declare)),
          feedForwardNorm: try block.norm("post_attention_layernorm", sizes.width, &declare),
          feedForward: try block.feedForward(layer: layer, rule: rule, &declare)))
    }
    self.blocks = blocks
    finalNorm = try declare("model.norm.weight", [sizes.width], .gain, part: "final norm")
    head =
      try reader.truth("tie_word_embeddings", absent: false)
      ? embedding
      : try declare("lm_head.weight", [sizes.vocabulary, sizes.width], .embedding, part: "head")
  }

  /// The values of `model_type` that can be trained.
  static let modelTypes = ["llama", "qwen2", "qwen3", "deepseek_v3"]

  /// The sum of the losses of a batch's targets; with a recording tape, the gradient of `scale` times it is then
  /// ready to be followed back.
  ///
  /// - Parameter balance: what each text's balance of experts is multiplied by in the loss.
  func loss(
    _ batch: TrainingBatch, scale: Float, balance: Float = 0, tape: Tape
  ) throws -> Double {
    var stream = tape.embedding(embedding, batch.ids)
    let turns = turns(of: batch)
    for block in blocks {
      try tape.cancellation?.check()
      let normed = tape.rmsNorm(stream, block.attentionNorm, epsilon: epsilon)
      stream = try attend(normed, block.attention, turns, batch.segments, addedTo: stream, tape)
      let second = tape.rmsNorm(stream, block.feedForwardNorm, epsilon: epsilon)
      switch block.feedForward {
      case .dense(let plan):
        stream = try tape.gatedFeedForward(second, plan, addedTo: stream)
      case .experts(let plan):
        stream = try tape.mixture(
          second, plan, segments: batch.segments, balance: balance, addedTo: stream)
      }
    }
    let last = tape.rmsNorm(stream, finalNorm, epsilon: epsilon)
    return try tape.crossEntropy(last, head: head, targets: batch.targets, scale: scale)
  }

  private func turns(of batch: TrainingBatch) -> Turns {
    let rotary = sizes.rotary ?? RotaryConfiguration(theta: 10_000)
    return Turns(
      table: RotaryTable(
        positions: batch.segments.reduce(1) { max($0, $1.count) },
        inverseFrequencies: rotary.inverseFrequencies(headDimension: sizes.rotaryDimension),
        attentionFactor: Float(rotary.attentionFactor)),
      style: rotaryStyle, positions: batch.positions)
  }
}
