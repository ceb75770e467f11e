public import DataFormats
public import Figures
public import Interpreter
public import Models
import Tensors

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
