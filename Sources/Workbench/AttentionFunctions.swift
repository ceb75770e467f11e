import Analysis
import Interpreter
import Models
import Tensors

/// Looking at attention.
enum AttentionFunctions {
  static let all: [FunctionDefinition] = [attention, heads, rollout, flow, compare]

  private static let attention = FunctionDefinition(
    "attention", group: "Attention",
    summary: "Which tokens each token looks at: one map, or a grid of maps over layers and heads.",
    details: """
      Each row of a map is a token that looks (query), each column a token that is looked at \
      (key); a row sums to 1. Maps are computed from the kept queries and keys when they are asked \
      for. What a decoder's token can't see is blank. A map can be indexed by a piece of text: \
      a["it"] is what "it" looks at, a["it"]["cat"] how much of that goes to "cat". A piece of \
      several tokens gives the mean over the tokens that look and the sum over those looked at. \
      With kind: "values" each number is the length of what the key adds to the query's residual \
      stream, |a(q, k) · v(k) · W_O|: a look at a token whose value is next to nothing weighs next \
      to nothing, and rows don't sum to 1.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "layer", .selection(), default: .selector(.last),
        "Which layers, counted from 0: one, several (a row of maps for each), all, or the mean or "
          + "max over all."),
      ParameterDefinition(
        "head", .selection(), default: .text("mean"), defaultText: "mean",
        "Which heads, counted from 0: one, several (a column for each), all, or the mean or max "
          + "over all."),
      ParameterDefinition(
        "special", .bool, default: .bool(true),
        "Whether the picture shows the model's own marks, such as [CLS]; the weights stay as they "
          + "are."),
      ParameterDefinition(
        "kind", .choice(["weights", "values", "cross", "decoder"]), default: .text("weights"),
        "What the numbers are: the weights, or the lengths of what keys add to queries; of a decoder "
          + "that writes a target, its weights on the text (cross) or on the target."),
      PairRequest.target,
      TraceRequest.using,
      TraceRequest.ids,
      PairRequest.targetIDs,
    ],
    result: "an AttentionMap, or an AttentionGrid where several layers or heads are chosen",
    examples: [
      Example("attention(\"The cat sat on the mat because it was tired.\")", needsResources: true),
      Example(
        "attention(\"The cat sat on the mat because it was tired.\", layer: 3, head: 1)",
        needsResources: true),
      Example(
        "attention(\"The cat sat on the mat.\", layer: 0...2, head: all)", needsResources: true),
      Example(
        "attention(\"The cat sat because it was tired.\", layer: 3, head: 1)[\"it\"][\"cat\"]",
        needsResources: true),
      Example(
        "attention(\"The cat sat on the mat.\", layer: 2, head: 5, kind: \"values\")",
        needsResources: true),
    ],
    source: "Vaswani et al. 2017, Attention Is All You Need, section 3.2; words of several tokens: "
      + "Clark et al. 2019, What Does BERT Look At?, section 4.1; values: Kobayashi et al. 2020, "
      + "Attention is Not Only a Weight"
  ) { arguments, context in
    if let maps = try PairAttentionRequest.value(arguments, context) { return maps }
    // What is asked for is checked before the model runs.
    let sizes = try TraceRequest.answeringModel(arguments, context).configuration
    let special = try arguments.bool("special")
    let layers = try AttentionChoice.choices(
      try arguments.selection("layer") ?? .last, count: sizes.layers, parameter: "layer")
    let heads = try AttentionChoice.choices(
      try arguments.selection("head") ?? .mean, count: sizes.heads, parameter: "head")
    let kind: AttentionKind = try arguments.text("kind") == "values" ? .values : .weights
    let trace = try TraceRequest.trace(arguments, context)
    let total = layers.count * heads.count
    try checkSize(maps: total, queries: trace.trace.ids.count, keys: trace.trace.ids.count)
    var done = 0
    let maps = try layers.map { layer in
      try heads.map { head in
        try context.check()
        let weights = try weights(
          trace, layer: layer, head: head, measure: kind == .values ? .values : .weights,
          context: context)
        done += 1
        context.progress(
          "Attention maps", fraction: Double(done) / Double(total), detail: "\(done) of \(total)")
        return AttentionMapValue(
          weights, of: trace, kind: kind, layer: layer, head: head, showsSpecial: special,
          call: context.call)
      }
    }
    if total == 1 { return .object(maps[0][0]) }
    return .object(
      AttentionGridValue(
        maps, of: trace, layers: layers, heads: heads, showsSpecial: special, call: context.call))
  }

  private static func weights(
    _ trace: TraceValue, layer: AttentionChoice, head: AttentionChoice, measure: AttentionMeasure,
    context: ExecutionContext
  ) throws -> Tensor {
    let cancellation = context.cancellation
    switch layer {
    case .one(let layer):
      return try AttentionPatterns.pattern(
        trace.trace, layer: layer, heads: head.heads, measure: measure, cancellation: cancellation
      ).values
    case .mean, .max:
      return try AttentionPatterns.acrossLayers(
        trace.trace, heads: head.heads, reduction: layer == .mean ? .mean : .max,
        measure: measure, cancellation: cancellation)
    }
  }

  /// Refuses a grid that would not fit a page: the maps are held at once for one scale.
  static func checkSize(maps: Int, queries: Int, keys: Int) throws {
    let cells = maps * queries * keys
    guard maps > 1, cells > 64 << 20 else { return }
    throw FunctionError(
      "\(maps) maps of \(queries) × \(keys) are \(cells / 1_000_000) million numbers, more than "
        + "one grid can show.",
      hint: "Choose fewer layers or heads, or a shorter text.", code: "too-large")
  }
}
