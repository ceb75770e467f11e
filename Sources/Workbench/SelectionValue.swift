import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// Which keys an indexer selected, and what it missed.
final class SelectionValue: ObjectValue {
  private let result: SelectedKeys
  private let owner: TraceValue
  private let call: String

  init(_ result: SelectedKeys, of owner: TraceValue, call: String) {
    self.result = result
    self.owner = owner
    self.call = call
  }

  var typeName: String { "KeySelection" }

  /// The queries that saw fewer keys than there were.
  private var limited: [Int] { result.keys.indices.filter { result.keys[$0].count <= $0 } }

  private func mean(_ numbers: [Double]) -> Double {
    limited.reduce(0) { $0 + numbers[$1] } / Double(max(1, limited.count))
  }

  var summary: String {
    guard !limited.isEmpty else {
      return "every token sees all keys: the text has no more than \(result.limit) tokens"
    }
    return "layer \(result.layer), \(result.limit) keys for each token: "
      + "\(limited.count) of \(result.keys.count) tokens see less than all and miss "
      + "\(NumberText.percent(mean(result.missedByMean))) of the attention, "
      + "\(NumberText.percent(mean(result.least))) at least"
  }

  private static let fields: [(name: String, summary: String)] = [
    ("keys", "the keys that each token saw: [queries][keys]"),
    ("missed", "the share of each head's attention on other keys: [heads, queries]"),
    ("mean", "its mean over the heads, for each token"),
    ("least", "the least that any selection of as many keys would miss"),
    ("dense", "the attention without the selection, the mean over the heads: [queries, keys]"),
    ("table", "one row for each token"),
    ("trace", "the trace"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "keys": .list(result.keys.map { .list($0.map { .integer($0) }) })
    case "missed": .tensor(result.missed)
    case "mean": .numbers(result.missedByMean)
    case "least": .numbers(result.least)
    case "dense": .tensor(result.dense)
    case "table": try asTable().map { .table($0) }
    case "trace": .object(owner)
    default: nil
    }
  }

  func asTensor() throws -> Value? { .tensor(result.missed) }

  func asTable() throws -> Table? {
    let missed = result.missedByMean
    return Table(
      records: owner.trace.tokens.enumerated().map { query, token in
        Record([
          ("position", .integer(query)), ("token", .text(TokenLabels.text(token))),
          ("keys", .integer(result.keys[query].count)), ("missed", .number(missed[query])),
          ("least", .number(result.least[query])),
        ])
      })
  }

  /// The attention without the selection, below 0 where a key wasn't selected, and the misses as lines.
  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in
      let labels = owner.trace.tokens.map(TokenLabels.label)
      let count = labels.count
      var values = result.dense.floats.map { -$0 }
      for (query, keys) in result.keys.enumerated() {
        for key in keys { values[query * count + key] *= -1 }
      }
      let largest = values.reduce(Float(1e-6)) { max($0, abs($1)) }
      let map = Heatmap(
        title: "Selected keys · \(owner.model.model.name) · layer \(result.layer)",
        values: Matrix(rows: count, columns: count, values: values), rowLabels: labels,
        columnLabels: labels, isCausal: true, colorMap: .signed,
        valueRange: -largest...largest, valueTitle: "attention",
        note: summary + "; below 0: keys that weren't selected")
      guard !limited.isEmpty else {
        return GroupFigure(figures: [map], provenance: provenance)
      }
      let xs = (0..<count).map(Double.init)
      let chart = LineChart(
        title: "Missed attention",
        series: [
          LineSeries(name: "missed", xs: xs, ys: result.missedByMean),
          LineSeries(name: "least possible", xs: xs, ys: result.least),
        ], xTitle: "position", yTitle: "share", note: "mean over the heads, for each token")
      return GroupFigure(figures: [map, chart], provenance: provenance)
    }
  }

  var json: JSON {
    [
      "layer": .integer(result.layer), "limit": .integer(result.limit),
      "keys": .array(result.keys.map { .array($0.map { .integer($0) }) }),
      "missed": .array(result.missedByMean.map { .number($0) }),
      "least": .array(result.least.map { .number($0) }),
    ]
  }
}
