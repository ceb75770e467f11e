/// The colours of lines, which are told apart with any colour vision (after Okabe and Ito 2008),
/// made stronger for white pages and lighter for dark ones.
enum LineColors {
  static let light = [
    "#0072b2", "#d55e00", "#008f68", "#c05a94", "#3d9fdc", "#c98600", "#7d7300", "#5b636d",
  ]
  static let dark = [
    "#58aef0", "#f58a4b", "#2cc79a", "#e69ac6", "#a5d8ff", "#f3b63f", "#d6ca45", "#a3abb5",
  ]
  /// Beyond the last colour they begin again, dashed.
  static let dashes = ["", "7 3", "2 3"]

  static func style(_ index: Int) -> String { "s\(index % light.count)" }

  static func dash(_ index: Int) -> String { dashes[index / light.count % dashes.count] }

  /// The style sheet of the lines.
  static func sheet(_ theme: FigureTheme) -> String {
    func rules(_ colors: [String]) -> String {
      colors.enumerated().map { ".s\($0){stroke:\($1);fill:none}.k\($0){fill:\($1)}" }.joined()
    }
    let common =
      ".ln{stroke-width:1.7;stroke-linejoin:round}.dense{stroke-width:1;opacity:.75}"
      + ".raw{stroke-width:1;opacity:.3}"
    return switch theme {
    case .light: "<style>\(common)\(rules(light))</style>"
    case .dark: "<style>\(common)\(rules(dark))</style>"
    case .automatic:
      "<style>\(common)\(rules(light))@media (prefers-color-scheme:dark){\(rules(dark))}</style>"
    }
  }
}

/// The names of lines beside pieces of them, in rows.
struct LineLegend {
  private let places: [(name: String, x: Double, row: Int, color: Int)]
  private let more: Int

  /// How many names are shown at most.
  private static let most = 24

  /// - Parameter width: what a row may take.
  init(names: [String], width: Double) {
    guard names.count > 1 || names.contains(where: { !$0.isEmpty }) else {
      places = []
      more = 0
      return
    }
    var places: [(name: String, x: Double, row: Int, color: Int)] = []
    var x = 0.0
    var row = 0
    for (index, name) in names.prefix(Self.most).enumerated() {
      let text = TextMetrics.fitted(VisibleText.line(name), size: 11.5, maximum: 220)
      let needed = 30 + TextMetrics.width(text, size: 11.5)
      if x > 0, x + needed > width {
        x = 0
        row += 1
      }
      places.append((text, x, row, index))
      x += needed + 16
    }
    self.places = places
    more = names.count - places.count
  }

  /// What the legend takes.
  var height: Double {
    guard let last = places.last else { return 0 }
    return Double(last.row + (more > 0 ? 2 : 1)) * 18 + 6
  }

  func draw(on canvas: inout SVGCanvas, x: Double, y: Double) {
    for place in places {
      let middle = y + Double(place.row) * 18 + 6
      let dash = LineColors.dash(place.color)
      canvas.raw(
        "<path d=\"M\(SVGCanvas.number(x + place.x)) \(SVGCanvas.number(middle))h22\""
          + " class=\"ln \(LineColors.style(place.color))\""
          + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"") + "/>")
      canvas.text(place.name, x: x + place.x + 28, y: middle + 4, size: 11.5)
    }
    if more > 0, let last = places.last {
      canvas.text(
        "… \(more) more lines", x: x, y: y + Double(last.row + 1) * 18 + 10, size: 11.5,
        style: "m")
    }
  }
}

/// The plot of one chart: axes, grid and lines, without heading and legend.
struct LinePanel {
  private let chart: LineChart
  private let colors: [Int]
  private let plotWidth: Double
  private let plotHeight: Double
  private let stretches: Int
  private let smoothed: [[Double]]
  private let xs: LineScale
  private let ys: LineScale
  private let yTicks: [(value: Double, text: String)]
  private let left: Double

