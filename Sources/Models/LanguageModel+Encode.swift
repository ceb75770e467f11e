public import Tensors
public import Tokenizers

extension LanguageModel {
  /// Cuts a text into tokens.
  ///
  /// A text that begins with the beginning of a sequence, as chat formats give it, doesn't get
  /// another one.
  ///
  /// - Throws: `ModelError.noTokenizer`, or `Cancelled`.
  public func encode(_ text: String, cancellation: Cancellation? = nil) throws -> Encoding {
    guard let tokenizer else { throw ModelError.noTokenizer(model: name) }
    // A short text takes less time than a thread.
    guard let cancellation, text.utf8.count > 4_096 else {
      return Self.withoutDoubledBeginning(tokenizer.encode(text), tokenizer)
    }
    return try cancellation.leavingBehind {
      Self.withoutDoubledBeginning(tokenizer.encode(text), tokenizer)
    }
  }

  private static func withoutDoubledBeginning(
    _ encoding: Encoding, _ tokenizer: Tokenizer
  ) -> Encoding {
    guard encoding.tokens.count > 1, let beginning = tokenizer.beginOfSequenceID,
      encoding.tokens[0].id == beginning, encoding.tokens[0].byteRange == nil,
      encoding.tokens[1].id == beginning, encoding.tokens[1].byteRange?.lowerBound == 0
    else { return encoding }
    return Encoding(
      ids: Array(encoding.ids.dropFirst()), tokens: Array(encoding.tokens.dropFirst()))
  }
}
