public import DataFormats

/// Numbers over steps or time as lines, such as the losses of several runs.
public struct LineChart: Figure {
  /// The heading.
  public let title: String
  /// The lines.
  public let series: [LineSeries]
  /// What the horizontal axis is.
  public let xTitle: String
  /// What the numbers are.
  public let yTitle: String
  /// What the horizontal axis counts.
  public let axis: LineAxis
  /// Whether the vertical axis is by logarithm; numbers that aren't above 0 are gaps then.
  public let isLogarithmic: Bool
  /// How strongly the lines are smoothed, from 0 for not at all to below 1; the lines as they are
  /// show through in a lighter tone.
  public let smoothing: Double
  /// Whether the lines are quantiles of one distribution, from the lowest to the highest: the space
  /// between each and the one that mirrors it is filled, and all have one colour.
  public let isBanded: Bool
  /// A line under the heading; `nil` for none.
  public var note: String?
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// Makes a chart.
  public init(
    title: String, series: [LineSeries], xTitle: String = "step", yTitle: String = "",
    axis: LineAxis = .steps, isLogarithmic: Bool = false, smoothing: Double = 0,
    isBanded: Bool = false, note: String? = nil, provenance: Provenance? = nil
  ) {
    self.title = title
    self.series = series
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.axis = axis
    self.isLogarithmic = isLogarithmic
    self.smoothing = smoothing > 0 && smoothing < 1 ? smoothing : 0
    self.isBanded = isBanded
    self.note = note
    self.provenance = provenance
  }

  /// Every line's extent, last, lowest and highest number, and its course in forty blocks; of
  /// quantiles the middle one's, and where the last ones lie.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    if let note { lines.append(VisibleText.line(note)) }
    if series.isEmpty { lines.append("no lines") }
    if isBanded, !series.isEmpty { return (lines + [bandSentence]).joined(separator: "\n") }
    let names = series.map { TextMetrics.fitted(VisibleText.line($0.name), size: 1, maximum: 40) }
    let widest = names.map(TextMetrics.columns).max() ?? 0
    for (line, name) in zip(series, names).prefix(60) {
      let pad = String(repeating: " ", count: widest - TextMetrics.columns(name))
      let facts = LineFacts(line, smoothing: smoothing)
      let course = facts.course(columns: 40, isLogarithmic: isLogarithmic)
      lines.append("  \(name)\(pad)  \(course)  \(facts.text(axis))")
    }
    if series.count > 60 { lines.append("  … \(series.count - 60) more lines") }
    return lines.joined(separator: "\n")
  }

  /// The middle line's course, and the last number of every line.
  private var bandSentence: String {
    let middle = LineFacts(series[series.count / 2], smoothing: 0)
    let lasts = series.map { line in
      "\(VisibleText.line(line.name)) \(line.ys.last.map { NumberText.short($0, 3) } ?? "—")"
    }
    let place = series[0].xs.last.map { ", at \(axis.text($0))" } ?? ""
    return "  \(middle.course(columns: 40, isLogarithmic: isLogarithmic))  "
      + lasts.joined(separator: " · ") + place
  }

  /// `{kind, title, x_title, y_title, scale, smoothing, series: [{name, x, y}]}`; numbers that
  /// aren't finite are null.
  public var json: JSON {
    [
      "kind": "lines", "title": .string(title), "x_title": .string(xTitle),
      "y_title": .string(yTitle), "axis": .string(axis.rawValue),
      "scale": .string(isLogarithmic ? "logarithmic" : "linear"),
      "smoothing": .number(smoothing), "banded": .bool(isBanded),
      "series": .array(
        series.map { line in
          [
            "name": .string(line.name), "x": .array(line.xs.map { .number($0) }),
            "y": .array(line.ys.map { $0.isFinite ? .number($0) : .null }),
          ]
        }),
    ]
  }

  /// For each line its extent and its last, lowest and highest number.
  public var dataTable: DataTable? {
    DataTable(
      columns: ["line", "points", "from", "to", "first", "last"]
        + (smoothing > 0 ? ["smoothed"] : []) + ["lowest", "highest", "not finite"],
      rows: series.prefix(300).map { LineFacts($0, smoothing: smoothing).row(axis) },
      note: series.count > 300 ? "… \(series.count - 300) more lines" : "")
  }

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let legend = LineLegend(names: isBanded ? [] : series.map(\.name), width: 640)
    let panel = LinePanel(
      self, plotWidth: 560, plotHeight: 300, pointBudget: 16_000,
      colors: isBanded ? series.map { _ in 0 } : nil)
    let width = PictureFrame.margin * 2 + panel.width
    let frame = PictureFrame(
      title: title, note: fullNote, provenance: provenance, width: width)
    var canvas = SVGCanvas()
    canvas.raw(LineColors.sheet(theme))
    legend.draw(on: &canvas, x: PictureFrame.margin, y: frame.top)
    panel.draw(on: &canvas, x: PictureFrame.margin, y: frame.top + legend.height)
    let odd = NonFiniteLegend(
      nonFinite, style: .signs, width: width - 2 * PictureFrame.margin)
    let bottom = frame.top + legend.height + panel.height
    odd.draw(on: &canvas, x: PictureFrame.margin, y: bottom)
    let height = bottom + odd.height + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: width, height: height, theme: theme, title: VisibleText.line(title),
      description: alternativeText)
  }

  /// How many numbers have no place, of all lines.
  var nonFinite: NonFiniteCounts { NonFiniteCounts(series.lazy.flatMap(\.ys)) }

  /// The note, with what the scale leaves out and how the lines are smoothed.
  var fullNote: String? {
    var parts = note.map { [$0] } ?? []
    if smoothing > 0 {
      parts.append("smoothed by \(NumberText.short(smoothing)), as recorded in a lighter tone")
    }
    if isLogarithmic {
      let hidden = series.reduce(0) { $0 + $1.ys.filter { $0 <= 0 && $0.isFinite }.count }
      if hidden > 0 {
        parts.append(
          "\(NumberText.grouped(hidden)) \(hidden == 1 ? "number" : "numbers") ≤ 0 not shown")
      }
    }
    return parts.isEmpty ? nil : parts.joined(separator: " · ")
  }
}

