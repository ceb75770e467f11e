public import DataFormats
public import Figures
public import Interpreter
public import Models
import Tensors

/// One text's way through a model as a value of the language.
public final class TraceValue: ObjectValue {
  /// The run.
  public let trace: Trace
  /// The model that ran.
  public let model: ModelValue

  /// Makes the value of a run.
  init(_ trace: Trace, model: ModelValue) {
    self.trace = trace
    self.model = model
  }

  /// `Trace`.
  public var typeName: String { "Trace" }

  /// How many tokens of which text, through which model.
  public var summary: String {
    let count = trace.tokens.count
    let text = trace.text.map { " of \(Value.text($0).description)" } ?? ""
    return "\(count) \(count == 1 ? "token" : "tokens")\(text) through \(model.model.name)"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("text", "the text"),
    ("tokens", "its tokens, with ids and byte ranges"),
    ("ids", "the tokens' ids"),
    ("hidden_states", "the residual stream: [layer] gives [tokens, width]"),
    ("attentions", "attention: [layer][head] gives [queries, keys]"),
    ("logits", "for models with a head: [tokens, vocabulary]"),
    ("model", "the model that ran"),
    ("bytes", "how many bytes the trace keeps"),
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
    case "text": .some(trace.text.map { .text($0) } ?? .none)
    case "tokens": .object(TokensValue(trace.tokens, text: trace.text, model: model))
    case "ids": .list(trace.ids.map { .integer($0) })
    case "hidden_states": .object(HiddenStatesValue(self))
    case "attentions": .object(AttentionsValue(self))
    case "model": .object(model)
    case "bytes": .integer(trace.byteCount)
    default: nil
    }
  }

  /// A field; the logits are computed when they are asked for.
  public func field(_ name: String, in context: ExecutionContext) throws -> Value? {
    name == "logits"
      ? .tensor(try trace.logits(cancellation: context.cancellation)) : try field(name)
  }

  /// The tokens.
  public func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    try TokensValue(trace.tokens, text: trace.text, model: model).defaultFigure(in: context)
  }

  /// How many tokens there are.
  public var count: Int? { trace.tokens.count }

  /// Text, tokens and model.
  public var json: JSON {
    [
      "model": .string(model.model.name), "text": trace.text.map { .string($0) } ?? .null,
      "input_ids": .array(trace.ids.map { .integer($0) }),
      "tokens": TokensValue(trace.tokens, text: trace.text, model: model).json,
    ]
  }

  /// The tokens as a table.
  public func asTable() throws -> Table? {
    TokensValue(trace.tokens, text: trace.text, model: model).table
  }
}

/// `trace.hidden_states`: the residual stream by layer.
final class HiddenStatesValue: ObjectValue {
  private let owner: TraceValue

  init(_ owner: TraceValue) { self.owner = owner }

  var typeName: String { "HiddenStates" }
  var summary: String {
    let sizes = owner.model.model.configuration
    let streams = sizes.streams == 1 ? "" : "\(sizes.streams) streams, "
    return "hidden states of layers 0…\(sizes.layers), "
      + "each [\(owner.trace.ids.count) tokens, \(streams)\(sizes.width)]"
      + (streams.isEmpty ? "" : ", the last of one stream")
  }
  var fieldNames: [String] { [] }
  func field(_ name: String) throws -> Value? { nil }
  var count: Int? { owner.model.model.configuration.layers + 1 }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index), let count else { return nil }
    let layers = try selection.indices(count: count, parameter: "layer")
    let states = try layers.map { Value.tensor(try owner.trace.streams($0)) }
    return selection.choosesOne ? states[0] : .list(states)
  }
}

/// `trace.attentions`: the attention maps by layer.
final class AttentionsValue: ObjectValue {
  private let owner: TraceValue

  init(_ owner: TraceValue) { self.owner = owner }

  var typeName: String { "Attentions" }
  var summary: String {
    let sizes = owner.model.model.configuration
    let count = owner.trace.ids.count
    return "attention of \(sizes.layers) layers × \(sizes.heads) heads, "
      + "each [\(count) queries, \(count) keys]"
  }
  var fieldNames: [String] { [] }
  func field(_ name: String) throws -> Value? { nil }
  var count: Int? { owner.model.model.configuration.layers }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index), let count else { return nil }
    let layers = try selection.indices(count: count, parameter: "layer")
    let values = layers.map { Value.object(LayerAttentionValue(owner, layer: $0)) }
    return selection.choosesOne ? values[0] : .list(values)
  }
}

/// `trace.attentions[layer]`: the maps of one layer by head.
final class LayerAttentionValue: ObjectValue {
  private let owner: TraceValue
  private let layer: Int

  init(_ owner: TraceValue, layer: Int) {
    self.owner = owner
    self.layer = layer
  }

  var typeName: String { "LayerAttention" }
  var summary: String {
    let count = owner.trace.ids.count
    let sizes = owner.model.model.configuration
    let blocks = sizes.compression?.rate(of: layer).map { " and \(count / $0) blocks" } ?? ""
    return "attention of layer \(layer): \(sizes.heads) heads, "
      + "each [\(count) queries, \(count) keys\(blocks)]"
  }
  var fieldNames: [String] { [] }
  func field(_ name: String) throws -> Value? { nil }
  var count: Int? { owner.model.model.configuration.heads }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index), let count else { return nil }
    let heads = try selection.indices(count: count, parameter: "head")
    let maps = try heads.map { head in
      let map = try owner.trace.wholeAttentionMaps(
        layer: layer, heads: head..<head + 1, cancellation: context.cancellation)
      return Value.tensor(map.reshaped(Array(map.shape.dropFirst())))
    }
    return selection.choosesOne ? maps[0] : .list(maps)
  }
}

extension Trace {
  /// The hidden states of a layer as transformers shapes them: `[tokens, streams, width]` where several streams run side
  /// by side, otherwise `[tokens, width]`.
  func streams(_ layer: Int) throws -> Tensor {
    let states = try hiddenStates(layer)
    let sizes = model.configuration
    guard states.shape[1] != sizes.width else { return states }
    return states.reshaped([states.shape[0], sizes.streams, sizes.width])
  }
}

extension Selection {
  /// Whether an index of this kind means one element and not a list of some.
  var choosesOne: Bool {
    switch self {
    case .one, .last: true
    case .several, .all, .mean, .max: false
    }
  }
}
