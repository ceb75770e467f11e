import Analysis
import Interpreter
import Models
import Tokenizers

/// Why a decoder says what it says.
enum AttributionFunctions {
  static let all: [FunctionDefinition] = [attribute, faithfulness]

  private static let attribute = FunctionDefinition(
    "attribute", group: "Attribution",
    summary:
      "How much each token of a text did for what follows it: a token that you name, or the likeliest.",
    details: """
      Methods: "integrated_gradients" (gradients along the way from a baseline; the delta tells how \
      incomplete they are), "input_x_gradient", "gradient_norm", "smoothgrad", "occlusion" (what is lost \
      without each token) and "shapley" (Shapley values by sampled orders). With `against` the difference of \
      two logits is explained: why this and not that. A target of several tokens is explained as their sum.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "target", .optional(.text), defaultText: "the likeliest next token",
        "What follows, to be explained."),
      ParameterDefinition(
        "against", .optional(.text), defaultText: "nothing",
        "What might have followed instead."),
      ParameterDefinition(
        "method", .choice(Attribution.Method.allCases.map(\.rawValue)),
        default: .text(Attribution.Method.integratedGradients.rawValue), "How to tell."),
      ParameterDefinition(
        "baseline", .text, default: .text("beginning"),
        "What stands for an absent token: \"beginning\", \"mean\", \"zero\", or a token's text."),
      ParameterDefinition(
        "steps", .optional(.integer(in: 1...10_000)), defaultText: "as many as needed",
        "Points on the way of integrated gradients."),
      ParameterDefinition(
        "samples", .integer(in: 2...100_000), default: .integer(20),
        "Noisy copies of SmoothGrad, or orders of Shapley values."),
      ParameterDefinition(
        "by", .choice(["token", "word"]), default: .text("token"),
        "Whether occlusion and Shapley values replace tokens or words."),
      ParameterDefinition(
        "measure", .choice(["logit", "log_probability"]), default: .text("logit"),
        "What is explained: the score before the softmax, or the logarithm of the probability."),
      ParameterDefinition(
        "seed", .optional(.integer(in: 0...Int.max)), defaultText: "the session's seed",
        "Decides noise and orders."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "Attribution",
    examples: [
      Example(
        "attribute(\"Once upon a\", method: \"input_x_gradient\").scores", needsResources: true)
    ],
    source: "Sundararajan et al. 2017, arXiv:1703.01365; Smilkov et al. 2017, arXiv:1706.03825; "
      + "Zeiler and Fergus 2014, arXiv:1311.2901; Castro et al. 2009"
  ) { arguments, context in
    let trace = try decoderTrace(arguments, context)
    let answer = try AttributionAnswer(
      trace, target: try arguments.optionalText("target"),
      against: try arguments.optionalText("against"), in: context)
    var options = Attribution.Options()
    options.baseline = try baseline(try arguments.text("baseline"), trace.model.model)
    options.steps = try arguments.optionalInteger("steps")
    options.samples = try arguments.integer("samples")
    options.seed = UInt64(clamping: try arguments.optionalInteger("seed") ?? context.seed)
    if try arguments.text("by") == "word" {
      options.units = WordGroups.positions(trace.trace.tokens)
    }
    let question = try AttributionQuestion(
      trace.model.model, prompt: trace.trace.ids, answer: answer.ids, against: answer.against,
      measure: try arguments.text("measure") == "logit" ? .logit : .logProbability,
      cancellation: context.cancellation)
    let name = try arguments.text("method")
    let method = Attribution.Method(rawValue: name) ?? .integratedGradients
    let attribution = try Attribution(
      question, method: method, options: options, cancellation: context.cancellation
    ) { context.progress("Explaining", fraction: $0) }
    return .object(
      AttributionValue(
        attribution, question: question, options: options, answer: answer, of: trace,
        provenance: try trace.model.provenance(
          of: context.call,
          seed: method == .shapley || method == .smoothGrad ? Int(clamping: options.seed) : nil,
          in: context)))
  }

  private static let faithfulness = FunctionDefinition(
    "faithfulness", group: "Attribution",
    summary:
      "Whether an attribution names what matters: what is left when its strongest tokens are taken away.",
    details: """
      Deletion takes tokens away, strongest first: the curve should fall fast. Insertion gives them back so: it \
      should rise fast. Areas are shares of the way from nothing to the whole text; the deletion area is compared \
      with that of random orders.
      """,
    parameters: [
      ParameterDefinition("attribution", .object(["Attribution"]), "What `attribute` gives.")
    ],
    result: "Faithfulness",
    examples: [
      Example(
        "faithfulness(attribute(\"Once upon a\", method: \"occlusion\")).deletion_area",
        needsResources: true)
    ],
    source: "Petsiuk et al. 2018, arXiv:1806.07421"
  ) { arguments, context in
    guard let value: AttributionValue = try arguments.object("attribution") else {
      throw ArgumentError("attribution", "`faithfulness` takes what `attribute` gives.")
    }
    var options = value.options
    options.seed = UInt64(clamping: context.seed)
    let result = try Faithfulness(
      of: value.attribution, value.question, options: options, cancellation: context.cancellation
    ) { context.progress("Taking tokens away", fraction: $0) }
    return .object(
      FaithfulnessValue(
        result, method: value.attribution.method,
        provenance: try value.trace.model.provenance(
          of: context.call, seed: context.seed, in: context)))
  }

  /// The trace that a call means, of a model that says what comes next.
  private static func decoderTrace(
    _ arguments: Arguments, _ context: ExecutionContext
  ) throws -> TraceValue {
    let model = try TraceRequest.answeringModel(arguments, context)
    guard model.configuration.isCausal else { throw ModelError.notCausal(model: model.name) }
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
    return try TraceRequest.trace(arguments, context)
  }

  private static func baseline(
    _ name: String, _ model: LanguageModel
  ) throws -> AttributionBaseline {
    switch name {
    case "beginning": return .beginning
    case "mean": return .mean
    case "zero": return .zero
    default:
      guard let tokenizer = model.tokenizer else { throw ModelError.noTokenizer(model: model.name) }
      let ids =
        tokenizer.id(of: name).map { [$0] } ?? tokenizer.ids(of: name, addSpecialTokens: false)
      guard ids.count == 1 else {
        throw ArgumentError(
          "baseline",
          "`baseline` takes \"beginning\", \"mean\", \"zero\", or the text of one token, and "
            + "\(Value.text(name).description) is \(ids.count) tokens.")
      }
      return .token(ids[0])
    }
  }
}

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

  /// The tokens of a text that follows, with or without a space before it: of forms of equally many tokens the one that
  /// the model holds likelier.
  private static func ids(
    _ text: String, _ trace: TraceValue, _ context: ExecutionContext
  ) throws -> [Int] {
    guard let tokenizer = trace.model.model.tokenizer else {
      throw ModelError.noTokenizer(model: trace.model.model.name)
    }
    guard !text.isEmpty else {
      throw ArgumentError("target", "A target has at least one character.")
    }
    let plain = tokenizer.ids(of: text, addSpecialTokens: false)
    let spaced = tokenizer.ids(of: " " + text, addSpecialTokens: false)
    if text.hasPrefix(" ") || spaced.count > plain.count { return plain }
    if spaced.count < plain.count { return spaced }
    func probability(_ id: Int) throws -> Double {
      try NextTokens.probability(of: id, in: trace.trace, cancellation: context.cancellation)
    }
    return try probability(spaced[0]) > probability(plain[0]) ? spaced : plain
  }
}

/// Tokens that make words together.
enum WordGroups {
  /// The positions of the tokens of each word.
  ///
  /// A word is a run of letters and digits; an ideograph's token is a word by
  /// itself, and so is a mark that the model adds.
  static func positions(_ tokens: [Tokenizers.Token]) -> [[Int]] {
    var groups: [[Int]] = []
    var last: Unicode.Scalar?
    for (position, token) in tokens.enumerated() {
      let scalars = token.text.unicodeScalars
      let continuesPart = (token.part?.index ?? 1) > 1
      let continuesWord =
        isLetter(last) && isLetter(scalars.first) && !TokenLabels.isMark(token)
      if let place = groups.indices.last, continuesPart || continuesWord {
        groups[place].append(position)
      } else {
        groups.append([position])
      }
      last = TokenLabels.isMark(token) ? nil : scalars.last
    }
    return groups
  }

  private static func isLetter(_ scalar: Unicode.Scalar?) -> Bool {
    guard let properties = scalar?.properties else { return false }
    return (properties.isAlphabetic || properties.numericType != nil) && !properties.isIdeographic
  }
}
