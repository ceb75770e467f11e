import DataFormats
import Testing

@testable import Figures

/// The figures of what a training recorded: quantiles as bands, pictures, and maps over time.
@Suite("Recorded figures")
struct RecordedFiguresTests {
  private static func bands(_ quantiles: [[Double]]) -> LineChart {
    LineChart(
      title: "weights",
      series: ["lowest", "median", "highest"].enumerated().map { index, name in
        LineSeries(name: name, xs: [0, 10, 20], ys: quantiles[index])
      }, isBanded: true)
  }

  @Test("quantiles are one colour, with the space between mirrored ones filled")
  func bands() throws {
    let chart = Self.bands([[-1, -2, -3], [0, 0.5, 1], [1, 2, 4]])
    let svg = try StrictXML(chart.svg(.automatic))
    let fills = svg.elements.filter { $0.attributes.contains { $0.0 == "fill-opacity" } }
    #expect(fills.count == 1)
    // From the lowest line's first point along it, and back along the highest.
    let path = try #require(fills[0].attributes.first { $0.0 == "d" }?.1)
    #expect(path.split(separator: "L").count == 6 && path.hasSuffix("z"))
    #expect(chart.plainText.contains("lowest -3 · median 1 · highest 4, at step 20"))
    let grid = LineChartGrid(title: "all", charts: [chart, chart])
    #expect(grid.names.isEmpty)
    #expect(LineChartGrid.colors(of: chart, names: []) == [0, 0, 0])
    let data = try #require(grid.interactiveView?.data)
    #expect(data["panels"]?[1]?["bands"]?.bool == true)
    #expect(data["panels"]?[0]?["lines"]?[2]?["name"]?.string == "highest")
  }

  @Test("bands without numbers are drawn")
  func degenerateBands() throws {
    for chart in [
      Self.bands([[.nan, .nan, .nan], [.nan, 1, .nan], [.nan, .infinity, 1]]),
      LineChart(title: "", series: [], isBanded: true),
    ] {
      _ = try StrictXML(chart.svg(.dark))
      #expect(!chart.plainText.isEmpty && !chart.htmlFragment().isEmpty)
    }
  }

  private static func png(_ side: Int) throws -> [UInt8] {
    try PNG.encode(
      width: side, height: side, gray: (0..<side * side).map { UInt8(truncatingIfNeeded: $0 * 37) })
  }

  @Test("the last picture is shown, and a slider goes through all")
  func pictures() throws {
    let sequence = ImageSequence(
      title: "attention/probe 0",
      frames: try (0..<3).map {
        .init(title: "step \($0)", width: 4, height: 4, encoded: try Self.png(4))
      })
    let svg = try StrictXML(sequence.svg(.light))
    let image = try #require(svg.elements.first { $0.name == "image" })
    // Small pictures are enlarged by a whole number.
    #expect(image.attributes.contains { $0.0 == "width" && $0.1 == "64" })
    let frames = try #require(sequence.interactiveView?.data["frames"]?.array)
    #expect(frames.count == 3 && frames[2]["title"]?.string == "step 2")
    #expect(frames[0]["source"]?.string?.hasPrefix("data:image/png;base64,") == true)
    #expect(sequence.plainText.contains("step 2  4 × 4, PNG,"))
  }

  @Test("files of unknown kinds are never handed to a viewer")
  func unknownKinds() throws {
    let hostile = Array("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".utf8)
    let sequence = ImageSequence(
      title: "p",
      frames: [0, 1].map { .init(title: "\($0)", width: 9, height: 9, encoded: hostile) })
    #expect(sequence.interactiveView == nil)
    #expect(!sequence.htmlFragment().contains("onload"))
    #expect(sequence.svg(.dark).contains("of an unknown kind"))
    _ = try StrictXML(ImageSequence(title: "", frames: []).svg(.light))
  }

  @Test("many large pictures stay within the bytes that a view may have")
  func budget() throws {
    // Of random bytes, which can't be compressed.
    var random = Seeded(3)
    let frames = try (0..<30).map { index in
      ImageSequence.Frame(
        title: "step \(index)", width: 300, height: 300,
        encoded: try PNG.encode(
          width: 300, height: 300, gray: (0..<90_000).map { _ in UInt8(random.unit() * 255) }))
    }
    let sequence = ImageSequence(title: "large", frames: frames)
    let shown = try #require(sequence.interactiveView?.data["frames"]?.array)
    #expect((2...10).contains(shown.count))
    #expect(shown.first?["title"]?.string == "step 0")
    #expect(shown.last?["title"]?.string == "step 29")
    #expect(sequence.htmlFragment().utf8.count < 2_000_000)
    #expect(sequence.svg(.light).utf8.count < 300_000)
    // A width that no picture has is no reason to fail.
    let odd = ImageSequence(
      title: "odd",
      frames: [.init(title: "0", width: .max, height: -1, encoded: try Self.png(2))])
    _ = try StrictXML(odd.svg(.light))
  }

  @Test("a sequence of maps says what its axes are")
  func axes() throws {
    let sequence = MapSequence(
      title: "entropy",
      frames: [0, 1].map {
        .init(title: "step \($0)", note: "mean \($0)", values: Matrix([[1, 2], [3, Float($0)]]))
      }, rowLabels: ["0", "1"], columnLabels: ["0", "1"], rowTitle: "layer", columnTitle: "head",
      valueTitle: "bits", noteTitle: "mean, in bits")
    #expect(sequence.interactiveView?.data["titles"] == ["layer", "head", "bits"])
    #expect(sequence.dataTable?.columns == ["when", "mean, in bits"])
    #expect(sequence.svg(.light).contains("layer"))
  }
}
