import DataFormats
import Figures
import Interpreter
import Tensors
import Training

/// How the numbers of one tag were distributed over the steps of several runs, as a value of the language.
final class DistributionValue: ObjectValue {
  let tag: String
  private let runs: [(name: String, values: [SteppedValue<HistogramSummary>])]
  private let provenance: Provenance

  init(
    tag: String, runs: [(name: String, values: [SteppedValue<HistogramSummary>])],
    provenance: Provenance
  ) {
    self.tag = tag
    // Files of one run that were written at the same time follow each other; steps go up.
    self.runs = runs.map { run in
      (
        run.name,
        run.values.enumerated().sorted {
          ($0.element.step, $0.offset) < ($1.element.step, $1.offset)
        }.map(\.element)
      )
    }
    self.provenance = provenance
  }

  var typeName: String { "Distribution" }

  var summary: String {
    let parts = runs.prefix(8).map { run -> String in
      guard let last = run.values.last else { return "\(run.name) is empty" }
      let content = last.content
      let median = content.quantiles([0.5])[0]
      return "\(run.name) median \(NumberText.short(median, 3)) in "
        + "\(NumberText.short(content.minimum, 3))…\(NumberText.short(content.maximum, 3)) at step \(last.step)"
    }
    return "\(tag): " + parts.joined(separator: ", ") + (runs.count > 8 ? ", …" : "")
  }

  private static let fields: [(name: String, summary: String)] = [
    ("tag", "the tag"), ("names", "the runs' names"),
    ("steps", "the steps of the first run's distributions"),
    ("quantiles", "a table: the numbers below which shares lie, at every step"),
    ("buckets", "a table: how many numbers lie up to each edge, in each run's last distribution"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "tag": .text(tag)
    case "names": .texts(runs.map(\.name))
    case "steps": .numbers(runs.first?.values.map { Double($0.step) } ?? [])
    case "quantiles": try asTable().map { .table($0) }
    case "buckets": .table(buckets)
    default: nil
    }
  }

  private static let names = HistogramSummary.drawnShares.map { share -> String in
    switch share {
    case 0: "lowest"
    case 0.5: "median"
    case 1: "highest"
    default: NumberText.short(share * 100, 4) + " %"
    }
  }

  /// For each run and step the numbers below which shares lie.
  func asTable() throws -> Table? {
    Table(
      records: runs.flatMap { run in
        run.values.map { value in
          Record(
            [("run", .text(run.name)), ("step", .integer(value.step))]
              + zip(Self.names, value.content.quantiles(HistogramSummary.drawnShares)).map {
                ($0, Value.number($1))
              })
        }
      })
  }

  private var buckets: Table {
    Table(
      records: runs.flatMap { run -> [Record] in
        guard let last = run.values.last else { return [] }
        return zip(last.content.limits, last.content.counts).map { limit, count in
          Record([("run", .text(run.name)), ("up_to", .number(limit)), ("count", .number(count))])
        }
      })
  }

  /// A chart for each run.
  func charts(isOnlyTag: Bool) -> [LineChart] {
    runs.map { run in
      let quantiles = run.values.map { $0.content.quantiles(HistogramSummary.drawnShares) }
      let xs = run.values.map { Double($0.step) }
      let title =
        runs.count == 1 && isOnlyTag ? tag : run.name == "." ? tag : "\(run.name) · \(tag)"
      return LineChart(
        title: title,
        series: Self.names.enumerated().map { index, name in
          LineSeries(name: name, xs: xs, ys: quantiles.map { $0[index] })
        }, isBanded: true, note: isOnlyTag ? Self.note : nil, provenance: provenance)
    }
  }

  /// What the bands are.
  static let note =
    "the median, and about it the middle 38, 68, 87 and 100 % of the numbers"

  func defaultFigure() throws -> (any Figure)? {
    let charts = charts(isOnlyTag: true)
    if charts.count == 1 { return charts[0] }
    return LineChartGrid(title: tag, charts: charts, note: Self.note, provenance: provenance)
  }

  var json: JSON {
    [
      "tag": .string(tag),
      "runs": .array(
        runs.map { run in
          [
            "name": .string(run.name),
            "steps": .array(run.values.map { .integer($0.step) }),
            "quantiles": .array(
              run.values.map { value in
                .array(
                  value.content.quantiles(HistogramSummary.drawnShares).map {
                    $0.isFinite ? .number($0) : .null
                  })
              }),
          ]
        }),
    ]
  }
}
