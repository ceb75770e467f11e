import DataFormats
import Testing

@testable import Figures

@Suite("Charts and texts")
struct ChartTests {
  @Test("bars in text: labels and percentages in columns")
  func bars() {
    let lines = Samples.nextTokens.plainText.split(separator: "\n")
    #expect(lines[2] == "␣treatment   41.3 %  ████████████████████████")
    #expect(lines[3].hasPrefix("治疗          22.5 %  ███"))
    #expect(lines.count == 8)
  }

  @Test("negative bars reach to the left of zero")
  func negative() throws {
    let svg = Samples.signedBars.svg(.light)
    #expect(svg.range(after: "class=\"b\"") != nil && svg.range(after: "class=\"a\"") != nil)
    #expect(svg.range(after: "width=\"-") == nil)
  }

  @Test("a table shows so many rows and says how many more there are")
  func table() throws {
    let text = Samples.table.plainText
    #expect(text.hasSuffix("… 49 more rows"))
    #expect(text.split(separator: "\n").count == 12)
    let html = try #require(Samples.table.mimeBundle().html)
    #expect(html.range(after: "<th scope=\"col\" style=\"text-align:right\"><bdi>count") != nil)
    #expect(html.range(after: "<th scope=\"col\" style=\"text-align:left\"><bdi>term") != nil)
    #expect(Samples.table.json["rows"]?.array?.count == 57)
    let one = TableFigure(columns: ["a"], rows: [[1], [2]], limit: 1)
    #expect(one.plainText.hasSuffix("… 1 more row"))
  }

  @Test("tokens in text: bars between them, ids beneath")
  func tokens() {
    let strip = TokenStrip(
      title: "",
      items: [
        .init(text: "患", id: 7, piece: "x", part: 1, partCount: 2),
        .init(text: " a", id: 8, piece: "y"),
      ])
    #expect(strip.plainText == "2 tokens\n患(1/2)|␣a\nids: 7 8")
  }

