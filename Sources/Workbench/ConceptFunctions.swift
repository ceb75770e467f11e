import Analysis
import Figures
import Interpreter
import Models

/// Concepts: what texts have in common as a direction, and what it does.
enum ConceptFunctions {
  static let all: [FunctionDefinition] = [concept, tcav]

  private static let concept = FunctionDefinition(
    "concept", group: "Concepts",
    summary: "What some texts or words have in common, as a direction in every layer of a model.",
    details: """
      In every layer a linear classifier tells the texts from random ones, or from those of `against` (a relative \
      concept); the direction is the unit normal of its plane, the mean over several runs with other random texts. \
      Its accuracy is that of texts that it hasn't seen: where it is near 50 %, there is no such direction.
      """,
    parameters: [
      ParameterDefinition("name", .text, "What to call it."),
      ParameterDefinition("texts", .list(of: .text), "Words or texts that have it, two at least."),
      ParameterDefinition(
        "against", .optional(.list(of: .text)), defaultText: "random texts",
        "Texts that don't have it, from which it is told."),
      ParameterDefinition(
        "random", .optional(.list(of: .text)), defaultText: "neutral words or sentences",
        "Texts about anything, at least twice as many as `texts`, from which random ones are drawn."
      ),
      ParameterDefinition(
        "pooling", .choice(ConceptActivations.Pooling.allCases.map(\.rawValue)),
        default: .text("last"),
        "Which vector of a text is taken: that of the last token, or the mean."),
      ParameterDefinition(
        "at", .optional(.text), defaultText: "none",
        "A piece of every text, such as a word, whose tokens' mean is taken in place of `pooling`."),
      ParameterDefinition(
        "classifier", .choice(LinearClassifier.Loss.allCases.map(\.rawValue)),
        default: .text("logistic"), "Logistic regression, or a linear support vector machine."),
      ParameterDefinition(
        "penalty", .number(in: 1e-6...1e6), default: .number(1),
        "By what the classifier's errors are multiplied against the length of its vector (scikit-learn's C)."
      ),
      ParameterDefinition(
        "runs", .integer(in: 1...1_000), default: .integer(20),
        "How many sets of random texts it is told from."),
      ParameterDefinition(
        "seed", .optional(.integer(in: 0...Int.max)), defaultText: "the session's seed",
        "Decides what is drawn."),
      TraceRequest.using,
    ],
    result: "Concept",
    examples: [
      Example(
        "concept(\"weather\", [\"rain\", \"snow\", \"storm\", \"sunshine\"], runs: 5).accuracy",
        needsResources: true)
    ],
    source: "Kim et al. 2018, arXiv:1711.11279"
  ) { arguments, context in
    let model = try TraceRequest.model(arguments, context)
    let texts = try arguments.texts("texts")
    guard texts.count > 1 else {
      throw ArgumentError("texts", "A concept takes two texts at least.", code: "wrong-value")
    }
    let against = try arguments.optional("against") == nil ? nil : try arguments.texts("against")
    if let against, against.isEmpty {
      throw ArgumentError("against", "`against` takes one text at least.", code: "wrong-value")
    }
    var options = ConceptSensitivity.Options()
    options.loss = LinearClassifier.Loss(rawValue: try arguments.text("classifier")) ?? .logistic
    options.penalty = try arguments.number("penalty")
    options.runs = try arguments.integer("runs")
    options.seed = UInt64(clamping: try arguments.optionalInteger("seed") ?? context.seed)
    let random: [String]
    let at = try arguments.optionalText("at")
    if try arguments.optional("random") == nil {
      if let at {
        throw ArgumentError(
          "random",
          "With `at`, `random` must be given: \(2 * texts.count) texts at least that have \(Value.text(at).description) too.",
          code: "missing-argument")
      }
      random = NeutralTexts.like(texts, count: max(80, 4 * texts.count), seed: options.seed)
    } else {
      random = try arguments.texts("random")
      guard random.count >= 2 * texts.count else {
        throw ArgumentError(
          "random",
          "`random` has \(random.count) texts; \(2 * texts.count) are needed, twice as many as the concept's.",
          code: "wrong-value")
      }
    }
    return .object(
      try ConceptValue(
        try arguments.text("name"), texts: texts, against: against, random: random, model: model,
        pooling: ConceptActivations.Pooling(rawValue: try arguments.text("pooling")) ?? .last,
        at: at, options: options, in: context))
  }