  /// - Parameters:
  ///   - colors: which colour each line has; `nil` for their order.
  ///   - pointBudget: how many points all lines together may have.
  init(
    _ chart: LineChart, plotWidth: Double, plotHeight: Double, pointBudget: Int,
    colors: [Int]? = nil
  ) {
    self.chart = chart
    self.colors = colors ?? Array(chart.series.indices)
    self.plotWidth = plotWidth
    self.plotHeight = plotHeight
    let paths = max(1, chart.series.count * (chart.smoothing > 0 ? 2 : 1))
    stretches = max(8, min(Int(plotWidth), pointBudget / paths / 4))
    smoothed = chart.series.map { $0.smoothed(chart.smoothing) }
    xs = LineScale(chart.series.lazy.flatMap { [$0.xs.first, $0.xs.last].compactMap { $0 } })
    ys = LineScale(
      chart.series.lazy.flatMap(\.ys), isLogarithmic: chart.isLogarithmic, air: 0.04)
    yTicks = ys.ticks(about: plotHeight > 250 ? 6 : 4)
    let widest = yTicks.map { TextMetrics.width($0.text, size: 10.5) }.max() ?? 0
    left = (chart.yTitle.isEmpty ? 0 : 20) + widest + 8
  }

  /// With the axes' texts.
  var width: Double { left + plotWidth + 14 }

  /// With the axes' texts.
  var height: Double { 6 + plotHeight + (chart.xTitle.isEmpty ? 22 : 38) }

  /// Where the plot begins, from the panel's left.
  var plotLeft: Double { left }

  func draw(on canvas: inout SVGCanvas, x: Double, y: Double) {
    let left = x + left
    let top = y + 6
    let bottom = top + plotHeight
    for tick in yTicks {
      guard let place = ys.place(tick.value) else { continue }
      let at = bottom - place * plotHeight
      canvas.line(left, at, left + plotWidth, at, style: "g")
      canvas.text(tick.text, x: left - 6, y: at + 3.7, size: 10.5, anchor: .end)
    }
    for tick in chart.axis.ticks(xs, about: max(2, Int(plotWidth / 95))) {
      guard let place = xs.place(tick.value) else { continue }
      let at = left + place * plotWidth
      canvas.line(at, top, at, bottom, style: "g")
      canvas.text(tick.text, x: at, y: bottom + 15, size: 10.5, anchor: .middle)
    }
    canvas.rectangle(x: left, y: top, width: plotWidth, height: plotHeight, style: "f")
    if chart.smoothing > 0 {
      for (index, series) in chart.series.enumerated() {
        drawLine(series.xs, series.ys, colors[index], "raw ", left, top, on: &canvas)
      }
    }
    if chart.isBanded { drawBands(left, top, on: &canvas) }
    for (index, series) in chart.series.enumerated() {
      let isMiddle = !chart.isBanded || index == chart.series.count / 2
      drawLine(
        series.xs, smoothed[index], colors[index], isMiddle ? "ln " : "raw ", left, top, on: &canvas
      )
      drawBreaks(series, colors[index], left, top, on: &canvas)
    }
    if !chart.yTitle.isEmpty {
      canvas.text(
        VisibleText.line(chart.yTitle), x: x + 10, y: top + plotHeight / 2, size: 11.5, style: "m",
        anchor: .middle, rotation: -90)
    }
    if !chart.xTitle.isEmpty {
      canvas.text(
        VisibleText.line(chart.axis.title(chart.xTitle, range: xs.high - xs.low)),
        x: left + plotWidth / 2, y: bottom + 32, size: 11.5, style: "m", anchor: .middle)
    }
  }

