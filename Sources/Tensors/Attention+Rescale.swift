import Glibc

/// The way back through attention by DeepLIFT's rescale rule, for pairs as those of `activationRescale`: the text's
/// tokens, then as many of what it is compared with, whose queries see the keys of their own half alone.
///
/// Products go back with the mean of the other factor's two values. With p = eᵘ and u = z − ln Σ eᶻ the softmax's change is
/// Δp = m (Δz − Σ m Δz / Σ m), where m = Δp / Δu is the logarithmic mean of both probabilities: what the rule says of the
/// exponential, with the logarithm's change shared by what each score brings to it. Where both are equal, it is the derivative.
///
/// - Parameters:
///   - multipliers: of the heads' results, `[2 · queries, heads · dv]`.
///   - queries: `[2 · queries, heads · d]`; `keys` and `values` `[2 · keys, keyValueHeads · …]`.
///   - causal: whether a query sees the keys up to its own place, or all; as many of both in the first case.
///   - bias: what is added to the scaled scores `[queries, keys]` of one head for some queries and so many keys, the same in
///     both halves, such as a bias by distance.
///
/// Precondition: the shapes fit. Throws `Cancelled`.
public func attentionRescale(
  _ multipliers: Tensor, queries: Tensor, keys: Tensor, values: Tensor, heads: Int,
  keyValueHeads: Int, scale: Float, causal: Bool = true,
  bias: ((_ head: Int, _ queries: Range<Int>, _ keys: Int) -> [Float])? = nil,
  cancellation: Cancellation? = nil
) throws(Cancelled) -> AttentionGradient {
  let (half, keyHalf) = (queries.rowCount / 2, keys.rowCount / 2)
  precondition(
    queries.rowCount == 2 * half && multipliers.rowCount == 2 * half && keys.rowCount == 2 * keyHalf
      && values.rowCount == 2 * keyHalf && (!causal || keyHalf == half), "pairs of tokens")
  let width = queries.rowLength / heads
  let valueWidth = values.rowLength / keyValueHeads
  var result = AttentionGradient(
    queries: Tensor(zeros: queries.shape), keys: Tensor(zeros: keys.shape),
    values: Tensor(zeros: values.shape))
  var queryParts: [Tensor] = []
  var keyParts = [Tensor?](repeating: nil, count: keyValueHeads)
  var valueParts = keyParts
  for head in 0..<heads {
    let group = head / (heads / keyValueHeads)
    func of(_ tensor: Tensor, _ index: Int, _ width: Int) -> (Tensor, Tensor, mean: Tensor) {
      let part = tensor.slice(axis: 1, index * width..<(index + 1) * width)
      let count = part.rowCount / 2
      let (text, base) = (part.rows(0..<count), part.rows(count..<2 * count))
      var mean = text
      mean.add(base)
      mean.scale(by: 0.5)
      return (text, base, mean)
    }
    let (q, k) = (of(queries, head, width), of(keys, group, width))
    let v = of(values, group, valueWidth)
    let slope = multipliers.slice(axis: 1, head * valueWidth..<(head + 1) * valueWidth)
      .rows(0..<half)
    var keySum = keyParts[group] ?? Tensor(zeros: [keyHalf, width])
    var valueSum = valueParts[group] ?? Tensor(zeros: [keyHalf, valueWidth])
    var querySlopes: [Tensor] = []
    for first in stride(from: 0, to: half, by: 64) {
      try cancellation?.check()
      let block = first..<min(half, first + 64)
      let seen = 0..<(causal ? block.upperBound : keyHalf)
      func scores(_ queries: Tensor, _ keys: Tensor) throws(Cancelled) -> [Float] {
        try linear(
          queries.rows(block), weight: keys.rows(seen), bias: nil, precision: .float32,
          cancellation: cancellation
        ).floats
      }
      let added = bias?(head, block, seen.count)
      let back = try linear(
        slope.rows(block), weight: v.mean.rows(seen), bias: nil, precision: .float32,
        cancellation: cancellation
      ).floats
      let (own, other) = (try scores(q.0, k.0), try scores(q.1, k.1))
      var scoreSlopes = [Float](repeating: 0, count: own.count)
      var means = scoreSlopes
      for row in 0..<block.count {
        let start = row * seen.count
        let visible = start..<start + (causal ? first + row + 1 : keyHalf)
        func scaled(_ scores: [Float]) -> [Double] {
          visible.map { Double(scale) * Double(scores[$0]) + Double(added?[$0] ?? 0) }
        }
        softmaxRescale(
          scaled(own), scaled(other), back[visible].map(Double.init)
        ) { place, multiplier, mean in
          scoreSlopes[start + place] = Float(Double(scale) * multiplier)
          means[start + place] = Float(mean)
        }
      }
      let shape = [block.count, seen.count]
      let (change, mean) = (Tensor(shape: shape, scoreSlopes), Tensor(shape: shape, means))
      querySlopes.append(try matrixProduct(change, k.mean.rows(seen), cancellation: cancellation))
      try keySum.addFirstRows(
        try matrixProduct(change.transposed(), q.mean.rows(block), cancellation: cancellation))
      try valueSum.addFirstRows(
        try matrixProduct(mean.transposed(), slope.rows(block), cancellation: cancellation))
    }
    queryParts.append(joined(querySlopes, axis: 0))
    (keyParts[group], valueParts[group]) = (keySum, valueSum)
  }
  try result.queries.replaceRows(startingAt: 0, with: joined(queryParts, axis: 1))
  try result.keys.replaceRows(startingAt: 0, with: joined(keyParts.compactMap(\.self), axis: 1))
  try result.values.replaceRows(
    startingAt: 0, with: joined(valueParts.compactMap(\.self), axis: 1))
  return result
}

