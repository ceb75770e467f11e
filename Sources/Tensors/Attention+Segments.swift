import CKernels

/// Attention within each of the texts that lie one after the other in one row of tokens, none of which sees another, and
/// the logarithm of each row's sum of exponentials.
///
/// - `queries` `[tokens, heads · d]`, `keys` `[tokens, keyValueHeads · d]`, `values` `[tokens, keyValueHeads · dv]`.
/// - `segments`: the tokens of each text; tokens of none get zeros.
/// - `causal`: whether a token sees those of its text up to its own place, or all of them.
///
/// Every text is computed as by `attentionWithLogSumExp`, all of them at the same time. Precondition: the shapes
/// fit; segments are within the tokens and do not overlap. Throws `Cancelled`.
public func attentionOfSegments(
  _ segments: [Range<Int>], queries: Tensor, keys: Tensor, values: Tensor, heads: Int,
  keyValueHeads: Int, scale: Float, causal: Bool = true, cancellation: Cancellation? = nil
) throws(Cancelled) -> (output: Tensor, logSumExp: Tensor) {
  let (queries, keys, values) = (queries.widened(), keys.widened(), values.widened())
  let valueDimension = values.rowLength / keyValueHeads
  let tokens = queries.rowCount
  let isComplete = coversAll(segments, tokens)
  let output = Tensor(uninitialized: [tokens, heads * valueDimension], zeroed: !isComplete)
  let logSumExp = Tensor(uninitialized: [tokens, heads], zeroed: !isComplete)
  try cancellation?.check()
  guard !segments.isEmpty else { return (output, logSumExp) }
  let computations = unsafe segments.map { segment in
    unsafe AttentionComputation(
      shape: AttentionShape(
        queries.rows(segment), keys.rows(segment), heads: heads, keyValueHeads: keyValueHeads,
        scale: scale, isCausal: causal, keyMask: nil),
      values: values.rows(segment).floatPointer, valueDimension: valueDimension,
      output: output.rows(segment).mutableFloatPointer,
      logSumExp: logSumExp.rows(segment).mutableFloatPointer)
  }
  // The tiles of all texts, those of a text with the most keys first.
  let tiles = unsafe computations.indices.flatMap { index in
    unsafe (0..<computations[index].tileCount).reversed().map { (index, $0) }
  }
  Compute.pool.divide(count: tiles.count * heads) { range in
    let scratch = unsafe AttentionComputation.Scratch(
      computations[0].shape, valueDimension: valueDimension)
    for task in range {
      if let cancellation, cancellation.isCancelled { return }
      let (index, tile) = tiles[task / heads]
      unsafe computations[index].run(tile: tile, head: task % heads, scratch, cancellation)
    }
    unsafe withExtendedLifetime(scratch.storage) {}
  }
  withExtendedLifetime(
    (queries.storage, keys.storage, values.storage, output.storage, logSumExp.storage)
  ) {}
  try cancellation?.check()
  return (output, logSumExp)
}

/// The derivatives of `attentionOfSegments` with respect to its queries, keys and values, as `attentionGradient`
/// gives them for one text.
///
/// Precondition: the shapes fit. Throws `Cancelled`.
public func attentionOfSegmentsGradient(
  _ gradient: Tensor, _ segments: [Range<Int>], queries: Tensor, keys: Tensor, values: Tensor,
  output: Tensor, logSumExp: Tensor, heads: Int, keyValueHeads: Int, scale: Float,
  causal: Bool = true, cancellation: Cancellation? = nil
) throws(Cancelled) -> AttentionGradient {
  let (queries, keys, values) = (queries.widened(), keys.widened(), values.widened())
  let (gradient, output, logSumExp) = (gradient.widened(), output.widened(), logSumExp.widened())
  let valueDimension = values.rowLength / keyValueHeads
  let dimension = queries.rowLength / heads
  let tokens = queries.rowCount
  precondition(
    gradient.shape == output.shape && output.shape == [tokens, heads * valueDimension]
      && logSumExp.shape == [tokens, heads],
    "an attention's output \(output.shape), gradient \(gradient.shape), sums \(logSumExp.shape)")
  let isPartial = !coversAll(segments, tokens)
  var result = AttentionGradient(
    queries: Tensor(uninitialized: queries.shape, zeroed: isPartial),
    keys: Tensor(uninitialized: [tokens, heads * dimension], zeroed: isPartial),
    values: Tensor(uninitialized: [tokens, heads * valueDimension], zeroed: isPartial))
  try cancellation?.check()
  let computations = unsafe segments.map { segment in
    unsafe AttentionGradientComputation(
      shape: AttentionShape(
        queries.rows(segment), keys.rows(segment), heads: heads, keyValueHeads: keyValueHeads,
        scale: scale, isCausal: causal, keyMask: nil),
      values: values.rows(segment).floatPointer, valueDimension: valueDimension,
      output: output.rows(segment).floatPointer, gradient: gradient.rows(segment).floatPointer,
      logSumExp: logSumExp.rows(segment).floatPointer,
      queryGradient: result.queries.rows(segment).mutableFloatPointer,
      keyGradient: result.keys.rows(segment).mutableFloatPointer,
      valueGradient: result.values.rows(segment).mutableFloatPointer)
  }
  Compute.pool.divide(count: segments.count * heads) { range in
    for task in range {
      if let cancellation, cancellation.isCancelled { return }
      unsafe computations[task / heads].run(head: task % heads, cancellation)
    }
  }
  withExtendedLifetime(
    (queries, keys, values, gradient, output, logSumExp, result.queries, result.keys, result.values)
  ) {}
  try cancellation?.check()
  let group = heads / keyValueHeads
  if group > 1 {
    result.keys = sumOfGroups(result.keys, groups: keyValueHeads, members: group)
    result.values = sumOfGroups(result.values, groups: keyValueHeads, members: group)
  }
  return result
}

/// Whether segments, in their order, leave out no token.
private func coversAll(_ segments: [Range<Int>], _ tokens: Int) -> Bool {
  var end = 0
  for segment in segments {
    if segment.lowerBound != end { return false }
    end = segment.upperBound
  }
  return end == tokens
}
