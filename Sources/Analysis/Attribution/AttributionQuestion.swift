public import Models
public import Tensors
import Tokenizers

/// What an attribution explains: a scalar of the logits after a prompt, of what an encoder-decoder writes
/// when it has read one, or of what a model of masked tokens puts in a gap of one.
public struct AttributionQuestion: Sendable {
  /// The model that is asked.
  public private(set) var model: LanguageModel
  /// The tokens that are run: the prompt, then, of a decoder, all but the last of the tokens that are
  /// explained.
  public let ids: [Int]
  /// What an encoder-decoder has written, from its start to the last but one of the tokens that are
  /// explained; `nil` of other models.
  public let writtenIDs: [Int]?
  /// How many of them are the prompt, which is what gets scores.
  public let promptCount: Int
  /// The scalar.
  public let target: LogitTarget
  /// The vectors of the tokens, `[tokens, width]`.
  public private(set) var vectors: Tensor
  /// The vectors of what is written, `[written tokens, width]`, which stay as they are.
  private(set) var written: Tensor?

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
    writtenIDs = nil
  }

  /// Asks why an encoder-decoder that has read a text writes `answer`, or why it does rather than `against`.
  ///
  /// - Parameters:
  ///   - model: an encoder-decoder.
  ///   - source: the ids of the text that is read, all of which get scores.
  ///   - answer: the ids that are explained, the first of which follows the decoder's start.
  ///   - against: what an answer of one token is compared with, or `nil`.
  ///   - measure: logits or logarithms of probabilities.
  /// - Throws: as the other one.
  public init(
    _ model: LanguageModel, reading source: [Int], answer: [Int], against: Int? = nil,
    measure: LogitTarget.Measure = .logit, cancellation: Cancellation? = nil
  ) throws {
    guard let start = model.decoderStartID else { throw ModelError.noDecoder(model: model.name) }
    guard !source.isEmpty, !answer.isEmpty else { throw ModelError.emptyInput }
    self.model = model
    ids = source
    promptCount = source.count
    var terms = answer.enumerated().map { LogitTarget.Term(position: $0, id: $1) }
    if let against { terms.append(LogitTarget.Term(position: 0, id: against, weight: -1)) }
    target = LogitTarget(terms, measure: measure)
    let writtenIDs = [start] + answer.dropLast()
    self.writtenIDs = writtenIDs
    vectors = try model.tokenVectors(ids: ids, cancellation: cancellation)
    written = try model.tokenVectors(ids: writtenIDs, cancellation: cancellation)
  }

  /// Asks why a model of masked tokens puts `answer` in the gap at a position, or why it does rather than
  /// `against`.
  ///
  /// - Parameters:
  ///   - model: an encoder with a head.
  ///   - text: the ids of the text with its gap, all of which get scores.
  ///   - gap: the position of the gap.
  ///   - answer: the id that is explained.
  ///   - against: what it is compared with, or `nil`.
  ///   - measure: a logit or the logarithm of a probability.
  /// - Throws: as the other one, and where the model has no head.
  public init(
    _ model: LanguageModel, text: [Int], gap: Int, answer: Int, against: Int? = nil,
    measure: LogitTarget.Measure = .logit, cancellation: Cancellation? = nil
  ) throws {
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
    guard text.indices.contains(gap) else {
      throw ModelError.positionOutOfRange(gap, count: text.count)
    }
    self.model = model
    ids = text
    promptCount = text.count
    var terms = [LogitTarget.Term(position: gap, id: answer)]
    if let against { terms.append(LogitTarget.Term(position: gap, id: against, weight: -1)) }
    target = LogitTarget(terms, measure: measure)
    vectors = try model.tokenVectors(ids: text, cancellation: cancellation)
    writtenIDs = nil
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
    result.written = try writtenIDs.map {
      try other.tokenVectors(ids: $0, cancellation: cancellation)
    }
    return result
  }

  /// The scalar for given vectors `[tokens, width]` in place of the tokens' own.
  func value(_ vectors: Tensor, _ cancellation: Cancellation?) throws -> Double {
    try AnswerSteps(self).values(vectors, cancellation)[0]
  }

  /// How many variants of the vectors are worth computing at once.
  var batchSize: Int { written == nil ? model.batchSize(tokens: ids.count) : 1 }

  /// The scalar for each of several variants of the vectors.
  func values(_ variants: [Tensor], _ cancellation: Cancellation?) throws -> [Double] {
    if batchSize == 1 { return try variants.map { try value($0, cancellation) } }
    return try model.values(
      of: Array(repeating: .logits(target), count: variants.count), batch: variants,
      cancellation: cancellation)
  }

  /// The scalar's gradient `[tokens, width]` for each of several variants of the vectors.
  func gradients(_ variants: [Tensor], _ cancellation: Cancellation?) throws -> [[Float]] {
    if written != nil { return try variants.map { try gradient($0, cancellation).gradient } }
    return try model.gradients(
      of: Array(repeating: .logits(target), count: variants.count), batch: variants,
      cancellation: cancellation
    ).map(\.embeddings.floats)
  }

  /// The scalar and its gradient `[tokens, width]` for given vectors.
  func gradient(
    _ vectors: Tensor, rule: BackwardRule = .derivative, _ cancellation: Cancellation?
  ) throws -> (value: Double, gradient: [Float]) {
    if let written {
      let result = try model.gradient(
        of: target, reading: vectors, writing: written, options: GradientOptions(rule: rule),
        cancellation: cancellation)
      return (result.value, result.source.floats)
    }
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
  /// The vectors of another text's tokens, each in the place of the token with its number: as many as are explained.
  case tokens([Int])

  /// The vectors that stand for the first `count` tokens, one after another: `count` times the model's width.
  ///
  /// - Throws: `AttributionBaselineError` where another text hasn't as many tokens; `ModelError`; `Cancelled`.
  func vectors(
    _ count: Int, of model: LanguageModel, _ cancellation: Cancellation?
  ) throws -> [Float] {
    let width = model.configuration.width
    switch self {
    case .zero: return [Float](repeating: 0, count: count * width)
    case .tokens(let ids):
      guard ids.count == count else {
        throw AttributionBaselineError(given: ids.count, needed: count)
      }
      return try model.tokenVectors(ids: ids, cancellation: cancellation).floats
    case .token(let id):
      let vector = try model.tokenVectors(ids: [id]).floats
      return (0..<count).flatMap { _ in vector }
    case .beginning:
      guard let id = model.tokenizer?.beginOfSequenceID, id < model.configuration.vocabulary
      else { return try Self.mean.vectors(count, of: model, cancellation) }
      return try Self.token(id).vectors(count, of: model, cancellation)
    case .mean:
      let (vocabulary, block) = (model.configuration.vocabulary, model.configuration.contextLength)
      var sums = [Double](repeating: 0, count: width)
      for start in stride(from: 0, to: vocabulary, by: block) {
        try cancellation?.check()
        let rows = try model.tokenVectors(
          ids: Array(start..<min(vocabulary, start + block)), cancellation: cancellation)
        for (index, number) in rows.floats.enumerated() { sums[index % width] += Double(number) }
      }
      let mean = sums.map { Float($0 / Double(vocabulary)) }
      return (0..<count).flatMap { _ in mean }
    }
  }
}

/// Why another text can't stand for the absent one: it has fewer or more tokens.
public struct AttributionBaselineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The baseline's tokens, those that the model adds included.
  public let given: Int
  /// The tokens that are explained.
  public let needed: Int

  /// One sentence with the facts.
  public var description: String {
    "A text as baseline stands in token by token: it has \(given) \(given == 1 ? "token" : "tokens"), "
      + "and \(needed) \(needed == 1 ? "is" : "are") explained."
  }
}