/// Tensors that fit, one after the other.
private func joined(_ parts: [Tensor], axis: Int) -> Tensor {
  do {
    return try Tensor.concatenated(parts, axis: axis)
  } catch {
    preconditionFailure("parts of \(parts.map(\.shape))")
  }
}

extension Tensor {
  /// Adds rows to the first of these.
  fileprivate mutating func addFirstRows(_ other: Tensor) throws(Cancelled) {
    var part = rows(0..<other.rowCount)
    part.add(other)
    try replaceRows(startingAt: 0, with: part)
  }
}

/// The multipliers of a softmax's scores from those of its probabilities, with the mean of both probabilities.
private func softmaxRescale(
  _ scores: [Double], _ others: [Double], _ multipliers: [Double],
  _ write: (Int, Double, Double) -> Void
) {
  let (own, other) = (logSoftmax(scores), logSoftmax(others))
  let changes = zip(own, other).map(logarithmicMean)
  let total = changes.reduce(0, +)
  let level =
    total > 0 ? zip(changes, multipliers).reduce(0) { $0 + $1.0 * $1.1 } / total : 0
  for place in scores.indices {
    write(
      place, changes[place] * (multipliers[place] - level),
      (Glibc.exp(own[place]) + Glibc.exp(other[place])) / 2)
  }
}

private func logSoftmax(_ scores: [Double]) -> [Double] {
  let largest = scores.max() ?? 0
  let level = largest + Glibc.log(scores.reduce(0) { $0 + Glibc.exp($1 - largest) })
  return scores.map { $0 - level }
}

/// (eᵘ − eᵛ) / (u − v), without a difference of nearly equal numbers.
private func logarithmicMean(_ own: Double, _ other: Double) -> Double {
  let apart = own - other
  return abs(apart) < 1e-9 ? Glibc.exp(own) : Glibc.exp(other) * Glibc.expm1(apart) / apart
}

/// The logarithmic means of the probabilities that the softmax makes of two rows of scores.
///
/// Precondition: as many scores in both.
public func logarithmicMeans(_ scores: [Float], _ others: [Float]) -> [Double] {
  precondition(scores.count == others.count, "two rows of one length")
  return zip(logSoftmax(scores.map(Double.init)), logSoftmax(others.map(Double.init)))
    .map(logarithmicMean)
}
