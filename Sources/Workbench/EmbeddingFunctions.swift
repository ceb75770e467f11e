import Analysis
import Interpreter
import Models
import Tensors
import Tokenizers

/// Vectors of texts, and how alike they are.
enum EmbeddingFunctions {
  static let all: [FunctionDefinition] = [embed, similarity]

  private static let poolings = ["model", "mean", "max", "first", "last", "tokens"]

  private static let embed = FunctionDefinition(
    "embed", group: "Embeddings",
    summary: "One vector for each text: hidden states of a layer, pooled over the tokens.",
    details: """
      "model" pools as the model's own folder says (for a sentence encoder: the mean over all \
      tokens, scaled to length 1), which is what sentence-transformers gives. "mean" and "max" \
      are over the tokens of the text, without the model's own marks; "first" and "last" are the \
      first and last of all tokens; "tokens" gives each token a vector of its own, without pooling. \
      With `vocabulary: true` the points are the input vectors of all tokens that the model knows, \
      or of those in `ids`; a text's vector among them is the mean of its tokens'.
      """,
    parameters: [
      ParameterDefinition(
        "texts",
        .optional(.either([.textOrObject("Trace"), .list(of: .textOrObject("Trace"))])),
        "A text or a trace, or a list of them (such as a table's column)."),
      ParameterDefinition(
        "layer", .selection(words: ["last"]), default: .selector(.last),
        "Which hidden states: 0 enters the first layer, the last leaves the final norm."),
      ParameterDefinition(
        "pool", .optional(.choice(poolings)), defaultText: "model at the last layer, else mean",
        "How one vector is made of the tokens'."),
      ParameterDefinition(
        "vocabulary", .bool, default: .bool(false),
        "Whether to take the model's own tokens instead of texts."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "Points: one vector for each text or token, with the texts as labels",
    examples: [
      Example("embed([\"a cat\", \"a kitten\", \"a loan\"]) |> similarity()", needsResources: true),
      Example("len(embed(vocabulary: true, ids: [5, 6, 7]))", gives: "3", needsResources: true),
    ],
    source: "Reimers and Gurevych 2019, Sentence-BERT, section 3 (pooling)"
  ) { arguments, context in
    if try arguments.bool("vocabulary") {
      return .object(try VocabularyPoints.points(arguments, context))
    }
    let given = try texts(arguments)
    let model = try model(of: given, arguments, context)
    // What is asked for is checked before the model runs.
    let count = model.model.configuration.layers + 1
    let selection = try arguments.selection("layer") ?? .last
    let layers = try selection.indices(count: count, parameter: "layer")
    guard selection.choosesOne, let layer = layers.first else {
      throw ArgumentError("layer", "`layer` of `embed` takes one layer.")
    }
    let traces = try traces(of: given, model, arguments, context)
    let pool = try poolingName(arguments) ?? (layer == count - 1 ? "model" : "mean")
    if pool == "tokens" {
      return .object(try tokenPoints(traces, layer: layer, call: context.call))
    }
    let vectors = try traces.map { trace in
      try context.check()
      return try vector(of: trace.trace, layer: layer, pool: pool)
    }
    return .object(
      PointsValue(
        vectors: vectors, labels: traces.map(label), model: model,
        layer: layer, pool: pool, call: context.call
      ) { text, model, context in
        let trace = try TraceCache.of(context).trace(of: text, model: model, in: context)
        return try vector(of: trace.trace, layer: layer, pool: pool)
      })
  }

  /// A vector for every token of the texts, without the model's own marks.
  private static func tokenPoints(
    _ traces: [TraceValue], layer: Int, call: String
  ) throws -> PointsValue {
    var vectors: [[Float]] = []
    var labels: [String] = []
    for value in traces {
      let hidden = try value.trace.hiddenStates(layer)
      for (index, token) in value.trace.tokens.enumerated() where !token.isSpecial {
        vectors.append(hidden.row(index))
        labels.append(token.text.isEmpty ? token.piece : token.text)
      }
    }
    guard !vectors.isEmpty else {
      throw ArgumentError("texts", "The texts have no tokens of their own.", code: "empty-text")
    }
    return PointsValue(
      vectors: vectors, labels: labels, model: traces[0].model, layer: layer, pool: "tokens",
      call: call
    ) { text, model, context in
      let trace = try TraceCache.of(context).trace(of: text, model: model, in: context)
      return try vector(of: trace.trace, layer: layer, pool: "mean")
    }
  }

  /// The texts and traces that a call gives; empty where it gives ids.
  private static func texts(_ arguments: Arguments) throws -> [Value] {
    let given: [Value]
    switch try arguments.value("texts") {
    case .none: return []
    case .list(let list): given = list.elements
    case let value: given = [value]
    }
    guard !arguments.wasGiven("ids") else { throw TraceRequest.bothGiven }
    guard !given.isEmpty else {
      throw ArgumentError("texts", "`embed` needs at least one text.")
    }
    return given
  }

  /// The model whose hidden states are the points: that of a trace, else the one the call means.
  private static func model(
    of given: [Value], _ arguments: Arguments, _ context: ExecutionContext
  ) throws -> ModelValue {
    for case .object(let object) in given {
      guard let trace = object as? TraceValue else { continue }
      try TraceRequest.check(trace, arguments)
      return trace.model
    }
    return try TraceRequest.model(arguments, context)
  }

  private static func traces(
    of given: [Value], _ model: ModelValue, _ arguments: Arguments, _ context: ExecutionContext
  ) throws -> [TraceValue] {
    guard !given.isEmpty else {
      return [try TraceRequest.trace(arguments, context, parameter: "texts")]
    }
    let cache = TraceCache.of(context)
    return try given.enumerated().map { index, value in
      context.progress(
        "Embedding", fraction: Double(index) / Double(given.count),
        detail: "\(index) of \(given.count)")
      if case .text(let text) = value {
        return try cache.trace(of: text, model: model, in: context)
      }
      guard case .object(let object) = value, let trace = object as? TraceValue else {
        throw ArgumentError("texts", "`embed` takes texts and traces.", code: "wrong-type")
      }
      guard trace.model === model else {
        throw ArgumentError(
          "texts",
          "The traces were made with \(model.model.name) and with \(trace.model.model.name); "
            + "points of two models can't be compared.")
      }
      return trace
    }
  }

  /// What a point is called: its text, or its ids.
  private static func label(_ value: TraceValue) -> String {
    if let text = value.trace.text { return text }
    let ids = value.trace.ids.prefix(8).map(String.init).joined(separator: ", ")
    return "ids \(ids)\(value.trace.ids.count > 8 ? ", …" : "")"
  }

  /// The pooling's word; `mean` and `max` may be written without quotes, as functions' names.
  private static func poolingName(_ arguments: Arguments) throws -> String? {
    guard let value = try arguments.optional("pool") else { return nil }
    if case .function(let function) = value { return function.name }
    return try arguments.optionalText("pool")
  }

  private static func vector(of trace: Trace, layer: Int, pool: String) throws -> [Float] {
    let hidden = try trace.hiddenStates(layer)
    let own = trace.tokens.indices.filter { !TokenLabels.isMark(trace.tokens[$0]) }
    let positions = own.isEmpty ? Array(trace.tokens.indices) : own
    switch pool {
    case "model":
      return SentenceEmbedding.pool(hidden, try trace.model.sentencePooling()).floats
    case "first": return hidden.row(0)
    case "last": return hidden.row(trace.tokens.count - 1)
    case "max":
      return SentenceEmbedding.pool(
        hidden, SentencePooling(mode: .max, isNormalized: false), positions: positions
      ).floats
    default:
      return SentenceEmbedding.pool(
        hidden, SentencePooling(mode: .mean, isNormalized: false), positions: positions
      ).floats
    }
  }

  private static let similarity = FunctionDefinition(
    "similarity", group: "Embeddings",
    summary: "The cosine of the angle between vectors: every one against every other.",
    parameters: [
      ParameterDefinition("points", .object(["Points"]), "What `embed` gives."),
      ParameterDefinition(
        "others", .optional(.object(["Points"])), defaultText: "the same points",
        "Points to compare with."),
    ],
    result: "a Similarity: [points, others], from -1 to 1",
    examples: [
      Example("similarity(embed([\"a cat\", \"a kitten\"]))", needsResources: true)
    ]
  ) { arguments, context in
    guard let points: PointsValue = try arguments.object("points") else {
      throw ArgumentError("points", "`points` of `similarity` takes what `embed` gives.")
    }
    let given: PointsValue? = try arguments.object("others")
    let others = given ?? points
    guard points.width == others.width else {
      throw ArgumentError(
        "others",
        "The points have \(points.width) dimensions and the others \(others.width); "
          + "they can't be compared.")
    }
    return .object(try SimilarityValue(points, others, context: context))
  }
}
