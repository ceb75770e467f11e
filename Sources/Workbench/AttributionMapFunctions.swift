import Analysis
import Figures
import Interpreter
import Models
import Tokenizers

/// Attributions that are maps: of a whole answer, and of all layers.
enum AttributionMapFunctions {
  static let explainAnswer = FunctionDefinition(
    "explain_answer", group: "Attribution",
    summary:
      "How much each token of a text and of the answer so far did for each token of an answer.",
    details: """
      A row for each token of the answer, a column for each token before it. The methods are those of `attribute`; all rows \
      share their forward runs, so that a whole answer costs little more than its last token. Without an answer, the one \
      that the model writes is explained.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "answer", .optional(.text), defaultText: "what the model writes", "What follows the text."),
      ParameterDefinition(
        "tokens", .integer(in: 1...1_000), default: .integer(8),
        "How many tokens the model writes where no answer is given."),
      AttributionFunctions.method, AttributionFunctions.baseline, AttributionFunctions.steps,
      AttributionFunctions.samples, AttributionFunctions.measure, AttributionFunctions.seed,
      TraceRequest.using, TraceRequest.ids,
    ],
    result: "AttributionMap",
    examples: [
      Example(
        """
        load("specimen")
        explain_answer("Patient Hugo Lee, 31 years, has asthma. Department:", tokens: 3, method: "attn_lrp").answer
        """, needsResources: true)
    ],
    source: "as of `attribute`"
  ) { arguments, context in
    let trace = try AttributionFunctions.decoderTrace(arguments, context)
    let model = trace.model.model
    let answer = try answer(arguments, trace, context)
    let method = try AttributionFunctions.method(arguments)
    let options = try AttributionFunctions.options(arguments, model, context)
    let measure = try AttributionFunctions.measure(arguments)
    let result = try AnswerAttribution(
      model, prompt: trace.trace.ids, answer: answer, method: method, options: options,
      measure: measure, cancellation: context.cancellation
    ) { context.progress("Explaining", fraction: $0) }
    let count = result.ids.count
    let largest = result.deltas?.reduce(0.0) { abs($1) > abs($0) ? $1 : $0 }
    let delta = largest.map { " · largest delta \(NumberText.short($0))" } ?? ""
    return .object(
      AttributionMapValue(
        rows: result.scores.map { $0 + Array(repeating: 0, count: count - $0.count) },
        isCausal: true, title: "Why each token of the answer · \(model.name)",
        note: "\(method.words), \(result.steps) \(method.stepWord)\(delta) · \(method.weakness)",
        rowLabels: labels(answer, model),
        columnLabels: trace.trace.tokens.map(TokenLabels.label)
          + labels(Array(answer.dropLast()), model),
        rowTitle: "answer",
        valueTitle: measure == .logit ? "part of the logit" : "part of the log probability",
        isSigned: method.isSigned, method: method.rawValue, values: result.values,
        deltas: result.deltas, answer: text(answer, model),
        provenance: try trace.model.provenance(
          of: context.call, seed: method.isRandom ? Int(clamping: options.seed) : nil,
          in: context)))
  }

  static let conductance = FunctionDefinition(
    "conductance", group: "Attribution",
    summary: "Through which tokens' places what a model says passes, layer by layer.",
    details: """
      For each layer, the gradient with respect to what enters it times by how much that moves, summed over the way from a \
      baseline to the text: each layer's row adds up to what is explained, but for the delta. Row 0 is integrated gradients. \
      With rule "left" the numbers are those of captum's LayerConductance over even steps.
      """,
    parameters: [
      TraceRequest.text, AttributionFunctions.target, AttributionFunctions.against,
      AttributionFunctions.baseline,
      ParameterDefinition(
        "steps", .integer(in: 1...10_000), default: .integer(50), "Steps of the way."),
      ParameterDefinition(
        "rule", .choice(LayerConductance.Rule.allCases.map(\.rawValue)),
        default: .text(LayerConductance.Rule.trapezoid.rawValue),
        "Where a step's gradient is taken: the mean of both ends, or the left end."),
      AttributionFunctions.measure, TraceRequest.using, TraceRequest.ids,
    ],
    result: "AttributionMap",
    examples: [
      Example(
        """
        load("specimen")
        conductance("Patient Hugo Lee, 31 years, has asthma. Department:", steps: 10).scores
        """, needsResources: true)
    ],
    source: "Dhamdhere et al. 2018, arXiv:1805.12233"
  ) { arguments, context in
    let trace = try AttributionFunctions.decoderTrace(arguments, context)
    let model = trace.model.model
    let answer = try AttributionAnswer(
      trace, target: try arguments.optionalText("target"),
      against: try arguments.optionalText("against"), in: context)
    let question = try AttributionQuestion(
      model, prompt: trace.trace.ids, answer: answer.ids, against: answer.against,
      measure: try AttributionFunctions.measure(arguments), cancellation: context.cancellation)
    let result = try LayerConductance(
      question, options: try AttributionFunctions.options(arguments, model, context),
      rule: LayerConductance.Rule(rawValue: try arguments.text("rule")) ?? .trapezoid,
      cancellation: context.cancellation
    ) { context.progress("Explaining", fraction: $0) }
    let largest = result.deltas.reduce(0.0) { abs($1) > abs($0) ? $1 : $0 }
    let rather = answer.againstText.map { " and not \(Value.text($0).description)" } ?? ""
    return .object(
      AttributionMapValue(
        rows: result.scores, isCausal: false,
        title: "Conductance · \(model.name)",
        note:
          "why \(Value.text(answer.text).description)\(rather) follows: \(NumberText.short(result.value)), baseline "
          + "\(NumberText.short(result.baselineValue)) · \(result.steps) steps, largest delta \(NumberText.short(largest)) · "
          + "it depends on the baseline, and the way from there passes texts that no one writes",
        rowLabels: result.scores.indices.map { TokenLabel("layer \($0)") },
        columnLabels: trace.trace.tokens.map(TokenLabels.label)
          + labels(Array(answer.ids.dropLast()), model),
        rowTitle: "", valueTitle: "conductance", isSigned: true, method: "conductance",
        values: result.scores.map { $0.reduce(0, +) }, deltas: result.deltas, answer: answer.text,
        provenance: try trace.model.provenance(of: context.call, in: context)))
  }

  /// The answer that a call names, or that the model writes.
  private static func answer(
    _ arguments: Arguments, _ trace: TraceValue, _ context: ExecutionContext
  ) throws -> [Int] {
    if let text = try arguments.optionalText("answer") {
      return try AttributionAnswer.ids(text, trace, context)
    }
    var options = GenerationOptions()
    options.tokens = try arguments.integer("tokens")
    options.temperature = 0
    let generation = try trace.model.model.generate(
      trace.trace.ids, options: options, cancellation: context.cancellation)
    return generation.tokens.map(\.id)
  }

  private static func text(_ ids: [Int], _ model: LanguageModel) -> String {
    model.tokenizer?.decode(ids) ?? ids.map { "\($0)" }.joined(separator: " ")
  }

  private static func labels(_ ids: [Int], _ model: LanguageModel) -> [TokenLabel] {
    ids.map { TokenLabel(text([$0], model), detail: "id \($0)") }
  }
}
