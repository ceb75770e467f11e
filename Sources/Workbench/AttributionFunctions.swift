import Analysis
import Interpreter
import Models
import Tokenizers

/// Why a decoder says what it says.
enum AttributionFunctions {
  static let all: [FunctionDefinition] = [
    attribute, AttributionMapFunctions.explainAnswer, AttributionMapFunctions.conductance,
    faithfulness,
  ]

  static let target = ParameterDefinition(
    "target", .optional(.text), defaultText: "the likeliest next token",
    "What follows, to be explained.")
  static let against = ParameterDefinition(
    "against", .optional(.text), defaultText: "nothing", "What might have followed instead.")
  static let method = ParameterDefinition(
    "method", .choice(Attribution.Method.allCases.map(\.rawValue)),
    default: .text(Attribution.Method.integratedGradients.rawValue), "How to tell.")
  static let baseline = ParameterDefinition(
    "baseline", .text, default: .text("beginning"),
    "What stands for an absent token: \"beginning\", \"mean\", \"zero\", \"padding\", a token's text, or a text of as many "
      + "tokens."
  )
  static let steps = ParameterDefinition(
    "steps", .optional(.integer(in: 1...10_000)), defaultText: "as many as needed",
    "Points on the way of integrated gradients.")
  static let samples = ParameterDefinition(
    "samples", .integer(in: 2...100_000), default: .integer(20),
    "Noisy copies of SmoothGrad, or orders of Shapley values.")
  static let measure = ParameterDefinition(
    "measure", .choice(["logit", "log_probability"]), default: .text("logit"),
    "What is explained: the score before the softmax, or the logarithm of the probability.")
  static let seed = ParameterDefinition(
    "seed", .optional(.integer(in: 0...Int.max)), defaultText: "the session's seed",
    "Decides noise and orders.")

