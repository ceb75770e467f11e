import Glibc
import Tensors

/// A feed-forward part of many small ones, of which each token uses a few: `Σ weight · expert(x)` over
/// the chosen experts, plus those that all tokens share.
///
/// Dai et al. 2024, arXiv:2401.06066; with groups DeepSeek-AI 2024, arXiv:2405.04434; with corrected
/// choices arXiv:2412.19437.
struct MixtureOfExperts: Sendable {
  private let chosenCount: Int
  let rule: RoutingRule
  let router: Tensor
  private let correction: Tensor?
  let experts: [GatedFeedForward]
  let shared: GatedFeedForward?

  /// Reads `name.gate.weight`, perhaps `name.gate.e_score_correction_bias`, `name.experts.N` and
  /// `name.shared_experts`.
  init(
    _ name: String, width: Int, sizes: ExpertSizes, rule: RoutingRule, hasSharedBias: Bool,
    layer: Int, weights: inout WeightReader
  ) throws(ModelError) {
    chosenCount = sizes.chosen
    self.rule = rule
    router = try weights.read(
      name + ".gate.weight", [sizes.count, width], part: .router, layer: layer)
    correction =
      rule.hasCorrection
      ? try weights.read(
        name + ".gate.e_score_correction_bias", [sizes.count], part: .router, layer: layer) : nil
    var experts: [GatedFeedForward] = []
    for expert in 0..<sizes.count {
      experts.append(
        try GatedFeedForward(
          "\(name).experts.\(expert)", width: width, innerWidth: sizes.innerWidth, hasBias: false,
          part: .experts, layer: layer, weights: &weights))
    }
    self.experts = experts
    shared =
      sizes.shared == 0
      ? nil
      : try GatedFeedForward(
        name + ".shared_experts", width: width, innerWidth: sizes.shared * sizes.innerWidth,
        hasBias: hasSharedBias, part: .sharedExperts, layer: layer, weights: &weights)
  }

  /// The part's output for normed rows `[rows, width]`, and the rows' choices.
  func callAsFunction(
    _ x: Tensor, _ cancellation: Cancellation?
  ) throws -> (output: Tensor, routing: ExpertRouting) {
    let routing = try route(x, cancellation)
    let (rows, width) = (x.shape[0], x.shape[1])
    var uses = [[(row: Int, weight: Float)]](repeating: [], count: experts.count)
    let factors = routing.weights.floats
    for (place, expert) in routing.experts.enumerated() {
      uses[Int(expert)].append((place / chosenCount, factors[place]))
    }
    // Every row's sum grows in the order of the experts, whatever rows are computed together.
    var sums = [Float](repeating: 0, count: rows * width)
    for (expert, uses) in zip(experts, uses) where !uses.isEmpty {
      let output = try expert(x.gatheringRows(uses.map(\.row)), cancellation).floats
      for (index, use) in uses.enumerated() {
        let (source, target) = (index * width, use.row * width)
        for column in 0..<width { sums[target + column] += use.weight * output[source + column] }
      }
    }
    var result = Tensor(shape: [rows, width], sums)
    if let shared { result.add(try shared(x, cancellation)) }
    return (result, routing)
  }

  /// How tokens choose.
  var choosing: ExpertRouter { ExpertRouter(rule: rule, correction: correction?.floats) }

  func route(_ x: Tensor, _ cancellation: Cancellation?) throws -> ExpertRouting {
    let scores = try linear(x, weight: router, bias: nil, cancellation: cancellation)
    let probabilities: Tensor
    switch rule.scoring {
    case .softmax: probabilities = softmax(scores)
    case .sigmoid:
      probabilities = Tensor(shape: scores.shape, scores.floats.map { 1 / (1 + expf(-$0)) })
    }
    let values = probabilities.floats
    let correction = correction?.floats
    var chosen: [Int32] = []
    var weights: [Float] = []
    for row in 0..<x.shape[0] {
      let line = values[row * experts.count..<(row + 1) * experts.count]
      let choice = rule.choose(chosenCount, line, correction: correction)
      chosen += choice.map { Int32($0) }
      weights += rule.weights(choice, line)
    }
    return ExpertRouting(
      probabilities: probabilities, weights: Tensor(shape: [x.shape[0], chosenCount], weights),
      experts: chosen)
  }
}
