import Glibc
import Models
import Tensors

/// The tokens that each expert of a layer got.
struct ExpertLoad {
  let correction: Parameter?
  var counts: [Int]
}

/// The parameters of a mixture of experts.
struct MixturePlan {
  let router: Parameter
  let correction: Parameter?
  let experts: [FeedForwardPlan]
  let shared: FeedForwardPlan?
  let chosen: Int
  let rule: RoutingRule
}

/// Which expert's output a token gets, and where its weight stands.
private struct Use {
  var rows: [Int32] = []
  /// Indices into the weights of all tokens, `[tokens, chosen]`.
  var places: [Int] = []
}

extension Tape {
  /// `Σ weight · expert(x)` over each token's chosen experts, and what all tokens share, added to `residual`.
  ///
  /// Choices are taken as they are: gradients flow through the weights of the chosen and through their experts. With
  /// `balance` above 0 each text adds `balance · Σ_i f_i P_i` to the loss, the share of its tokens that chose
  /// expert i (times experts over chosen) with the mean of its normalised probability (DeepSeek-AI 2024,
  /// arXiv:2412.19437, equations 17 to 20), which only the gradients show.
  func mixture(
    _ x: Variable, _ plan: MixturePlan, segments: [Range<Int>], balance: Float,
    addedTo residual: Variable
  ) throws -> Variable {
    let scores = try linear(x, plan.router)
    let routing = ExpertChoice(
      scores.value, plan, correction: plan.correction.map { parameters[$0].floats })
    loads.append(ExpertLoad(correction: plan.correction, counts: routing.counts))
    let weights = self.weights(scores, plan, routing, segments, balance)
    var uses = [Use](repeating: Use(), count: plan.experts.count)
    for (place, expert) in routing.chosen.enumerated() {
      uses[expert].rows.append(Int32(place / plan.chosen))
      uses[expert].places.append(place)
    }
    var stream = residual
    if let shared = plan.shared { stream = try gatedFeedForward(x, shared, addedTo: stream) }
    var outputs: [(output: Variable, use: Use)] = []
    for (expert, use) in zip(plan.experts, uses) where !use.rows.isEmpty {
      outputs.append((try gatedFeedForward(rows(x, use.rows), expert), use))
    }
    return combine(outputs, weights: weights, routing.weights, addedTo: stream)
  }

  /// Some rows of a variable.
  private func rows(_ x: Variable, _ rows: [Int32]) -> Variable {
    let result = variable(x.value.gatheringRows(rows.map { Int($0) }))
    let (source, shape) = (x.index, x.value.shape)
    record(from: result.index) { tape, gradient in
      var sum = tape.take(source) ?? Tensor(zeros: shape)
      sum.addRows(rows, gradient)
      tape.put(sum, for: source)
    }
    return result
  }

  /// The weights of the chosen experts, `[tokens, chosen]`, which `routing` holds already, with the way back to the scores.
  private func weights(
    _ scores: Variable, _ plan: MixturePlan, _ routing: ExpertChoice, _ segments: [Range<Int>],
    _ balance: Float
  ) -> Variable {
    let result = variable(
      Tensor(shape: [scores.value.rowCount, plan.chosen], routing.weights))
    let (source, shape) = (scores.index, scores.value.shape)
    record(from: result.index) { tape, gradient in
      var slopes = routing.slopes(of: gradient.floats, plan)
      if balance > 0 { routing.addBalance(balance, segments, plan, to: &slopes) }
      routing.throughScoring(&slopes, plan.rule.scoring)
      tape.add(Tensor(shape: shape, slopes), to: source)
    }
    return result
  }

  /// The weighted sum of the experts' outputs, each row's in the order of the experts, added to `residual`.
  private func combine(
    _ outputs: [(output: Variable, use: Use)], weights: Variable, _ factors: [Float],
    addedTo residual: Variable
  ) -> Variable {
    var sum = residual.value
    for (output, use) in outputs {
      sum.addWeightedRows(use.rows, output.value, factors: use.places.map { factors[$0] })
    }
    let result = variable(sum)
    let (target, shape) = (residual.index, weights.value.shape)
    record(from: result.index) { tape, gradient in
      var slopes = [Float](repeating: 0, count: factors.count)
      for (output, use) in outputs {
        for (place, product) in zip(use.places, gradient.rowProducts(use.rows, output.value)) {
          slopes[place] = product
        }
        tape.add(
          gradient.gatheringWeightedRows(use.rows, factors: use.places.map { factors[$0] }),
          to: output.index)
      }
      tape.add(Tensor(shape: shape, slopes), to: weights.index)
      tape.add(gradient, to: target)
    }
    return result
  }
}

