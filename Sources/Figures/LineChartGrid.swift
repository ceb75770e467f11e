public import DataFormats

/// Several line charts side by side whose lines share one legend, such as one chart per tag with
/// the runs as lines.
public struct LineChartGrid: Figure {
  /// The heading.
  public let title: String
  /// The charts in order of rows; lines of one name have one colour in all of them.
  public let charts: [LineChart]
  /// A line under the heading; `nil` for none.
  public let note: String?
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// How many charts the picture shows at most.
  static let most = 36

  /// Makes a grid.
  public init(
    title: String, charts: [LineChart], note: String? = nil, provenance: Provenance? = nil
  ) {
    self.title = title
    self.charts = charts
    self.note = note
    self.provenance = provenance
  }

  /// The names of all lines in the order in which they first occur.
  var names: [String] {
    var names: [String] = []
    for chart in charts where !chart.isBanded {
      for series in chart.series
      where !names.contains(where: { $0.utf8.elementsEqual(series.name.utf8) }) {
        names.append(series.name)
      }
    }
    return names
  }

  /// Which colours the lines of a chart have.
  static func colors(of chart: LineChart, names: [String]) -> [Int] {
    if chart.isBanded { return chart.series.map { _ in 0 } }
    return chart.series.map { series in
      names.firstIndex { $0.utf8.elementsEqual(series.name.utf8) } ?? 0
    }
  }

  /// The texts of all charts.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    if let note { lines.append(VisibleText.line(note)) }
    lines += charts.prefix(100).map(\.plainText)
    if charts.count > 100 { lines.append("… \(charts.count - 100) more charts") }
    return lines.joined(separator: "\n")
  }

  /// `{kind, title, charts}`.
  public var json: JSON {
    ["kind": "line_grid", "title": .string(title), "charts": .array(charts.map(\.json))]
  }

  /// Every chart's lines with their last, lowest and highest numbers.
  public var dataTable: DataTable? {
    var rows: [[String]] = []
    for chart in charts {
      for series in chart.series {
        let row = LineFacts(series, smoothing: 0).row(chart.axis)
        rows.append([VisibleText.line(chart.title)] + row)
      }
    }
    let more = rows.count - 300
    return DataTable(
      columns: [
        "chart", "line", "points", "from", "to", "first", "last", "lowest", "highest",
        "not finite",
      ], rows: Array(rows.prefix(300)), note: more > 0 ? "… \(more) more lines" : "",
      rowHeadings: 2)
  }

  /// The note, with what is left out.
  var fullNote: String? {
    var parts = note.map { [$0] } ?? []
    if let smoothing = charts.first?.smoothing, smoothing > 0 {
      parts.append("smoothed by \(NumberText.short(smoothing)), as recorded in a lighter tone")
    }
    if charts.count > Self.most {
      parts.append("\(charts.count - Self.most) more charts not shown")
    }
    return parts.isEmpty ? nil : parts.joined(separator: " · ")
  }

  /// How many numbers have no place, of all lines of some charts.
  static func nonFinite(_ charts: [LineChart]) -> NonFiniteCounts {
    var counts = NonFiniteCounts()
    for chart in charts { counts += chart.nonFinite }
    return counts
  }

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let shown = Array(charts.prefix(Self.most))
    let columns = shown.count < 2 ? 1 : shown.count <= 4 ? 2 : 3
    let plotWidth = columns == 1 ? 560.0 : columns == 2 ? 330 : 230
    let plotHeight = columns == 1 ? 300.0 : columns == 2 ? 190 : 140
    let names = names
    let panels = shown.map { chart in
      LinePanel(
        chart, plotWidth: plotWidth, plotHeight: plotHeight,
        pointBudget: 16_000 / max(1, shown.count),
        colors: Self.colors(of: chart, names: names))
    }
    // Columns are as wide as their widest panel, so that the plots of a column stand in line.
    let widths = (0..<columns).map { column in
      stride(from: column, to: panels.count, by: columns).map { panels[$0].width }.max() ?? 0
    }
    let inner = widths.reduce(0, +) + Double(columns - 1) * 14
    let width = max(320, inner + 2 * PictureFrame.margin)
    let frame = PictureFrame(title: title, note: fullNote, provenance: provenance, width: width)
    let legend = LineLegend(names: names, width: width - 2 * PictureFrame.margin)
    var canvas = SVGCanvas()
    canvas.raw(LineColors.sheet(theme))
    legend.draw(on: &canvas, x: PictureFrame.margin, y: frame.top)
    var y = frame.top + legend.height
    for start in stride(from: 0, to: panels.count, by: columns) {
      var x = PictureFrame.margin
      let row = start..<min(start + columns, panels.count)
      for index in row {
        let width = widths[index - start]
        let panel = panels[index]
        let indent = width - panel.width
        let heading = TextMetrics.fitted(
          VisibleText.line(shown[index].title), size: 12, maximum: plotWidth)
        canvas.text(
          heading, x: x + indent + panel.plotLeft, y: y + 12, size: 12, style: "t w")
        panel.draw(on: &canvas, x: x + indent, y: y + 14)
        x += width + 14
      }
      y += 14 + (row.map { panels[$0].height }.max() ?? 0) + 10
    }
    let odd = NonFiniteLegend(
      Self.nonFinite(shown), style: .signs, width: width - 2 * PictureFrame.margin)
    odd.draw(on: &canvas, x: PictureFrame.margin, y: y - 6)
    let height = y + odd.height + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: width, height: height, theme: theme, title: VisibleText.line(title),
      description: alternativeText)
  }
}
