import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors
import Tokenizers

/// How much each token did for what follows.
final class AttributionValue: ObjectValue {
  let attribution: Attribution
  let question: AttributionQuestion
  let options: Attribution.Options
  let trace: TraceValue
  private let answer: AttributionAnswer
  /// How the scores stood up to being tried, where that was asked.
  private let check: AttributionCheck?
  private let provenance: Provenance

  init(
    _ attribution: Attribution, question: AttributionQuestion, options: Attribution.Options,
    answer: AttributionAnswer, check: AttributionCheck? = nil, of trace: TraceValue,
    provenance: Provenance
  ) {
    self.attribution = attribution
    self.question = question
    self.options = options
    self.answer = answer
    self.check = check
    self.trace = trace
    self.provenance = provenance
  }

  var typeName: String { "Attribution" }

  var summary: String {
    let order = attribution.scores.indices.sorted {
      (-abs(attribution.scores[$0]), $0) < (-abs(attribution.scores[$1]), $1)
    }
    let strongest = order.prefix(5).map { position in
      "\(TokenLabels.label(trace.trace.tokens[position]).fullText) \(NumberText.short(attribution.scores[position]))"
    }
    return "why \(Value.text(answer.text).description) follows, by \(attribution.method.rawValue): "
      + strongest.joined(separator: ", ")
  }

  private static let fields: [(name: String, summary: String)] = [
    ("scores", "a number for each token"),
    ("gradient", "the gradient that was used, [tokens, width]; none for methods without one"),
    (
      "delta",
      "by how much the scores' sum misses what they explain; none where they needn't add up"
    ),
    ("tokens", "the texts of the tokens"),
    ("words", "a record for each word: its text and the sum of its tokens' scores"),
    ("target", "what follows"),
    ("method", "the method"),
    ("value", "what is explained: a logit, a difference or a sum of them"),
    ("baseline_value", "the same where all tokens are the baseline"),
    ("probability", "how likely the target's first token is"),
    ("steps", "how many points, copies or orders were used"),
    ("faithfulness", "what `faithfulness` gives of it; none unless asked with check: true"),
    (
      "random_weights",
      "the rank correlation with the scores for a model of random weights; none unless asked with check: true"
    ),
    ("trace", "the trace of the text"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "scores": .numbers(attribution.scores)
    case "gradient": attribution.gradient.map { .tensor($0) } ?? Value.none
    case "delta": attribution.delta.map { .number($0) } ?? Value.none
    case "tokens": .texts(trace.trace.tokens.map(TokenLabels.text))
    case "words": .table(words)
    case "target": .text(answer.text)
    case "method": .text(attribution.method.rawValue)
    case "value": .number(attribution.value)
    case "baseline_value": attribution.baselineValue.map { .number($0) } ?? Value.none
    case "probability": .number(answer.probability)
    case "steps": .integer(attribution.steps)
    case "faithfulness":
      check.map {
        .object(
          FaithfulnessValue(
            $0.faithfulness, method: attribution.method, provenance: provenance))
      } ?? Value.none
    case "random_weights": check.map { .number($0.similarity) } ?? Value.none
    case "trace": .object(trace)
    default: nil
    }
  }

  private var words: Table {
    let groups = WordGroups.positions(trace.trace.tokens)
    let texts = groups.map { group -> Value in
      .text(group.map { TokenLabels.text(trace.trace.tokens[$0]) }.joined())
    }
    let sums = groups.map { group -> Value in
      .number(group.reduce(0.0) { $0 + attribution.scores[$1] })
    }
    return Table(columns: [
      Table.Column(name: "word", values: ValueList(texts)),
      Table.Column(name: "score", values: ValueList(sums)),
    ])
  }

  var count: Int? { attribution.scores.count }

