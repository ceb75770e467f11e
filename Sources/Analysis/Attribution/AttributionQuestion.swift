public import Models
public import Tensors
import Tokenizers

/// What an attribution explains: a scalar of the logits after a prompt.
public struct AttributionQuestion: Sendable {
  /// The model that is asked.
  public private(set) var model: LanguageModel
  /// The tokens that are run: the prompt, then all but the last of the tokens that are explained.
  public let ids: [Int]
  /// How many of them are the prompt, which is what gets scores.
  public let promptCount: Int
  /// The scalar.
  public let target: LogitTarget
  /// The vectors of the tokens, `[tokens, width]`.
  public private(set) var vectors: Tensor

  /// Asks why `answer` follows a prompt, or why it does rather than `against`.
  ///
  /// An answer of several tokens counts each after those before it, and their sum is explained; of `against`, which
  /// belongs to an answer of one token, the first token counts.
  ///
  /// - Parameters:
  ///   - prompt: the ids of the prompt.
  ///   - answer: the ids that are explained, at least one.
  ///   - against: what the answer is compared with, or `nil`.
  ///   - measure: logits or logarithms of probabilities.
  /// - Throws: `ModelError` for a model that can't be asked so, ids that it doesn't have, or a text that is too long.
  public init(
    _ model: LanguageModel, prompt: [Int], answer: [Int], against: Int? = nil,
    measure: LogitTarget.Measure = .logit, cancellation: Cancellation? = nil
  ) throws {
    guard model.configuration.isCausal else { throw ModelError.notCausal(model: model.name) }
    guard !prompt.isEmpty, !answer.isEmpty else { throw ModelError.emptyInput }
    self.model = model
    ids = prompt + answer.dropLast()
    promptCount = prompt.count
    var terms = answer.enumerated().map { step, id in
      LogitTarget.Term(position: prompt.count - 1 + step, id: id)
    }
    if let against {
      terms.append(LogitTarget.Term(position: prompt.count - 1, id: against, weight: -1))
    }
    target = LogitTarget(terms, measure: measure)
    vectors = try model.tokenVectors(ids: ids, cancellation: cancellation)
  }

  /// The same question to another model of the same vocabulary.
  ///
  /// - Throws: `ModelError` for ids that it doesn't have.
  public func asked(
    of other: LanguageModel, cancellation: Cancellation? = nil
  ) throws -> AttributionQuestion {
    var result = self
    result.model = other
    result.vectors = try other.tokenVectors(ids: ids, cancellation: cancellation)
    return result
  }

  /// The scalar for given vectors `[tokens, width]` in place of the tokens' own.
  func value(_ vectors: Tensor, _ cancellation: Cancellation?) throws -> Double {
    try AnswerSteps(self).values(vectors, cancellation)[0]
  }

  /// How many variants of the vectors are worth computing at once.
  var batchSize: Int { model.batchSize(tokens: ids.count) }

  /// The scalar for each of several variants of the vectors.
  func values(_ variants: [Tensor], _ cancellation: Cancellation?) throws -> [Double] {
    if batchSize == 1 { return try variants.map { try value($0, cancellation) } }
    return try model.values(
      of: Array(repeating: .logits(target), count: variants.count), batch: variants,
      cancellation: cancellation)
  }

  /// The scalar's gradient `[tokens, width]` for each of several variants of the vectors.
  func gradients(_ variants: [Tensor], _ cancellation: Cancellation?) throws -> [[Float]] {
    try model.gradients(
      of: Array(repeating: .logits(target), count: variants.count), batch: variants,
      cancellation: cancellation
    ).map(\.embeddings.floats)
  }

  /// The scalar and its gradient `[tokens, width]` for given vectors.
  func gradient(
    _ vectors: Tensor, rule: BackwardRule = .derivative, _ cancellation: Cancellation?
  ) throws -> (value: Double, gradient: [Float]) {
    let result = try model.gradient(
      of: .logits(target), embeddings: vectors, options: GradientOptions(rule: rule),
      cancellation: cancellation)
    return (result.value, result.embeddings.floats)
  }
}

/// What stands for an absent token.
public enum AttributionBaseline: Sendable, Hashable {
  /// The vector of the token that begins every text; of a model without one, `mean`.
  case beginning
  /// The mean of the whole vocabulary's vectors.
  case mean
  /// Nothing: where norms divide by a vector's length, integrated gradients from here converge slowly, because the
  /// path begins in a singular point.
  case zero
  /// The vector of a token, such as one for padding.
  case token(Int)

  /// The vector, as many numbers as the model is wide.
  func vector(of model: LanguageModel, _ cancellation: Cancellation?) throws -> [Float] {
    switch self {
    case .zero: return [Float](repeating: 0, count: model.configuration.width)
    case .token(let id): return try model.tokenVectors(ids: [id]).floats
    case .beginning:
      guard let id = model.tokenizer?.beginOfSequenceID,
        id < model.configuration.vocabulary
      else { return try Self.mean.vector(of: model, cancellation) }
      return try model.tokenVectors(ids: [id]).floats
    case .mean:
      let (count, width) = (model.configuration.vocabulary, model.configuration.width)
      let block = model.configuration.contextLength
      var sums = [Double](repeating: 0, count: width)
      for start in stride(from: 0, to: count, by: block) {
        try cancellation?.check()
        let rows = try model.tokenVectors(
          ids: Array(start..<min(count, start + block)), cancellation: cancellation)
        for (index, number) in rows.floats.enumerated() { sums[index % width] += Double(number) }
      }
      return sums.map { Float($0 / Double(count)) }
    }
  }
}
