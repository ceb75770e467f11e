import Tensors

/// The four maps of an attention with what is done to their results, recorded with the way back.
struct AttentionRecording {
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  /// The norms of each head of the queries and of the keys, where there are some.
  var queryNorm: RMSNorm?
  var keyNorm: RMSNorm?
  let sizes: ModelConfiguration
  /// With the turns of positions, where positions are not in the embedding.
  let constants: RunConstants
  /// Which elements of a head turn together.
  var rotaryStyle = RotaryStyle.halfRotate

  /// Attends from the positions `rows` to all that `x` `[tokens, width]` holds, and gives what is added to the
  /// stream there, `[rows, width]`.
  ///
  /// Precondition: where the model is causal, `rows` ends with the last token.
  func callAsFunction(
    _ x: Tensor, rows: Range<Int>, cancellation: Cancellation?
  ) throws -> RecordedStep {
    precondition(!sizes.isCausal || rows.upperBound == x.shape[0], "rows to the last token")
    let (queries, queryWay) = finished(
      try query(x.rows(rows), cancellation), queryNorm, sizes.heads, rows.lowerBound)
    let (keys, keyWay) = finished(
      try key(x, cancellation), keyNorm, sizes.keyValueHeads, 0)
    let values = try value(x, cancellation)
    let segments = constants.batch?.segments
    let (mixed, sums) =
      if let segments {
        try attentionOfSegments(
          segments, queries: queries, keys: keys, values: values, heads: sizes.heads,
          keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
          cancellation: cancellation)
      } else {
        try attentionWithLogSumExp(
          queries: queries, keys: keys, values: values, heads: sizes.heads,
          keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale, causal: sizes.isCausal,
          cancellation: cancellation)
      }
    let kept =
      [queries, keys, values, mixed, sums] + [queryWay.kept, keyWay.kept].compactMap(\.self)
    return RecordedStep(output: try output(mixed, cancellation), keeping: kept) {
      gradient, cancellation in
      let mixedGradient = try output.inputGradient(gradient, cancellation)
      try constants.witness?.see(
        [
          AttentionBackward(
            gradient: mixedGradient, queries: queries, keys: keys, values: values, rows: rows,
            heads: sizes.heads, keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale,
            isCausal: sizes.isCausal)
        ], cancellation)
      let derivatives =
        if constants.rule == .rescale {
          try attentionRescale(
            mixedGradient, queries: queries, keys: keys, values: values, heads: sizes.heads,
            keyValueHeads: sizes.keyValueHeads, scale: sizes.attentionScale,
            causal: sizes.isCausal, cancellation: cancellation)
        } else if let segments {
          try attentionOfSegmentsGradient(
            mixedGradient, segments, queries: queries, keys: keys, values: values, output: mixed,
            logSumExp: sums, heads: sizes.heads, keyValueHeads: sizes.keyValueHeads,
            scale: sizes.attentionScale, causal: sizes.isCausal, cancellation: cancellation)
        } else {
          try attentionGradient(
            mixedGradient, queries: queries, keys: keys, values: values, output: mixed,
            logSumExp: sums, heads: sizes.heads, keyValueHeads: sizes.keyValueHeads,
            scale: sizes.attentionScale, causal: sizes.isCausal, cancellation: cancellation)
        }
      let parts = constants.rule.applied(to: derivatives)
      var result = try key.inputGradient(keyWay.pullback(parts.keys), cancellation)
      result = try value.addInputGradient(parts.values, to: result, cancellation)
      let queryPart = queryWay.pullback(parts.queries)
      if rows.count == result.shape[0] {
        return try query.addInputGradient(queryPart, to: result, cancellation)
      }
      try result.addRows(
        startingAt: rows.lowerBound, try query.inputGradient(queryPart, cancellation))
      return result
    }
  }

  /// The way from finished queries or keys back to what their map gave.
  private struct Way: Sendable {
    /// What is kept beside the result.
    let kept: Tensor?
    let pullback: @Sendable (Tensor) -> Tensor
  }

  /// Queries or keys normed head by head and turned by their positions, of which `first` is the first.
  private func finished(
    _ x: Tensor, _ norm: RMSNorm?, _ heads: Int, _ first: Int
  ) -> (Tensor, Way) {
    let (constants, style) = (constants, rotaryStyle)
    let normed = norm.map { $0(x, heads: heads) } ?? x
    let way = Way(kept: norm == nil ? nil : x) { gradient in
      let back = constants.turned(
        gradient, heads: heads, style: style, first: first, inverse: true)
      return norm.map { $0.inputGradient(back, x, heads: heads, constants.rule) } ?? back
    }
    return (constants.turned(normed, heads: heads, style: style, first: first), way)
  }
}
