import Tensors

/// `down(silu(gate(x)) · up(x))`, the feed-forward part of Llama and of every DeepSeek expert.
///
/// Shazeer 2020, arXiv:2002.05202.
struct GatedFeedForward: Sendable {
  /// What the three maps are called.
  enum Names: Sendable {
    /// `gate_proj`, `up_proj` and `down_proj`.
    case projections
    /// `w1`, `w3` and `w2`.
    case numbered

    fileprivate var gate: String { self == .projections ? ".gate_proj" : ".w1" }
    fileprivate var up: String { self == .projections ? ".up_proj" : ".w3" }
    fileprivate var down: String { self == .projections ? ".down_proj" : ".w2" }
  }

  let gate: Linear
  let up: Linear
  let down: Linear
  /// How far `up(x)` may go to either side and `gate(x)` upwards, or `nil`.
  let limit: Float?

  /// Reads `name.gate_proj`, `name.up_proj` and `name.down_proj`, or what else they are called.
  init(
    _ name: String, width: Int, innerWidth: Int, hasBias: Bool, names: Names = .projections,
    limit: Float? = nil, part: ModelPart, layer: Int, weights: inout WeightReader
  ) throws(ModelError) {
    self.limit = limit
    gate = try Linear(
      name + names.gate, from: width, to: innerWidth, hasBias: hasBias, part: part, layer: layer,
      weights: &weights)
    up = try Linear(
      name + names.up, from: width, to: innerWidth, hasBias: hasBias, part: part, layer: layer,
      weights: &weights)
    down = try Linear(
      name + names.down, from: innerWidth, to: width, hasBias: hasBias, part: part, layer: layer,
      weights: &weights)
  }

  /// The part's output for normed rows, `[rows, width]` for `[rows, width]`.
  func callAsFunction(_ x: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    try down(try neurons(x, cancellation), cancellation)
  }

  /// How strongly normed rows excite the neurons, `[rows, innerWidth]` for `[rows, width]`.
  func neurons(_ x: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    var gates = try gate(x, cancellation)
    var values = try up(x, cancellation)
    if let limit {
      gates = gates.combined(with: limit, .minimum)
      values = values.combined(with: limit, .minimum).combined(with: -limit, .maximum)
    }
    var gated = silu(gates)
    gated.multiply(by: values)
    return gated
  }
}
