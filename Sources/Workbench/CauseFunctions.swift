import Analysis
import Figures
import Interpreter
import Models
import Tensors
import Tokenizers

/// What makes a model say what it says: patching, ablation and steering.
enum CauseFunctions {
  static let all: [FunctionDefinition] = [patch, ablate, steer]

  private static let target = ParameterDefinition(
    "target", .optional(.text), defaultText: "the likeliest next token",
    "What follows the text; its first token counts.")
  private static let against = ParameterDefinition(
    "against", .optional(.text), defaultText: "nothing", "What might follow instead.")

  private static let patch = FunctionDefinition(
    "patch", group: "Causes",
    summary:
      "Where the difference between two texts is carried: activations of the first are put into the second.",
    details: """
      The clean text's activation takes the place of the corrupted one's, one place at a time, and the share of the \
      answer's difference that this restores is shown: 1 gives the clean answer, 0 changes nothing. Both texts need as \
      many tokens. What restores the answer carries it there; a place that doesn't may still matter together with others.
      """,
    parameters: [
      ParameterDefinition("clean", .textOrObject("Trace"), "The text with the answer."),
      ParameterDefinition(
        "corrupted", .textOrObject("Trace"), "The text in which something is changed."),
      target, against,
      ParameterDefinition(
        "part", .choice(ActivationPatching.Part.allCases.map(\.rawValue)),
        default: .text("residual"),
        "What is put over: the residual stream, what attention or feed-forward parts add, or heads."
      ),
      TraceRequest.using,
    ],
    result: "Effects",
    examples: [
      Example(
        """
        load("specimen")
        patch("Patient Hugo Lee, 31 years, has asthma. Department:", "Patient Hugo Lee, 31 years, has eczema. Department:").values
        """, needsResources: true)
    ],
    source: "Vig et al. 2020, arXiv:2004.12265; Meng et al. 2022, arXiv:2202.05262"
  ) { arguments, context in
    let clean = try trace(arguments, "clean", context)
    try DecoderNeed.check(clean.model.model, for: arguments)
    let corrupted = try trace(arguments, "corrupted", context)
    guard clean.trace.ids.count == corrupted.trace.ids.count else {
      throw ArgumentError(
        "corrupted",
        "The clean text has \(clean.trace.ids.count) tokens, the corrupted one \(corrupted.trace.ids.count): only texts "
          + "of as many tokens can be patched.",
        hint: "Change words for words of as many tokens; `tokens` shows how a text is cut.",
        code: "wrong-shape")
    }
    guard clean.model === corrupted.model else {
      throw ArgumentError("corrupted", "Both traces must be of one model.", code: "wrong-value")
    }
    let question = try CauseQuestion(clean, arguments, context)
    let part = ActivationPatching.Part(rawValue: try arguments.text("part")) ?? .residual
    let result = try ActivationPatching(
      clean.model.model, clean: clean.trace.ids, corrupted: corrupted.trace.ids,
      question: question.question, part: part, cancellation: context.cancellation
    ) { context.progress("Patching", fraction: $0) }
    let heads = result.restored.shape[1]
    let columns =
      part == .heads
      ? (0..<heads).map { TokenLabel("head \($0)") }
      : zip(clean.trace.tokens, corrupted.trace.tokens).map { left, right in
        let (one, other) = (TokenLabels.label(left), TokenLabels.label(right))
        return one.text == other.text
          ? one : TokenLabel("\(one.axisText) → \(other.axisText)", detail: one.detail)
      }
    return .object(
      EffectsValue(
        result.restored, kind: "share restored",
        title: "Patching · \(clean.model.model.name) · \(partWords(part))",
        note: "\(question.words): clean \(NumberText.short(result.clean, 4)), corrupted "
          + "\(NumberText.short(result.corrupted, 4))",
        columns: columns, columnTitle: part == .heads ? "head" : "token (clean → corrupted)",
        provenance: try clean.model.provenance(of: context.call, in: context)))
  }

  private static func partWords(_ part: ActivationPatching.Part) -> String {
    switch part {
    case .residual: "residual stream entering each layer"
    case .attention: "what attention adds"
    case .feedForward: "what feed-forward parts add"
    case .heads: "what each head gathers"
    }
  }

