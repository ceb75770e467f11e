import DataFormats
import Figures
import Interpreter
import Tensors
import Training

/// How curves are drawn.
struct CurveOptions: Sendable {
  /// The smoothing's weight, from 0 to below 1.
  var smoothing = 0.0
  /// Whether the horizontal axis is the time since each run's first record.
  var isByTime = false
  /// Whether the vertical axis is by logarithm.
  var isLogarithmic = false
}

/// One tag's numbers in several runs as a value of the language.
final class CurvesValue: ObjectValue {
  let tag: String
  private let curves: [(name: String, series: ScalarSeries)]
  private let options: CurveOptions
  private let provenance: Provenance

  init(
    tag: String, curves: [(String, ScalarSeries)], options: CurveOptions, provenance: Provenance
  ) {
    self.tag = tag
    self.curves = curves.map { (name: $0.0, series: $0.1) }
    self.options = options
    self.provenance = provenance
  }

  var typeName: String { "Curves" }

  var summary: String {
    let parts = curves.prefix(8).map { curve -> String in
      guard let last = curve.series.points.last else { return "\(curve.name) is empty" }
      return "\(curve.name) \(NumberText.short(last.value, 4)) at step \(last.step)"
    }
    let more = curves.count > 8 ? ", … \(curves.count - 8) more" : ""
    return "\(tag): " + parts.joined(separator: ", ") + more
  }

  private static let fields: [(name: String, summary: String)] = [
    ("tag", "the tag"),
    ("names", "the runs' names"),
    ("steps", "the steps: a list of numbers, or one for each run where there are several"),
    ("values", "the numbers, in the same form"),
    ("times", "seconds since 1970, in the same form"),
    ("smoothed", "the numbers smoothed as in the picture, in the same form"),
    ("restarts", "the steps at which a run was started again, in the same form"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? {
    Self.fields.first { $0.name == name }?.summary
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "tag": .text(tag)
    case "names": .texts(curves.map(\.name))
    case "steps": perRun { $0.points.map { Double($0.step) } }
    case "values": perRun { $0.points.map(\.value) }
    case "times": perRun { $0.points.map(\.wallTime) }
    case "smoothed": perRun { Self.line("", $0, isByTime: false).smoothed(self.options.smoothing) }
    case "restarts": perRun { $0.restarts.map(Double.init) }
    default: nil
    }
  }

  private func perRun(_ numbers: (ScalarSeries) -> [Double]) -> Value {
    if curves.count == 1 { return .numbers(numbers(curves[0].series)) }
    return .list(curves.map { .numbers(numbers($0.series)) })
  }

  var count: Int? { curves.count }

  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    let places: [Int]
    if case .text(let name) = index {
      guard let place = curves.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
        return nil
      }
      places = [place]
    } else {
      guard let selection = Selection(index) else { return nil }
      places = try selection.indices(count: curves.count, parameter: "run")
    }
    return .object(
      CurvesValue(
        tag: tag, curves: places.map { (curves[$0].name, curves[$0].series) }, options: options,
        provenance: provenance))
  }

  /// The curves as lines.
  var chart: LineChart {
    let restarts = curves.reduce(0) { $0 + $1.series.restarts.count }
    let note = restarts == 0 ? nil : restarts == 1 ? "1 restart" : "\(restarts) restarts"
    return LineChart(
      title: tag,
      series: curves.map { Self.line($0.name, $0.series, isByTime: options.isByTime) },
      xTitle: options.isByTime ? "time since start" : "step",
      axis: options.isByTime ? .seconds : .steps, isLogarithmic: options.isLogarithmic,
      smoothing: options.smoothing, note: note, provenance: provenance)
  }

  private static func line(_ name: String, _ series: ScalarSeries, isByTime: Bool) -> LineSeries {
    let start = series.points.lazy.map(\.wallTime).filter(\.isFinite).min() ?? 0
    return LineSeries(
      name: name,
      xs: series.points.map { isByTime ? $0.wallTime - start : Double($0.step) },
      ys: series.points.map(\.value))
  }

  func defaultFigure() throws -> (any Figure)? { chart }

  /// The numbers of a single run: [points].
  func asTensor() throws -> Value? {
    guard curves.count == 1 else { return nil }
    let values = curves[0].series.points.map { Float($0.value) }
    return .tensor(Tensor(shape: [values.count], values))
  }

  func asTable() throws -> Table? {
    let rows = curves.flatMap { curve in curve.series.points.map { (curve.name, $0) } }
    return Table(columns: [
      Table.Column(name: "run", values: ValueList(rows.map { .text($0.0) })),
      Table.Column(name: "step", values: ValueList(rows.map { .integer($0.1.step) })),
      Table.Column(name: "time", values: ValueList(rows.map { .number($0.1.wallTime) })),
      Table.Column(name: "value", values: ValueList(rows.map { .number($0.1.value) })),
    ])
  }

  var json: JSON {
    [
      "tag": .string(tag),
      "runs": .array(
        curves.map { curve in
          [
            "name": .string(curve.name),
            "steps": .array(curve.series.points.map { .integer($0.step) }),
            "times": .array(curve.series.points.map { .number($0.wallTime) }),
            "values": .array(
              curve.series.points.map { $0.value.isFinite ? .number($0.value) : .null }),
          ]
        }),
    ]
  }
}
