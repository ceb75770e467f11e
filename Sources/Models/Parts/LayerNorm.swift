import Tensors

/// A layer norm with its weight and bias, `[width]` each.
struct LayerNorm: Sendable {
  let weight: Tensor
  let bias: Tensor
  let epsilon: Float

  /// Reads `name.weight` and `name.bias`, or `name.gamma` and `name.beta` as older files have it.
  init(
    _ name: String, width: Int, epsilon: Double, layer: Int? = nil, weights: inout WeightReader
  ) throws(ModelError) {
    let isOld = weights.contains(name + ".gamma")
    weight = try weights.read(
      name + (isOld ? ".gamma" : ".weight"), [width], part: .normalization, layer: layer)
    bias = try weights.read(
      name + (isOld ? ".beta" : ".bias"), [width], part: .normalization, layer: layer)
    self.epsilon = Float(epsilon)
  }

  /// Norms each row of `[rows, width]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
  }
}
