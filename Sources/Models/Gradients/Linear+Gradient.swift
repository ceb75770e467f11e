import Tensors

extension Linear {
  /// The gradient with respect to the input, `[rows, in]`, from that with respect to the output, `[rows, out]`.
  func inputGradient(_ gradient: Tensor, _ cancellation: Cancellation?) throws -> Tensor {
    try linearInputGradient(gradient, weight: weight, cancellation: cancellation)
  }

  /// `inputGradient` added to the other gradients of the same input.
  func addInputGradient(
    _ gradient: Tensor, to sum: consuming Tensor, _ cancellation: Cancellation?
  ) throws -> Tensor {
    try addLinearInputGradient(gradient, weight: weight, to: sum, cancellation: cancellation)
  }
}

/// The scores of some tokens, or of all where `ids` is `nil`, from the vectors that a head compares with its
/// weight `[vocabulary, width]`.
func recordScores(
  _ x: Tensor, weight: Tensor, bias: Tensor?, of ids: [Int]?, cancellation: Cancellation?
) throws -> RecordedStep {
  var weight = weight
  var bias = bias
  if let ids {
    weight = weight.gatheringRows(ids)
    bias = bias.map { $0.reshaped([$0.count, 1]).gatheringRows(ids).reshaped([ids.count]) }
  }
  let chosen = weight
  return RecordedStep(
    output: try linear(x, weight: chosen, bias: bias, cancellation: cancellation),
    keeping: ids == nil ? [] : [chosen]
  ) { gradient, cancellation in
    try linearInputGradient(gradient, weight: chosen, cancellation: cancellation)
  }
}