  private static let ablate = FunctionDefinition(
    "ablate", group: "Causes",
    summary:
      "What an answer loses without each head, attention and feed-forward part, or without a concept.",
    details: """
      Without a concept: every head, every layer's attention and every layer's feed-forward part in turn gives its \
      mean over the text's positions (or zeros), and the fall of the answer's logit is shown. With a concept its \
      direction is taken out of the residual stream in all layers, and what the model would say then is shown beside \
      what it says.
      """,
    parameters: [
      ParameterDefinition("text", .textOrObject("Trace"), "The text to look at, or a trace of it."),
      ParameterDefinition(
        "concept", .optional(.object(["Concept"])), defaultText: "none", "What `concept` gives."),
      target, against,
      ParameterDefinition(
        "substitute", .choice(Ablation.Substitute.allCases.map(\.rawValue)),
        default: .text("mean"), "What takes a part's place."),
      ParameterDefinition(
        "layers", .selection(words: ["all", "last"]), default: .selector(.all),
        "Out of which layers' streams a concept is taken."),
      ParameterDefinition(
        "tokens", .integer(in: 0...10_000), default: .integer(12), unit: "tokens",
        "How many tokens to write on without a concept."),
      TraceRequest.using,
    ],
    result: "Effects; with a concept Steered",
    examples: [
      Example(
        """
        load("specimen")
        ablate("Patient Hugo Lee, 31 years, has asthma. Department:", target: " pulmonology").values
        """, needsResources: true)
    ],
    source: "Wang et al. 2022, arXiv:2211.00593; directions: Arditi et al. 2024, arXiv:2406.11717"
  ) { arguments, context in
    if let concept: ConceptValue = try arguments.object("concept") {
      let layers = try (try arguments.selection("layers") ?? .all).indices(
        count: concept.layers.count, parameter: "layers")
      let taps = layers.map { Steering.removing(concept.layers[$0].vector, entering: $0) }
      return try steered(
        arguments, context, concept, taps, words: "without “\(concept.name)”")
    }
    let trace = try trace(arguments, "text", context)
    let question = try CauseQuestion(trace, arguments, context)
    let substitute = Ablation.Substitute(rawValue: try arguments.text("substitute")) ?? .mean
    let result = try Ablation(
      trace.model.model, ids: trace.trace.ids, question: question.question,
      substitute: substitute, cancellation: context.cancellation
    ) { context.progress("Ablating", fraction: $0) }
    let all = try Tensor.concatenated([result.heads, result.parts], axis: 1)
    let labels =
      (0..<result.heads.shape[1]).map { TokenLabel("head \($0)") } + [
        TokenLabel("attention"), TokenLabel("feed-forward"),
      ]
    return .object(
      EffectsValue(
        all, kind: "fall of the logit", title: "Ablation · \(trace.model.model.name)",
        note: "\(question.words): \(NumberText.short(result.value, 4)); each part gives "
          + (substitute == .mean ? "its mean over the positions" : "zeros"),
        columns: labels, columnTitle: "part",
        provenance: try trace.model.provenance(of: context.call, in: context)))
  }

