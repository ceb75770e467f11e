import Models
public import Tensors

/// How much each token of a prompt did for what follows it.
public struct Attribution: Sendable {
  /// The ways to tell.
  public enum Method: String, Sendable, Hashable, CaseIterable {
    /// The Euclidean length of the gradient of each token's vector (Simonyan et al. 2013, arXiv:1312.6034).
    case gradientNorm = "gradient_norm"
    /// The gradient times the vector (Shrikumar et al. 2016, arXiv:1605.01713).
    case inputTimesGradient = "input_x_gradient"
    /// The gradients along the way from a baseline (Sundararajan et al. 2017, arXiv:1703.01365).
    case integratedGradients = "integrated_gradients"
    /// Changes followed back from a baseline by DeepLIFT's rescale rule (Shrikumar et al. 2017, arXiv:1704.02685).
    case deepLift = "deeplift"
    /// The length of the mean gradient of noisy copies (Smilkov et al. 2017, arXiv:1706.03825).
    case smoothGrad = "smoothgrad"
    /// Relevance followed back by AttnLRP's rules (Achtibat et al. 2024, arXiv:2402.05602).
    case attentionAwareRelevance = "attn_lrp"
    /// Relevance by rules that lose none of it but to biases (Ali et al. 2022, arXiv:2202.07304).
    case conservingRelevance = "conserving_lrp"
    /// Attention times its gradient, layer by layer (Chefer et al. 2021, arXiv:2103.15679).
    case attentionRelevance = "attention_relevance"
    /// What is lost where a token is replaced by the baseline (Zeiler and Fergus 2014, arXiv:1311.2901).
    case occlusion
    /// Shapley values by sampled orders, each with its reverse (Castro et al. 2009; Mitchell et al. 2022, arXiv:2104.12199).
    case shapley

    /// Whether scores have a sign and are parts of what is explained.
    public var isSigned: Bool {
      self != .gradientNorm && self != .smoothGrad && self != .attentionRelevance
    }

    /// Whether numbers are drawn for it.
    public var isRandom: Bool { self == .shapley || self == .smoothGrad }

    /// What its way back follows.
    var rule: BackwardRule {
      switch self {
      case .attentionAwareRelevance: .attentionAware
      case .conservingRelevance: .conserving
      default: .derivative
      }
    }
  }

  /// What decides the numbers besides the question.
  public struct Options: Sendable, Hashable {
    /// What stands for an absent token.
    public var baseline = AttributionBaseline.beginning
    /// Points on the way from the baseline; `nil` takes as many as bring the delta below 1 % of what is explained, 512 at most.
    public var steps: Int?
    /// Noisy copies of SmoothGrad, orders of Shapley values (an even number).
    public var samples = 20
    /// SmoothGrad's standard deviation as a share of the range of the vectors' numbers.
    public var noise = 0.15
    /// Decides noise and orders.
    public var seed: UInt64 = 0
    /// What is replaced together, as positions of the prompt; `nil` for each token by itself.
    public var units: [[Int]]?

    /// The defaults.
    public init() {}
  }

  /// The way.
  public let method: Method
  /// One number for each token of the prompt; for methods that replace units, the unit's number is divided among its tokens.
  public let scores: [Double]
  /// The gradient that was used, `[tokens of the prompt, width]`, or `nil` for methods without one.
  public let gradient: Tensor?
  /// The scalar that is explained.
  public let value: Double
  /// The same where every token of the prompt is the baseline; `nil` for methods without one.
  public let baselineValue: Double?
  /// By how much the scores' sum misses `value − baselineValue`, or for relevance, which has no baseline, `value`; `nil`
  /// where they needn't add up.
  public let delta: Double?
  /// How many points, copies or orders were used.
  public let steps: Int

