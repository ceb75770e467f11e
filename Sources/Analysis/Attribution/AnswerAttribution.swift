public import Models
public import Tensors

/// Why an answer was written, token by token: how much each token before it did for each token of the answer.
public struct AnswerAttribution: Sendable {
  /// The way.
  public let method: Attribution.Method
  /// The tokens of the prompt and, but for its last, of the answer, in their order: the columns.
  public let ids: [Int]
  /// The tokens of the answer: the rows.
  public let answer: [Int]
  /// For each token of the answer a number for each token before it.
  public let scores: [[Double]]
  /// The scalar of each token of the answer: its logit, or the logarithm of its probability.
  public let values: [Double]
  /// By how much each row's sum misses what it explains, or `nil` for methods whose scores needn't add up.
  public let deltas: [Double]?
  /// How many points, copies or orders were used.
  public let steps: Int

  /// Explains.
  ///
  /// All tokens of the answer share their forward runs: replacing a token, or a point on the way from a baseline, serves
  /// every row, as what comes after a token doesn't show in what is computed before it.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - prompt: the ids of the prompt.
  ///   - answer: the ids of what follows it, at least one.
  ///   - method: how.
  ///   - options: what else decides the numbers; units are not used.
  ///   - measure: logits or logarithms of probabilities.
  ///   - progress: called with the share that is done.
  /// - Throws: `ModelError` where the model can't be asked so; `Cancelled`.
  public init(
    _ model: LanguageModel, prompt: [Int], answer: [Int], method: Attribution.Method,
    options: Attribution.Options = Attribution.Options(), measure: LogitTarget.Measure = .logit,
    cancellation: Cancellation? = nil, progress: (Double) -> Void = { _ in }
  ) throws {
    let question = try AnswerSteps(
      model, prompt: prompt, answer: answer, measure: measure, cancellation: cancellation)
    self.method = method
    self.answer = answer
    ids = question.ids
    let width = model.configuration.width
    let vectors = question.vectors.floats
    func scores(_ gradients: [[Float]]) -> [[Double]] {
      gradients.enumerated().map { step, gradient in
        Attribution.scores(
          method, gradient, vectors, width: width, count: question.explained(step))
      }
    }
    switch method {
    case .gradientNorm, .inputTimesGradient, .attentionAwareRelevance, .conservingRelevance:
      let values = try question.values(question.vectors, cancellation)
      let found = scores(
        try question.gradients(question.vectors, rule: method.rule, cancellation))
      self.scores = found
      self.values = values
      deltas =
        method.rule == .derivative
        ? nil : found.indices.map { found[$0].reduce(0, +) - values[$0] }
      steps = 1
    case .attentionRelevance:
      var rows: [[Double]] = []
      var values: [Double] = []
      for (step, target) in question.targets.enumerated() {
        let count = question.explained(step)
        let result = try model.attentionRelevance(
          of: target, embeddings: question.vectors.rows(0..<count), cancellation: cancellation)
        rows.append(result.relevance)
        values.append(result.value)
        progress(Double(step + 1) / Double(question.targets.count))
      }
      (self.scores, self.values, deltas, steps) = (rows, values, nil, 1)
    case .deepLift:
      var found: [(scores: [Double], found: RescaledMultipliers)] = []
      let absent = try question.baseline(options.baseline, cancellation)
      for step in answer.indices {
        found.append(try question.changes(step, from: absent, cancellation))
        progress(Double(step + 1) / Double(answer.count))
      }
      self.scores = found.map(\.scores)
      values = found.map(\.found.value)
      deltas = found.map {
        $0.scores.reduce(0, +) - ($0.found.value - $0.found.baselineValue)
      }
      steps = 1
    case .integratedGradients:
      let path = try IntegratedPath(question, options, cancellation, progress)
      (self.scores, values, deltas, steps) = (path.scores, path.values, path.deltas, path.steps)
    case .smoothGrad:
      let range = Double((vectors.max() ?? 0) - (vectors.min() ?? 0))
      let samples = max(1, options.samples)
      var generator = SeededGenerator(seed: options.seed)
      var sums = [[Float]](
        repeating: [Float](repeating: 0, count: vectors.count), count: answer.count)
      for sample in 0..<samples {
        let noisy = vectors.map { $0 + Float(options.noise * range * generator.normal()) }
        let gradients = try question.gradients(
          Tensor(shape: question.vectors.shape, noisy), cancellation)
        for (step, gradient) in gradients.enumerated() {
          for index in gradient.indices { sums[step][index] += gradient[index] / Float(samples) }
        }
        progress(Double(sample + 1) / Double(samples))
      }
      self.scores = scores(sums)
      values = try question.values(question.vectors, cancellation)
      (deltas, steps) = (nil, samples)
    case .occlusion, .shapley:
      let absence = try Absence(question, options, cancellation)
      values = absence.values
      if method == .occlusion {
        (self.scores, deltas, steps) = (try absence.occlusion(progress), nil, ids.count)
      } else {
        let orders = max(2, options.samples / 2 * 2)
        let result = try absence.shapley(orders: orders, seed: options.seed, progress)
        (self.scores, deltas, steps) = (result.scores, result.deltas, orders)
      }
    }
  }