  private static let tcav = FunctionDefinition(
    "tcav", group: "Concepts",
    summary: "Whether concepts move what a model says about some texts, layer by layer.",
    details: """
      For every input the derivative of the target's logit along the concept's direction is taken; the TCAV score is \
      the share of inputs where it is positive. A concept is significant where its mean derivative is farther from \
      zero than those of random concepts, sets of random texts of the same size, corrected for the number of layers and \
      concepts (Holm). With test: "t" scores are compared by the t-test of the paper instead, which finds more than \
      there is, because the runs aren't independent of each other.
      """,
    parameters: [
      ParameterDefinition(
        "concept", .either([.object(["Concept"]), .list(of: .object(["Concept"]))]),
        "What `concept` gives, or a list of them."),
      ParameterDefinition("inputs", .list(of: .text), "The texts that are asked."),
      ParameterDefinition("target", .text, "What follows them; its first token counts."),
      ParameterDefinition(
        "against", .optional(.text), defaultText: "nothing", "What might follow instead."),
      ParameterDefinition(
        "layers", .selection(words: ["all", "last"]), default: .selector(.all),
        "Which layers, counted from 0: layer 0 is the embedding."),
      ParameterDefinition(
        "runs", .optional(.integer(in: 2...1_000)), defaultText: "those of the concept",
        "How many sets of random texts it is told from."),
      ParameterDefinition(
        "test", .choice(SensitivityValue.Test.allCases.map(\.rawValue)), default: .text("rank"),
        "By ranks among random concepts, or by the published t-test."),
      ParameterDefinition(
        "random_concepts", .optional(.integer(in: 19...10_000)),
        defaultText: "20 for each test, 100 at least",
        "How many random concepts it is compared with."),
    ],
    result: "Sensitivity",
    examples: [
      Example(
        """
        weather = concept("weather", ["rain", "snow", "storm", "sunshine"], runs: 5, using: load("specimen"))
        tcav(weather, inputs: ["The sky is", "The day was"], target: " good", random_concepts: 20).scores
        """, needsResources: true)
    ],
    source: "Kim et al. 2018, arXiv:1711.11279; ranks: Phipson and Smyth 2010; Holm 1979"
  ) { arguments, context in
    let concepts = try concepts(arguments)
    let model = concepts[0].model
    let language = model.model
    try DecoderNeed.check(language, for: arguments)
    let texts = try arguments.texts("inputs")
    guard !texts.isEmpty else {
      throw ArgumentError("inputs", "`inputs` takes one text at least.", code: "wrong-value")
    }
    let layers = try (try arguments.selection("layers") ?? .all).indices(
      count: language.configuration.layers, parameter: "layers")
    var options = concepts[0].options
    if let runs = try arguments.optionalInteger("runs") { options.runs = runs }
    options.randomConcepts =
      try arguments.optionalInteger("random_concepts")
      ?? max(100, 20 * layers.count * concepts.count)
    let target = try arguments.text("target")
    let against = try arguments.optionalText("against")
    let gradients = try GradientStore.of(context).gradients(
      texts, target: target, against: against, pooling: concepts[0].pooling,
      at: concepts[0].at, model: model, in: context
    ).at(layers)
    let results = try concepts.enumerated().map { index, concept in
      func chosen(_ set: ConceptActivations) -> ConceptActivations {
        ConceptActivations(layers: layers, vectors: layers.map { set.vectors[$0] })
      }
      var own = options
      own.loss = concept.options.loss
      own.penalty = concept.options.penalty
      own.seed = concept.options.seed
      return (
        concept.name,
        try ConceptSensitivity(
          concept: chosen(concept.activations), counterparts: concept.counterparts.map(chosen),
          random: concept.random.of(layers: layers), gradients: gradients, options: own,
          cancellation: context.cancellation
        ) { share in
          context.progress(
            "Comparing with random concepts",
            fraction: (Double(index) + share) / Double(concepts.count))
        }
      )
    }
    let words =
      TokenLabels.quoted(target)
      + (against.map { " rather than \(TokenLabels.quoted($0))" } ?? "")
    return .object(
      SensitivityValue(
        results, test: SensitivityValue.Test(rawValue: try arguments.text("test")) ?? .rank,
        target: words, inputs: texts.count, options: options,
        provenance: try model.provenance(
          of: context.call, seed: Int(clamping: options.seed), in: context)))
  }

  /// The concepts of a call, all of one model and one pooling.
  private static func concepts(_ arguments: Arguments) throws -> [ConceptValue] {
    var concepts: [ConceptValue] = []
    if let one: ConceptValue = try arguments.object("concept") {
      concepts = [one]
    } else {
      concepts = try arguments.list("concept").compactMap { value in
        if case .object(let object) = value { return object as? ConceptValue }
        return nil
      }
    }
    guard let first = concepts.first else {
      throw ArgumentError("concept", "`tcav` takes what `concept` gives.", code: "wrong-value")
    }
    guard
      concepts.allSatisfy({
        $0.model === first.model && $0.pooling == first.pooling && $0.at == first.at
      })
    else {
      throw ArgumentError(
        "concept", "The concepts must be of one model and one pooling.", code: "wrong-value")
    }
    return concepts
  }
}
