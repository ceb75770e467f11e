public import Models
public import Tensors
import Tokenizers

/// One token that a model may say next.
public struct NextToken: Sendable, Equatable {
  /// Its id.
  public let id: Int
  /// Its text, or `nil` where the model has no tokenizer.
  public let text: String?
  /// How likely it is, from 0 to 1.
  public let probability: Double
  /// Its score before the softmax.
  public let logit: Double

  /// Makes a token.
  public init(id: Int, text: String?, probability: Double, logit: Double) {
    self.id = id
    self.text = text
    self.probability = probability
    self.logit = logit
  }
}

/// What a model would say next.
public enum NextTokens {
  /// The most likely tokens after a position, most likely first; equal ones by id.
  ///
  /// - Parameters:
  ///   - trace: the run.
  ///   - position: after which token; `nil` after the last.
  ///   - count: how many tokens; fewer where the vocabulary is smaller.
  ///   - cancellation: stops the head's product.
  /// - Throws: `ModelError` where the model has no head or there is no such position; `Cancelled`.
  public static func top(
    _ trace: Trace, position: Int? = nil, count: Int = 10, cancellation: Cancellation? = nil
  ) throws -> [NextToken] {
    let logits = try trace.logits(
      at: position ?? trace.ids.count - 1, cancellation: cancellation
    ).floats
    return top(logits, of: trace.model, count: count)
  }

  /// The most likely tokens after a position of the text that an encoder-decoder writes.
  ///
  /// - Parameters:
  ///   - trace: the run of both texts.
  ///   - position: after which written token; 0 is the decoder's start, `nil` the last.
  ///   - count: how many tokens; fewer where the vocabulary is smaller.
  ///   - cancellation: stops the head's product.
  /// - Throws: `ModelError` where there is no such position; `Cancelled`.
  public static func top(
    _ trace: PairTrace, position: Int? = nil, count: Int = 10, cancellation: Cancellation? = nil
  ) throws -> [NextToken] {
    let logits = try trace.logits(
      at: position ?? trace.targetIDs.count - 1, cancellation: cancellation
    ).floats
    return top(logits, of: trace.model, count: count)
  }

  private static func top(
    _ logits: [Float], of model: LanguageModel, count: Int
  ) -> [NextToken] {
    let logNormalizer = logSumExp(logits)
    return largest(logits, count: count).map { id in
      NextToken(
        id: id, text: model.tokenizer?.decode([id]),
        probability: exponential(Double(logits[id]) - logNormalizer), logit: Double(logits[id]))
    }
  }

  /// The probability of one token at a position.
  ///
  /// - Throws: `ModelError` where the model has no head, there is no such position or no such id;
  ///   `Cancelled`.
  public static func probability(
    of id: Int, in trace: Trace, position: Int? = nil, cancellation: Cancellation? = nil
  ) throws -> Double {
    let logits = try trace.logits(
      at: position ?? trace.ids.count - 1, cancellation: cancellation
    ).floats
    return try probability(of: id, logits, position: position ?? trace.ids.count - 1)
  }

  /// The probability of one token after a position of the text that an encoder-decoder writes.
  ///
  /// - Throws: `ModelError` where there is no such position or no such id; `Cancelled`.
  public static func probability(
    of id: Int, in trace: PairTrace, position: Int? = nil, cancellation: Cancellation? = nil
  ) throws -> Double {
    let position = position ?? trace.targetIDs.count - 1
    let logits = try trace.logits(at: position, cancellation: cancellation).floats
    return try probability(of: id, logits, position: position)
  }

  private static func probability(
    of id: Int, _ logits: [Float], position: Int
  ) throws -> Double {
    guard logits.indices.contains(id) else {
      throw ModelError.tokenOutOfRange(id: id, position: position, vocabulary: logits.count)
    }
    return exponential(Double(logits[id]) - logSumExp(logits))
  }

  /// The indices of the largest values, largest first, equal ones in order.
  static func largest(_ values: [Float], count: Int) -> [Int] {
    guard count > 0 else { return [] }
    var best: [Int] = []
    for index in values.indices {
      if best.count == count, let last = best.last, !(values[index] > values[last]) { continue }
      let place = best.firstIndex { values[index] > values[$0] } ?? best.count
      best.insert(index, at: place)
      if best.count > count { best.removeLast() }
    }
    return best
  }
}
