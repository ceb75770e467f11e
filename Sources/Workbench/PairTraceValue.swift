public import DataFormats
public import Figures
public import Interpreter
public import Models
import Tensors
import Tokenizers

/// The way of two texts through a model that reads one and writes the other.
public final class PairTraceValue: ObjectValue {
  /// The run.
  public let trace: PairTrace
  /// The way of the text that was read through the encoder.
  let source: TraceValue
  private let target: String?

  /// Makes the value of a run.
  init(_ trace: PairTrace, source: TraceValue, target: String?) {
    self.trace = trace
    self.source = source
    self.target = target
  }

  /// The model that ran.
  var model: ModelValue { source.model }

  /// `PairTrace`.
  public var typeName: String { "PairTrace" }

  /// How many tokens of which texts, through which model.
  public var summary: String {
    func words(_ count: Int, _ text: String?) -> String {
      "\(count) \(count == 1 ? "token" : "tokens")"
        + (text.map { " of \(Value.text($0).description)" } ?? "")
    }
    return "\(words(trace.source.ids.count, trace.source.text)) read and "
      + "\(words(trace.targetIDs.count, target)) written by \(model.model.name)"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("source", "the trace of the text that is read"),
    ("target", "the text that is written"),
    ("target_tokens", "its tokens behind the decoder's start"),
    ("target_ids", "their ids"),
    ("encoder_hidden_states", "a list by layer: [source tokens, width]"),
    ("decoder_hidden_states", "a list by layer: [target tokens, width]"),
    ("encoder_attentions", "a list by layer: [heads, source tokens, source tokens]"),
    ("decoder_attentions", "a list by layer: [heads, target tokens, target tokens]"),
    ("cross_attentions", "a list by layer: [heads, target tokens, source tokens]"),
    ("logits", "of what follows each target token: [target tokens, vocabulary]"),
    ("model", "the model that ran"),
  ]

  /// The names of the fields.
  public var fieldNames: [String] { Self.fields.map(\.name) }

  /// What a field holds.
  public func fieldSummary(_ name: String) -> String? {
    Self.fields.first { $0.name == name }?.summary
  }

  /// A field that is there without computing.
  public func field(_ name: String) throws -> Value? {
    switch name {
    case "source": .object(source)
    case "target": .some(target.map { .text($0) } ?? .none)
    case "target_tokens": .object(tokens)
    case "target_ids": .list(trace.targetIDs.map { .integer($0) })
    case "encoder_hidden_states":
      try list(0...sourceLayers) { try self.trace.source.hiddenStates($0) }
    case "decoder_hidden_states":
      try list(0...targetLayers) { try self.trace.targetHiddenStates($0) }
    case "model": .object(model)
    default: nil
    }
  }

  /// A field; attention and logits are computed when they are asked for.
  public func field(_ name: String, in context: ExecutionContext) throws -> Value? {
    let stop = context.cancellation
    return switch name {
    case "encoder_attentions":
      try list(0...sourceLayers - 1) {
        try self.trace.source.attentionMaps(layer: $0, cancellation: stop)
      }
    case "decoder_attentions":
      try list(0...targetLayers - 1) {
        try self.trace.targetAttentionMaps(layer: $0, cancellation: stop)
      }
    case "cross_attentions":
      try list(0...targetLayers - 1) {
        try self.trace.crossAttentionMaps(layer: $0, cancellation: stop)
      }
    case "logits": .tensor(try trace.logits(cancellation: stop))
    default: try field(name)
    }
  }

  private var sourceLayers: Int { trace.model.configuration.layers }
  private var targetLayers: Int { trace.configuration.layers }
  private var tokens: TokensValue { TokensValue(trace.targetTokens, text: target, model: model) }

  private func list(_ layers: ClosedRange<Int>, _ tensor: (Int) throws -> Tensor) throws -> Value {
    .list(try layers.map { Value.tensor(try tensor($0)) })
  }

  /// The tokens that are written.
  public func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    try tokens.defaultFigure(in: context)
  }

  /// Texts, tokens and model.
  public var json: JSON {
    [
      "model": .string(model.model.name), "source": source.json,
      "target": target.map { .string($0) } ?? .null,
      "decoder_input_ids": .array(trace.targetIDs.map { .integer($0) }),
    ]
  }
}

/// A map of a decoder's attention: of what is written to itself, or to what was read.
final class PairAttentionValue: ObjectValue {
  /// How much each query looks at each key, `[queries, keys]`.
  let weights: Tensor
  private let owner: PairTraceValue
  private let isCross: Bool
  private let place: String
  private let call: String

  init(_ weights: Tensor, of owner: PairTraceValue, isCross: Bool, place: String, call: String) {
    self.weights = weights
    self.owner = owner
    self.isCross = isCross
    self.place = place
    self.call = call
  }

  private var queries: [Token] { owner.trace.targetTokens }
  private var keys: [Token] { isCross ? owner.trace.source.tokens : owner.trace.targetTokens }

