import DataFormats
import Testing

@testable import Figures

/// NaN and ±∞ have a mark, a count, and never a place.
@Suite("Values that aren't numbers")
struct NonFiniteTests {
  private static let odd: [Float] = [.nan, .infinity, -.infinity, 1]

  private static func map(_ side: Int) -> Matrix {
    var values = (0..<side * side).map { Float($0 % 7) / 7 }
    values[1] = .nan
    values[2] = .nan
    values[side] = .infinity
    values[side + 3] = -.infinity
    return Matrix(rows: side, columns: side, values: values)
  }

  private static func heatmap(_ side: Int) -> Heatmap {
    Heatmap(title: "", values: map(side), rowLabels: [], columnLabels: [])
  }

  @Test("a map says which marks stand for no number, and how many there are", arguments: [5, 90])
  func legend(side: Int) throws {
    let figure = Self.heatmap(side)
    let texts = try StrictXML(figure.svg(.light)).texts
    for text in ["no number (NaN): 2", "∞: 1", "−∞: 1"] { #expect(texts.contains(text)) }
    #expect(figure.plainText.contains("4 not finite (2 NaN, 1 ∞, 1 -∞)"))
    #expect(figure.alternativeText.contains("4 not finite"))
    #expect(figure.interactiveView?.data["odd"] == [2, 1, 1])
    let whole = Heatmap(title: "", values: [[1, 2]], rowLabels: [], columnLabels: [])
    #expect(!whole.svg(.light).contains("no number") && !whole.plainText.contains("not finite"))
  }

  @Test("blank cells of a causal map aren't counted")
  func causal() {
    let figure = Heatmap(
      title: "", values: [[1, .nan], [.nan, 1]], rowLabels: [], columnLabels: [], isCausal: true)
    #expect(figure.summary.nonFinite.total == 1)
  }

  @Test("infinite cells are marked, not coloured as the largest number")
  func marks() throws {
    let figure = Heatmap(
      title: "", values: [[.infinity, 1], [-.infinity, .nan]], rowLabels: [], columnLabels: [])
    let svg = figure.svg(.light)
    #expect(svg.contains("M0.2 0.75l.3-.5l.3 .5z") && svg.contains("M0.2 1.25l.3 .5l.3-.5z"))
    // One coloured cell, the others on neutral ground.
    #expect(svg.contains("d=\"M1 0h1v1h-1z\"/>"))
    #expect(
      svg.contains("class=\"n\" fill-opacity=\".43\" d=\"M0 0h1v1h-1zM0 1h1v1h-1zM1 1h1v1h-1z\""))
    let indices = MapDrawing.indices(figure.face, scale: figure.scale)
    #expect(indices == [2, 255, 2, 1])
  }

  @Test("a grid counts those of all maps")
  func grid() throws {
    let grid = HeatmapGrid(
      title: "",
      cells: [Self.map(4), Self.map(4), Matrix(rows: 4, columns: 4, values: [])].enumerated().map {
        .init(title: "\($0.offset)", layer: $0.offset, head: 0, values: $0.element)
      },
      rowLabels: [], columnLabels: [])
    #expect(try StrictXML(grid.svg(.dark)).texts.contains("no number (NaN): 20"))
    #expect(grid.interactiveView?.data["oddOfAll"] == [20, 2, 2])
    #expect(grid.plainText.contains("24 not finite (20 NaN, 2 ∞, 2 -∞)"))
    #expect(grid.scale.high <= 1)
  }

  @Test("in steps, too, each kind has a word of its own", arguments: [126, 47, 11, 32_766])
  func steps(half: Int) {
    let steps = Self.odd.map { MapData.step($0, farthest: 1, half: half) }
    #expect(steps == [2 * half + 1, 2 * half + 2, 2 * half + 3, 2 * half])
    #expect(steps.max()! <= (half > 126 ? 65_535 : 255))
    #expect(MapData.step(-1, farthest: 1, half: half) == 0)
    #expect(MapData.step(0, farthest: 0, half: half) == half)
  }

  @Test("a block is as infinite as its numbers are, NaN only where it has none")
  func pooled() {
    let map = CellMap(
      Matrix([[.nan, 1, -.infinity, 2], [.nan, .nan, .nan, 3], [.nan, .nan, 0, 0]]),
      isCausal: false
    ).pooled(by: 2)
    #expect(map.matrix[0, 0] == 1 && map.matrix[0, 1] == -.infinity)
    #expect(map.matrix[1, 0].isNaN && map.matrix[1, 1] == 0)
  }

