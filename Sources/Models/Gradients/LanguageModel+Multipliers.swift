public import Tensors

/// By what the changes of a text's vectors from a baseline are multiplied to give a scalar's change.
public struct RescaledMultipliers: Sendable {
  /// The multipliers, `[tokens, width]`.
  public let multipliers: Tensor
  /// The scalar of the text.
  public let value: Double
  /// The scalar of the baseline.
  public let baselineValue: Double
}

extension LanguageModel {
  /// DeepLIFT's multipliers by the rescale rule (Shrikumar, Greenside and Kundaje 2017, arXiv:1704.02685): from a run of
  /// a text and one of a baseline, back through every step as its change over its argument's.
  ///
  /// Products go back with the mean of the other factor's two values, the softmax with logarithmic means, norms as what
  /// they are made of. The changes times the multipliers sum to `value − baselineValue`, but for experts, whose router is
  /// taken as given.
  ///
  /// - Parameters:
  ///   - target: the scalar.
  ///   - embeddings: the vectors of the text's tokens, `[tokens, width]`.
  ///   - baseline: those that they are compared with, of the same shape.
  /// - Throws: `ModelError`, also where an indexer selects among the keys of so many tokens; `Cancelled`.
  public func multipliers(
    of target: LogitTarget, embeddings: Tensor, baseline: Tensor, memoryLimit: Int? = nil,
    cancellation: Cancellation? = nil
  ) throws -> RescaledMultipliers {
    let network = try differentiable
    guard configuration.isCausal else { throw ModelError.notCausal(model: name) }
    try check(embeddings: embeddings)
    guard baseline.shape == embeddings.shape else {
      throw ModelError.wrongInputShape(found: baseline.shape, expected: embeddings.shape)
    }
    let (whole, rows) = (
      embeddings.shape[0], try rows(of: .logits(target), tokens: embeddings.shape[0])
    )
    let count = rows.upperBound
    if let limit = configuration.selectedKeys, count > limit {
      throw ModelError.noRelevanceRules(architecture: architecture)
    }
    let batch = TextBatch([(count, 0..<count, count), (count, 0..<count, count)])
    var options = GradientOptions(rule: .rescale)
    options.memoryLimit = memoryLimit
    var pass = try pass(
      from: 0, batch: batch, longest: count, results: 0, options: options,
      cancellation: cancellation)
    return try computing {
      // What is added to the tokens' vectors, such as positions, is the same in both.
      let entries = try [embeddings, baseline].map {
        try network.recordEntry(
          $0.rows(0..<count).converted(to: .float32), cancellation: cancellation
        ).output
      }
      let hidden = try pass.forward(try Tensor.concatenated(entries, axis: 0))
      let end = try pass.end(hidden, rescaling: target, rows: rows)
      let slope = try pass.back([end.slope]) { _, _, _ in }[0].rows(0..<count)
      return RescaledMultipliers(
        multipliers: try slope.padded(to: whole), value: end.value,
        baselineValue: end.baselineValue)
    }
  }
}

extension GradientPass {
  /// The scalar of both texts of a pair, and its multipliers with respect to what leaves the last layer.
  func end(
    _ hidden: Tensor, rescaling target: LogitTarget, rows: Range<Int>
  ) throws -> (value: Double, baselineValue: Double, slope: Tensor) {
    let half = hidden.shape[0] / 2
    let places = Array(rows) + rows.map { half + $0 }
    let finish = try network.recordFinish(
      hidden.gatheringRows(places), constants: constants, cancellation: cancellation)
    let scores = try network.recordLogits(
      finish.output, of: target.neededIDs, cancellation: cancellation)
    let (own, other) = (
      scores.output.rows(0..<rows.count), scores.output.rows(rows.count..<2 * rows.count)
    )
    let multipliers = target.multipliers(own, other)
    let slope = try finish.pullback(
      try scores.pullback(
        try Tensor.concatenated([multipliers, multipliers], axis: 0), cancellation),
      cancellation)
    var padded = Tensor(zeros: hidden.shape)
    try padded.replaceRows(startingAt: rows.lowerBound, with: slope.rows(0..<rows.count))
    return (target.evaluate(own).value, target.evaluate(other).value, padded)
  }
}

extension LogitTarget {
  /// The multipliers of the scores `[rows, neededIDs or vocabulary]` where they change from `other` to `own`.
  func multipliers(_ own: Tensor, _ other: Tensor) -> Tensor {
    guard measure == .logProbability else { return evaluate(own).gradient }
    let columns = own.shape[1]
    var result = [Float](repeating: 0, count: own.count)
    for row in 0..<own.shape[0] {
      let here = terms.filter { $0.position == rows.lowerBound + row }
      if here.isEmpty { continue }
      // Δ ln p = Δz − Σ m Δz / Σ m, with the same m as in the attention's softmax.
      let shares = logarithmicMeans(own.row(row), other.row(row))
      let total = shares.reduce(0, +)
      let weight = here.reduce(0) { $0 + $1.weight }
      for column in 0..<columns {
        result[row * columns + column] = Float(total > 0 ? -weight * shares[column] / total : 0)
      }
      for term in here { result[row * columns + term.id] += Float(term.weight) }
    }
    return Tensor(shape: own.shape, result)
  }
}
