import Analysis
import Interpreter
import Models

/// Reading the residual stream with the model's own head.
enum LensFunctions {
  static let all: [FunctionDefinition] = [lens]

  private static let lens = FunctionDefinition(
    "lens", group: "Lenses",
    summary: "What the model would say at each layer and position if it stopped there.",
    details: """
      The logit lens: the final norm and the head are applied to every hidden state. State 0 is what \
      enters the first layer, state k what leaves k layers; the last is the model's own output. Each \
      cell shows the most likely token, coloured by its probability; the divergence is \
      Kullback-Leibler's, of the state's distribution from the final one, in nats. Early states \
      often say nothing that can be read: the head was trained for the last one alone. For models \
      with a head: decoders, and encoders trained to fill in masked words.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "layer", .selection(words: ["all", "last"]), default: .selector(.all),
        "Which hidden states, counted from 0, what enters the first layer."),
      ParameterDefinition(
        "position", .selection(words: ["all", "last"]), default: .selector(.all),
        "Which positions, counted from 0."),
      ParameterDefinition(
        "top", .integer(in: 1...50), default: .integer(5), unit: "tokens",
        "How many tokens to keep for each state and position."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "a Lens",
    examples: [
      Example("lens(\"Once upon a\")", needsResources: true),
      Example("lens(\"Once upon a\", position: last).probabilities", needsResources: true),
    ],
    source: "nostalgebraist 2020, interpreting GPT: the logit lens"
  ) { arguments, context in
    let model = try TraceRequest.answeringModel(arguments, context)
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
    let states = try arguments.selection("layer") ?? .all
    let layers = try states.indices(
      count: model.configuration.layers + 1, parameter: "layer")
    let trace = try TraceRequest.trace(arguments, context)
    let places = try arguments.selection("position") ?? .all
    let positions = try places.indices(count: trace.trace.ids.count, parameter: "position")
    let lens = try LogitLens(
      trace.trace, layers: layers, positions: positions, count: try arguments.integer("top"),
      progress: {
        context.progress(
          "Logit lens", fraction: $0, detail: "\(layers.count) × \(positions.count)")
      }, cancellation: context.cancellation)
    return .object(LensValue(lens, of: trace, call: context.call))
  }
}
