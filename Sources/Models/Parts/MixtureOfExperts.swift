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
  /// The experts of every token of the vocabulary, `[vocabulary, chosen]`, where a table chooses.
  private let table: Tensor?
  private let layer: Int
  let experts: [GatedFeedForward]
  let shared: GatedFeedForward?

  /// Reads `name.gate.weight`, perhaps `name.gate.e_score_correction_bias`, `name.experts.N` and
  /// `name.shared_experts`.
  ///
  /// - Parameters:
  ///   - name: what the names begin with.
  ///   - width: that of the residual stream.
  ///   - sizes: those of the experts.
  ///   - rule: how tokens choose.
  ///   - hasSharedBias: whether the shared experts have biases.
  ///   - names: what an expert's maps are called; with numbers the corrections are `name.gate.bias`.
  ///   - limit: how far an expert's gates and values may go.
  ///   - vocabulary: how many tokens the table `name.gate.tid2eid` chooses for, or `nil` where tokens choose by scores.
  ///   - layer: the layer.
  ///   - weights: what hands out the weights.
  init(
    _ name: String, width: Int, sizes: ExpertSizes, rule: RoutingRule, hasSharedBias: Bool,
    names: GatedFeedForward.Names = .projections, limit: Float? = nil,
    tableOf vocabulary: Int? = nil, layer: Int, weights: inout WeightReader
  ) throws(ModelError) {
    chosenCount = sizes.chosen
    self.layer = layer
    self.rule = rule
    router = try weights.read(
      name + ".gate.weight", [sizes.count, width], part: .router, layer: layer)
    if let vocabulary {
      correction = nil
      table = try weights.readTable(
        name + ".gate.tid2eid", [vocabulary, sizes.chosen], part: .router, layer: layer)
    } else {
      let suffix = names == .numbered ? ".gate.bias" : ".gate.e_score_correction_bias"
      correction =
        rule.hasCorrection
        ? try weights.read(name + suffix, [sizes.count], part: .router, layer: layer) : nil
      table = nil
    }
    var experts: [GatedFeedForward] = []
    for expert in 0..<sizes.count {
      experts.append(
        try GatedFeedForward(
          "\(name).experts.\(expert)", width: width, innerWidth: sizes.innerWidth, hasBias: false,
          names: names, limit: limit, part: .experts, layer: layer, weights: &weights))
    }
    self.experts = experts
    shared =
      sizes.shared == 0
      ? nil
      : try GatedFeedForward(
        name + ".shared_experts", width: width, innerWidth: sizes.shared * sizes.innerWidth,
        hasBias: hasSharedBias, names: names, limit: limit, part: .sharedExperts, layer: layer,
        weights: &weights)
  }

  /// The part's output for normed rows `[rows, width]` of tokens with these ids, and the rows' choices.
  func callAsFunction(
    _ x: Tensor, ids: [Int] = [], _ cancellation: Cancellation?
  ) throws -> (output: Tensor, routing: ExpertRouting) {
    let routing = try route(x, ids: ids, cancellation)
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
  var choosing: ExpertRouter {
    ExpertRouter(rule: rule, correction: correction?.floats, isFixed: table != nil)
  }

  /// The table's experts of tokens, one token after the other.
  private func fixedChoices(_ ids: [Int], rows: Int) throws -> [[Int]]? {
    guard let table else { return nil }
    guard ids.count == rows else { throw ModelError.tokensUnknown(layer: layer) }
    let found = table.gatheringRows(ids)
    return try ids.indices.map { row in
      try found.row(row).map { number in
        guard let expert = Int(exactly: number), experts.indices.contains(expert) else {
          throw ModelError.expertOutOfRange(
            "\(number)", layer: layer, token: ids[row], count: experts.count)
        }
        return expert
      }
    }
  }

  func route(
    _ x: Tensor, ids: [Int] = [], _ cancellation: Cancellation?
  ) throws -> ExpertRouting {
    let fixed = try fixedChoices(ids, rows: x.shape[0])
    let scores = try linear(x, weight: router, bias: nil, cancellation: cancellation)
    let probabilities: Tensor
    switch rule.scoring {
    case .softmax: probabilities = softmax(scores)
    case .sigmoid:
      probabilities = Tensor(shape: scores.shape, scores.floats.map { 1 / (1 + expf(-$0)) })
    case .rootSoftplus:
      probabilities = Tensor(
        shape: scores.shape,
        scores.floats.map { (max($0, 0) + log1pf(expf(-abs($0)))).squareRoot() })
    }
    let values = probabilities.floats
    let correction = correction?.floats
    var chosen: [Int32] = []
    var weights: [Float] = []
    for row in 0..<x.shape[0] {
      let line = values[row * experts.count..<(row + 1) * experts.count]
      let choice =
        fixed?[row].sorted { line[line.startIndex + $0] > line[line.startIndex + $1] }
        ?? rule.choose(chosenCount, line, correction: correction)
      chosen += choice.map { Int32($0) }
      weights += rule.weights(choice, line)
    }
    return ExpertRouting(
      probabilities: probabilities, weights: Tensor(shape: [x.shape[0], chosenCount], weights),
      experts: chosen)
  }
}
