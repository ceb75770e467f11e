import Analysis
import Interpreter
import Models
import Tensors
import Tokenizers

/// The input vectors of the tokens that a model knows.
enum VocabularyPoints {
  /// What `embed` gives with `vocabulary: true`.
  static func points(
    _ arguments: Arguments, _ context: ExecutionContext
  ) throws -> PointsValue {
    if case .none = try arguments.value("texts") {
    } else {
      throw ArgumentError(
        "texts", "`embed` takes texts or the vocabulary, not both.", code: "two-subjects")
    }
    for name in ["layer", "pool"] where arguments.wasGiven(name) {
      throw ArgumentError(
        name, "The vocabulary has input vectors only, without `\(name)`.",
        hint: "Give the tokens as texts to see them after a layer.", code: "two-subjects")
    }
    let model = try TraceRequest.model(arguments, context)
    let language = model.model
    let size = language.tokenizer?.vocabularySize ?? language.configuration.vocabulary
    let known = min(size, language.configuration.vocabulary)
    let ids = try arguments.optionalList("ids")?.compactMap(\.integer) ?? Array(0..<known)
    guard !ids.isEmpty else { throw ArgumentError("ids", "`ids` of `embed` is empty.") }
    if let id = ids.first(where: { !(0..<known).contains($0) }) {
      throw ArgumentError(
        "ids", "There is no token \(id): \(language.name) knows those from 0 to \(known - 1).",
        code: "out-of-range")
    }
    var vectors: [[Float]] = []
    vectors.reserveCapacity(ids.count)
    // As many at once as the model takes in one text.
    let most = max(1, min(2048, language.configuration.contextLength))
    for start in stride(from: 0, to: ids.count, by: most) {
      try context.check()
      context.progress(
        "Embedding", fraction: Double(start) / Double(ids.count),
        detail: "\(start) of \(ids.count) tokens")
      let part = Array(ids[start..<min(start + most, ids.count)])
      let rows = try language.tokenVectors(ids: part, cancellation: context.cancellation)
      vectors += part.indices.map { rows.row($0) }
    }
    return PointsValue(
      vectors: vectors, labels: ids.map { label($0, language.tokenizer) }, model: model,
      layer: 0, pool: "vocabulary", call: context.call
    ) { text, model, context in
      let language = model.model
      guard let tokenizer = language.tokenizer else {
        throw ModelError.noTokenizer(model: language.name)
      }
      let ids = tokenizer.ids(of: text, addSpecialTokens: false)
      guard !ids.isEmpty else {
        throw ArgumentError("to", "The text has no tokens.", code: "empty-text")
      }
      let rows = try language.tokenVectors(ids: ids, cancellation: context.cancellation)
      return SentenceEmbedding.pool(
        rows, SentencePooling(mode: .mean, isNormalized: false), positions: Array(ids.indices)
      ).floats
    }
  }

  /// The characters that a token stands for; of one that stands for none, or for a part of one, its form in the
  /// vocabulary.
  private static func label(_ id: Int, _ tokenizer: Tokenizer?) -> String {
    guard let tokenizer else { return "\(id)" }
    let text = tokenizer.decode([id])
    if text.isEmpty || text.unicodeScalars.contains("\u{FFFD}") {
      return tokenizer.piece(of: id) ?? "\(id)"
    }
    return text
  }
}