/// The choice of a layer's experts by all tokens.
private struct ExpertChoice {
  let experts: Int
  /// Each token's chosen experts, one token after the other.
  let chosen: [Int]
  /// By what each chosen expert's output is multiplied.
  let weights: [Float]
  /// What scores became, `[tokens, experts]`.
  let probabilities: [Float]
  /// How many tokens chose each expert.
  let counts: [Int]

  init(_ scores: Tensor, _ plan: MixturePlan, correction: [Float]?) {
    experts = scores.rowLength
    switch plan.rule.scoring {
    case .softmax: probabilities = softmax(scores).floats
    case .sigmoid: probabilities = scores.floats.map { 1 / (1 + expf(-$0)) }
    case .rootSoftplus:
      probabilities = scores.floats.map {
        (max($0, 0) + log1pf(expf(-abs($0)))).squareRoot()
      }
    }
    var chosen: [Int] = []
    var weights: [Float] = []
    var counts = [Int](repeating: 0, count: experts)
    for row in 0..<scores.rowCount {
      let line = probabilities[row * experts..<(row + 1) * experts]
      let choice = plan.rule.choose(plan.chosen, line, correction: correction)
      for expert in choice { counts[expert] += 1 }
      chosen += choice
      weights += plan.rule.weights(choice, line)
    }
    self.chosen = chosen
    self.weights = weights
    self.counts = counts
  }

  /// The gradient with respect to the probabilities, from that of the weights.
  func slopes(of gradient: [Float], _ plan: MixturePlan) -> [Float] {
    var slopes = [Float](repeating: 0, count: probabilities.count)
    let count = plan.chosen
    for row in 0..<chosen.count / max(1, count) {
      let places = row * count..<(row + 1) * count
      var total: Float = 1
      var level: Float = 0
      if plan.rule.normalizes {
        total = places.reduce(1e-20) { $0 + probabilities[row * experts + chosen[$1]] }
        level = places.reduce(0) { $0 + gradient[$1] * probabilities[row * experts + chosen[$1]] }
        level /= total
      }
      for place in places {
        slopes[row * experts + chosen[place]] = plan.rule.scale * (gradient[place] - level) / total
      }
    }
    return slopes
  }

  /// Adds the gradient of each text's balance.
  func addBalance(
    _ balance: Float, _ segments: [Range<Int>], _ plan: MixturePlan, to slopes: inout [Float]
  ) {
    for segment in segments {
      var shares = [Float](repeating: 0, count: experts)
      let unit = Float(experts) / Float(plan.chosen * segment.count)
      for row in segment {
        for place in row * plan.chosen..<(row + 1) * plan.chosen { shares[chosen[place]] += unit }
      }
      for row in segment {
        let line = row * experts..<(row + 1) * experts
        let total = probabilities[line].reduce(0, +)
        let mean =
          line.reduce(0) { $0 + shares[$1 - line.lowerBound] * probabilities[$1] } / total
        let factor = balance / Float(segment.count) / total
        for index in line { slopes[index] += factor * (shares[index - line.lowerBound] - mean) }
      }
    }
  }

  /// From the gradient with respect to the probabilities to that with respect to the scores.
  func throughScoring(_ slopes: inout [Float], _ scoring: RoutingRule.Scoring) {
    switch scoring {
    case .sigmoid:
      for index in slopes.indices {
        slopes[index] *= probabilities[index] * (1 - probabilities[index])
      }
    case .rootSoftplus:
      // Of p = √softplus(x): the logistic function is 1 - exp(-p²).
      for index in slopes.indices where probabilities[index] > 0 {
        let root = probabilities[index]
        slopes[index] *= -expm1f(-root * root) / (2 * root)
      }
    case .softmax:
      for row in 0..<slopes.count / max(1, experts) {
        let line = row * experts..<(row + 1) * experts
        let level = line.reduce(0) { $0 + slopes[$1] * probabilities[$1] }
        for index in line { slopes[index] = probabilities[index] * (slopes[index] - level) }
      }
    }
  }
}
