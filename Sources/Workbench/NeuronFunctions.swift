import Analysis
import Interpreter
import Models
import Tokenizers

/// What feed-forward neurons look for and what they write.
enum NeuronFunctions {
  static let all: [FunctionDefinition] = [neurons]

  private static let neurons = FunctionDefinition(
    "neurons", group: "Lenses",
    summary:
      "Which texts and tokens excite a layer's feed-forward neurons most, and what they write.",
    details: """
      A neuron's activation is by what it multiplies the one vector that it adds to the stream. Neurons are ranked by the \
      magnitude of their strongest activation in the texts, or chosen by number; a negative activation writes the \
      opposite. What a neuron raises and lowers are the tokens whose logits its vector changes most, read by the head with \
      the final norm's weight, before the norm's division. Marks that the model adds, such as that of the \
      text's beginning, don't count: they often excite some neurons far more than any word. In \
      layers with experts, `expert` says whose neurons: they are excited by the tokens that chose it.
      """,
    parameters: [
      ParameterDefinition("texts", .list(of: .text), "The texts to look through."),
      ParameterDefinition(
        "layer", .selection(words: ["last"]), default: .selector(.last),
        "Which layer, counted from 0."),
      ParameterDefinition(
        "neuron", .optional(.selection(words: [])), defaultText: "the most excited",
        "Which neurons, counted from 0."),
      ParameterDefinition(
        "expert", .optional(.either([.integer(in: 0...65_535), .choice(["shared"])])),
        defaultText: "none", "Which expert, or \"shared\" for those that all tokens use."),
      ParameterDefinition(
        "top", .integer(in: 1...200), default: .integer(10), unit: "neurons",
        "How many neurons where none are chosen."),
      ParameterDefinition(
        "examples", .integer(in: 1...50), default: .integer(3), unit: "texts",
        "How many texts to keep for each."),
      TraceRequest.using,
    ],
    result: "Neurons",
    examples: [
      Example(
        """
        load("specimen")
        neurons(["The sky is", "Once upon a time", "Patient Hugo Lee has asthma."], layer: 3, top: 3).table
        """, needsResources: true)
    ],
    source: "Geva et al. 2021, arXiv:2012.14913; Geva et al. 2022, arXiv:2203.14680"
  ) { arguments, context in
    let model = try TraceRequest.model(arguments, context)
    let language = model.model
    let texts = try arguments.texts("texts")
    guard !texts.isEmpty else {
      throw ArgumentError("texts", "`texts` takes one text at least.", code: "wrong-value")
    }
    let layers = try (try arguments.selection("layer") ?? .last).indices(
      count: language.configuration.layers, parameter: "layer")
    guard layers.count == 1 else {
      throw ArgumentError("layer", "`layer` of `neurons` takes one layer.", code: "wrong-value")
    }
    var part = NeuronPart.dense
    if let expert = try arguments.optional("expert") {
      part = expert.integer.map { .expert($0) } ?? .shared
    }
    let total = try language.neuronCount(layer: layers[0], of: part)
    var chosen: [Int]?
    if try arguments.optional("neuron") != nil {
      chosen = try arguments.selection("neuron")?.indices(count: total, parameter: "neuron")
      guard (chosen?.count ?? 0) <= 200 else {
        throw ArgumentError(
          "neuron", "`neuron` chooses at most 200 neurons.", code: "too-large")
      }
    }
    let ids = try texts.map { try language.encode($0, cancellation: context.cancellation) }
    let result = try Neurons(
      language, texts: ids.map(\.ids),
      counting: ids.map { encoding in
        encoding.tokens.indices.filter { !TokenLabels.isMark(encoding.tokens[$0]) }
      }, layer: layers[0], part: part, chosen: chosen,
      count: try arguments.integer("top"), peaks: try arguments.integer("examples"),
      cancellation: context.cancellation
    ) { context.progress("Looking at neurons", fraction: $0) }
    return .object(
      NeuronsValue(
        result, tokens: ids.map(\.tokens), model: model,
        provenance: try model.provenance(of: context.call, in: context)))
  }
}