  /// Runs in which some tokens are the baseline.
  private struct Absence {
    let question: AnswerSteps
    let values: [Double]
    private let own: [Float]
    private let baseline: [Float]
    private let cancellation: Cancellation?

    init(
      _ question: AnswerSteps, _ options: Attribution.Options, _ cancellation: Cancellation?
    ) throws {
      self.question = question
      self.cancellation = cancellation
      own = question.vectors.floats
      baseline = try question.baseline(options.baseline, cancellation)
      values = try question.values(question.vectors, cancellation)
    }

    private func run(without tokens: some Sequence<Int>) throws -> [Double] {
      let width = question.model.configuration.width
      var changed = own
      for token in tokens {
        let range = token * width..<(token + 1) * width
        changed.replaceSubrange(range, with: baseline[range])
      }
      return try question.values(
        Tensor(shape: question.vectors.shape, changed), cancellation)
    }

    private var emptyRows: [[Double]] {
      values.indices.map { [Double](repeating: 0, count: question.explained($0)) }
    }

    func occlusion(_ progress: (Double) -> Void) throws -> [[Double]] {
      var scores = emptyRows
      for token in 0..<question.explainedCount {
        let left = try run(without: [token])
        for step in values.indices where token < scores[step].count {
          scores[step][token] = values[step] - left[step]
        }
        progress(Double(token + 1) / Double(question.explainedCount))
      }
      return scores
    }

    /// An order of all tokens is, without those that come after a step, an order of the tokens before it, and what comes
    /// after changes nothing: one run serves every row.
    func shapley(
      orders: Int, seed: UInt64, _ progress: (Double) -> Void
    ) throws -> (scores: [[Double]], deltas: [Double]) {
      let count = question.explainedCount
      var scores = emptyRows
      let nothing = try run(without: 0..<count)
      var generator = SeededGenerator(seed: seed)
      var order = Array(0..<count)
      for index in 0..<orders {
        if index.isMultiple(of: 2) { order.shuffle(using: &generator) } else { order.reverse() }
        var before = nothing
        for (place, token) in order.enumerated() {
          let missing = order[(place + 1)...]
          let after = missing.isEmpty ? values : try run(without: missing)
          for step in values.indices where token < scores[step].count {
            scores[step][token] += (after[step] - before[step]) / Double(orders)
          }
          before = after
          progress(Double(index * count + place + 1) / Double(orders * count))
        }
      }
      let deltas = values.indices.map {
        scores[$0].reduce(0, +) - (values[$0] - nothing[$0])
      }
      return (scores, deltas)
    }
  }
}
