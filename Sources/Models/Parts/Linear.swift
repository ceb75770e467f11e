import Tensors

/// A linear map with its weight `[out, in]` in the mapped file, and perhaps a bias `[out]`.
struct Linear: Sendable {
  let weight: Tensor
  let bias: Tensor?

  /// Reads `name.weight` and, where there is one, `name.bias`; `asStored` is whether their rows may have the file's order.
  init(
    _ name: String, from input: Int, to output: Int, hasBias: Bool, part: ModelPart,
    layer: Int? = nil, asStored: Bool = false, weights: inout WeightReader
  ) throws(ModelError) {
    weight = try weights.read(
      name + ".weight", [output, input], part: part, layer: layer, asStored: asStored)
    bias =
      hasBias
      ? try weights.read(name + ".bias", [output], part: part, layer: layer, asStored: asStored)
      : nil
  }

  /// `x · weightᵀ + bias` for `x` of `[rows, in]`.
  func callAsFunction(_ x: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    try linear(x, weight: weight, bias: bias, cancellation: cancellation)
  }
}
