import Analysis
import Interpreter
import Models

/// Asking without writing calls.
enum ExploreFunctions {
  static let all: [FunctionDefinition] = [explore]

  private static let explore = FunctionDefinition(
    "explore", group: "Explorer",
    summary: "A text box, menus and sliders above a figure that follows them.",
    details: """
      For asking without writing calls: type a text, choose what to look at (attention, value-weighted \
      attention, attribution, next tokens, the logit lens), and move through layers and heads. Bound to a \
      name, `call` gives the call that asks the same in a cell. In front ends without live controls, and in a \
      saved or exported notebook, the last figure is shown, with the attention maps of all layers and heads \
      to leaf through where scripts run. A model without a tokenizer is given token ids.
      """,
    parameters: [
      ParameterDefinition(
        "text", .optional(.textOrObject("Trace")), defaultText: "a short text",
        "The text to begin with, or a trace of it."),
      ParameterDefinition(
        "view", .optional(.choice(ExplorerState.View.allCases.map(\.rawValue))),
        defaultText: "\"attention\"", "What is shown first."),
      ParameterDefinition(
        "layer", .selection(words: ["last"]), default: .selector(.last),
        "The layer that is shown first, counted from 0."),
      ParameterDefinition(
        "head", .selection(words: ["mean"]), default: .text("mean"), defaultText: "mean",
        "The head that is shown first, counted from 0, or the mean over all."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "an Explorer",
    examples: [
      Example("explore(\"The cat sat on the mat because it was tired.\")", needsResources: true),
      Example(
        "explore(\"The cat sat on the mat.\", layer: 2, head: 5).call", needsResources: true),
    ],
    source: "the functions `attention`, `attribute`, `next` and `lens`"
  ) { arguments, context in
    let given: TraceValue? = try arguments.object("text")
    let model = try given?.model ?? TraceRequest.model(arguments, context)
    if let given { try TraceRequest.check(given, arguments) }
    let sizes = model.model.configuration
    let ids = try given?.trace.ids ?? arguments.optionalList("ids")?.compactMap(\.integer)
    let text = try given?.trace.text ?? (given == nil ? arguments.optionalText("text") : nil)
    if text != nil, given == nil, ids != nil { throw TraceRequest.bothGiven }
    let readsIDs = model.model.tokenizer == nil || text == nil && ids != nil
    let offered = ExplorerState.Model(
      layers: sizes.layers, heads: sizes.heads, isCausal: sizes.isCausal,
      hasLanguageModelHead: sizes.hasLanguageModelHead, readsIDs: readsIDs)
    var state = ExplorerState(
      model: offered,
      text: readsIDs
        ? (ids ?? []).map { "\($0)" }.joined(separator: ", ")
        : text
          ?? (sizes.isCausal
            ? "The patient has high blood pressure and needs" : "The cat sat on the mat."))
    if let name = try arguments.optionalText("view"), let view = ExplorerState.View(rawValue: name)
    {
      guard offered.views.contains(view) else {
        throw view.needsDecoder && !sizes.isCausal
          ? ModelError.notCausal(model: model.model.name)
          : ModelError.noLanguageModelHead(model: model.model.name)
      }
      state.view = view
    }
    let layer = try arguments.selection("layer") ?? .last
    state.layer = try layer.indices(count: sizes.layers, parameter: "layer").first ?? 0
    if let head = try arguments.selection("head"), head != .mean {
      state.head = try head.indices(count: sizes.heads, parameter: "head").first
    }
    return .object(ExplorerValue(state, model: model))
  }
}
