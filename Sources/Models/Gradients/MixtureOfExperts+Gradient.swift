import Glibc
import Tensors

extension MixtureOfExperts {
  /// The tokens that one expert serves, with the way back through it.
  private struct Use: Sendable {
    let expert: Int
    /// The tokens' rows.
    let rows: [Int]
    /// By what the expert's output is multiplied for each.
    let weights: [Float]
    /// By what its gradient is multiplied: the same, but for pairs, which have the mean of both weights.
    let backWeights: [Float]
    let step: RecordedStep
  }

  /// The part's output for normed rows `[rows, width]`, with its way back.
  ///
  /// Which experts a token chooses is taken as given; how much it listens to each depends on the token and is
  /// followed back through the router, but for relevance, to which the router is given too.
  func record(
    _ x: Tensor, _ rule: BackwardRule, cancellation: Cancellation?
  ) throws -> RecordedStep {
    let routing = try route(x, cancellation)
    let uses = try uses(of: routing, x, rule, cancellation)
    let width = x.shape[1]
    var sums = [Float](repeating: 0, count: x.count)
    for use in uses {
      let output = use.step.output.floats
      for (index, row) in use.rows.enumerated() {
        let (source, target, weight) = (index * width, row * width, use.weights[index])
        for column in 0..<width { sums[target + column] += weight * output[source + column] }
      }
    }
    var output = Tensor(shape: x.shape, sums)
    let common = try shared?.record(x, rule, cancellation: cancellation)
    if let common { output.add(common.output) }
    let steps = uses.map(\.step) + [common].compactMap(\.self)
    let kept = uses.map(\.step.output) + [routing.probabilities]
    return RecordedStep(output: output, steps, keeping: kept) { gradient, cancellation in
      var result =
        rule.isDerivative
        ? try routerGradient(gradient, routing, uses, cancellation) : Tensor(zeros: gradient.shape)
      if let common { result.add(try common.pullback(gradient, cancellation)) }
      var sums = result.floats
      for use in uses {
        var slopes = gradient.gatheringRows(use.rows).floats
        for (index, weight) in use.backWeights.enumerated() {
          for place in index * width..<(index + 1) * width { slopes[place] *= weight }
        }
        let inner = try use.step.pullback(
          Tensor(shape: [use.rows.count, width], slopes), cancellation
        ).floats
        for (index, row) in use.rows.enumerated() {
          for column in 0..<width { sums[row * width + column] += inner[index * width + column] }
        }
      }
      return Tensor(shape: result.shape, sums)
    }
  }

  /// Every expert's tokens, in the order of the experts; of experts that nobody chose nothing.
  private func uses(
    of routing: ExpertRouting, _ x: Tensor, _ rule: BackwardRule, _ cancellation: Cancellation?
  ) throws -> [Use] {
    let factors = routing.weights.floats
    var rows = [[Int]](repeating: [], count: experts.count)
    var weights = [[Float]](repeating: [], count: experts.count)
    for (place, expert) in routing.experts.enumerated() {
      rows[Int(expert)].append(place / routing.chosenCount)
      weights[Int(expert)].append(factors[place])
    }
    if rule == .rescale { return try pairedUses(rows, weights, x, cancellation) }
    var result: [Use] = []
    for (index, expert) in experts.enumerated() where !rows[index].isEmpty {
      let step = try expert.record(
        x.gatheringRows(rows[index]), rule, cancellation: cancellation)
      result.append(
        Use(
          expert: index, rows: rows[index], weights: weights[index], backWeights: weights[index],
          step: step))
    }
    return result
  }

  /// The uses by a text and its baseline: where either chose an expert, both go through it, the other with the weight 0.
  private func pairedUses(
    _ rows: [[Int]], _ weights: [[Float]], _ x: Tensor, _ cancellation: Cancellation?
  ) throws -> [Use] {
    let half = x.shape[0] / 2
    var result: [Use] = []
    for (index, expert) in experts.enumerated() where !rows[index].isEmpty {
      var weightOf: [Int: Float] = [:]
      for (row, weight) in zip(rows[index], weights[index]) { weightOf[row] = weight }
      let tokens = Set(rows[index].map { $0 % half }).sorted()
      let both = tokens + tokens.map { $0 + half }
      let means = tokens.map { ((weightOf[$0] ?? 0) + (weightOf[$0 + half] ?? 0)) / 2 }
      let step = try expert.record(x.gatheringRows(both), .rescale, cancellation: cancellation)
      result.append(
        Use(
          expert: index, rows: both, weights: both.map { weightOf[$0] ?? 0 },
          backWeights: means + means, step: step))
    }
    return result
  }

  /// The gradient with respect to x by way of the experts' weights.
  private func routerGradient(
    _ gradient: Tensor, _ routing: ExpertRouting, _ uses: [Use], _ cancellation: Cancellation?
  ) throws -> Tensor {
    let (rows, count, width) = (gradient.shape[0], experts.count, gradient.shape[1])
    // With respect to the weight of each expert that a token chose.
    var slopes = [Double](repeating: 0, count: rows * count)
    let gradients = gradient.floats
    for use in uses {
      let output = use.step.output.floats
      for (index, row) in use.rows.enumerated() {
        slopes[row * count + use.expert] = (0..<width).reduce(0.0) {
          $0 + Double(gradients[row * width + $1]) * Double(output[index * width + $1])
        }
      }
    }
    let probabilities = routing.probabilities.floats.map(Double.init)
    var scores = [Float](repeating: 0, count: rows * count)
    for row in 0..<rows {
      let line = row * count..<(row + 1) * count
      let result = rule.scoreGradient(
        Array(slopes[line]), chosen: routing.experts(of: row), Array(probabilities[line]))
      scores.replaceSubrange(line, with: result.map(Float.init))
    }
    return try linearInputGradient(
      Tensor(shape: [rows, count], scores), weight: router, cancellation: cancellation)
  }
}

extension RoutingRule {
  /// The gradient with respect to a token's router scores from that with respect to the weights of the experts
  /// it chose; corrections move choices only.
  func scoreGradient(_ slopes: [Double], chosen: [Int], _ probabilities: [Double]) -> [Double] {
    // w = scale p, or scale p / Σ p over the chosen.
    var gradient = [Double](repeating: 0, count: slopes.count)
    let total = chosen.reduce(1e-20) { $0 + probabilities[$1] }
    let mean = chosen.reduce(0.0) { $0 + slopes[$1] * probabilities[$1] } / total
    for expert in chosen {
      gradient[expert] =
        Double(scale) * (normalizes ? (slopes[expert] - mean) / total : slopes[expert])
    }
    switch scoring {
    case .sigmoid:
      return gradient.indices.map {
        gradient[$0] * probabilities[$0] * (1 - probabilities[$0])
      }
    case .rootSoftplus:
      // Of p = √softplus(x): the logistic function is 1 - exp(-p²).
      return gradient.indices.map {
        let root = probabilities[$0]
        return root > 0 ? gradient[$0] * -expm1(-root * root) / (2 * root) : 0
      }
    case .softmax:
      let level = gradient.indices.reduce(0.0) { $0 + gradient[$1] * probabilities[$1] }
      return gradient.indices.map { probabilities[$0] * (gradient[$0] - level) }
    }
  }
}
