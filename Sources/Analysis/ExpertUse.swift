public import Models
public import Tensors

/// Which experts the tokens of a text use in one layer, why, and how evenly.
///
/// DeepSeek-MoE (Dai et al. 2024, arXiv:2401.06066), DeepSeek-V2 with groups (arXiv:2405.04434) and V3 with corrections
/// that only the choice sees (arXiv:2412.19437).
public struct ExpertUse: Sendable {
  /// The layer.
  public let layer: Int
  /// By what each expert's output is multiplied, `[tokens, experts]`: 0 where it wasn't chosen.
  public let weights: Tensor
  /// How well each expert suits each token, `[tokens, experts]`: shares, or each for itself from 0 to 1.
  public let scores: Tensor
  /// The chosen experts of each token, the most wanted first.
  public let choices: [[Int]]
  /// How the layer's router chooses, and its corrections where it has any.
  public let router: ExpertRouter
  /// The groups that each token chose from, or `nil` where there is no limit.
  public let groups: [[Int]]?
  /// What each group was worth to each token, `[tokens, groups]`, or `nil` where there is no limit.
  public let groupWorths: Tensor?
  /// The experts that each token chose only because of the corrections, or `nil` where there are none.
  public let corrected: [[Int]]?

  /// Reads a trace.
  ///
  /// - Throws: `ModelError` where there is no such layer or routing wasn't kept; `MissingPartError` where the layer is dense.
  public init(_ trace: Trace, layer: Int) throws {
    let routing = try trace.routing(layer)
    let router = try trace.model.expertRouter(layer)
    let (tokens, experts) = (routing.tokenCount, routing.probabilities.shape[1])
    let choices = (0..<tokens).map { routing.experts(of: $0) }
    let factors = routing.weights.floats
    var weights = [Float](repeating: 0, count: tokens * experts)
    for (token, chosen) in choices.enumerated() {
      for (place, expert) in chosen.enumerated() {
        weights[token * experts + expert] = factors[token * routing.chosenCount + place]
      }
    }
    let scores = (0..<tokens).map { routing.probabilities.row($0) }
    self.layer = layer
    self.choices = choices
    self.router = router
    self.scores = routing.probabilities
    self.weights = Tensor(shape: [tokens, experts], weights)
    let isLimited = router.keptGroupCount < router.groupCount
    groups = isLimited ? scores.map { router.keptGroups($0) } : nil
    groupWorths =
      isLimited
      ? Tensor(
        shape: [tokens, router.groupCount], scores.flatMap { router.groupWorths($0) }) : nil
    corrected =
      router.correction == nil
      ? nil
      : zip(scores, choices).map { scores, chosen in
        let plain = Set(router.choiceWithoutCorrection(routing.chosenCount, scores))
        return chosen.filter { !plain.contains($0) }
      }
  }

  /// How many tokens chose each expert.
  public var counts: [Int] {
    var counts = [Int](repeating: 0, count: weights.shape[1])
    for expert in choices.joined() { counts[expert] += 1 }
    return counts
  }

  /// The load of each expert: its share of all choices, times the number of experts, so that 1 is an even share.
  public var load: [Double] {
    let counts = counts
    let total = Double(max(1, counts.reduce(0, +)))
    return counts.map { Double($0) / total * Double(counts.count) }
  }

  /// How many experts, evenly used, would be as uneven: 2 to the power of the entropy of the choices.
  public var effectiveCount: Double {
    exponential(entropy(load.map { Float($0 / Double(load.count)) }) * 0.693_147_180_559_945_3)
  }
}
