import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// What each part of a model adds to an answer's logit.
final class ContributionsValue: ObjectValue {
  private let result: LogitContributions
  private let words: String
  private let owner: TraceValue
  private let provenance: Provenance

  init(
    _ result: LogitContributions, words: String, of owner: TraceValue, provenance: Provenance
  ) {
    self.result = result
    self.words = words
    self.owner = owner
    self.provenance = provenance
  }

  var typeName: String { "Contributions" }

  /// The parts, the strongest first; of equal ones the earlier.
  private var ranked: [(part: LogitContributions.Part, value: Double)] {
    result.parts.enumerated().sorted {
      (-abs($0.element.value), $0.offset) < (-abs($1.element.value), $1.offset)
    }.map(\.element)
  }

  var summary: String {
    let strongest = ranked.prefix(4).map {
      "\(Self.name($0.part)) \(NumberText.short($0.value, 3))"
    }
    return "\(words) \(NumberText.short(result.logit, 4)): \(strongest.joined(separator: ", "))"
  }

  static func name(_ part: LogitContributions.Part) -> String {
    switch part {
    case .embedding: "embedding"
    case .head(let layer, let head): "layer \(layer) head \(head)"
    case .attentionBias(let layer): "layer \(layer) attention bias"
    case .feedForward(let layer): "layer \(layer) feed-forward"
    case .normBias: "bias of the final norm"
    }
  }

  private static let fields: [(name: String, summary: String)] = [
    ("heads", "what heads add: [layers, heads]"),
    ("feed_forward", "what feed-forward parts add, layer by layer"),
    ("embedding", "what the token's vector adds"),
    ("logit", "the logit, or the difference of two, that the parts sum to"),
    ("sum", "the sum of the parts, which differs from it by rounding"),
    ("table", "every part, the strongest first"),
    ("trace", "the trace"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "heads": .tensor(result.heads)
    case "feed_forward": .numbers(result.feedForward)
    case "embedding": .number(result.embedding)
    case "logit": .number(result.logit)
    case "sum": .number(result.sum)
    case "table": try asTable().map { .table($0) }
    case "trace": .object(owner)
    default: nil
    }
  }

  func asTensor() throws -> Value? { .tensor(result.heads) }

  func asTable() throws -> Table? {
    Table(
      records: ranked.map { part, value in
        Record([("part", .text(Self.name(part))), ("contribution", .number(value))])
      })
  }

  /// The map of layers by parts, and the strongest parts as bars.
  func defaultFigure() throws -> (any Figure)? {
    let layers = result.feedForward.count
    let heads = result.heads.shape[1]
    let labels =
      (0..<heads).map { TokenLabel("head \($0)") }
      + (result.attentionBiases == nil ? [] : [TokenLabel("bias")]) + [TokenLabel("feed-forward")]
    let rows = (0..<layers).map { layer in
      result.heads.row(layer) + (result.attentionBiases.map { [Float($0[layer])] } ?? [])
        + [Float(result.feedForward[layer])]
    }
    let largest = rows.joined().reduce(Float(1e-6)) { max($0, abs($1)) }
    let rest =
      [("embedding", result.embedding)]
      + (result.normBias.map { [("final norm's bias", $0)] } ?? [])
    let map = Heatmap(
      title: "Contributions · \(owner.model.model.name)", values: rows,
      rowLabels: (0..<layers).map { TokenLabel("layer \($0)") }, columnLabels: labels,
      colorMap: .signed, valueRange: -largest...largest, rowTitle: "", columnTitle: "part",
      valueTitle: "contribution",
      note: "\(words): \(NumberText.short(result.logit, 4)) = sum of the map + "
        + rest.map { "\($0.0) \(NumberText.short($0.1, 3))" }.joined(separator: " + ")
        + " (rounding \(NumberText.short(result.sum - result.logit, 1)))")
    let shown = ranked.prefix(20)
    let others = ranked.dropFirst(20)
    var items = shown.map { BarChart.Item(TokenLabel(Self.name($0.part)), $0.value) }
    if !others.isEmpty {
      items.append(
        BarChart.Item(
          TokenLabel("\(others.count) other parts"), others.reduce(0) { $0 + $1.value }))
    }
    let bars = BarChart(
      title: "The strongest parts", items: items, note: "what each adds to the \(words)",
      labelTitle: "part", valueTitle: "contribution")
    return GroupFigure(figures: [map, bars], provenance: provenance)
  }

  var json: JSON {
    [
      "question": .string(words), "logit": .number(result.logit),
      "parts": .array(
        result.parts.map { part, value in
          ["part": .string(Self.name(part)), "contribution": .number(value)]
        }),
    ]
  }
}
