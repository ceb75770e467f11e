import DataFormats
import Glibc
import Testing

@testable import Figures

/// Points far beyond all others stand at the edge, and it is said.
@Suite("Outliers of a scatter plot")
struct ScatterTests {
  /// A cloud of a unit's size with some points far out.
  private static func cloud(_ count: Int, _ far: [(Double, Double)], z: Bool = false) -> ScatterPlot
  {
    var random = Seeded(9)
    func one() -> Double {
      (0..<12).reduce(-6.0) { sum, _ in sum + Double(random.unit()) }
    }
    let near = (0..<count).map { _ in (one(), one()) }
    return ScatterPlot(
      title: "UMAP · 词表",
      points: (near + far).enumerated().map { index, place in
        .init(
          x: place.0, y: place.1, z: z ? place.0 - place.1 : nil, label: TokenLabel("t\(index)"))
      }, note: "UMAP")
  }

  @Test("a few points far out don't press the others into a corner", arguments: [false, true])
  func outliers(isSpatial: Bool) throws {
    let plot = Self.cloud(600, [(40, 0), (-35, 2), (1, 90)], z: isSpatial)
    #expect(plot.extents.beyond == [600, 601, 602])
    #expect(plot.extents.ranges[0].high < 8 && plot.extents.ranges[0].low > -8)
    #expect(plot.note == "UMAP · ◇ 3 points beyond the axes")
    #expect(plot.plainText.contains("3 points beyond the axes"))
    let read = try StrictXML(plot.svg(.light))
    let circles = read.elements.filter { $0.name == "circle" }
    let edges = read.elements.filter { element in
      element.name == "path"
        && element.attributes.contains { $0 == "style" && $1.contains("stroke-width:1.5") }
    }
    #expect(circles.count == 600 && edges.count == 3)
    let data = try #require(plot.interactiveView?.data)
    #expect(data["beyond"] == 3 && data["inner"]?.array?.count == (isSpatial ? 3 : 2))
    // The true places are in the data, the text and the table.
    #expect(plot.json["points"]?[600]?["x"] == .number(40))
  }

  @Test("marks at the edge are whole and inside")
  func edges() {
    let plot = Self.cloud(600, [(40, -90)])
    for (axis, value) in [(0, 40.0), (1, -90)] {
      let range = plot.extents.ranges[axis]
      let shown = plot.extents.shown(value, axis)
      #expect(shown > range.low && shown < range.high)
      #expect(shown > plot.extents.inner[axis].high || shown < plot.extents.inner[axis].low)
      #expect(plot.extents.shown(0.5, axis) == 0.5)
    }
  }

  @Test("a cloud without outliers, and a few points, are shown as they are")
  func plain() {
    #expect(Self.cloud(20_000, []).extents.beyond.isEmpty)
    #expect(Self.cloud(600, []).note == "UMAP")
    #expect(Self.cloud(12, [(40, 0)]).extents.beyond.isEmpty)
    // An exponential tail is none.
    var random = Seeded(4)
    let tail = ScatterPlot(
      title: "",
      points: (0..<20_000).map { _ in
        .init(
          x: -log(Double(random.unit()) + 1e-9) * (random.unit() < 0.5 ? -1 : 1), y: 0, label: "p")
      })
    #expect(tail.extents.beyond.isEmpty)
    // Two islands are no outliers, however far apart.
    let islands = ScatterPlot(
      title: "",
      points: (0..<100).map { .init(x: Double($0 % 10 + ($0 < 8 ? 900 : 0)), y: 0, label: "p") })
    #expect(islands.extents.beyond.isEmpty)
    // Most points in one place leave no range to speak of.
    let one = ScatterPlot(
      title: "", points: (0..<100).map { .init(x: $0 < 1 ? 5 : 0, y: 1, label: "p") })
    #expect(one.extents.beyond.isEmpty && one.extents.ranges[0].high > 5)
  }

  @Test("the farthest numbers there are have places", arguments: [40, 4])
  func farthest(count: Int) throws {
    let plot = ScatterPlot(
      title: "",
      points: (0..<count).map {
        .init(
          x: $0.isMultiple(of: 2) ? -1.7e308 : 1.7e308,
          y: Double.leastNonzeroMagnitude * Double($0), label: "p")
      })
    for element in try StrictXML(plot.svg(.dark)).elements where element.name != "svg" {
      for (_, value) in element.attributes {
        #expect(!value.contains("nan") && !value.contains("inf") && !value.contains("NaN"))
      }
    }
  }
}