  var typeName: String { "PairAttention" }
  var summary: String {
    "\(isCross ? "cross attention" : "decoder attention") of \(place), "
      + "[\(weights.shape[0]) queries, \(weights.shape[1]) keys], \(owner.model.model.name)"
  }
  var fieldNames: [String] { ["weights", "trace", "queries", "keys"] }
  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "weights": "how much each query looks at each key: [queries, keys]"
    case "trace": "the run that it was computed from"
    case "queries": "the texts of the tokens that look"
    case "keys": "the texts of the tokens that are looked at"
    default: nil
    }
  }
  func field(_ name: String) throws -> Value? {
    switch name {
    case "weights": .tensor(weights)
    case "trace": .object(owner)
    case "queries": .texts(queries.map { TokenLabels.text($0) })
    case "keys": .texts(keys.map { TokenLabels.text($0) })
    default: nil
    }
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in
      Heatmap(
        title: "\(isCross ? "Cross attention" : "Decoder attention") · "
          + "\(owner.model.model.name) · \(place)",
        values: Matrix(
          rows: weights.shape[0], columns: weights.shape[1], values: weights.floats),
        rowLabels: queries.map(TokenLabels.label), columnLabels: keys.map(TokenLabels.label),
        isCausal: !isCross, rowTitle: isCross ? "target" : "query",
        columnTitle: isCross ? "source" : "key", provenance: provenance)
    }
  }

  var json: JSON {
    [
      "model": .string(owner.model.model.name),
      "queries": .array(queries.map { .string(TokenLabels.text($0)) }),
      "keys": .array(keys.map { .string(TokenLabels.text($0)) }),
      "weights": .array(
        (0..<weights.shape[0]).map { row in .array(weights.row(row).map { .number(Double($0)) }) }),
    ]
  }

  func asTensor() throws -> Value? { .tensor(weights) }
}

/// The parameters by which functions are told what an encoder-decoder writes.
enum PairRequest {
  /// `target`: the text that is written.
  static let target = ParameterDefinition(
    "target", .optional(.text), defaultText: "none",
    "For models that read one text and write another: what is written.")

  /// `target_ids`: token ids instead of a target.
  static let targetIDs = ParameterDefinition(
    "target_ids", .optional(.list(of: .integer(in: 0...Int(Int32.max)))), defaultText: "none",
    "Token ids instead of a target, as the decoder reads them: from its start on.")

  /// Whether a call names what is written.
  private static func hasTarget(_ arguments: Arguments) throws -> Bool {
    let hasIDs = try arguments.optional("target_ids") != nil
    guard try arguments.optionalText("target") != nil else { return hasIDs }
    guard !hasIDs else {
      throw ArgumentError("target_ids", "Give either a target or `target_ids`, not both.")
    }
    return true
  }

  /// The run of both texts that a call means, or `nil` where it names no target.
  static func trace(_ arguments: Arguments, _ context: ExecutionContext) throws -> PairTraceValue? {
    guard try hasTarget(arguments) else { return nil }
    let model = try TraceRequest.answeringModel(arguments, context)
    guard model.isEncoderDecoder else { throw ModelError.noDecoder(model: model.name) }
    let source = try TraceRequest.trace(arguments, context)
    func report(_ progress: RunProgress) {
      context.progress(
        "Running \(model.name)",
        fraction: Double(progress.completedLayers) / Double(progress.layerCount),
        detail: "decoder layer \(progress.completedLayers) of \(progress.layerCount)")
    }
    let target = try arguments.optionalText("target")
    let trace: PairTrace
    if let target {
      trace = try model.run(
        source: source.trace, target: target, progress: report, cancellation: context.cancellation)
    } else {
      let ids = try arguments.list("target_ids").compactMap(\.integer)
      trace = try model.run(
        source: source.trace, targetIDs: ids, progress: report, cancellation: context.cancellation)
    }
    return PairTraceValue(trace, source: source, target: target)
  }

  /// The map of a decoder's attention that a call of `attention` means, or `nil` for other kinds.
  static func attention(_ arguments: Arguments, _ context: ExecutionContext) throws -> Value? {
    let kind = try arguments.text("kind")
    guard ["cross", "decoder"].contains(kind) else {
      guard try !hasTarget(arguments) else {
        throw ArgumentError(
          "target", "The attention of kind \"\(kind)\" is that of one text, so it takes no target.",
          hint: "Give kind: \"cross\" or kind: \"decoder\".")
      }
      return nil
    }
    guard let trace = try trace(arguments, context) else {
      throw ArgumentError(
        "target",
        "The attention of kind \"\(kind)\" is that of a text which is written: "
          + "it needs a `target`.", code: "missing-argument")
    }
    let sizes = trace.trace.configuration
    let layers = try AttentionChoice.choices(
      try arguments.selection("layer") ?? .last, count: sizes.layers, parameter: "layer")
    let heads = try AttentionChoice.choices(
      try arguments.selection("head") ?? .mean, count: sizes.heads, parameter: "head")
    guard layers.count == 1, let layer = layers[0].number, heads.count == 1 else {
      throw ArgumentError(
        layers.count == 1 && layers[0].number != nil ? "head" : "layer",
        "The attention of kind \"\(kind)\" is one map: it takes one layer, and one head or the mean "
          + "or max over heads.")
    }
    let stop = context.cancellation
    let range = heads[0].number.map { $0..<$0 + 1 } ?? 0..<sizes.heads
    let maps =
      kind == "cross"
      ? try trace.trace.crossAttentionMaps(layer: layer, heads: range, cancellation: stop)
      : try trace.trace.targetAttentionMaps(layer: layer, heads: range, cancellation: stop)
    var map = maps[0]
    for head in 1..<max(1, range.count) {
      if heads[0] == .max {
        map = try Tensor.broadcast(map, maps[head], .maximum)
      } else {
        map.add(maps[head])
      }
    }
    if heads[0] == .mean { map.scale(by: 1 / Float(range.count)) }
    return .object(
      PairAttentionValue(
        map, of: trace, isCross: kind == "cross",
        place: "decoder layer \(layer) · \(heads[0].words("head", of: sizes.heads))",
        call: context.call))
  }
}
