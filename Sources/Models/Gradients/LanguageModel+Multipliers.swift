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
    try check(embeddings: embeddings)
    guard baseline.shape == embeddings.shape else {
      throw ModelError.wrongInputShape(found: baseline.shape, expected: embeddings.shape)
    }
    let (whole, rows) = (
      embeddings.shape[0], try rows(of: .logits(target), tokens: embeddings.shape[0])
    )
    let count = configuration.isCausal ? rows.upperBound : whole
    if let limit = configuration.selectedKeys, count > limit {
      throw ModelError.noSelectedChanges(model: name, tokens: count, limit: limit)
    }
    let batch = TextBatch([(count, 0..<count, count), (count, 0..<count, count)])
    var options = GradientOptions(rule: .rescale)
    options.memoryLimit = memoryLimit
    var pass = try pass(
      from: 0, batch: batch, longest: count, results: 0, options: options,
      cancellation: cancellation)
    return try computing {
      let both = try Tensor.concatenated(
        [embeddings, baseline].map { $0.rows(0..<count).converted(to: .float32) }, axis: 0)
      // What is added to the tokens' vectors, such as positions, is the same in both.
      let entry = try network.recordEntry(
        both, constants: pass.constants, cancellation: cancellation)
      let hidden = try pass.forward(entry.output)
      let constants = pass.constants
      let end = try target.change(
        in: hidden, rows: rows,
        finish: {
          try network.recordFinish($0, constants: constants, cancellation: cancellation)
        },
        scores: {
          try network.recordLogits($0, of: $1, constants: constants, cancellation: cancellation)
        }, cancellation: cancellation)
      let slope = try entry.pullback(
        try pass.back([end.slope]) { _, _, _ in }[0], cancellation)
      return RescaledMultipliers(
        multipliers: try slope.rows(0..<count).padded(to: whole), value: end.value,
        baselineValue: end.baselineValue)
    }
  }
}

extension LogitTarget {
  /// The scalar of both texts of a pair, from what leaves the last layer, and its multipliers with respect to that.
  ///
  /// - Parameters:
  ///   - hidden: what leaves the last layer, `[2 · tokens, width]`.
  ///   - rows: the tokens whose scores count.
  ///   - finish: what follows the last layer.
  ///   - scores: the scores of some tokens, or of all.
  ///   - cancellation: stops the way back.
  func change(
    in hidden: Tensor, rows: Range<Int>, finish: (Tensor) throws -> RecordedStep,
    scores: (Tensor, [Int]?) throws -> RecordedStep, cancellation: Cancellation?
  ) throws -> (value: Double, baselineValue: Double, slope: Tensor) {
    let half = hidden.shape[0] / 2
    let places = Array(rows) + rows.map { half + $0 }
    let finished = try finish(hidden.gatheringRows(places))
    let scored = try scores(finished.output, neededIDs)
    let (own, other) = (
      scored.output.rows(0..<rows.count), scored.output.rows(rows.count..<2 * rows.count)
    )
    let multipliers = multipliers(own, other)
    let slope = try finished.pullback(
      try scored.pullback(
        try Tensor.concatenated([multipliers, multipliers], axis: 0), cancellation),
      cancellation)
    var padded = Tensor(zeros: hidden.shape)
    try padded.replaceRows(startingAt: rows.lowerBound, with: slope.rows(0..<rows.count))
    return (evaluate(own).value, evaluate(other).value, padded)
  }

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
