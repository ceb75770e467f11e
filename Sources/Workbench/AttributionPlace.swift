import Analysis
import Interpreter
import Models
import Tensors
import Tokenizers

/// Where the tokens stand that an attribution explains.
enum AttributionPlace {
  /// After the text.
  case after(TraceValue)
  /// In the text that is written by a model which has read this one.
  case writing(TraceValue, start: PairTrace)
  /// In the text's one gap.
  case gap(TraceValue, position: Int)

  /// The place that a call of `attribute` means, by the kind of its model.
  init(_ arguments: Arguments, _ context: ExecutionContext) throws {
    let model = try TraceRequest.answeringModel(arguments, context)
    if let start = model.decoderStartID {
      let source = try TraceRequest.trace(arguments, context)
      self = .writing(
        source,
        start: try model.run(
          source: source.trace, targetIDs: [start], cancellation: context.cancellation))
    } else if !model.configuration.isCausal, model.configuration.hasLanguageModelHead {
      let trace = try TraceRequest.trace(arguments, context)
      self = .gap(trace, position: try Self.gap(trace))
    } else {
      self = .after(try AttributionFunctions.decoderTrace(arguments, context))
    }
  }

  /// The text's only gap.
  private static func gap(_ trace: TraceValue) throws -> Int {
    let model = trace.model.model
    guard let tokenizer = model.tokenizer else { throw ModelError.noTokenizer(model: model.name) }
    guard let mask = tokenizer.maskID else { throw ModelError.notCausal(model: model.name) }
    let positions = trace.trace.ids.indices.filter { trace.trace.ids[$0] == mask }
    let piece = tokenizer.piece(of: mask) ?? "\(mask)"
    guard positions.count == 1 else {
      throw ArgumentError(
        "text",
        "\(model.name) says what stands in a gap, and the text has "
          + (positions.isEmpty ? "none." : "\(positions.count)."),
        hint: "Write \(piece) where the one token stands that is to be explained.")
    }
    return positions[0]
  }

  /// The text whose tokens get scores.
  var trace: TraceValue {
    switch self {
    case .after(let trace), .writing(let trace, _), .gap(let trace, _): trace
    }
  }

  /// The likeliest token there.
  func likeliest(_ cancellation: Cancellation?) throws -> NextToken {
    switch self {
    case .after(let trace): try NextTokens.top(trace.trace, count: 1, cancellation: cancellation)[0]
    case .writing(_, let start): try NextTokens.top(start, count: 1, cancellation: cancellation)[0]
    case .gap(let trace, let position):
      try NextTokens.top(
        trace.trace, position: position, count: 1, cancellation: cancellation)[0]
    }
  }

  /// How likely a token is there.
  func probability(of id: Int, _ cancellation: Cancellation?) throws -> Double {
    switch self {
    case .after(let trace):
      try NextTokens.probability(of: id, in: trace.trace, cancellation: cancellation)
    case .writing(_, let start):
      try NextTokens.probability(of: id, in: start, cancellation: cancellation)
    case .gap(let trace, let position):
      try NextTokens.probability(
        of: id, in: trace.trace, position: position, cancellation: cancellation)
    }
  }

  /// What is asked.
  func question(
    _ answer: AttributionAnswer, measure: LogitTarget.Measure, cancellation: Cancellation?
  ) throws -> AttributionQuestion {
    let (model, ids) = (trace.model.model, trace.trace.ids)
    switch self {
    case .after:
      return try AttributionQuestion(
        model, prompt: ids, answer: answer.ids, against: answer.against, measure: measure,
        cancellation: cancellation)
    case .writing:
      return try AttributionQuestion(
        model, reading: ids, answer: answer.ids, against: answer.against, measure: measure,
        cancellation: cancellation)
    case .gap(_, let position):
      guard answer.ids.count == 1 else {
        throw ArgumentError(
          "target",
          "A gap is one token, and \(Value.text(answer.text).description) is \(answer.ids.count).")
      }
      return try AttributionQuestion(
        model, text: ids, gap: position, answer: answer.ids[0], against: answer.against,
        measure: measure, cancellation: cancellation)
    }
  }
}
