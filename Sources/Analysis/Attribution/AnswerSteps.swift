import Models
import Tensors

/// Scalars of one run that are explained side by side: the one of a question, or one for each token of an answer.
struct AnswerSteps {
  let model: LanguageModel
  /// The tokens that are run.
  let ids: [Int]
  /// Their vectors, `[tokens, width]`.
  let vectors: Tensor
  /// The scalars.
  let targets: [LogitTarget]
  /// The vectors of what an encoder-decoder has written; `nil` of other models.
  private let written: Tensor?
  private let promptCount: Int
  /// Whether the tokens of an answer are explained too, for those that come after them.
  private let explainsAnswer: Bool

  /// The scalar of a question, whose answer's tokens are given and not explained.
  init(_ question: AttributionQuestion) {
    model = question.model
    ids = question.ids
    vectors = question.vectors
    targets = [question.target]
    written = question.written
    promptCount = question.promptCount
    explainsAnswer = false
  }

  /// A scalar for each token of an answer after those before it.
  init(
    _ model: LanguageModel, prompt: [Int], answer: [Int], measure: LogitTarget.Measure,
    cancellation: Cancellation?
  ) throws {
    guard model.configuration.isCausal else { throw ModelError.notCausal(model: model.name) }
    guard !prompt.isEmpty, !answer.isEmpty else { throw ModelError.emptyInput }
    self.model = model
    ids = prompt + answer.dropLast()
    vectors = try model.tokenVectors(ids: ids, cancellation: cancellation)
    targets = answer.enumerated().map { step, id in
      LogitTarget([LogitTarget.Term(position: prompt.count - 1 + step, id: id)], measure: measure)
    }
    promptCount = prompt.count
    written = nil
    explainsAnswer = true
  }

  /// How many tokens, from the first, a scalar is explained by.
  func explained(_ step: Int) -> Int { promptCount + (explainsAnswer ? step : 0) }

  /// How many tokens any scalar is explained by.
  var explainedCount: Int { explained(targets.count - 1) }

  /// The vectors where every token that is explained is absent.
  func baseline(_ kind: AttributionBaseline, _ cancellation: Cancellation?) throws -> [Float] {
    var result = vectors.floats
    let absent = try kind.vectors(explainedCount, of: model, cancellation)
    result.replaceSubrange(..<absent.count, with: absent)
    return result
  }

  /// The scalars for given vectors `[tokens, width]` in place of the tokens' own.
  func values(_ vectors: Tensor, _ cancellation: Cancellation?) throws -> [Double] {
    if let written {
      return try targets.map {
        try model.value(of: $0, reading: vectors, writing: written, cancellation: cancellation)
      }
    }
    let trace = try model.run(
      embeddings: vectors, ids: ids, keeping: [], cancellation: cancellation)
    let positions = targets.flatMap { $0.terms.map(\.position) }
    let first = positions.min() ?? 0
    let logits = try trace.logits(
      of: first..<(positions.max() ?? first) + 1, cancellation: cancellation)
    return targets.map { target in
      target.terms.reduce(0.0) { sum, term in
        let row = logits.row(term.position - first)
        let logit = Double(row[term.id])
        return sum + term.weight * (target.measure == .logit ? logit : logit - logSumExp(row))
      }
    }
  }

  /// How many variants of the vectors are worth computing at once.
  var batchSize: Int {
    targets.count == 1 && written == nil ? model.batchSize(tokens: ids.count) : 1
  }

  /// The scalars' gradients `[tokens, width]` for each of several variants of the vectors.
  func gradients(_ variants: [Tensor], _ cancellation: Cancellation?) throws -> [[[Float]]] {
    guard targets.count == 1, variants.count > 1, written == nil else {
      return try variants.map { try gradients($0, cancellation) }
    }
    return try model.gradients(
      of: variants.map { _ in .logits(targets[0]) }, batch: variants, cancellation: cancellation
    ).map { [$0.embeddings.floats] }
  }

  /// The scalars' gradients `[tokens, width]` for given vectors.
  func gradients(
    _ vectors: Tensor, rule: BackwardRule = .derivative, _ cancellation: Cancellation?
  ) throws -> [[Float]] {
    if let written {
      return try targets.map {
        try model.gradient(
          of: $0, reading: vectors, writing: written, options: GradientOptions(rule: rule),
          cancellation: cancellation
        ).source.floats
      }
    }
    return try model.gradients(
      of: targets.map { .logits($0) }, embeddings: vectors, options: GradientOptions(rule: rule),
      cancellation: cancellation
    ).map(\.embeddings.floats)
  }

  /// What each token's change from what `baseline` gave does to a scalar, by DeepLIFT's multipliers.
  func changes(
    _ step: Int, from absent: [Float], _ cancellation: Cancellation?
  ) throws -> (scores: [Double], found: RescaledMultipliers) {
    let (count, width) = (explained(step), model.configuration.width)
    let own = vectors.floats
    // What comes after the tokens that explain it is given, as it is for the text.
    let base = Array(absent[..<(count * width)] + own[(count * width)...])
    let baseline = Tensor(shape: vectors.shape, base)
    let found =
      if let written {
        try model.multipliers(
          of: targets[step], reading: vectors, baseline: baseline, writing: written,
          cancellation: cancellation)
      } else {
        try model.multipliers(
          of: targets[step], embeddings: vectors, baseline: baseline, cancellation: cancellation)
      }
    let multipliers = found.multipliers.floats
    var scores = [Double](repeating: 0, count: count)
    for token in 0..<count {
      for index in token * width..<(token + 1) * width {
        let change = Double(own[index]) - Double(base[index])
        scores[token] += Double(multipliers[index]) * change
      }
    }
    return (scores, found)
  }
}
