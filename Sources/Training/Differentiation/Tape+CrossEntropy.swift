import Tensors

extension Tape {
  /// The sum of the losses of all rows that have a target: the cross-entropy of `hidden Wᵀ` `[tokens, vocabulary]`.
  ///
  /// Scores are computed for a block of rows at a time and become their gradients in place, so that those of all
  /// rows are never in memory; the gradient of `scale · Σ loss` with respect to `hidden` and to the head is
  /// known when the function returns. A negative target leaves its row out.
  func crossEntropy(
    _ hidden: Variable, head: Parameter, targets: [Int32], scale: Float
  ) throws -> Double {
    let weight = parameters[head]
    let rows = hidden.value.rowCount
    let block = max(64, Self.scoreCount / max(1, weight.rowCount))
    var gradient = isRecording ? Tensor(zeros: hidden.value.shape) : nil
    var total = 0.0
    for first in stride(from: 0, to: rows, by: block) {
      let range = first..<min(rows, first + block)
      let part = hidden.value.rows(range)
      var scores = try Tensors.linear(part, weight: weight, cancellation: cancellation)
      let losses = crossEntropyGradient(&scores, targets: targets[range], scale: scale)
      for loss in losses { total += Double(loss) }
      guard gradient != nil else { continue }
      try gradient?.replaceRows(
        startingAt: first,
        with: linearInputGradient(scores, weight: weight, cancellation: cancellation))
      try parameters.addProduct(scores, part, to: head, cancellation)
    }
    if let gradient { put(gradient, for: hidden.index) }
    return total
  }

  /// Scores computed at a time: 2 MB of them stay in the cache.
  private static let scoreCount = 512 << 10
}
