import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// What linear probes read off layers.
final class ProbeValue: ObjectValue {
  private let result: LinearProbe
  private let texts: [String]
  private let labels: [String]
  private let names: [String]
  private let options: LinearProbe.Options
  /// Which vectors of the texts are read, in words.
  private let taken: String
  private let model: ModelValue
  private let provenance: Provenance
  private let probabilities: [Double]

  init(
    _ result: LinearProbe, texts: [String], labels: [String], names: [String],
    options: LinearProbe.Options, taken: String, model: ModelValue,
    provenance: Provenance
  ) {
    self.result = result
    self.texts = texts
    self.labels = labels
    self.names = names
    self.options = options
    self.taken = taken
    self.model = model
    self.provenance = provenance
    probabilities = result.probabilities
  }

  var typeName: String { "Probe" }

  private var best: (layer: LinearProbe.Layer, probability: Double)? {
    zip(result.layers, probabilities).max {
      ($0.0.accuracy, -$0.0.layer) < ($1.0.accuracy, -$1.0.layer)
    }
  }

  var summary: String {
    guard let best else { return "no layers" }
    return
      "\(names.count) labels of \(texts.count) texts are read best at layer \(best.layer.layer): "
      + "\(NumberText.percent(best.layer.accuracy)), controls \(NumberText.percent(best.layer.control)), "
      + "chance \(NumberText.percent(result.chance))"
      + (best.probability <= 0.05 ? "" : ", not significant")
  }

  private static let fields: [(name: String, summary: String)] = [
    ("accuracy", "for each layer the share of held-out texts that are read right"),
    ("control", "for each layer the mean of the control tasks"),
    ("selectivity", "the difference of both"),
    ("memorised", "the share of control labels told right that were learned from"),
    ("p", "how likely chance is, corrected for the number of layers"),
    ("chance", "the share of the most frequent label"),
    ("layers", "the layers"),
    ("table", "one row for each layer"),
    (
      "predictions",
      "a table: each text's label and what each layer's probe says while it is held out"
    ),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "accuracy": .numbers(result.layers.map(\.accuracy))
    case "control": .numbers(result.layers.map(\.control))
    case "selectivity": .numbers(result.layers.map(\.selectivity))
    case "memorised": .numbers(result.layers.map(\.memorised))
    case "p": .numbers(probabilities)
    case "chance": .number(result.chance)
    case "layers": .list(result.layers.map { .integer($0.layer) })
    case "table": try asTable().map { .table($0) }
    case "predictions": .table(predictions)
    default: nil
    }
  }

  private var predictions: Table {
    Table(
      records: texts.indices.map { text in
        Record(
          [
            ("text", .text(texts[text])), ("label", .text(labels[text])),
            ("fold", .integer(result.folds[text])),
          ]
            + result.layers.map {
              ("layer \($0.layer)", .text(names[$0.predictions[text]]))
            })
      })
  }

  func asTable() throws -> Table? {
    Table(
      records: zip(result.layers, probabilities).map { layer, probability in
        Record([
          ("layer", .integer(layer.layer)), ("accuracy", .number(layer.accuracy)),
          ("control", .number(layer.control)), ("selectivity", .number(layer.selectivity)),
          ("memorised", .number(layer.memorised)), ("p", .number(probability)),
          ("significant", .bool(probability <= 0.05)),
        ])
      })
  }

  private var note: String {
    "\(texts.count) texts, \(taken), \(options.folds) parts; "
      + "\(options.controls) control tasks; chance \(NumberText.percent(result.chance))"
  }

  /// Accuracy, controls and chance as lines, and selectivity as bars that are hollow where chance may have made them.
  func defaultFigure() throws -> (any Figure)? {
    let xs = result.layers.map { Double($0.layer) }
    let bars = BarChart(
      title: "Selectivity",
      items: zip(result.layers, probabilities).map { layer, probability in
        let p = "p \(NumberText.short(probability, 2))"
        return BarChart.Item(
          TokenLabel(
            "layer \(layer.layer)",
            detail: "accuracy \(NumberText.percent(layer.accuracy)), control "
              + "\(NumberText.percent(layer.control)), control labels by heart "
              + NumberText.percent(layer.memorised)),
          layer.selectivity,
          interval: layer.accuracy - (layer.controls.max() ?? 0)...layer.accuracy
            - (layer.controls.min() ?? 0),
          remark: probability <= 0.05 ? p : "not significant, \(p)",
          isHollow: probability > 0.05)
      }, unit: .percent,
      note: "accuracy beyond the mean of the controls, whiskers over them; p corrected for "
        + "\(result.layers.count) layers",
      labelTitle: "layer", valueTitle: "selectivity")
    guard result.layers.count > 1 else {
      return GroupFigure(
        title: "Probe · \(model.model.name) · \(summary)", figures: [bars], provenance: provenance
      )
    }
    let chart = LineChart(
      title: "Probe · \(model.model.name)",
      series: [
        LineSeries(name: "accuracy", xs: xs, ys: result.layers.map(\.accuracy)),
        LineSeries(name: "control", xs: xs, ys: result.layers.map(\.control)),
        LineSeries(name: "control, by heart", xs: xs, ys: result.layers.map(\.memorised)),
        LineSeries(name: "chance", xs: xs, ys: xs.map { _ in result.chance }),
      ], xTitle: "layer", yTitle: "share of texts", note: note)
    return GroupFigure(figures: [chart, bars], provenance: provenance)
  }

  var json: JSON {
    [
      "labels": .array(names.map { .string($0) }), "chance": .number(result.chance),
      "layers": .array(
        zip(result.layers, probabilities).map { layer, probability in
          [
            "layer": .integer(layer.layer), "accuracy": .number(layer.accuracy),
            "folds": .array(layer.foldAccuracies.map { .number($0) }),
            "controls": .array(layer.controls.map { .number($0) }),
            "memorised": .number(layer.memorised), "p": .number(probability),
          ]
        }),
    ]
  }
}
