import DataFormats
import Models
import Tensors

/// The parameters of a map.
struct LinearPlan {
  let weight: Parameter
  let bias: Parameter?
}

/// The parameters of a gated feed-forward part.
struct FeedForwardPlan {
  let gate: LinearPlan
  let up: LinearPlan
  let down: LinearPlan
}

/// The parameters of one decoder block.
struct BlockPlan {
  let attentionNorm: Parameter
  let attention: AttentionPlan
  let feedForwardNorm: Parameter
  let feedForward: FeedForwardPlan
}

/// The parameters of an attention whose heads have keys of their own or share some.
struct AttentionPlan {
  let query: LinearPlan
  let key: LinearPlan
  let value: LinearPlan
  let output: LinearPlan
  /// The norms of each head of the queries and of the keys, where there are some.
  let queryNorm: Parameter?
  let keyNorm: Parameter?
}

/// A decoder whose parameters training changes: the computation of `Models`' decoders over many texts at a time, recorded with
/// the way back to every weight.
struct TrainableDecoder {
  let sizes: ModelConfiguration
  let epsilon: Float
  let embedding: Parameter
  let blocks: [BlockPlan]
  let finalNorm: Parameter
  /// The embedding again where they are tied.
  let head: Parameter

  /// Declares the parameters in the layout that Llama introduced.
  init(
    _ reader: ConfigurationReader, _ declare: inout ParameterDeclaration
  ) throws {
    let type = try reader.choice("model_type", of: Self.modelTypes, absent: "llama")
    let sizes = try ModelConfiguration(decoder: reader, modelType: type)
    self.sizes = sizes
    epsilon = Float(sizes.normEpsilon)
    let isEveryMapBiased = try reader.truth("attention_bias", absent: false)
    let isInputBiased = isEveryMapBiased || type == "qwen2"
    let isInnerBiased = try reader.truth("mlp_bias", absent: false)
    let width = sizes.width
    embedding = try declare(
      "model.embed_tokens.weight", [sizes.vocabulary, width], .embedding, part: "embedding")
    var blocks: [BlockPlan] = []
    for layer in 0..<sizes.layers {
      let part = "layers.\(layer)"
      let name = "model.\(part)."
      func norm(_ suffix: String, _ width: Int) throws -> Parameter {
        try declare(name + suffix + ".weight", [width], .gain, part: part)
      }
      func map(
        _ suffix: String, _ input: Int, _ output: Int, _ hasBias: Bool,
        role: ParameterRole = .matrix
      ) throws -> LinearPlan {
        LinearPlan(
          weight: try declare(name + suffix + ".weight", [output, input], role, part: part),
          bias: hasBias ? try declare(name + suffix + ".bias", [output], .bias, part: part) : nil)
      }
      let queryWidth = sizes.heads * sizes.headDimension
      let keyWidth = sizes.keyValueHeads * sizes.headDimension
      let hasHeadNorms = type == "qwen3"
      blocks.append(
        BlockPlan(
          attentionNorm: try norm("input_layernorm", width),
          attention: AttentionPlan(
            query: try map("self_attn.q_proj", width, queryWidth, isInputBiased),
            key: try map("self_attn.k_proj", width, keyWidth, isInputBiased),
            value: try map("self_attn.v_proj", width, keyWidth, isInputBiased),
            output: try map(
              "self_attn.o_proj", queryWidth, width, isEveryMapBiased, role: .residual),
            queryNorm: hasHeadNorms ? try norm("self_attn.q_norm", sizes.headDimension) : nil,
            keyNorm: hasHeadNorms ? try norm("self_attn.k_norm", sizes.headDimension) : nil),
          feedForwardNorm: try norm("post_attention_layernorm", width),
          feedForward: FeedForwardPlan(
            gate: try map("mlp.gate_proj", width, sizes.innerWidth, isInnerBiased),
            up: try map("mlp.up_proj", width, sizes.innerWidth, isInnerBiased),
            down: try map(
              "mlp.down_proj", sizes.innerWidth, width, isInnerBiased, role: .residual))))
    }
    self.blocks = blocks
    finalNorm = try declare("model.norm.weight", [width], .gain, part: "final norm")
    head =
      try reader.truth("tie_word_embeddings", absent: false)
      ? embedding
      : try declare("lm_head.weight", [sizes.vocabulary, width], .embedding, part: "head")
  }

  /// The values of `model_type` that can be trained.
  static let modelTypes = ["llama", "qwen2", "qwen3"]

  /// The sum of the losses of a batch's targets; with a recording tape, the gradient of `scale` times it is then
  /// ready to be followed back.
  func loss(_ batch: TrainingBatch, scale: Float, tape: Tape) throws -> Double {
    var stream = tape.embedding(embedding, batch.ids)
    let turns = try turns(of: batch)
    for block in blocks {
      try tape.cancellation?.check()
      let normed = tape.rmsNorm(stream, block.attentionNorm, epsilon: epsilon)
      stream = try attend(normed, block.attention, turns, batch.segments, addedTo: stream, tape)
      let second = tape.rmsNorm(stream, block.feedForwardNorm, epsilon: epsilon)
      stream = try tape.gatedFeedForward(second, block.feedForward, addedTo: stream)
    }
    let last = tape.rmsNorm(stream, finalNorm, epsilon: epsilon)
    return try tape.crossEntropy(last, head: head, targets: batch.targets, scale: scale)
  }

  private func turns(of batch: TrainingBatch) throws -> Turns {
    let rotary = sizes.rotary ?? RotaryConfiguration(theta: 10_000)
    return Turns(
      table: RotaryTable(
        positions: batch.segments.reduce(1) { max($0, $1.count) },
        inverseFrequencies: rotary.inverseFrequencies(headDimension: sizes.rotaryDimension),
        attentionFactor: Float(rotary.attentionFactor)),
      style: .halfRotate, positions: batch.positions)
  }

  private func attend(
    _ x: Variable, _ plan: AttentionPlan, _ turns: Turns, _ segments: [Range<Int>],
    addedTo stream: Variable, _ tape: Tape
  ) throws -> Variable {
    var queries = try tape.linear(x, plan.query.weight, bias: plan.query.bias)
    var keys = try tape.linear(x, plan.key.weight, bias: plan.key.bias)
    let values = try tape.linear(x, plan.value.weight, bias: plan.value.bias)
    if let norm = plan.queryNorm {
      queries = tape.rmsNorm(queries, norm, epsilon: epsilon, heads: sizes.heads)
    }
    if let norm = plan.keyNorm {
      keys = tape.rmsNorm(keys, norm, epsilon: epsilon, heads: sizes.keyValueHeads)
    }
    tape.turn(&queries, heads: sizes.heads, by: turns)
    tape.turn(&keys, heads: sizes.keyValueHeads, by: turns)
    let mixed = try tape.attention(
      queries, keys, values, segments: segments, heads: sizes.heads,
      keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale)
    return try tape.linear(
      mixed, plan.output.weight, bias: plan.output.bias, addedTo: stream)
  }
}
