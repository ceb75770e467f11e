import Analysis
import Interpreter
import Models

/// What each part of a model adds to an answer.
enum ContributionFunctions {
  static let all: [FunctionDefinition] = [contributions]

  private static let contributions = FunctionDefinition(
    "contributions", group: "Causes",
    summary: "What each head and each feed-forward part writes along the direction of an answer.",
    details: """
      Direct logit attribution: the stream is the sum of what the embedding, all heads and all feed-forward parts write, \
      and with the final norm's weight and divisor folded in each has its own share of the target's logit, or of its \
      difference from the logit of `against`. The shares sum to it. What a part does by way of later parts isn't counted: \
      `patch` and `ablate` show that. A logit alone has much that all tokens share; with `against` that is gone.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "target", .optional(.text), defaultText: "the likeliest next token",
        "What follows the text; its first token counts."),
      ParameterDefinition(
        "against", .optional(.text), defaultText: "nothing", "What might follow instead."),
      TraceRequest.using,
      TraceRequest.ids,
    ],
    result: "Contributions",
    examples: [
      Example(
        """
        load("specimen")
        contributions("Patient Hugo Lee, 31 years, has asthma. Department:", target: " pulmonology", against: " dermatology").heads
        """, needsResources: true)
    ],
    source:
      "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits; Wang et al. 2022, "
      + "arXiv:2211.00593"
  ) { arguments, context in
    let trace = try TraceRequest.trace(arguments, context)
    let question = try CauseQuestion(trace, arguments, context)
    let result = try LogitContributions(
      trace.model.model, ids: trace.trace.ids,
      terms: question.question.target.terms.map { ($0.id, $0.weight) },
      cancellation: context.cancellation
    ) { context.progress("Direct logit attribution", fraction: $0) }
    return .object(
      ContributionsValue(
        result, words: question.words, of: trace,
        provenance: try trace.model.provenance(of: context.call, in: context)))
  }
}
