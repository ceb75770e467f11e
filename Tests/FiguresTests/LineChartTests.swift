import DataFormats
import Testing

@testable import Figures

@Suite("Line charts")
struct LineChartTests {
  private static func chart(
    _ series: [LineSeries], isLogarithmic: Bool = false, smoothing: Double = 0
  ) -> LineChart {
    LineChart(
      title: "loss", series: series, isLogarithmic: isLogarithmic, smoothing: smoothing)
  }

  @Test("smoothing is TensorBoard's: corrected for its start, gaps left alone")
  func smoothing() {
    let line = LineSeries(name: "", xs: [0, 1, 2, 3], ys: [1, 3, .nan, 5])
    let smoothed = line.smoothed(0.5)
    #expect(smoothed[0] == 1)
    #expect(abs(smoothed[1] - (0.25 + 1.5) / 0.75) < 1e-12)
    #expect(smoothed[2].isNaN)
    #expect(abs(smoothed[3] - (0.125 + 0.75 + 2.5) / 0.875) < 1e-12)
    #expect(line.smoothed(0)[1] == 3)
  }

  @Test("points are put in order, those without a place left out")
  func order() {
    let line = LineSeries(name: "", xs: [2, .nan, 1, 1], ys: [20, 5, 10, 11, 99])
    #expect(line.xs == [1, 1, 2] && line.ys == [10, 11, 20])
  }

  @Test("sampling keeps every stretch's ends, extremes and gaps")
  func sampling() {
    let count = 100_000
    var ys = (0..<count).map { Double(($0 * 7919) % 1009) }
    ys[50_000] = 5000
    ys[50_003] = .nan
    let xs = (0..<count).map(Double.init)
    let kept = LineSampling.kept(xs, ys, stretches: 100)
    #expect(kept.count <= 501 && kept == kept.sorted() && Set(kept).count == kept.count)
    #expect(kept.first == 0 && kept.last == count - 1)
    #expect(kept.contains(50_000) && kept.contains(50_003))
    for stretch in 0..<100 {
      let range = (stretch * 1000)..<((stretch + 1) * 1000)
      let inside = kept.filter { range.contains($0) }
      #expect(inside.contains(range.lowerBound) && inside.contains(range.upperBound - 1))
      let all = range.map { ys[$0] }.filter(\.isFinite)
      let shown = inside.map { ys[$0] }.filter(\.isFinite)
      #expect(abs((shown.max() ?? 0) - (all.max() ?? 1)) == 0, "\(stretch)")
    }
  }

  @Test("a hundred thousand steps stay a small picture, smoothed and in several lines")
  func size() {
    let count = 100_000
    let xs = (0..<count).map(Double.init)
    let lines = (0..<8).map { (line: Int) -> LineSeries in
      let ys = (0..<count).map { (step: Int) -> Double in
        let noise = Double((step * 7919 + line) % 1009) / 3000
        return 3 / Double(1 + step / 500) + noise
      }
      return LineSeries(name: "run \(line)", xs: xs, ys: ys)
    }
    let chart = Self.chart(lines, smoothing: 0.9)
    #expect(chart.svg(.automatic).utf8.count < 300_000)
    let grid = LineChartGrid(title: "all", charts: Array(repeating: chart, count: 12))
    #expect(grid.svg(.automatic).utf8.count < 400_000)
    #expect(chart.htmlFragment().utf8.count < 1_500_000)
  }

  @Test("numbers that aren't finite break the line and are marked")
  func gaps() {
    let svg = Self.chart([
      LineSeries(name: "a", xs: [0, 1, 2, 3, 4, 5], ys: [1, 2, .nan, 1, .infinity, 2])
    ]).svg(.light)
    // The cross, the triangle, and the last point, which stands alone.
    #expect(svg.contains("l6 6m0-6l-6 6") && svg.contains("l4-7l4 7z"))
    #expect(svg.contains("<circle "))
    #expect(svg.split(separator: "M").count > 3)
    let text = Self.chart([LineSeries(name: "a", xs: [0, 7], ys: [1, .nan])]).plainText
    #expect(text.contains("last NaN at step 7, lowest 1 at step 0, 1 not finite from step 7"))
  }

  @Test("by logarithm, what isn't above zero is a gap and is counted")
  func logarithm() {
    let chart = Self.chart(
      [LineSeries(name: "a", xs: [0, 1, 2, 3], ys: [1e-6, 0, -1, 1e2])], isLogarithmic: true)
    #expect(chart.fullNote == "2 numbers ≤ 0 not shown")
    #expect(chart.svg(.light).contains("10⁻⁶"))
  }

  @Test(
    "ticks are round and within the range",
    arguments: [
      (0.0, 1.0, false), (-3, 12_345, false), (1e-8, 1e4, true), (0.9, 1.1, true), (2, 90, true),
      (5, 5, false), (5, 5, true), (-1e308, 1e308, false), (1e-300, 1e300, true),
    ])
  func ticks(_ low: Double, _ high: Double, _ isLogarithmic: Bool) {
    let scale = LineScale([low, high], isLogarithmic: isLogarithmic, air: 0.04)
    let ticks = scale.ticks(about: 6)
    #expect((2...14).contains(ticks.count), "\(ticks)")
    for tick in ticks {
      let place = scale.place(tick.value) ?? -1
      #expect(place >= -1e-6 && place <= 1 + 1e-6)
      #expect(!tick.text.isEmpty)
    }
    #expect(Set(ticks.map(\.text)).count == ticks.count)
  }