  @Test("progress in text and as an element")
  func progress() throws {
    #expect(
      Samples.progress.plainText
        == "Loading deepseek-llm-7b-base  █████████░░░░░░░░░░░  45 % · 3 of 7 files · 1 min 14 s left"
    )
    let html = try #require(Samples.progress.mimeBundle().html)
    #expect(html.range(after: "<progress max=\"1\" value=\"0.4567\"></progress>") != nil)
    #expect(ProgressFigure(label: "x", fraction: 7).fraction == 1)
    #expect(ProgressFigure(label: "x", fraction: .nan).fraction == 0)
    #expect(ProgressFigure(label: "x", fraction: nil).plainText == "x")
    #expect(ProgressFigure.duration(7300) == "2 h 1 min")
  }

  @Test("a document has three forms")
  func document() throws {
    let bundle = Samples.document.mimeBundle()
    #expect(bundle.data.keys == ["text/plain", "text/html", "text/markdown"])
    #expect(bundle.plainText?.hasPrefix("attention\n═════════\n\nShows which") == true)
    let markdown = try #require(bundle.data["text/markdown"]?.string)
    #expect(markdown.range(after: "| `text` | Text or Trace |  | what the model reads |") != nil)
    #expect(markdown.range(after: "cost \\$5 and \\$6.") != nil)
    #expect(markdown.range(after: "`a\\|b`") != nil)
  }

  @Test("a group holds the pictures of its members beneath each other")
  func group() throws {
    let members: [any Figure] = [Samples.nextTokens, Samples.signed]
    let group = GroupFigure(figures: members)
    let sizes = members.map { SVGCanvas.size($0.svg(.light)) }
    let whole = SVGCanvas.size(group.svg(.light))
    #expect(whole.width == sizes.map(\.width).max())
    #expect(abs(whole.height - sizes.map(\.height).reduce(0, +)) <= 1)
    let read = try StrictXML(group.svg(.automatic))
    #expect(read.elements.filter { $0.name == "svg" }.count == 3)
  }

  @Test("small members of a group stand side by side")
  func columns() throws {
    let members: [any Figure] = [Samples.signed, Samples.signed, Samples.signed]
    let group = GroupFigure(figures: members, columnWidth: 380)
    let size = SVGCanvas.size(Samples.signed.svg(.light))
    let whole = SVGCanvas.size(group.svg(.light))
    #expect(whole.width == 2 * size.width)
    #expect(abs(whole.height - 2 * size.height) <= 1)
    let html = try #require(group.mimeBundle().html)
    #expect(html.ranges(of: "display:inline-block;vertical-align:top;width:380px").count == 3)
    _ = try StrictXML(html, isHTML: true)
  }

  @Test("a tinted text says what its tints mean, live as in print")
  func tints() throws {
    let text = ScoredText(
      title: "", items: [.init("a", score: 2), .init("b", score: -0.5)], scoreName: "part")
    let data = try #require(text.interactiveView).data
    #expect(data["ends"] == ["−2", "2"] && data["signed"]?.bool == true)
    let read = try StrictXML(text.svg(.light))
    #expect(read.texts.contains("−2") && read.texts.contains("2  part"))
    let unsigned = ScoredText(title: "", items: [.init("a", score: 2)], scoreName: "length")
    let plain = try #require(unsigned.interactiveView).data
    #expect(plain["ends"] == ["0", "2"] && plain["signed"]?.bool == false)
  }

  @Test("the card of a mixture names its experts")
  func experts() throws {
    var shape = ModelCard.Shape(
      layers: 4, width: 8, heads: 2, keyValueHeads: 2, headDimension: 4, innerWidth: 16,
      vocabulary: 9, contextLength: 5, isCausal: true, predictsTokens: true)
    func card() -> ModelCard {
      ModelCard(
        name: "m", architecture: "a", shape: shape, parts: [], elementType: "f32", byteCount: 1)
    }
    #expect(try StrictXML(card().svg(.light)).texts.contains("Feed-forward"))
    shape.experts = "2 of 8, and 1 shared, in 3 of 4 layers"
    let texts = try StrictXML(card().svg(.light)).texts
    #expect(texts.contains("Mixture of experts") && !texts.contains("Feed-forward"))
    #expect(card().plainText.contains("2 of 8, and 1 shared, in 3 of 4 layers"))
  }

  @Test(
    "labels of points cover neither points nor each other, and points keep their groups' colours")
  func scatter() throws {
    let crowd = ScatterPlot(
      title: "", points: (0..<200).map { .init(x: Double($0 % 3), y: 0, label: "word \($0)") })
    let read = try StrictXML(crowd.svg(.light))
    #expect(read.elements.filter { $0.name == "circle" }.count == 200)
    #expect(read.texts.filter { $0.hasPrefix("word") }.count <= 12)
    #expect(Samples.scatter.svg(.light).range(after: "#d55e00") != nil)
    let none = ScatterPlot(title: "", points: [.init(x: .nan, y: 0, label: "x")])
    #expect(none.points.isEmpty)
    _ = try StrictXML(none.svg(.light))
  }

  @Test("points in space: all are drawn, behind them the box, and nearer marks are larger")
  func space() throws {
    let read = try StrictXML(Samples.cloud(80).svg(.light))
    let circles = read.elements.filter { $0.name == "circle" }
    // Four more are the legend's.
    #expect(circles.count == 84)
    let radii = circles.prefix(80).compactMap { circle in
      circle.attributes.first { $0.0 == "r" }.flatMap { Double($0.1) }
    }
    #expect(radii == radii.sorted(), "the farthest first")
    for title in ["component 1 (31 %)", "component 2 (18 %)", "component 3 (9.1 %)"] {
      #expect(read.texts.contains(title))
    }
    let many = Samples.cloud(20_000).svg(.automatic)
    #expect(many.utf8.count < 225_000, "\(many.utf8.count) bytes, a third more as Base64")
    let marks = try StrictXML(many).elements.filter { $0.name == "path" }
      .compactMap { path in path.attributes.first { $0.0 == "d" }?.1 }
      .reduce(0) { $0 + $1.utf8.filter { $0 == UInt8(ascii: "h") }.count }
    // Those exactly on another of the same colour are left out.
    #expect(marks > 18_000 && marks <= 20_000, "\(marks)")
    let view = try #require(Samples.cloud(20_000).interactiveView)
    #expect(view.data.serialized().utf8.count < 1_200_000)
  }

  @Test("groups beyond twelve colours share grey; numbers have a scale; sizes show as areas")
  func scatterColors() throws {
    let points = (0..<40).map { index in
      ScatterPlot.Point(
        x: Double(index), y: 0, label: "p", group: index < 24 ? "g\(index % 12)" : "h\(index)")
    }
    let text = ScatterPlot(title: "", points: points).svg(.light)
    #expect(text.range(after: "17 others") != nil)
    let read = try StrictXML(text)
    let fills = Set(
      read.elements.filter { $0.name == "circle" }
        .compactMap { circle in circle.attributes.first { $0.0 == "fill" }?.1 })
    #expect(fills.count == 12)
    let sized = ScatterPlot(
      title: "",
      points: [
        .init(x: 0, y: 0, label: "a", value: 0, size: 1),
        .init(x: 1, y: 0, label: "b", value: 1, size: 4),
        .init(x: 2, y: 0, label: "c", value: .nan, size: .nan),
      ])
    let circles = try StrictXML(sized.svg(.light)).elements.filter { $0.name == "circle" }
    let radii = circles.compactMap { circle in
      circle.attributes.first { $0.0 == "r" }.flatMap { Double($0.1) }
    }
    #expect(radii == [5, 10, 1.5])
    #expect(sized.dataTable?.columns == ["label", "group", "value", "x", "y"])
  }

  @Test("a model card counts every part")
  func card() {
    let text = Samples.encoderCard.plainText
    #expect(text.range(after: "parameters    22,713,216") != nil)
    #expect(text.range(after: "token embedding") != nil)
    #expect(Samples.card.svg(.light).range(after: "64 heads × 128, 8 key/value") != nil)
    #expect(Samples.encoderCard.svg(.light).range(after: "Language-model head") == nil)
  }

  @Test("maps with layer and head stand in a table, others follow each other")
  func places() {
    let table = GridPlaces(Samples.grid(layers: 2, heads: 3, tokens: 2).cells)
    #expect(table.layers == [0, 1] && table.heads == [0, 1, 2] && table.rows == 2)
    let list = GridPlaces(
      (0..<5).map { .init(title: "", layer: $0, head: nil, values: Matrix([[1]])) })
    #expect(list.layers == nil && list.columns == 3 && list.rows == 2)
    let twice = GridPlaces(
      (0..<4).map { .init(title: "", layer: $0 % 2, head: 0, values: Matrix([[1]])) })
    #expect(twice.layers == nil)
  }
}
