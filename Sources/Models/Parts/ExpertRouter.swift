/// How a layer's router turns scores into choices.
public struct ExpertRouter: Sendable {
  package let rule: RoutingRule
  /// What is added to each expert's score for the choice (but not for its weight), where corrections are learned.
  public let correction: [Float]?

  /// Whether a table of tokens chooses, and scores decide nothing but the weights.
  public var isFixed = false

  /// What scores are made by: `softmax`, `sigmoid` or `square root of softplus`.
  public var scoring: String {
    switch rule.scoring {
    case .softmax: "softmax"
    case .sigmoid: "sigmoid"
    case .rootSoftplus: "square root of softplus"
    }
  }

  /// Whether scores are each for itself from 0 to 1, and not shares that sum to 1.
  public var isSigmoid: Bool { rule.scoring == .sigmoid }
  /// How many groups the experts lie in.
  public var groupCount: Int { rule.groups }
  /// From how many of the groups a token may choose.
  public var keptGroupCount: Int { min(rule.keptGroups, rule.groups) }

  /// What each group is worth to a token with these scores.
  public func groupWorths(_ scores: [Float]) -> [Float] { rule.groupWorths(wanted(scores)) }

  /// The groups that a token with these scores chooses from, in rising order; all where there is no limit.
  public func keptGroups(_ scores: [Float]) -> [Int] { rule.chosenGroups(wanted(scores)) }

  /// The experts that a token would choose without the corrections, the most wanted first.
  public func choiceWithoutCorrection(_ count: Int, _ scores: [Float]) -> [Int] {
    rule.choose(count, scores[...], correction: nil)
  }

  private func wanted(_ scores: [Float]) -> [Float] {
    correction.map { zip(scores, $0).map { $0 + $1 } } ?? scores
  }
}

extension LanguageModel {
  /// The router of a layer.
  ///
  /// - Throws: `ModelError` where there is no such layer; `MissingPartError` where its feed-forward part is dense.
  public func expertRouter(_ layer: Int) throws -> ExpertRouter {
    guard (0..<configuration.layers).contains(layer) else {
      throw ModelError.layerOutOfRange(layer, count: configuration.layers)
    }
    guard let router = network.expertRouter(layer) else {
      throw MissingPartError.noExperts(
        layer: layer, layersWithExperts: configuration.experts?.layers ?? [])
    }
    return router
  }
}