  @Test("steps are whole, long times are in hours")
  func horizontalTicks() {
    let few = LineAxis.steps.ticks(LineScale([0, 2]), about: 6)
    #expect(few.map(\.text) == ["0", "1", "2"])
    #expect(
      LineAxis.steps.ticks(LineScale([0, 100_000]), about: 5).map(\.text)
        == ["0", "20,000", "40,000", "60,000", "80,000", "100,000"])
    let hours = LineAxis.seconds.ticks(LineScale([0, 36_000]), about: 5)
    #expect(hours.map(\.text) == ["0", "2", "4", "6", "8", "10"])
    #expect(LineAxis.seconds.title("time", range: 36_000) == "time (h)")
  }

  @Test("the text has a line's course and its last and lowest numbers")
  func text() {
    let line = LineSeries(
      name: "train", xs: (0...40).map { Double($0 * 10) }, ys: (0...40).map { 1 / Double(1 + $0) })
    let text = Self.chart([line]).plainText
    #expect(text.hasPrefix("loss\n  train  █"))
    #expect(text.hasSuffix("▁  last 0.02439 at step 400, lowest 0.02439 at step 400"))
  }

  @Test("empty charts and single points are drawn", arguments: [0, 1, 2])
  func degenerate(_ count: Int) throws {
    let line = LineSeries(
      name: "a", xs: (0..<count).map(Double.init), ys: (0..<count).map { _ in 2 })
    for chart in [Self.chart([line]), Self.chart([]), Self.chart([line], isLogarithmic: true)] {
      _ = try StrictXML(chart.svg(.automatic))
      #expect(!chart.plainText.isEmpty)
    }
    _ = try StrictXML(LineChartGrid(title: "", charts: []).svg(.dark))
    let nan = LineSeries(name: "n", xs: [1], ys: [.nan])
    _ = try StrictXML(Self.chart([nan]).svg(.dark))
  }

  @Test("the farthest numbers are drawn", arguments: [false, true])
  func farthest(_ isLogarithmic: Bool) throws {
    let xs = (0..<3000).map { Double($0) < 1500 ? -Double.greatestFiniteMagnitude : 1.7e308 }
    let ys = (0..<3000).map { $0.isMultiple(of: 2) ? -1.7e308 : Double.greatestFiniteMagnitude }
    for axis in LineAxis.allCases {
      let chart = LineChart(
        title: "", series: [LineSeries(name: "a", xs: xs, ys: ys)], axis: axis,
        isLogarithmic: isLogarithmic, smoothing: 0.9)
      _ = try StrictXML(chart.svg(.light))
      #expect(!chart.plainText.isEmpty && !chart.htmlFragment().isEmpty)
    }
  }

  @Test(
    "numbers that are all but one have a place",
    arguments: [
      (1.0, 1.0.nextUp), (0, 0.0.nextUp), (0.0.nextDown, 0), (3e200, 3e200.nextUp),
      (1.7e308, .greatestFiniteMagnitude), (-.greatestFiniteMagnitude, -1.7e308),
    ])
  func nearlyOne(_ low: Double, _ high: Double) throws {
    for isLogarithmic in [false, true] {
      let scale = LineScale([low, high], isLogarithmic: isLogarithmic)
      for number in [low, high] {
        #expect(scale.place(number)?.isFinite ?? true)
      }
      let chart = Self.chart(
        [LineSeries(name: "a", xs: [low, high], ys: [high, low])], isLogarithmic: isLogarithmic)
      _ = try StrictXML(chart.svg(.light))
    }
  }

  @Test("names are escaped wherever they stand")
  func escaping() throws {
    let hostile = "</script><b>&\"'\u{202E}"
    let chart = LineChart(
      title: hostile, series: [LineSeries(name: hostile, xs: [0, 1], ys: [0, 1])],
      xTitle: hostile, yTitle: hostile)
    for figure in [chart as any Figure, LineChartGrid(title: hostile, charts: [chart, chart])] {
      _ = try StrictXML(figure.svg(.automatic))
      #expect(!figure.htmlFragment().contains("<b>&\""))
      #expect(!figure.svg(.light).contains("\u{202E}"))
    }
  }

  @Test("lines of one name have one colour in all charts of a grid")
  func gridColors() {
    let one = LineSeries(name: "a", xs: [0], ys: [0])
    let two = LineSeries(name: "b", xs: [0], ys: [0])
    let grid = LineChartGrid(title: "", charts: [Self.chart([one, two]), Self.chart([two])])
    #expect(grid.names == ["a", "b"])
    #expect(LineChartGrid.colors(of: grid.charts[1], names: grid.names) == [1])
  }
}