  /// The space between each quantile and the one that mirrors it.
  private func drawBands(_ left: Double, _ top: Double, on canvas: inout SVGCanvas) {
    func points(_ series: LineSeries) -> [String] {
      LineSampling.kept(series.xs, series.ys, stretches: stretches).compactMap { index in
        guard let across = xs.place(series.xs[index]), let up = ys.place(series.ys[index]) else {
          return nil
        }
        return Self.number(left + across * plotWidth) + " "
          + Self.number(top + (1 - up) * plotHeight)
      }
    }
    for index in 0..<chart.series.count / 2 {
      let edge = points(chart.series[index])
      let other = points(chart.series[chart.series.count - 1 - index])
      guard edge.count > 1, other.count > 1 else { continue }
      canvas.raw(
        "<path d=\"M\((edge + other.reversed()).joined(separator: "L"))z\""
          + " class=\"k\(colors[index] % LineColors.light.count)\" fill-opacity=\".14\"/>")
    }
  }

  /// The line through the points that have a place; a point alone is a dot.
  private func drawLine(
    _ lineXs: [Double], _ lineYs: [Double], _ color: Int, _ style: String, _ left: Double,
    _ top: Double, on canvas: inout SVGCanvas
  ) {
    var path = ""
    var dots = ""
    var run = 0
    var last = (0.0, 0.0)
    var isRising = false
    var turns = 0
    func endRun() {
      if run == 1 {
        dots +=
          "<circle cx=\"\(Self.number(last.0))\" cy=\"\(Self.number(last.1))\" r=\"2.2\""
          + " class=\"k\(color % LineColors.light.count)\"/>"
      }
      run = 0
    }
    for index in LineSampling.kept(lineXs, lineYs, stretches: stretches) {
      guard let across = xs.place(lineXs[index]), let up = ys.place(lineYs[index]) else {
        endRun()
        continue
      }
      let point = (
        left + min(max(across, -0.02), 1.02) * plotWidth,
        top + (1 - min(max(up, -0.02), 1.02)) * plotHeight
      )
      if run > 0, (point.1 < last.1) != isRising {
        isRising.toggle()
        turns += 1
      }
      last = point
      path += (run == 0 ? "M" : run == 1 ? "L" : " ") + Self.number(last.0) + " "
      path += Self.number(last.1)
      run += 1
    }
    endRun()
    let dash = LineColors.dash(color)
    if !path.isEmpty {
      // A line that turns more often than the eye can follow hides others less where it is thin.
      let style = Double(turns) > plotWidth / 4 && chart.smoothing == 0 ? "ln dense " : style
      canvas.raw(
        "<path d=\"\(path)\" class=\"\(style)\(LineColors.style(color))\""
          + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"") + "/>")
    }
    canvas.raw(dots)
  }

  /// Marks at numbers that aren't finite: a cross at the foot for NaN, triangles at the edge that
  /// an infinite number went over; one of a kind every five pixels.
  private func drawBreaks(
    _ series: LineSeries, _ color: Int, _ left: Double, _ top: Double, on canvas: inout SVGCanvas
  ) {
    var lasts = [-1e9, -1e9, -1e9]
    var marks = ""
    for index in series.ys.indices {
      guard let kind = NonFinite(series.ys[index]), let place = xs.place(series.xs[index]),
        (0...1).contains(place)
      else { continue }
      let x = left + place * plotWidth
      guard x - lasts[kind.rawValue] >= 5 else { continue }
      lasts[kind.rawValue] = x
      let y =
        kind == .above ? top + 5.5 : kind == .below ? top + plotHeight - 5.5 : top + plotHeight - 6
      marks += NonFiniteLegend.sign(kind, x: x, y: y)
    }
    if !marks.isEmpty {
      canvas.raw("<path d=\"\(marks)\" class=\"ln \(LineColors.style(color))\"/>")
    }
  }

  /// A coordinate with one decimal at most.
  private static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    let whole = tenths / 10
    let rest = abs(tenths % 10)
    if rest == 0 { return String(whole) }
    return (tenths < 0 && whole == 0 ? "-0" : String(whole)) + "." + String(rest)
  }
}