  /// A score by position, or the scores of the tokens that cover a piece of the text.
  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    if case .text(let piece) = index {
      let positions = try TokenSearch.positions(
        of: piece, in: trace.trace.tokens, text: trace.trace.text)
      return .numbers(positions.map { attribution.scores[$0] })
    }
    guard let selection = Selection(index) else { return nil }
    let positions = try selection.indices(count: attribution.scores.count, parameter: "position")
    if selection.choosesOne { return .number(attribution.scores[positions[0]]) }
    return .numbers(positions.map { attribution.scores[$0] })
  }

  /// The text, tinted by the scores, then what follows it.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    var items = trace.trace.tokens.enumerated().map { position, token in
      ScoredText.Item(
        TokenLabels.text(token), score: attribution.scores[position],
        details: ["token \(position)", "id \(token.id)"])
    }
    items.append(ScoredText.Item("→"))
    items.append(
      ScoredText.Item(
        answer.text, details: ["probability \(NumberText.percent(answer.probability))"],
        isMarked: true))
    let rather = answer.againstText.map { " and not \(TokenLabels.quoted($0))" } ?? ""
    return ScoredText(
      title: "Why \(TokenLabels.quoted(answer.text))\(rather) · \(trace.model.model.name)",
      items: items, scoreName: scoreName, notes: notes, provenance: provenance)
  }

  private var scoreName: String {
    switch attribution.method {
    case .gradientNorm, .smoothGrad: "length of the gradient"
    case .attentionRelevance: "attention that raises the target"
    default: "part of the \(question.target.measure == .logit ? "logit" : "log probability")"
    }
  }

  private var notes: [String] {
    var facts = ["\(attribution.method.words), \(attribution.steps) \(attribution.method.stepWord)"]
    facts.append("explained \(NumberText.short(attribution.value))")
    if let baseline = attribution.baselineValue {
      facts.append("baseline \(NumberText.short(baseline))")
    }
    if let delta = attribution.delta { facts.append("delta \(NumberText.short(delta))") }
    facts.append("probability \(NumberText.percent(answer.probability))")
    return [facts.joined(separator: " · "), attribution.method.weakness] + (check?.notes ?? [])
  }

  private var table: Table {
    let tokens = trace.trace.tokens
    return Table(columns: [
      Table.Column(
        name: "token", values: ValueList(tokens.map { .text(TokenLabels.text($0)) })),
      Table.Column(name: "id", values: ValueList(tokens.map { .integer($0.id) })),
      Table.Column(name: "score", values: ValueList(attribution.scores.map { .number($0) })),
    ])
  }

  var json: JSON {
    [
      "method": .string(attribution.method.rawValue), "target": .string(answer.text),
      "value": .number(attribution.value), "delta": attribution.delta.map { .number($0) } ?? .null,
      "tokens": Value.table(table).json,
    ]
  }

  func asTable() throws -> Table? { table }

  /// The numbers under the names of a saved attribution.
  var tensors: [(name: String, tensor: Tensor)] {
    var result: [(name: String, tensor: Tensor)] = [
      (
        "scores", Tensor(shape: [attribution.scores.count], attribution.scores.map { Float($0) })
      )
    ]
    if let gradient = attribution.gradient { result.append(("gradient", gradient)) }
    if let delta = attribution.delta {
      result.append(("delta", Tensor(shape: [1], [Float(delta)])))
    }
    return result
  }
}

extension Attribution.Method {
  /// The name as people say it.
  var words: String {
    switch self {
    case .gradientNorm: "Gradient norm"
    case .inputTimesGradient: "Input × gradient"
    case .integratedGradients: "Integrated gradients"
    case .deepLift: "DeepLIFT"
    case .smoothGrad: "SmoothGrad"
    case .attentionAwareRelevance: "AttnLRP"
    case .conservingRelevance: "Conserving relevance"
    case .attentionRelevance: "Attention relevance"
    case .occlusion: "Occlusion"
    case .shapley: "Shapley values"
    }
  }

  var stepWord: String {
    switch self {
    case .gradientNorm, .inputTimesGradient, .attentionRelevance: "gradient"
    case .attentionAwareRelevance, .conservingRelevance, .deepLift: "way back"
    case .integratedGradients: "steps"
    case .smoothGrad: "noisy copies"
    case .occlusion: "replacements"
    case .shapley: "orders"
    }
  }

  /// What the method can't tell.
  var weakness: String {
    switch self {
    case .gradientNorm: "It has no sign, and tells what a small change would do, not what is there."
    case .inputTimesGradient: "Where the model saturates, what matters most can get a small score."
    case .integratedGradients:
      "It depends on the baseline, and the way from there passes texts that no one writes."
    case .deepLift:
      "It depends on the baseline, and zeros make a bad one where RMS norms divide by their size: see the delta."
    case .smoothGrad: "It has no sign, and depends on how much noise is added."
    case .attentionAwareRelevance:
      "Its rules are conventions; what biases and softmaxes take is lost, which the delta counts."
    case .conservingRelevance:
      "It takes the attention's weights as given: why the model looks where it looks isn't asked."
    case .attentionRelevance:
      "It has no sign, and follows attention alone: what feed-forward parts do on the way isn't seen."
    case .occlusion:
      "Tokens that say the same cover for each other: each alone seems not to matter."
    case .shapley: "It is an estimate from sampled orders, over texts with gaps that no one writes."
    }
  }
}
