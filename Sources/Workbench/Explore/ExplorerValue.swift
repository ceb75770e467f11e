import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Synchronization
import Tensors

/// Questions about a text, asked with controls instead of calls.
///
/// The live figure answers the present question. What a notebook keeps shows the same, and carries the
/// attention maps of all layers and heads, so that an exported page can be leafed through.
final class ExplorerValue: LivePanel {
  let model: ModelValue
  private let state: Mutex<ExplorerState>
  /// The latest answer with the call that gave it: what a notebook keeps is what was seen.
  private let latest = Mutex<(call: String, value: Value)?>(nil)

  init(_ state: ExplorerState, model: ModelValue) {
    self.state = Mutex(state)
    self.model = model
  }

  /// What is asked at present.
  var present: ExplorerState { state.withLock { $0 } }

  var typeName: String { "Explorer" }

  var summary: String { "Explorer of \(model.model.name): \(call)" }

  private var call: String { (try? present.call(using: nil)) ?? "no text yet" }

  var fieldNames: [String] {
    ["text", "view", "layer", "head", "target", "method", "call", "model"]
  }

  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "text": "the text that is looked at"
    case "view": "what is shown"
    case "layer": "the layer"
    case "head": "the head, or \"mean\""
    case "target": "what follows, to be explained; empty for the likeliest token"
    case "method": "the method of attribution"
    case "call": "the call that asks the same in a cell"
    case "model": "the model"
    default: nil
    }
  }

  func field(_ name: String) throws -> Value? {
    let present = present
    return switch name {
    case "text": .text(present.text)
    case "view": .text(present.view.rawValue)
    case "layer": .integer(present.layer)
    case "head": present.head.map { .integer($0) } ?? .text("mean")
    case "target": .text(present.target)
    case "method": .text(present.method)
    case "call": .text(call)
    case "model": .object(model)
    default: nil
    }
  }

  var json: JSON {
    let members = fieldNames.dropLast().compactMap { name -> JSONObject.Member? in
      guard let value = try? field(name) else { return nil }
      return JSONObject.Member(key: name, value: value.json)
    }
    return .object(JSONObject(members: members))
  }

  // MARK: Controls

  var controls: [PanelControl] { present.controls }

  func set(_ identifier: String, to input: PanelInput) {
    state.withLock { $0.set(identifier, to: input) }
  }

  func liveBundle(in context: ExecutionContext) throws -> MIMEBundle {
    let present = present
    let value = try answer(to: present, in: context)
    // What is likely to follow is offered as a target.
    if present.view == .attribution, !present.model.readsIDs {
      let next = try NextTokens.top(
        trace(of: present, in: context).trace, count: 12, cancellation: context.cancellation)
      let texts = next.compactMap(\.text).map { String($0.drop { $0 == " " }) }
      var known: Set<String> = []
      let offered = texts.filter { text in
        !text.isEmpty && text.contains { !$0.isWhitespace } && known.insert(text).inserted
      }
      state.withLock { if $0.text == present.text { $0.suggestions = offered } }
    }
    return try context.displayBundle(of: value) ?? MIMEBundle(plainText: value.description)
  }

  private func answer(to present: ExplorerState, in context: ExecutionContext) throws -> Value {
    let residents = ResidentModels.of(context)
    let isCurrent = model.isSameModel(as: residents.currentIfLoaded)
    let call = try present.call(using: isCurrent ? nil : "model")
    if let known = latest.withLock({ $0 }), known.call == call { return known.value }
    let value = try context.evaluate(composed: call, with: [("model", .object(model))])
    latest.withLock { $0 = (call, value) }
    return value
  }

  private func trace(
    of present: ExplorerState, in context: ExecutionContext
  ) throws -> TraceValue {
    try TraceCache.of(context).trace(of: present.text, model: model, in: context)
  }

  // MARK: What a notebook keeps

  /// The picture of the present question, with the maps of all layers and heads behind it.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let present = present
    let value = try answer(to: present, in: context)
    guard let picture = try context.figure(of: value) else { return nil }
    guard let trace = try self.traceBehind(value) else { return picture }
    let isValues = present.view == .values
    let maps = try maps(of: trace, present, in: context)
    let start =
      maps.firstIndex { $0.layer == present.layer && $0.head == present.head } ?? 0
    let labels = trace.trace.tokens.map { TokenLabels.label($0) }
    return MapBrowser(
      picture: picture, maps: maps, start: start, showsMapAlone: present.view.isMap,
      mapTitle: "\(isValues ? "Value-weighted attention" : "Attention") · \(model.model.name)",
      labels: labels, valueTitle: isValues ? "length" : "weight",
      provenance: try model.provenance(of: present.mapsCall(), in: context))
  }

  private func traceBehind(_ value: Value) throws -> TraceValue? {
    guard case .object(let object) = value,
      case .object(let trace)? = try object.field("trace")
    else { return nil }
    return trace as? TraceValue
  }

  /// So many numbers at most are computed for maps that nobody may look at.
  private static let mostNumbers = 150_000_000

  /// The maps of all heads and their mean: of all layers, or of a long text of the present layer alone.
  private func maps(
    of trace: TraceValue, _ present: ExplorerState, in context: ExecutionContext
  ) throws -> [MapBrowser.Map] {
    let tokens = trace.trace.ids.count
    let heads = [nil] + (0..<present.model.heads).map { Optional($0) }
    func numbers(_ layers: Int) -> Int { layers * heads.count * tokens * tokens }
    guard numbers(1) <= Self.mostNumbers else { return [] }
    let layers =
      numbers(present.model.layers) <= Self.mostNumbers
      ? Array(0..<present.model.layers) : [present.layer]
    let count = layers.count * heads.count
    var maps: [MapBrowser.Map] = []
    for layer in layers {
      for head in heads {
        try context.check()
        let pattern = try AttentionPatterns.pattern(
          trace.trace, layer: layer, heads: head.map { .head($0) } ?? .mean,
          measure: present.view == .values ? .values : .weights,
          cancellation: context.cancellation)
        maps.append(
          MapBrowser.Map(
            layer: layer, head: head,
            values: Matrix(rows: tokens, columns: tokens, values: pattern.values.floats),
            isCausal: pattern.isCausal, count: count))
        context.progress(
          "Maps of all heads", fraction: Double(maps.count) / Double(count),
          detail: "\(maps.count) of \(count)")
      }
    }
    return maps
  }
}
