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

  init(
    _ trace: TraceValue, target: String?, against: String?, in context: ExecutionContext
  ) throws {
    let top = try NextTokens.top(trace.trace, count: 1, cancellation: context.cancellation)
    let model = trace.model.model
    ids = try target.map { try Self.ids($0, trace, context) } ?? [top[0].id]
    let other = try against.map { try Self.ids($0, trace, context) }
    self.against = other?[0]
    if other != nil, ids.count > 1 {
      throw ArgumentError(
        "against",
        "With `against`, `target` is one token, and \(Value.text(target ?? "").description) is \(ids.count)."
      )
    }
    text = model.tokenizer?.decode(ids) ?? ids.map { "\($0)" }.joined(separator: " ")
    againstText = other.map { model.tokenizer?.decode([$0[0]]) ?? "\($0[0])" }
    probability = try NextTokens.probability(
      of: ids[0], in: trace.trace, cancellation: context.cancellation)
  }

  private static func ids(
    _ text: String, _ trace: TraceValue, _ context: ExecutionContext
  ) throws -> [Int] {
    try ids(text, trace.model.model, cancellation: context.cancellation) { trace }
  }

  /// The tokens of a text that follows, with or without a space before it: of forms of equally many tokens the one that
  /// the model holds likelier, after a run that is asked for only then.
  static func ids(
    _ text: String, _ model: LanguageModel, cancellation: Cancellation?,
    after trace: () throws -> TraceValue
  ) throws -> [Int] {
    guard let tokenizer = model.tokenizer else { throw ModelError.noTokenizer(model: model.name) }
    guard !text.isEmpty else {
      throw ArgumentError("target", "A target has at least one character.")
    }
    let plain = tokenizer.ids(of: text, addSpecialTokens: false)
    let spaced = tokenizer.ids(of: " " + text, addSpecialTokens: false)
    if text.hasPrefix(" ") || spaced.count > plain.count { return plain }
    if spaced.count < plain.count { return spaced }
    let known = try trace().trace
    func probability(_ id: Int) throws -> Double {
      try NextTokens.probability(of: id, in: known, cancellation: cancellation)
    }
    return try probability(spaced[0]) > probability(plain[0]) ? spaced : plain
  }
}