  /// Explains.
  ///
  /// - Parameter progress: called with the share that is done.
  /// - Throws: `ModelError` where the model can't be differentiated; `Cancelled`.
  public init(
    _ question: AttributionQuestion, method: Method, options: Options = Options(),
    cancellation: Cancellation? = nil, progress: (Double) -> Void = { _ in }
  ) throws {
    self.method = method
    let width = question.model.configuration.width
    let count = question.promptCount
    let vectors = question.vectors.floats
    func rows(_ numbers: [Float]) -> Tensor {
      Tensor(shape: [count, width], Array(numbers.prefix(count * width)))
    }
    switch method {
    case .gradientNorm, .inputTimesGradient, .attentionAwareRelevance, .conservingRelevance:
      let (value, gradient) = try question.gradient(
        question.vectors, rule: method.rule, cancellation)
      scores = Self.scores(method, gradient, vectors, width: width, count: count)
      (self.gradient, self.value) = (rows(gradient), value)
      (baselineValue, steps) = (nil, 1)
      delta = method.rule == .derivative ? nil : scores.reduce(0, +) - value
    case .attentionRelevance:
      let result = try question.model.attentionRelevance(
        of: question.target, embeddings: question.vectors, cancellation: cancellation)
      (scores, value) = (Array(result.relevance.prefix(count)), result.value)
      (gradient, baselineValue, delta, steps) = (nil, nil, nil, 1)
    case .smoothGrad:
      let result = try Self.smoothed(question, options, cancellation, progress)
      scores = Self.scores(method, result.gradient, vectors, width: width, count: count)
      (gradient, value) = (rows(result.gradient), result.value)
      (baselineValue, delta, steps) = (nil, nil, max(1, options.samples))
    case .deepLift:
      let steps = AnswerSteps(question)
      let result = try steps.changes(
        0, from: try steps.baseline(options.baseline, cancellation), cancellation)
      (scores, gradient) = (result.scores, rows(result.found.multipliers.floats))
      (value, baselineValue) = (result.found.value, result.found.baselineValue)
      delta = result.scores.reduce(0, +) - (value - result.found.baselineValue)
      self.steps = 1
    case .integratedGradients:
      let path = try IntegratedPath(
        AnswerSteps(question), options, cancellation, progress)
      (scores, gradient) = (path.scores[0], rows(path.gradients[0]))
      (value, baselineValue) = (path.values[0], path.baselineValues[0])
      (delta, steps) = (path.deltas[0], path.steps)
    case .occlusion, .shapley:
      let replacement = try Replacement(question, options, cancellation)
      value = try replacement.value(of: [])
      gradient = nil
      if method == .occlusion {
        scores = try replacement.occlusion(value: value, progress)
        (baselineValue, delta, steps) = (nil, nil, replacement.units.count)
      } else {
        let result = try replacement.shapley(
          value: value, orders: max(2, options.samples / 2 * 2), seed: options.seed, progress)
        scores = result.scores
        baselineValue = result.baselineValue
        delta = result.scores.reduce(0, +) - (value - result.baselineValue)
        steps = max(2, options.samples / 2 * 2)
      }
    }
  }

  /// Each token's length of the gradient, or its product with the vector.
  static func scores(
    _ method: Method, _ gradient: [Float], _ vectors: [Float], width: Int, count: Int
  ) -> [Double] {
    (0..<count).map { token in
      let range = token * width..<(token + 1) * width
      return method.isSigned
        ? range.reduce(0.0) { $0 + Double(gradient[$1]) * Double(vectors[$1]) }
        : range.reduce(0.0) { $0 + Double(gradient[$1]) * Double(gradient[$1]) }.squareRoot()
    }
  }

  private static func smoothed(
    _ question: AttributionQuestion, _ options: Options, _ cancellation: Cancellation?,
    _ progress: (Double) -> Void
  ) throws -> (gradient: [Float], value: Double) {
    let vectors = question.vectors.floats
    let range = Double((vectors.max() ?? 0) - (vectors.min() ?? 0))
    let samples = max(1, options.samples)
    var generator = SeededGenerator(seed: options.seed)
    var sums = [Double](repeating: 0, count: vectors.count)
    for start in stride(from: 0, to: samples, by: question.batchSize) {
      let some = start..<min(samples, start + question.batchSize)
      let noisy = some.map { _ in
        Tensor(
          shape: question.vectors.shape,
          vectors.map { $0 + Float(options.noise * range * generator.normal()) })
      }
      for gradient in try question.gradients(noisy, cancellation) {
        for index in sums.indices { sums[index] += Double(gradient[index]) }
      }
      progress(Double(some.upperBound) / Double(samples))
    }
    return (
      sums.map { Float($0 / Double(samples)) },
      try question.value(question.vectors, cancellation)
    )
  }
}