  @Test("lines have gaps with signs, and say how many there are")
  func lines() throws {
    let ys: [Double] = [1, .nan, 2, .infinity, .infinity, -.infinity, 3]
    let line = LineSeries(name: "a", xs: ys.indices.map(Double.init), ys: ys)
    let chart = LineChart(title: "", series: [line, line])
    for figure in [chart as any Figure, LineChartGrid(title: "", charts: [chart])] {
      let texts = try StrictXML(figure.svg(.light)).texts
      for text in ["no number (NaN): 2", "∞: 4", "−∞: 2"] { #expect(texts.contains(text)) }
      #expect(figure.interactiveView?.data["odd"] == [2, 4, 2])
    }
  }

  @Test("points without a place are left out, and it is said how many")
  func points() {
    let plot = ScatterPlot(
      title: "",
      points: [
        .init(x: 0, y: 0, label: "a"), .init(x: .nan, y: 0, label: "b"),
        .init(x: 0, y: .infinity, label: "c"),
      ], note: "PCA")
    #expect(plot.note == "PCA · 2 points without a finite place left out")
    #expect(ScatterPlot(title: "", points: []).note == nil)
  }

  /// Figures that have a NaN or an ∞ wherever a number can be.
  private static let hostile: [Sample] = [Double.nan, .infinity, -.infinity].flatMap {
    (bad: Double) -> [Sample] in
    let labels: [TokenLabel] = ["a", "b"]
    let matrix = Matrix([[Float(bad), 1], [0.5, Float(bad)]])
    let empty = Matrix([[Float(bad), Float(bad)], [Float(bad), Float(bad)]])
    let maps = [matrix, empty].map {
      Heatmap(title: "", values: $0, rowLabels: labels, columnLabels: labels)
    }
    let line = LineSeries(name: "a", xs: [0, 1, bad, 3], ys: [bad, 1, 2, bad])
    let points = [1, bad].map { (value: Double) in
      ScatterPlot.Point(x: 1, y: 2, label: "p", value: value, size: value)
    }
    let figures: [any Figure] =
      maps + [
        HeatmapGrid(
          title: "",
          cells: [matrix, empty].map { .init(title: "", layer: nil, head: nil, values: $0) },
          rowLabels: labels, columnLabels: labels),
        MapSequence(
          title: "", frames: [matrix, empty].map { .init(title: "f", values: $0) },
          rowLabels: labels, columnLabels: labels),
        LineChart(title: "", series: [line]),
        LineChart(title: "", series: [line, line, line], smoothing: 0.6, isBanded: true),
        LineChart(title: "", series: [line], axis: .seconds, isLogarithmic: true),
        LineChartGrid(title: "", charts: [LineChart(title: "", series: [line])]),
        ScatterPlot(title: "", points: points + [.init(x: bad, y: 0, label: "q")]),
        ScatterPlot(title: "", points: [.init(x: 0, y: 0, z: bad, label: "q")]),
        BarChart(
          title: "",
          items: [
            .init("a", bad, interval: 0...1), .init("b", -1), .init("c", bad, isHollow: true),
          ]),
        BarChart(title: "", items: [.init("a", bad)], unit: .percent),
        ScoredText(
          title: "", items: [.init("a", score: bad), .init("b", score: -1)], scoreName: "s"),
        ScoredText(title: "", items: [.init("a", score: bad)], scoreName: "s", limit: bad),
        TokenGrid(
          title: "", rows: [[.init([.init("a", bad)]), .init([.init("b", 0.5)])]],
          rowLabels: ["l"], columnLabels: labels),
        ProgressFigure(label: "p", fraction: bad, secondsLeft: bad),
        TableFigure(columns: ["a"], rows: [[.number(bad)]]),
      ]
    return figures.enumerated().map { Sample(name: "\(bad) \($0.offset)", figure: $0.element) }
  }

  @Test("no coordinate of a picture is NaN or ∞", arguments: hostile)
  func coordinates(sample: Sample) throws {
    for theme in FigureTheme.allCases {
      let read = try StrictXML(sample.figure.svg(theme))
      for element in read.elements where element.name != "svg" {
        for (name, value) in element.attributes {
          let lower = value.lowercased()
          #expect(
            !["nan", "inf", "∞"].contains { lower.contains($0) },
            "\(element.name) \(name)=\(value.prefix(80))")
        }
      }
    }
    let html = try #require(sample.figure.mimeBundle().html)
    _ = try StrictXML(html, isHTML: true)
    #expect(!html.contains(":nan") && !html.contains(":NaN"))
  }
}
