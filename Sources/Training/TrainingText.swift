import Tensors
public import Tokenizers

/// A text to learn from, of which a part may be what is to be learned.
public struct TrainingText: Sendable, Equatable {
  /// The whole text.
  public var text: String
  /// The bytes that are to be predicted, or `nil` where all are.
  public var answer: Range<Int>?

  /// Makes a text that is learned as a whole.
  public init(_ text: String) { self.text = text }

  /// Makes a text of a prompt that is given and an answer that is learned.
  public init(prompt: String, answer: String) {
    text = prompt + answer
    self.answer = prompt.utf8.count..<text.utf8.count
  }

  /// The text as a tokenizer cuts it, with the token that ends a text where there is one.
  ///
  /// A token that covers the last of the prompt and the first of the answer is learned.
  public func document(_ tokenizer: Tokenizer) -> TrainingDocument {
    let encoding = tokenizer.encode(text)
    var ids = encoding.ids.map { Int32($0) }
    var isTarget = answer.map { answer in
      encoding.tokens.map { $0.byteRange.map { answer.overlaps($0) } ?? false }
    }
    if let end = tokenizer.endOfSequenceID, encoding.ids.last != end {
      ids.append(Int32(end))
      isTarget?.append(true)
    }
    return TrainingDocument(ids: ids, isTarget: isTarget)
  }
}

extension TrainingCorpus {
  /// Divides texts into those to learn from and those that are held out, by a seed.
  ///
  /// - Parameter share: what share of the texts is held out; at least one where it is above 0 and there are two.
  public static func split<Element>(
    _ texts: [Element], heldOut share: Double, seed: UInt64
  ) -> (learned: [Element], heldOut: [Element]) {
    guard share > 0, texts.count > 1 else { return (texts, []) }
    let count = min(texts.count - 1, max(1, Int((share * Double(texts.count)).rounded())))
    var generator = SeededGenerator(seed: seed)
    let order = Array(texts.indices).shuffled(using: &generator)
    let out = Set(order.prefix(count))
    return (
      texts.indices.filter { !out.contains($0) }.map { texts[$0] },
      texts.indices.filter { out.contains($0) }.map { texts[$0] }
    )
  }
}
