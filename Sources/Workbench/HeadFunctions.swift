import Analysis
import Interpreter
import Models
import Tensors

extension AttentionFunctions {
  static let heads = FunctionDefinition(
    "heads", group: "Attention",
    summary: "What every head of a model does with a text, in numbers, ranked by one of them.",
    details: """
      For every head: the entropy of what its queries look at in bits, and as a share of the largest \
      possible one; how many tokens away it looks; and how much of its attention goes to the first \
      token, to the token before, to earlier places of the same token, and to what followed those \
      (induction). The last three are means over the queries that have such a key; over: "all" gives \
      the share of all attention instead, as TransformerLens does. Induction and duplicates need a \
      text in which tokens recur. Maps are computed one head at a time.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "sort", .choice(["layer"] + HeadScore.allCases.map(\.rawValue)), default: .text("layer"),
        "By which number the table is ranked, largest first; by layer and head else."),
      ParameterDefinition(
        "layer", .selection(words: ["all", "last"]), default: .selector(.all),
        "Which layers, counted from 0."),
      ParameterDefinition(
        "over", .choice(["matching", "all"]), default: .text("matching"),
        "Whether patterns are scored over the queries that have a matching key, or over all."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "HeadScores",
    examples: [
      Example(
        "heads(\"The cat sat on the mat because the cat was tired.\", sort: \"induction\")",
        needsResources: true),
      Example("heads(\"The cat sat on the mat.\", layer: 0).previous_token", needsResources: true),
    ],
    source:
      "Olsson et al. 2022, In-context Learning and Induction Heads; the patterns are those of "
      + "TransformerLens' head_detector"
  ) { arguments, context in
    let sizes = try TraceRequest.answeringModel(arguments, context).configuration
    let selection = try arguments.selection("layer") ?? .all
    let layers = try selection.indices(count: sizes.layers, parameter: "layer")
    let trace = try TraceRequest.trace(arguments, context)
    let total = layers.count * sizes.heads
    let summaries = try AttentionPatterns.summaries(
      trace.trace, layers: layers,
      progress: { share in
        let done = Int((share * Double(total)).rounded())
        context.progress("Heads", fraction: share, detail: "\(done) of \(total)")
      }, cancellation: context.cancellation)
    return .object(
      HeadScoresValue(
        summaries, of: trace, layers: layers,
        sort: HeadScore(rawValue: try arguments.text("sort")),
        isOverAll: try arguments.text("over") == "all", call: context.call))
  }

  static let rollout = FunctionDefinition(
    "rollout", group: "Attention",
    summary: "How much of each input token reaches each position through all layers up to one.",
    details: """
      Each layer's map is the mean over its heads, half and half with the identity that stands for \
      the residual stream; the maps are multiplied from the first layer up: R = (½A + ½I) · R. Rows \
      sum to 1. Values, norms and feed-forward parts don't enter, so that this says what attention \
      could carry, not what the model makes of it.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "layer", .selection(words: ["last"]), default: .selector(.last),
        "The last layer that counts, from 0."),
      special, TraceRequest.using, TraceRequest.ids,
    ],
    result: "an AttentionMap",
    examples: [
      Example("rollout(\"The cat sat on the mat because it was tired.\")", needsResources: true),
      Example(
        "rollout(\"The cat sat because it was tired.\", layer: 2)[\"it\"]", needsResources: true),
    ],
    source: "Abnar and Zuidema 2020, Quantifying Attention Flow in Transformers, arXiv:2005.00928"
  ) { arguments, context in
    let sizes = try TraceRequest.answeringModel(arguments, context).configuration
    let layer = try one("layer", arguments, count: sizes.layers)
    let trace = try TraceRequest.trace(arguments, context)
    let weights = try AttentionRollout.rollout(
      trace.trace, through: layer,
      progress: {
        context.progress("Rollout", fraction: $0, detail: "\(layer + 1) layers")
      }, cancellation: context.cancellation)
    return .object(
      AttentionMapValue(
        weights, of: trace, kind: .rollout, layer: .one(layer), head: .mean,
        showsSpecial: try arguments.bool("special"), call: context.call))
  }

  static let flow = FunctionDefinition(
    "flow", group: "Attention",
    summary: "How much of each input token could reach each position, as the largest flow.",
    details: """
      The maps of all layers, means over heads half and half with the identity, are pipes of limited \
      width from each layer down to the one before. For a position and an input token the largest \
      flow between them is computed; each row is then divided by its sum. The work grows with the \
      fourth power of the length: texts have at most \(AttentionFlow.largestText) tokens, or \
      \(AttentionFlow.largestTextOfOnePosition) where one position is asked for.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "position", .selection(words: ["all", "last"]), default: .selector(.all),
        "All positions, or one, counted from 0."),
      special, TraceRequest.using, TraceRequest.ids,
    ],
    result: "an AttentionMap, or an AttentionRow for one position",
    examples: [
      Example("flow(\"The cat sat because it was tired.\")", needsResources: true),
      Example("flow(\"The cat sat because it was tired.\", position: 5)", needsResources: true),
    ],
    source: "Abnar and Zuidema 2020, Quantifying Attention Flow in Transformers, arXiv:2005.00928"
  ) { arguments, context in
    let trace = try TraceRequest.trace(arguments, context)
    let sizes = trace.model.model.configuration
    let selection = try arguments.selection("position") ?? .all
    let single =
      selection == .all ? nil : try one("position", arguments, count: trace.trace.ids.count)
    let flow = try AttentionFlow(
      of: trace.trace, positions: single.map { [$0] },
      progress: { context.progress("Attention flow", fraction: $0, detail: "") },
      cancellation: context.cancellation)
    guard let single else {
      return .object(
        AttentionMapValue(
          flow.shares, of: trace, kind: .flow, layer: .one(sizes.layers - 1), head: .mean,
          showsSpecial: try arguments.bool("special"), call: context.call))
    }
    return .object(
      AttentionRowValue(
        flow.shares.floats, of: trace, kind: .flow,
        query: TokenLabels.text(trace.trace.tokens[single]),
        place: "\(sizes.layers) layers · mean over heads", call: context.call))
  }

  static let compare = FunctionDefinition(
    "compare", group: "Attention",
    summary:
      "The difference of two attention maps of one size: of two texts, heads or models; or two trainings' curves.",
    details: """
      Each number is that of the second map minus that of the first: blue where the second looks \
      more, orange where it looks less. Texts must have as many tokens as each other; where a token \
      differs, both are shown.
      """,
    parameters: [
      ParameterDefinition(
        "a", .object(["AttentionMap", "Training"]), "The map, or the training, to compare with."),
      ParameterDefinition(
        "b", .object(["AttentionMap", "Training"]), "The one that is compared."),
    ],
    result: "an AttentionDifference; of trainings a Figure",
    examples: [
      Example(
        """
        a = attention("The doctor said he was late.", layer: 3, head: 1)
        compare(a, attention("The nurse said she was late.", layer: 3, head: 1))
        """, needsResources: true)
    ]
  ) { arguments, context in
    if let first: TrainingValue = try arguments.object("a"),
      let second: TrainingValue = try arguments.object("b")
    {
      return try TrainingFunctions.compared(first, second, context)
    }
    guard let first: AttentionMapValue = try arguments.object("a"),
      let second: AttentionMapValue = try arguments.object("b")
    else { throw ArgumentError("a", "`compare` takes two attention maps or two trainings.") }
    guard first.weights.shape == second.weights.shape else {
      throw ArgumentError(
        "b",
        "The first map has \(first.weights.shape[0]) tokens, the second "
          + "\(second.weights.shape[0]): only maps of one size can be compared.",
        hint: "Change words for words of as many tokens; `tokens` shows how a text is cut.",
        code: "wrong-shape")
    }
    guard first.kind == second.kind else {
      throw ArgumentError(
        "b",
        "The first map is “\(first.kind.title)”, the second “\(second.kind.title)”: their numbers "
          + "mean different things.", code: "wrong-value")
    }
    return .object(
      try AttentionDifferenceValue(first, second, call: context.call))
  }

  private static let special = ParameterDefinition(
    "special", .bool, default: .bool(true),
    "Whether the picture shows the model's own marks, such as [CLS]; the numbers stay as they are.")

  /// The single index that an argument chooses.
  private static func one(
    _ parameter: String, _ arguments: Arguments, count: Int
  ) throws -> Int {
    let selection = try arguments.selection(parameter) ?? .last
    let indices = try selection.indices(count: count, parameter: parameter)
    guard selection.choosesOne, let index = indices.first else {
      throw ArgumentError(
        parameter, "`\(parameter)` of `\(arguments.definition.name)` takes one \(parameter).")
    }
    return index
  }
}
