import Analysis
import Interpreter
import Models

/// What can be read off hidden states.
enum ProbeFunctions {
  static let all: [FunctionDefinition] = [probe]

  private static let probe = FunctionDefinition(
    "probe", group: "Concepts",
    summary: "How well a linear classifier reads labels off each layer, against random labels.",
    details: """
      A logistic regression learns the labels from most of the texts and is asked for the rest; every text is held out \
      once. Control tasks deal the same labels at random: selectivity is the accuracy beyond theirs, and how well the \
      probe tells the control labels that it learned from says how much it can learn by heart. With `kinds`, texts of one \
      kind (such as the same word) share a control label, as in the paper. A layer is significant where hardly any control \
      task does as well in any layer. That something can be read off doesn't show that the model uses it: see `tcav` \
      and `patch`.
      """,
    parameters: [
      ParameterDefinition("texts", .list(of: .text), "The texts."),
      ParameterDefinition(
        "labels", .list(of: .any), "For each text its label: a text, a number, or a truth value."),
      ParameterDefinition(
        "layer", .selection(words: ["all", "last"]), default: .selector(.all),
        "Which layers' inputs, counted from 0: layer 0 is the embedding; one more than the last is the output."
      ),
      ParameterDefinition(
        "pooling", .choice(ConceptActivations.Pooling.allCases.map(\.rawValue)),
        default: .text("last"),
        "Which vector of a text is taken: that of the last token, or the mean."),
      ParameterDefinition(
        "at", .optional(.text), defaultText: "none",
        "A piece of every text, such as a word, whose tokens' mean is taken in place of `pooling`."),
      ParameterDefinition(
        "kinds", .optional(.list(of: .any)), defaultText: "each text its own",
        "For each text what decides its control label."),
      ParameterDefinition(
        "folds", .integer(in: 2...1_000), default: .integer(5),
        "Into how many parts the texts are divided."),
      ParameterDefinition(
        "controls", .integer(in: 1...10_000), default: .integer(39), "How many control tasks."),
      ParameterDefinition(
        "penalty", .number(in: 1e-6...1e6), default: .number(1),
        "By what errors are multiplied against the length of the vectors (scikit-learn's C)."),
      ParameterDefinition(
        "seed", .optional(.integer(in: 0...Int.max)), defaultText: "the session's seed",
        "Decides parts and control labels."),
      TraceRequest.using,
    ],
    result: "Probe",
    examples: [
      Example(
        """
        words = ["rain", "snow", "storm", "sunshine", "table", "chair", "lamp", "shelf"]
        probe(words, ["weather", "weather", "weather", "weather", "thing", "thing", "thing", "thing"],
          folds: 4, controls: 5, using: load("specimen")).accuracy
        """, needsResources: true)
    ],
    source: "Hewitt and Liang 2019, arXiv:1909.03368; Alain and Bengio 2016, arXiv:1610.01644; "
      + "correction: Westfall and Young 1993"
  ) { arguments, context in
    let model = try TraceRequest.model(arguments, context)
    let texts = try arguments.texts("texts")
    let labels = try arguments.list("labels").map(words)
    try check(labels, "labels", texts)
    let kinds = try arguments.optionalList("kinds")?.map(words)
    if let kinds { try check(kinds, "kinds", texts) }
    let names = distinct(labels)
    guard names.count > 1 else {
      throw ArgumentError(
        "labels", "A probe takes two different labels at least.", code: "wrong-value")
    }
    var options = LinearProbe.Options()
    options.folds = try arguments.integer("folds")
    for name in names {
      let count = labels.count { $0 == name }
      guard count >= 2 else {
        throw ArgumentError(
          "labels",
          "The label \(Value.text(name).description) stands at one text; each needs two at least, to learn from one and "
            + "be asked for another.", code: "wrong-value")
      }
    }
    guard options.folds <= texts.count else {
      throw ArgumentError(
        "folds", "\(texts.count) texts can't be divided into \(options.folds) parts.",
        code: "wrong-value")
    }
    options.controls = try arguments.integer("controls")
    options.penalty = try arguments.number("penalty")
    options.seed = UInt64(clamping: try arguments.optionalInteger("seed") ?? context.seed)
    let layers = try (try arguments.selection("layer") ?? .all).indices(
      count: model.model.configuration.layers + 1, parameter: "layer")
    let pooling = ConceptActivations.Pooling(rawValue: try arguments.text("pooling")) ?? .last
    let cache = TraceCache.of(context)
    let traces = try texts.enumerated().map { index, text in
      context.progress("Reading texts", fraction: 0.2 * Double(index) / Double(texts.count))
      return try cache.trace(of: text, model: model, in: context).trace
    }
    let at = try arguments.optionalText("at")
    let activations = try ConceptActivations(
      traces, layers: layers, pooling: pooling,
      positions: try at.map { piece in
        try traces.map { try TokenSearch.positions(of: piece, in: $0.tokens, text: $0.text) }
      })
    let kindNames = kinds.map(distinct)
    let result = try LinearProbe(
      activations, labels: labels.map { names.firstIndex(of: $0) ?? 0 }, classes: names.count,
      kinds: kinds.map { kinds in kinds.map { kindNames?.firstIndex(of: $0) ?? 0 } },
      options: options, cancellation: context.cancellation
    ) { context.progress("Probing", fraction: 0.2 + 0.8 * $0) }
    return .object(
      ProbeValue(
        result, texts: texts, labels: labels, names: names, options: options,
        taken: at.map { "at “\($0)”" } ?? (pooling == .last ? "last token" : "mean over tokens"),
        model: model,
        provenance: try model.provenance(
          of: context.call, seed: Int(clamping: options.seed), in: context)))
  }

  /// A label as a text.
  private static func words(_ value: Value) -> String {
    if case .text(let text) = value { return text }
    return value.description
  }

  /// The labels in the order in which they first occur.
  private static func distinct(_ labels: [String]) -> [String] {
    var seen: Set<[UInt8]> = []
    return labels.filter { seen.insert(Array($0.utf8)).inserted }
  }

  private static func check(_ labels: [String], _ name: String, _ texts: [String]) throws {
    guard labels.count == texts.count else {
      throw ArgumentError(
        name, "`\(name)` has \(labels.count) entries for \(texts.count) texts; each needs one.",
        code: "wrong-value")
    }
  }
}
