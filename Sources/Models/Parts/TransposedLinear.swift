import Tensors

/// A linear map whose weight is stored `[in, out]`, as GPT-2's are, with its bias `[out]`.
struct TransposedLinear: Sendable {
  let weight: Tensor
  let bias: Tensor

  /// Reads `name.weight` and `name.bias`.
  init(
    _ name: String, from input: Int, to output: Int, part: ModelPart, layer: Int,
    weights: inout WeightReader
  ) throws(ModelError) {
    weight = try weights.read(name + ".weight", [input, output], part: part, layer: layer)
    bias = try weights.read(name + ".bias", [output], part: part, layer: layer)
  }

  /// `x · weight + bias` for `x` of `[rows, in]`.
  func callAsFunction(_ x: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    let product = try matrixProduct(x, weight, cancellation: cancellation)
    return try Tensor.broadcast(product, bias, .add)
  }
}
