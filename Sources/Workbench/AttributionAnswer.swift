import Analysis
import Interpreter
import Models
import Tensors
import Tokenizers

/// What an attribution explains, as tokens.
struct AttributionAnswer {
  /// The tokens that follow.
  let ids: [Int]
  /// The token that might have followed.
  let against: Int?
  /// The texts of both.
  let text: String
  let againstText: String?
  /// How likely the first of the tokens is.
  let probability: Double

  /// The answer of a decoder after a text.
  init(
    _ trace: TraceValue, target: String?, against: String?, in context: ExecutionContext
  ) throws {
    try self.init(.after(trace), target: target, against: against, in: context)
  }

  /// The answer at a place.
  init(
    _ place: AttributionPlace, target: String?, against: String?, in context: ExecutionContext
  ) throws {
    let model = place.trace.model.model
    ids =
      try target.map { try Self.ids($0, place, context) }
      ?? [try place.likeliest(context.cancellation).id]
    let other = try against.map { try Self.ids($0, place, context) }
    self.against = other?[0]
    if other != nil, ids.count > 1 {
      throw ArgumentError(
        "against",
        "With `against`, `target` is one token, and \(Value.text(target ?? "").description) is \(ids.count)."
      )
    }
    text = model.tokenizer?.decode(ids) ?? ids.map { "\($0)" }.joined(separator: " ")
    againstText = other.map { model.tokenizer?.decode([$0[0]]) ?? "\($0[0])" }
    probability = try place.probability(of: ids[0], context.cancellation)
  }

  /// The tokens of a text that follows another.
  static func ids(
    _ text: String, _ trace: TraceValue, _ context: ExecutionContext
  ) throws -> [Int] {
    try ids(text, .after(trace), context)
  }

  /// The same at any place.
  private static func ids(
    _ text: String, _ place: AttributionPlace, _ context: ExecutionContext
  ) throws -> [Int] {
    try ids(text, place.trace.model.model) {
      try place.probability(of: $0, context.cancellation)
    }
  }

  /// The tokens of a text, with or without a space before it: of forms of equally many tokens the one that the model
  /// holds likelier, which is asked only then.
  static func ids(
    _ text: String, _ model: LanguageModel, probability: (Int) throws -> Double
  ) throws -> [Int] {
    guard let tokenizer = model.tokenizer else { throw ModelError.noTokenizer(model: model.name) }
    guard !text.isEmpty else {
      throw ArgumentError("target", "A target has at least one character.")
    }
    let plain = tokenizer.ids(of: text, addSpecialTokens: false)
    let spaced = tokenizer.ids(of: " " + text, addSpecialTokens: false)
    if text.hasPrefix(" ") || spaced.count > plain.count { return plain }
    if spaced.count < plain.count { return spaced }
    return try probability(spaced[0]) > probability(plain[0]) ? spaced : plain
  }
}
