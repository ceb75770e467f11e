import Tensors

/// A root-mean-square norm with its weight `[width]`.
///
/// Zhang and Sennrich 2019, arXiv:1910.07467.
struct RMSNorm: Sendable {
  let weight: Tensor
  let epsilon: Float

  /// Reads `name.weight`.
  init(
    _ name: String, width: Int, epsilon: Double, layer: Int? = nil, weights: inout WeightReader
  ) throws(ModelError) {
    weight = try weights.read(name + ".weight", [width], part: .normalization, layer: layer)
    self.epsilon = Float(epsilon)
  }

  /// Norms each row of `[rows, width]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    rmsNorm(x, weight: weight, epsilon: epsilon)
  }

  /// Norms each head of `[rows, heads × width]` by itself.
  func callAsFunction(_ x: Tensor, heads: Int) -> Tensor {
    let width = x.shape[1] / heads
    return self(x.reshaped([x.shape[0] * heads, width])).reshaped(x.shape)
  }
}
