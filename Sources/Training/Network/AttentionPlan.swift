import Models
import Tensors

/// The parameters of an attention.
enum AttentionPlan {
  case grouped(GroupedPlan)
  case latent(LatentPlan)
}

/// The parameters of an attention whose heads have keys of their own or share some.
struct GroupedPlan {
  let query: LinearPlan
  let key: LinearPlan
  let value: LinearPlan
  let output: LinearPlan
  /// The norms of each head of the queries and of the keys, where there are some.
  let queryNorm: Parameter?
  let keyNorm: Parameter?
}

/// The parameters of an attention whose heads' keys and values come from one latent for each token (DeepSeek-AI 2024,
/// arXiv:2405.04434, section 2.1).
struct LatentPlan {
  /// The map to the queries' latent with its norm, or `nil` where queries come from the stream.
  let queryLatent: (down: LinearPlan, norm: Parameter)?
  let query: LinearPlan
  let down: LinearPlan
  let norm: Parameter
  let expansion: LinearPlan
  let output: LinearPlan
  let sizes: LatentSizes
}

extension TrainableDecoder {
  /// What attention adds to the stream, added to it.
  func attend(
    _ x: Variable, _ plan: AttentionPlan, _ turns: Turns, _ segments: [Range<Int>],
    addedTo stream: Variable, _ tape: Tape
  ) throws -> Variable {
    switch plan {
    case .grouped(let plan):
      try attend(x, plan, turns, segments, addedTo: stream, tape)
    case .latent(let plan):
      try attend(x, plan, turns, segments, addedTo: stream, tape)
    }
  }

  private func attend(
    _ x: Variable, _ plan: GroupedPlan, _ turns: Turns, _ segments: [Range<Int>],
    addedTo stream: Variable, _ tape: Tape
  ) throws -> Variable {
    var queries = try tape.linear(x, plan.query)
    var keys = try tape.linear(x, plan.key)
    let values = try tape.linear(x, plan.value)
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
    return try tape.linear(mixed, plan.output, addedTo: stream)
  }

  /// What is added to a variance in the norms of latents, in every published model.
  private static let latentEpsilon: Float = 1e-6

  private func attend(
    _ x: Variable, _ plan: LatentPlan, _ turns: Turns, _ segments: [Range<Int>],
    addedTo stream: Variable, _ tape: Tape
  ) throws -> Variable {
    var latentQuery = x
    if let (down, norm) = plan.queryLatent {
      latentQuery = tape.rmsNorm(
        try tape.linear(x, down), norm, epsilon: Self.latentEpsilon)
    }
    var queries = try tape.linear(latentQuery, plan.query)
    let (content, position) = (plan.sizes.contentDimension, plan.sizes.positionDimension)
    tape.turn(&queries, heads: sizes.heads, by: turns, offset: content)
    let narrow = try tape.linear(x, plan.down)
    let width = plan.sizes.keyValueWidth
    let latents = tape.rmsNorm(
      tape.columns(narrow, 0..<width), plan.norm, epsilon: Self.latentEpsilon)
    var positionKeys = tape.columns(narrow, width..<width + position)
    tape.turn(&positionKeys, heads: 1, by: turns)
    let expanded = try tape.linear(latents, plan.expansion)
    // Of each head the rows of its keys, then those of its values.
    let step = content + sizes.valueDimension
    let keys = tape.columns(
      [expanded, positionKeys],
      (0..<sizes.heads).flatMap { head in
        [
          ColumnRun(source: 0, first: head * step, count: content),
          ColumnRun(source: 1, first: 0, count: position),
        ]
      })
    let values = tape.columns(
      [expanded],
      (0..<sizes.heads).map { head in
        ColumnRun(source: 0, first: head * step + content, count: sizes.valueDimension)
      })
    let mixed = try tape.attention(
      queries, keys, values, segments: segments, heads: sizes.heads, keyValueHeads: sizes.heads,
      scale: sizes.attentionScale)
    return try tape.linear(mixed, plan.output, addedTo: stream)
  }
}

extension Tape {
  func linear(
    _ x: Variable, _ plan: LinearPlan, addedTo residual: Variable? = nil
  ) throws -> Variable {
    let result = try linear(x, plan.weight, bias: plan.bias, addedTo: residual)
    guard let adapter = plan.adapter else { return result }
    let narrow = scaled(try linear(x, adapter.down), by: adapter.scale)
    return try linear(narrow, adapter.up, addedTo: result)
  }
}
