import CKernels

/// The derivatives of an attention with respect to what it was made of, each in the shape of its input.
public struct AttentionGradient: Sendable {
  /// With respect to the queries, `[queries, heads · d]`.
  public var queries: Tensor
  /// With respect to the keys, `[keys, keyValueHeads · d]`.
  public var keys: Tensor
  /// With respect to the values, `[keys, keyValueHeads · dv]`.
  public var values: Tensor

  /// Makes gradients.
  public init(queries: Tensor, keys: Tensor, values: Tensor) {
    self.queries = queries
    self.keys = keys
    self.values = values
  }
}

/// The derivatives of `attention` with respect to its queries, keys and values, from the gradient with respect to
/// its output `[queries, heads · dv]`.
///
/// Probabilities are computed again a tile at a time from queries, keys and the rows' log-sum-exp, so that
/// no map of queries × keys is in memory (Dao 2023, arXiv:2307.08691, algorithm 2). `output` and
/// `logSumExp` `[queries, heads]` are what `attention` gave. Each head is one thread's work from its first to its last tile,
/// and heads that share keys are summed in their order. Precondition: the shapes fit. Throws `Cancelled`.
public func attentionGradient(
  _ gradient: Tensor, queries: Tensor, keys: Tensor, values: Tensor, output: Tensor,
  logSumExp: Tensor, heads: Int, keyValueHeads: Int, scale: Float, causal: Bool,
  keyMask: [Bool]? = nil, cancellation: Cancellation? = nil
) throws(Cancelled) -> AttentionGradient {
  let queries = queries.widened()
  let keys = keys.widened()
  let values = values.widened()
  let gradient = gradient.widened()
  let output = output.widened()
  let logSumExp = logSumExp.widened()
  let shape = unsafe AttentionShape(
    queries, keys, heads: heads, keyValueHeads: keyValueHeads, scale: scale, isCausal: causal,
    keyMask: keyMask)
  precondition(
    values.rank == 2 && values.shape[0] == keys.shape[0] && values.shape[1] % keyValueHeads == 0,
    "values of shape \(values.shape) for keys of shape \(keys.shape)")
  let valueDimension = values.shape[1] / keyValueHeads
  precondition(
    output.shape == [queries.shape[0], heads * valueDimension] && gradient.shape == output.shape
      && logSumExp.shape == [queries.shape[0], heads],
    "an attention's output \(output.shape), gradient \(gradient.shape), sums \(logSumExp.shape)")
  let group = heads / keyValueHeads
  // A gradient for each query head; those of one key head are added up below.
  let dimension = queries.shape[1] / heads
  var result = AttentionGradient(
    queries: Tensor(uninitialized: queries.shape),
    keys: Tensor(uninitialized: [keys.shape[0], heads * dimension]),
    values: Tensor(uninitialized: [keys.shape[0], heads * valueDimension]))
  try cancellation?.check()
  let computation = unsafe AttentionGradientComputation(
    shape: shape, values: values.floatPointer, valueDimension: valueDimension,
    output: output.floatPointer, gradient: gradient.floatPointer,
    logSumExp: logSumExp.floatPointer, queryGradient: result.queries.mutableFloatPointer,
    keyGradient: result.keys.mutableFloatPointer, valueGradient: result.values.mutableFloatPointer)
  Compute.pool.divide(count: heads) { range in
    for head in range { unsafe computation.run(head: head, cancellation) }
  }
  withExtendedLifetime(
    (queries, keys, values, gradient, output, logSumExp, result.queries, result.keys, result.values)
  ) {}
  try cancellation?.check()
  if group > 1 {
    result.keys = sumOfGroups(result.keys, groups: keyValueHeads, members: group)
    result.values = sumOfGroups(result.values, groups: keyValueHeads, members: group)
  }
  return result
}

/// Adds up the heads of each group: `[rows, groups · members · d]` to `[rows, groups · d]`.
func sumOfGroups(_ x: Tensor, groups: Int, members: Int) -> Tensor {
  let width = x.shape[1] / (groups * members)
  let result = Tensor(uninitialized: [x.shape[0], groups * width])
  let kernels = Compute.kernels
  withExtendedLifetime((x, result)) {
    let from = unsafe x.floatPointer
    let to = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: x.shape[0] * groups, grain: rowGrain(width * members)) { range in
      for place in range {
        let source = unsafe from + place * members * width
        let target = unsafe to + place * width
        unsafe target.update(from: source, count: width)
        for member in 1..<members {
          unsafe kernels.table.pointee.add(source + member * width, target, Int64(width))
        }
      }
    }
  }
  return result
}
