import Analysis
import DataFormats
import Figures
import Interpreter

/// What concepts do to what a model says, layer by layer.
final class SensitivityValue: ObjectValue {
  /// One concept in one layer.
  struct Row: Sendable {
    let concept: String
    let layer: ConceptSensitivity.Layer
    let probability: Double
    let isSignificant: Bool
  }

  /// How it is tested.
  enum Test: String, CaseIterable {
    case rank
    case welch = "t"
  }

  let rows: [Row]
  private let test: Test
  private let target: String
  private let inputs: Int
  private let options: ConceptSensitivity.Options
  private let provenance: Provenance

  init(
    _ results: [(concept: String, sensitivity: ConceptSensitivity)], test: Test, target: String,
    inputs: Int, options: ConceptSensitivity.Options, provenance: Provenance
  ) {
    let all = results.flatMap { result in result.sensitivity.layers.map { (result.concept, $0) } }
    let values = all.map { test == .rank ? $0.1.rankProbability : $0.1.welchProbability }
    let significant = SignificanceTests.holm(values)
    rows = all.enumerated().map { index, pair in
      Row(
        concept: pair.0, layer: pair.1, probability: values[index],
        isSignificant: significant[index])
    }
    self.test = test
    self.target = target
    self.inputs = inputs
    self.options = options
    self.provenance = provenance
  }

  var typeName: String { "Sensitivity" }

  var summary: String {
    let found = rows.filter(\.isSignificant)
    let words = found.prefix(6).map {
      "\($0.concept) in layer \($0.layer.layer) (\(NumberText.short($0.layer.derivative, 3)))"
    }
    return "\(target): "
      + (found.isEmpty ? "nothing significant" : words.joined(separator: ", "))
      + ", of \(rows.count) tests"
  }

  private static let fields: [(name: String, summary: String)] = [
    (
      "scores",
      "for each concept and layer the TCAV score: the share of inputs that the concept helps"
    ),
    ("derivatives", "for each the mean derivative along the unit vector"),
    ("p", "for each how likely chance is, before the correction for several tests"),
    ("significant", "for each whether it is significant after it"),
    ("table", "all of it as a table"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "scores": .numbers(rows.map(\.layer.sign))
    case "derivatives": .numbers(rows.map(\.layer.derivative))
    case "p": .numbers(rows.map(\.probability))
    case "significant": .list(rows.map { .bool($0.isSignificant) })
    case "table": try asTable().map { .table($0) }
    default: nil
    }
  }

  func asTable() throws -> Table? {
    Table(
      records: rows.map { row in
        Record([
          ("concept", .text(row.concept)), ("layer", .integer(row.layer.layer)),
          ("score", .number(row.layer.sign)), ("derivative", .number(row.layer.derivative)),
          ("accuracy", .number(row.layer.accuracy)), ("p", .number(row.probability)),
          ("significant", .bool(row.isSignificant)),
        ])
      })
  }

  /// A bar for each layer, hollow where chance may have made it.
  func defaultFigure() throws -> (any Figure)? {
    let hasSeveral = Set(rows.map(\.concept)).count > 1
    return BarChart(
      title: "What concepts do to \(target)",
      items: rows.map { row in
        let sorted = row.layer.derivatives.sorted()
        let low = sorted[Int(0.025 * Double(sorted.count - 1))]
        let high = sorted[Int((0.975 * Double(sorted.count - 1)).rounded(.up))]
        let name = "layer \(row.layer.layer)"
        return BarChart.Item(
          TokenLabel(
            hasSeveral ? "\(row.concept) · \(name)" : name,
            detail:
              "TCAV score \(NumberText.short(row.layer.sign, 3)), p \(NumberText.short(row.probability, 3)), "
              + "accuracy \(NumberText.percent(row.layer.accuracy))"),
          row.layer.derivative, interval: low...high,
          remark: row.isSignificant
            ? "p \(NumberText.short(row.probability, 2))"
            : "not significant, p \(NumberText.short(row.probability, 2))",
          isHollow: !row.isSignificant)
      },
      note:
        "mean derivative along the concept's unit vector, \(inputs) \(inputs == 1 ? "input" : "inputs"), whiskers over \(options.runs) runs; "
        + (test == .rank
          ? "rank test against \(options.randomConcepts) random concepts, Holm's correction for \(rows.count) tests at 5 %"
          : "t-test of scores as published, which takes runs on one model for independent; Holm's correction"),
      labelTitle: "layer", valueTitle: "derivative", provenance: provenance)
  }

  var json: JSON {
    .array(
      rows.map { row in
        [
          "concept": .string(row.concept), "layer": .integer(row.layer.layer),
          "score": .number(row.layer.sign), "derivative": .number(row.layer.derivative),
          "accuracy": row.layer.accuracy.isFinite ? .number(row.layer.accuracy) : .null,
          "p": .number(row.probability), "significant": .bool(row.isSignificant),
        ]
      })
  }
}
