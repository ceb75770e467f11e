import Analysis
import Interpreter
import Models

/// Which experts tokens choose.
enum ExpertFunctions {
  static let all: [FunctionDefinition] = [experts]

  private static let experts = FunctionDefinition(
    "experts", group: "Architecture",
    summary: "Which experts each token of a text uses in each layer, why, and how evenly.",
    details: """
      For mixtures of experts. A map shows by what each chosen expert's output is multiplied. Where experts lie in groups, \
      the groups that a token chose from are shown with what they were worth; where the router has learned corrections, \
      they are shown, and which choices they made: they decide what is chosen, not what it weighs. The load of an expert \
      is its share of all choices against an even share, so that 1 is even. Few tokens make uneven loads by chance.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "layer", .selection(words: ["all", "last"]), default: .selector(.all),
        "Which layers, counted from 0; all means all that have experts."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "Experts",
    examples: [
      Example(
        "experts(\"The sky is\", layer: 2, using: load(\"specimen-moe\")).choices",
        needsResources: true)
    ],
    source: "Dai et al. 2024, arXiv:2401.06066; DeepSeek-AI 2024, arXiv:2405.04434 and "
      + "arXiv:2412.19437"
  ) { arguments, context in
    let model = try TraceRequest.answeringModel(arguments, context)
    let sizes = model.configuration
    let selection = try arguments.selection("layer") ?? .all
    var layers = try selection.indices(count: sizes.layers, parameter: "layer")
    if selection == .all { layers = sizes.experts?.layers ?? [] }
    guard !layers.isEmpty else {
      throw MissingPartError.noExperts(layer: 0, layersWithExperts: [])
    }
    for layer in layers { _ = try model.expertRouter(layer) }
    let trace = try TraceRequest.trace(arguments, context)
    let uses = try layers.map { layer in
      try context.check()
      return try ExpertUse(trace.trace, layer: layer)
    }
    return .object(ExpertsValue(uses, of: trace, call: context.call))
  }
}
