import Analysis
import DataFormats
import Interpreter
import Models
import Tokenizers

/// Running texts: tokens, traces, and what a decoder would say next.
enum TextFunctions {
  static let all: [FunctionDefinition] = [tokens, trace, next, chat]

  private static let tokens = FunctionDefinition(
    "tokens", group: "Traces",
    summary: "How a model's tokenizer cuts a text: ids, pieces, and the bytes each token covers.",
    parameters: [TraceRequest.text, TraceRequest.using, TraceRequest.ids],
    result: "Tokens",
    examples: [Example("tokens(\"Attention is all you need.\").ids", needsResources: true)]
  ) { arguments, context in
    if let trace: TraceValue = try arguments.object("text") {
      return try trace.field("tokens") ?? .none
    }
    let model = try TraceRequest.model(arguments, context)
    guard let text = try arguments.optionalText("text"), !arguments.wasGiven("ids") else {
      return try TraceRequest.trace(arguments, context).field("tokens") ?? .none
    }
    let encoding = try model.model.encode(text, cancellation: context.cancellation)
    return .object(TokensValue(encoding.tokens, text: text, model: model))
  }

  private static let trace = FunctionDefinition(
    "trace", group: "Traces",
    summary: "Runs a text through a model and keeps what is needed to look inside.",
    details: """
      A trace keeps the residual stream and each layer's queries, keys and values; attention maps \
      and logits are computed from them when asked for. Recent traces stay in memory, so that a \
      second question about a text costs no second run. With a target, a model that reads one text \
      and writes another runs both, and gives the attention of its encoder, of its decoder, and from \
      what is written to what is read.
      """,
    parameters: [
      TraceRequest.text, PairRequest.target, TraceRequest.using, TraceRequest.ids,
      PairRequest.targetIDs, TraceRequest.precision,
    ],
    result: "a Trace, or a PairTrace where a target is given",
    examples: [
      Example("t = trace(\"The cat sat.\")\nt.attentions[3][1]", needsResources: true)
    ]
  ) { arguments, context in
    if let pair = try PairRequest.trace(arguments, context) { return .object(pair) }
    return .object(try TraceRequest.trace(arguments, context))
  }

  private static let next = FunctionDefinition(
    "next", group: "Traces",
    summary: "What a decoder would say next: the most likely tokens with their probabilities.",
    details: """
      A model that reads one text and writes another says what it would write first, or after a \
      target that it has written so far.
      """,
    parameters: [
      TraceRequest.text,
      ParameterDefinition(
        "top", .integer(in: 1...1000), default: .integer(10), unit: "tokens", "How many to list."),
      ParameterDefinition(
        "position", .selection(words: ["last"]), default: .selector(.last),
        "After which token, counted from 0; of what is written where the model reads one text and writes another."
      ),
      PairRequest.target,
      TraceRequest.using,
      TraceRequest.ids,
      PairRequest.targetIDs,
    ],
    result: "NextTokens",
    examples: [Example("next(\"Once upon a\", top: 5)", needsResources: true)]
  ) { arguments, context in
    func position(of count: Int) throws -> Int {
      let selection = try arguments.selection("position") ?? .last
      let positions = try selection.indices(count: count, parameter: "position")
      guard selection.choosesOne, let position = positions.first else {
        throw ArgumentError("position", "`position` of `next` takes one position.")
      }
      return position
    }
    let count = try arguments.integer("top")
    if let pair = try PairRequest.trace(arguments, context, targetIsNeeded: false) {
      let position = try position(of: pair.trace.targetIDs.count)
      let top = try NextTokens.top(
        pair.trace, position: position, count: count, cancellation: context.cancellation)
      return .object(
        NextTokensValue(
          top, after: pair.trace.targetTokens[position], position: position, of: pair,
          model: pair.model, call: context.call))
    }
    try checkPredictsNext(try TraceRequest.answeringModel(arguments, context))
    let trace = try TraceRequest.trace(arguments, context)
    let position = try position(of: trace.trace.ids.count)
    let top = try NextTokens.top(
      trace.trace, position: position, count: count, cancellation: context.cancellation)
    return .object(
      NextTokensValue(
        top, after: trace.trace.tokens[position], position: position, of: trace,
        model: trace.model, call: context.call))
  }

  private static let chat = FunctionDefinition(
    "chat", group: "Traces",
    summary: "A conversation as a text in the model's own chat format.",
    details: """
      Renders the chat template that comes with the model. The text begins with the beginning of a \
      sequence where the format has one, and functions that take it don't add another. Formats that \
      show a date get none, so that the text is the same every day.
      """,
    parameters: [
      ParameterDefinition(
        "messages", .either([.text, .list(of: .record)]),
        "Records with `role` (\"system\", \"user\", \"assistant\") and `content`; a text is what the user says."
      ),
      ParameterDefinition(
        "thinking", .optional(.bool), defaultText: "as the format says",
        "Whether the model is to think before it answers, where its format has the choice."),
      ParameterDefinition(
        "prompt", .bool, default: .bool(true), "Whether to end where the model's answer begins."),
      TraceRequest.using,
    ],
    result: "a text",
    examples: [
      Example(
        "chat([{role: \"user\", content: \"Who are you?\"}]) |> next(top: 3)",
        needsResources: true)
    ]
  ) { arguments, context in
    let model = try TraceRequest.model(arguments, context).model
    let messages = try messages(arguments)
    let template = try model.chatTemplate()
    let thinking: Bool? =
      try arguments.optional("thinking") == nil ? nil : arguments.bool("thinking")
    if thinking != nil, !LanguageModel.thinkingNames.contains(where: template.mentions) {
      throw ArgumentError(
        "thinking", "The chat format of \(model.name) leaves no choice whether to think.",
        hint: "Leave `thinking` out.")
    }
    return .text(
      try model.chatText(
        messages, template: template, thinking: thinking,
        asksForAnswer: try arguments.bool("prompt")))
  }

  /// The messages that a call gives, each with its role.
  private static func messages(_ arguments: Arguments) throws -> [JSONObject] {
    let value = try arguments.value("messages")
    if case .text(let text) = value {
      return [["role": "user", "content": .string(text)]]
    }
    let messages = try arguments.list("messages").compactMap(\.json.object)
    guard !messages.isEmpty else {
      throw ArgumentError(
        "messages", "A conversation has at least one message.",
        hint: "For example: [{role: \"user\", content: \"Hello\"}].")
    }
    for (index, message) in messages.enumerated() where message["role"]?.string == nil {
      throw ArgumentError(
        "messages", "Message \(index) has no text as its `role`.",
        hint: "For example: {role: \"user\", content: \"Hello\"}.")
    }
    return messages
  }

  /// Refuses models that predict nothing, or only what stands between other tokens, before they
  /// run.
  private static func checkPredictsNext(_ model: LanguageModel) throws {
    guard model.configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: model.name)
    }
    guard model.configuration.isCausal else {
      throw FunctionError(
        "\(model.name) reads a text in both directions, so it doesn't say what comes next.",
        hint: "Load a decoder to ask what comes next.", code: "no-language-model-head")
    }
  }
}
