import Tensors

/// `down(silu(gate(x)) · up(x))`, the feed-forward part of Llama and of every DeepSeek expert.
///
/// Shazeer 2020, arXiv:2002.05202.
struct GatedFeedForward: Sendable {
  let gate: Linear
  let up: Linear
  let down: Linear

  /// Reads `name.gate_proj`, `name.up_proj` and `name.down_proj`.
  init(
    _ name: String, width: Int, innerWidth: Int, hasBias: Bool, part: ModelPart, layer: Int,
    weights: inout WeightReader
  ) throws(ModelError) {
    gate = try Linear(
      name + ".gate_proj", from: width, to: innerWidth, hasBias: hasBias, part: part, layer: layer,
      weights: &weights)
    up = try Linear(
      name + ".up_proj", from: width, to: innerWidth, hasBias: hasBias, part: part, layer: layer,
      weights: &weights)
    down = try Linear(
      name + ".down_proj", from: innerWidth, to: width, hasBias: hasBias, part: part, layer: layer,
      weights: &weights)
  }

  /// The part's output for normed rows, `[rows, width]` for `[rows, width]`.
  func callAsFunction(_ x: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    try down(try neurons(x, cancellation), cancellation)
  }

  /// How strongly normed rows excite the neurons, `[rows, innerWidth]` for `[rows, width]`.
  func neurons(_ x: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    var gated = silu(try gate(x, cancellation))
    gated.multiply(by: try up(x, cancellation))
    return gated
  }
}