  private static let attribute = FunctionDefinition(
    "attribute", group: "Attribution",
    summary:
      "How much each token of a text did for what follows it: a token that you name, or the likeliest.",
    details: """
      Methods: "integrated_gradients" (gradients along the way from a baseline; the delta tells how \
      incomplete they are), "deeplift" (changes from a baseline followed back step by step, in one run; the delta is \
      what rounding and experts' routers take; it is large from a baseline of zeros, by which RMS norms divide), "input_x_gradient", "gradient_norm", "smoothgrad", "occlusion" (what is lost \
      without each token), "shapley" (Shapley values by sampled orders), "attn_lrp" and "conserving_lrp" \
      (relevance followed back by rules; the delta tells how much is lost) and "attention_relevance" (attention \
      times its gradient). With `against` the difference of \
      two logits is explained: why this and not that. A target of several tokens is explained as their sum. Of \
      a model that reads one text and writes another, what is read is explained; of a model of masked tokens, \
      what it puts in the text's one gap.
      """,
    parameters: [
      TraceRequest.text,
      target, against, method, baseline, steps, samples,
      ParameterDefinition(
        "by", .choice(["token", "word"]), default: .text("token"),
        "Whether occlusion and Shapley values replace tokens or words."),
      measure,
      ParameterDefinition(
        "check", .bool, default: .bool(false),
        "Whether the scores are tried: tokens are taken away and given back in their order, as `faithfulness` does, and a model "
          + "of random weights is explained too, whose same picture would mean that the method looks at the text alone."
      ),
      seed,
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "Attribution",
    examples: [
      Example(
        "attribute(\"Once upon a\", method: \"input_x_gradient\").scores", needsResources: true)
    ],
    source:
      "Sundararajan et al. 2017, arXiv:1703.01365; Shrikumar et al. 2017, arXiv:1704.02685; Smilkov et al. 2017, arXiv:1706.03825; "
      + "Zeiler and Fergus 2014, arXiv:1311.2901; Castro et al. 2009; Achtibat et al. 2024, "
      + "arXiv:2402.05602; Ali et al. 2022, arXiv:2202.07304; Chefer et al. 2021, arXiv:2103.15679; "
      + "Adebayo et al. 2018, arXiv:1810.03292"
  ) { arguments, context in
    let place = try AttributionPlace(arguments, context)
    let trace = place.trace
    let answer = try AttributionAnswer(
      place, target: try arguments.optionalText("target"),
      against: try arguments.optionalText("against"), in: context)
    var options = try options(arguments, trace.model.model, context)
    if try arguments.text("by") == "word" {
      options.units = WordGroups.positions(trace.trace.tokens)
    }
    let question = try place.question(
      answer, measure: try measure(arguments), cancellation: context.cancellation)
    let method = try method(arguments)
    let attribution = try Attribution(
      question, method: method, options: options, cancellation: context.cancellation
    ) { context.progress("Explaining", fraction: $0) }
    var check: AttributionCheck?
    if try arguments.bool("check") {
      check = AttributionCheck(
        faithfulness: try Faithfulness(
          of: attribution, question, options: options, cancellation: context.cancellation
        ) { context.progress("Taking tokens away", fraction: $0) },
        similarity: try RandomisedWeights.similarity(
          of: attribution, question, options: options,
          random: try RandomModels.model(like: trace.model, seed: options.seed, in: context),
          cancellation: context.cancellation
        ) { context.progress("Explaining random weights", fraction: $0) })
    }
    return .object(
      AttributionValue(
        attribution, question: question, options: options, answer: answer,
        check: check, of: trace,
        provenance: try trace.model.provenance(
          of: context.call,
          seed: method.isRandom || check != nil ? Int(clamping: options.seed) : nil,
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
  static func decoderTrace(
    _ arguments: Arguments, _ context: ExecutionContext
  ) throws -> TraceValue {
    let model = try TraceRequest.answeringModel(arguments, context)
    guard !model.isEncoderDecoder else {
      throw FunctionError(
        "Whole answers and layers are explained of decoders alone: \(Value.text(model.name).description) reads one text and writes "
          + "another.",
        hint: "`attribute` explains a token that it writes.", code: "not-causal")
    }
    guard model.configuration.isCausal else { throw ModelError.notCausal(model: model.name) }
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
    return try TraceRequest.trace(arguments, context)
  }

  /// What a call says about the way, but for units.
  static func options(
    _ arguments: Arguments, _ model: LanguageModel, _ context: ExecutionContext
  ) throws -> Attribution.Options {
    var options = Attribution.Options()
    options.baseline = try baseline(try arguments.text("baseline"), model)
    options.steps = try arguments.optionalInteger("steps")
    func takes(_ name: String) -> Bool {
      arguments.definition.parameters.contains { $0.name == name }
    }
    if takes("samples") { options.samples = try arguments.integer("samples") }
    let seed = takes("seed") ? try arguments.optionalInteger("seed") : nil
    options.seed = UInt64(clamping: seed ?? context.seed)
    return options
  }

  /// What a call explains: logits or logarithms of probabilities.
  static func measure(_ arguments: Arguments) throws -> LogitTarget.Measure {
    try arguments.text("measure") == "logit" ? .logit : .logProbability
  }

  /// The method that a call names.
  static func method(_ arguments: Arguments) throws -> Attribution.Method {
    Attribution.Method(rawValue: try arguments.text("method")) ?? .integratedGradients
  }

  private static func baseline(
    _ name: String, _ model: LanguageModel
  ) throws -> AttributionBaseline {
    switch name {
    case "beginning": return .beginning
    case "mean": return .mean
    case "zero": return .zero
    case "padding":
      guard let id = model.tokenizer?.paddingID else {
        throw ArgumentError(
          "baseline",
          "\(Value.text(model.name).description) names no token for padding, so that none can stand for an absent one.",
          hint: "Take \"beginning\", \"mean\" or \"zero\".", code: "wrong-value")
      }
      return .token(id)
    default:
      guard let tokenizer = model.tokenizer else { throw ModelError.noTokenizer(model: model.name) }
      let ids =
        tokenizer.id(of: name).map { [$0] } ?? tokenizer.ids(of: name, addSpecialTokens: false)
      return ids.count == 1 ? .token(ids[0]) : .tokens(tokenizer.ids(of: name))
    }
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
