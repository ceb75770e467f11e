import DataFormats
import Interpreter
import Models
import Tensors
import Tokenizers

/// Writing on from a text.
enum GenerationFunctions {
  static let all: [FunctionDefinition] = [generate]

  private static let generate = FunctionDefinition(
    "generate", group: "Traces",
    summary: "Lets a decoder write on from a text, and shows how sure it was of every token.",
    details: """
      Takes the likeliest token each time, or draws one where a temperature is given; the same seed \
      draws the same tokens. What is written is told while it is written. A model that reads one text and \
      writes another reads the text once, and writes what it makes of it.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "tokens", .integer(in: 1...100_000), default: .integer(40), unit: "tokens",
        "How many to write at most."),
      ParameterDefinition(
        "temperature", .number(in: 0...100), default: .number(0),
        "0 takes the likeliest token; 1 draws by the model's own probabilities."),
      ParameterDefinition(
        "top_k", .optional(.integer(in: 1...10_000_000)), defaultText: "all",
        "Draws from so many of the likeliest tokens."),
      ParameterDefinition(
        "top_p", .number(in: 0...1), default: .number(1),
        "Draws from the likeliest tokens that together have this probability."),
      ParameterDefinition(
        "repetition_penalty", .number(in: 0.01...100), default: .number(1),
        "Above 1, tokens that the text has already become less likely."),
      ParameterDefinition(
        "seed", .optional(.integer(in: 0...Int.max)), defaultText: "the session's seed",
        "Decides what is drawn."),
      ParameterDefinition(
        "stop", .optional(.either([.text, .list(of: .text)])), defaultText: "none",
        "Texts that end the writing where they appear."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "Generation",
    examples: [
      Example("generate(\"Once upon a time\", tokens: 8).text", needsResources: true)
    ],
    source: "nucleus sampling: Holtzman et al. 2019, arXiv:1904.09751"
  ) { arguments, context in
    let given: TraceValue? = try arguments.object("text")
    let model = try given?.model ?? TraceRequest.model(arguments, context)
    let isPair = model.model.isEncoderDecoder
    guard isPair || model.model.configuration.isCausal else {
      throw ModelError.notCausal(model: model.model.name)
    }
    guard isPair || model.model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.model.name)
    }
    let options = try options(arguments, context)
    let most = Double(options.tokens)
    var written = ""
    var count = 0
    func tell(_ token: GeneratedToken, _ added: String) -> Bool {
      written += added
      count += 1
      context.progress(
        "Writing", fraction: Double(count) / most, detail: String(written.suffix(72)))
      return true
    }
    let (generation, text): (Generation, String?)
    if isPair {
      let source = try TraceRequest.trace(arguments, context).trace
      text = source.text
      generation = try model.model.generate(
        reading: source, options: options, cancellation: context.cancellation, token: tell)
    } else {
      let ids: [Int]
      (ids, text) = try prompt(arguments, given, model, context)
      generation = try model.model.generate(
        ids, options: options, cancellation: context.cancellation, token: tell)
    }
    return .object(
      GenerationValue(
        generation, after: text, model: model,
        provenance: try model.provenance(
          of: context.call, seed: options.temperature > 0 ? Int(options.seed) : nil, in: context)))
  }

  /// The ids that are written on from, and their text where there is one.
  private static func prompt(
    _ arguments: Arguments, _ given: TraceValue?, _ model: ModelValue, _ context: ExecutionContext
  ) throws -> (ids: [Int], text: String?) {
    let ids = try arguments.optionalList("ids")?.compactMap(\.integer)
    if let given {
      guard ids == nil else { throw TraceRequest.bothGiven }
      try TraceRequest.check(given, arguments)
      return (given.trace.ids, given.trace.text)
    }
    switch (try arguments.optionalText("text"), ids) {
    case (let text?, nil):
      return (try model.model.encode(text, cancellation: context.cancellation).ids, text)
    case (nil, let ids?): return (ids, nil)
    case (nil, nil):
      throw ArgumentError(
        "text", "`generate` needs a text, a trace, or `ids`.", code: "missing-argument")
    case (.some, .some): throw TraceRequest.bothGiven
    }
  }

  private static func options(
    _ arguments: Arguments, _ context: ExecutionContext
  ) throws -> GenerationOptions {
    var options = GenerationOptions()
    options.tokens = try arguments.integer("tokens")
    options.temperature = try arguments.number("temperature")
    options.topK = try arguments.optionalInteger("top_k")
    options.topP = try arguments.number("top_p")
    options.repetitionPenalty = try arguments.number("repetition_penalty")
    options.seed = UInt64(clamping: try arguments.optionalInteger("seed") ?? context.seed)
    options.stopTexts = try arguments.optional("stop") == nil ? [] : try arguments.texts("stop")
    return options
  }
}