/// What is said of a line in words.
struct LineFacts {
  private let series: LineSeries
  private let smoothed: [Double]?
  private let finite: [Int]

  init(_ series: LineSeries, smoothing: Double) {
    self.series = series
    smoothed = smoothing > 0 ? series.smoothed(smoothing) : nil
    finite = series.ys.indices.filter { series.ys[$0].isFinite }
  }

  private var lowest: Int? { finite.min { series.ys[$0] < series.ys[$1] } }
  private var highest: Int? { finite.max { series.ys[$0] < series.ys[$1] } }

  /// `last 0.213 at step 400 (smoothed 0.22), lowest 0.2 at step 390, 1 not finite from step 7`.
  func text(_ axis: LineAxis) -> String {
    guard let last = series.ys.last, let end = series.xs.last else { return "no points" }
    var text = "last \(NumberText.short(last, 4)) at \(axis.text(end))"
    if let smoothed = smoothed?.last { text += " (smoothed \(NumberText.short(smoothed, 4)))" }
    if let lowest {
      text +=
        ", lowest \(NumberText.short(series.ys[lowest], 4)) at \(axis.text(series.xs[lowest]))"
    }
    let broken = series.ys.count - finite.count
    if broken > 0, let first = series.ys.firstIndex(where: { !$0.isFinite }) {
      text += ", \(NumberText.grouped(broken)) not finite from \(axis.text(series.xs[first]))"
    }
    return text
  }

  /// A row of the data table.
  func row(_ axis: LineAxis) -> [String] {
    func number(_ value: Double?) -> String {
      value.map { NumberText.shown(NumberText.short($0, 5)) } ?? ""
    }
    func place(_ x: Double?) -> String {
      guard let x else { return "" }
      return NumberText.shown(
        axis == .steps && x == x.rounded() && abs(x) < 9e15
          ? NumberText.grouped(Int(x)) : NumberText.short(x, 6))
    }
    return [
      VisibleText.line(series.name), NumberText.grouped(series.ys.count), place(series.xs.first),
      place(series.xs.last), number(series.ys.first), number(series.ys.last),
    ] + (smoothed.map { [number($0.last)] } ?? []) + [
      number(lowest.map { series.ys[$0] }), number(highest.map { series.ys[$0] }),
      NumberText.grouped(series.ys.count - finite.count),
    ]
  }

  /// The line's course as blocks of eight heights, `!` where a number isn't finite.
  func course(columns: Int, isLogarithmic: Bool) -> String {
    guard let first = series.xs.first, let last = series.xs.last else { return "" }
    let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    let ys = smoothed ?? series.ys
    let scale = LineScale(ys, isLogarithmic: isLogarithmic)
    let across = LineScale([first, last])
    var sums = [Double](repeating: 0, count: columns)
    var counts = [Int](repeating: 0, count: columns)
    var isBroken = [Bool](repeating: false, count: columns)
    for (x, y) in zip(series.xs, ys) {
      let share = min(max(across.place(x) ?? 0, 0), 1)
      let column = min(columns - 1, Int(share * Double(columns)))
      if let place = scale.place(y) {
        sums[column] += place
        counts[column] += 1
      } else if !y.isFinite {
        isBroken[column] = true
      }
    }
    var course = ""
    for column in 0..<columns {
      if isBroken[column] {
        course.append("!")
      } else if counts[column] > 0 {
        course.append(blocks[min(7, max(0, Int(sums[column] / Double(counts[column]) * 8)))])
      } else {
        course.append(" ")
      }
    }
    return course
  }
}