  private static let steer = FunctionDefinition(
    "steer", group: "Causes",
    summary: "What a model writes when a concept's direction is added to what it thinks.",
    details: """
      Strength 1 moves the residual stream as far as the concept's texts lie from the others along its direction. Too \
      much of any direction spoils what is written: look at the probabilities.
      """,
    parameters: [
      ParameterDefinition("text", .textOrObject("Trace"), "The text to write on from."),
      ParameterDefinition("concept", .object(["Concept"]), "What `concept` gives."),
      ParameterDefinition(
        "strength", .number(in: -1_000...1_000), default: .number(1),
        "How far; below 0 away from the concept."),
      ParameterDefinition(
        "layer", .optional(.selection(words: ["last"])),
        defaultText: "the one that tells the concept best",
        "The layer that the moved stream enters."),
      ParameterDefinition(
        "tokens", .integer(in: 0...10_000), default: .integer(12), unit: "tokens",
        "How many tokens to write."),
      TraceRequest.using,
    ],
    result: "Steered",
    examples: [
      Example(
        """
        weather = concept("weather", ["rain", "snow", "storm", "sunshine"], runs: 5, using: load("specimen"))
        steer("The sky is", weather, strength: 2, tokens: 3)
        """, needsResources: true)
    ],
    source: "Turner et al. 2023, arXiv:2308.10248"
  ) { arguments, context in
    guard let concept: ConceptValue = try arguments.object("concept") else {
      throw ArgumentError("concept", "`steer` takes what `concept` gives.")
    }
    var layer = concept.layers.max { $0.accuracy < $1.accuracy }?.layer ?? 0
    if try arguments.optional("layer") != nil, let selection = try arguments.selection("layer") {
      let layers = try selection.indices(count: concept.layers.count, parameter: "layer")
      guard layers.count == 1 else {
        throw ArgumentError("layer", "`layer` of `steer` takes one layer.", code: "wrong-value")
      }
      layer = layers[0]
    }
    let strength = try arguments.number("strength")
    let length = Float(strength * concept.gap(layer))
    let vector = concept.layers[layer].vector.map { $0 * length }
    return try steered(
      arguments, context, concept, [Steering.adding(vector, entering: layer)],
      words: "\(NumberText.short(strength, 3)) × “\(concept.name)” in layer \(layer)")
  }

  /// What is written with taps, beside what is written without.
  private static func steered(
    _ arguments: Arguments, _ context: ExecutionContext, _ concept: ConceptValue, _ taps: [Tap],
    words: String
  ) throws -> Value {
    let model = concept.model.model
    try DecoderNeed.check(model, for: arguments)
    let text: String
    if let trace: TraceValue = try arguments.object("text") {
      guard trace.model === concept.model, let own = trace.trace.text else {
        throw ArgumentError(
          "text", "The trace isn't of a text and the concept's model.", code: "wrong-value")
      }
      text = own
    } else {
      text = try arguments.text("text")
    }
    let ids = try model.encode(text, cancellation: context.cancellation).ids
    var options = GenerationOptions()
    options.tokens = try arguments.integer("tokens")
    func look(_ taps: [Tap]) throws -> SteeredValue.Side {
      let trace = try model.run(
        ids: ids, keeping: [], taps: taps, cancellation: context.cancellation)
      let written =
        options.tokens == 0
        ? ""
        : try model.generate(
          ids, options: options, taps: taps, cancellation: context.cancellation
        ) { _, _ in true }.text ?? ""
      return SteeredValue.Side(
        text: written,
        next: try NextTokens.top(trace, count: 5, cancellation: context.cancellation))
    }
    return .object(
      SteeredValue(
        text: text, words: words, before: try look([]), after: try look(taps), model: model.name,
        provenance: try concept.model.provenance(of: context.call, in: context)))
  }

  private static func trace(
    _ arguments: Arguments, _ parameter: String, _ context: ExecutionContext
  ) throws -> TraceValue {
    if let trace: TraceValue = try arguments.object(parameter) {
      try TraceRequest.check(trace, arguments)
      return trace
    }
    let model = try TraceRequest.model(arguments, context)
    return try TraceCache.of(context).trace(
      of: try arguments.text(parameter), model: model, in: context)
  }
}

/// What is asked of a text's end, as a scalar and in words.
struct CauseQuestion {
  let question: LogitQuestion
  let words: String

  init(_ trace: TraceValue, _ arguments: Arguments, _ context: ExecutionContext) throws {
    let model = trace.model.model
    try DecoderNeed.check(model, for: arguments)
    let answer = try AttributionAnswer(
      trace, target: try arguments.optionalText("target"), against: nil, in: context)
    let other = try arguments.optionalText("against").map {
      try AttributionAnswer(trace, target: $0, against: nil, in: context)
    }
    let position = trace.trace.ids.count - 1
    let first = model.tokenizer?.decode([answer.ids[0]]) ?? "\(answer.ids[0])"
    let second = other.map { model.tokenizer?.decode([$0.ids[0]]) ?? "\($0.ids[0])" }
    question = LogitQuestion(
      other.map { .difference(of: answer.ids[0], from: $0.ids[0], at: position) }
        ?? .logit(of: answer.ids[0], at: position))
    words =
      "logit of \(TokenLabels.quoted(first))"
      + (second.map { " − \(TokenLabels.quoted($0))" } ?? "")
  }
}
