import Tensors

/// The four maps of an attention with what is done to their inputs, recorded with the way back.
struct AttentionRecording {
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  let sizes: ModelConfiguration
  /// The turns of positions, in pairs (i, i + d/2), or `nil` where positions are in the embedding.
  let rotary: RotaryTable?

  /// Attends from the positions `rows` to all that `x` `[tokens, width]` holds, and gives what is added to the stream
  /// there, `[rows, width]`.
  ///
  /// Precondition: where the model is causal, `rows` ends with the last token.
  func callAsFunction(
    _ x: Tensor, rows: Range<Int>, cancellation: Cancellation?
  ) throws -> RecordedStep {
    precondition(!sizes.isCausal || rows.upperBound == x.shape[0], "rows to the last token")
    let queries = turned(try query(x.rows(rows), cancellation), sizes.heads, rows.lowerBound)
    let keys = turned(try key(x, cancellation), sizes.keyValueHeads, 0)
    let values = try value(x, cancellation)
    let (mixed, sums) = try attentionWithLogSumExp(
      queries: queries, keys: keys, values: values, heads: sizes.heads,
      keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
      cancellation: cancellation)
    return RecordedStep(
      output: try output(mixed, cancellation), keeping: [queries, keys, values, mixed, sums]
    ) { gradient, cancellation in
      let parts = try attentionGradient(
        try output.inputGradient(gradient, cancellation), queries: queries, keys: keys,
        values: values, output: mixed, logSumExp: sums, heads: sizes.heads,
        keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
        cancellation: cancellation)
      var result = try key.inputGradient(
        turned(parts.keys, sizes.keyValueHeads, 0, back: true), cancellation)
      result = try value.addInputGradient(parts.values, to: result, cancellation)
      let queryPart = turned(parts.queries, sizes.heads, rows.lowerBound, back: true)
      if rows.count == result.shape[0] {
        return try query.addInputGradient(queryPart, to: result, cancellation)
      }
      result.addRows(
        startingAt: rows.lowerBound, try query.inputGradient(queryPart, cancellation))
      return result
    }
  }

  /// Queries or keys turned by their positions, of which `first` is the first.
  private func turned(_ x: Tensor, _ heads: Int, _ first: Int, back: Bool = false) -> Tensor {
    guard let rotary else { return x }
    return applyRotary(
      x, heads: heads, table: rotary, style: .halfRotate, firstPosition: first, inverse: back)
  }
}
