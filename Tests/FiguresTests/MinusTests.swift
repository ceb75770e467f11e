import DataFormats
import Testing

@testable import Figures

/// One minus sign where people read numbers, a hyphen where programs do.
@Suite("Minus signs")
struct MinusTests {
  @Test(
    "numbers and exponents get the minus sign",
    arguments: [
      ("-0.5", "−0.5"), ("-∞", "−∞"), ("1.20e-5", "1.20e−5"), ("-3.1e-12", "−3.1e−12"),
      ("(-1, -2)", "(−1, −2)"), ("explained -0.3 · delta -1e-7", "explained −0.3 · delta −1e−7"),
      ("in -3…-1 at step 5", "in −3…−1 at step 5"), ("p=-1", "p=−1"), ("-12 %", "−12 %"),
    ])
  func numbers(plain: String, shown: String) {
    #expect(NumberText.shown(plain) == shown)
    #expect(NumberText.shown(shown) == shown)
  }

  @Test(
    "words, names, dates and other people's texts keep their hyphens",
    arguments: [
      "", "-", "--", "all-MiniLM-L6-v2", "2026-11-27", "run-5", "UTF-8", "t-SNE", "a - b", "x-1",
      "gpt2-1.5b", "after “it is -5 degrees”", "says \"-1\" (3)", "“a “-1” b”", "lr1e-", "be-5",
      "layer -x", "▁-5", "3-4",
    ])
  func others(text: String) {
    #expect(NumberText.shown(text) == text)
  }

  @Test("after a quotation numbers are numbers again")
  func quotation() {
    #expect(NumberText.shown("“-1” is -1, \"-2\" is -2") == "“-1” is −1, \"-2\" is −2")
  }

  private static let figures: [Sample] = {
    let values = Matrix([[-0.5, 0.25], [-1e-6, 1]])
    let labels: [TokenLabel] = ["-1", " -2"]
    let line = LineSeries(name: "run-1", xs: [-10, 0, 10], ys: [-2, -1e-7, 1])
    return [
      Sample(
        name: "heatmap",
        figure: Heatmap(
          title: "model-v2", values: values, rowLabels: labels, columnLabels: labels,
          colorMap: .signed, note: "sum -0.25")),
      Sample(
        name: "grid",
        figure: HeatmapGrid(
          title: "", cells: [.init(title: "", layer: 0, head: 0, values: values)],
          rowLabels: labels, columnLabels: labels, colorMap: .signed)),
      Sample(name: "lines", figure: LineChart(title: "", series: [line], axis: .numbers)),
      Sample(
        name: "line grid",
        figure: LineChartGrid(
          title: "", charts: [LineChart(title: "", series: [line])])),
      Sample(
        name: "bars",
        figure: BarChart(
          title: "", items: [.init("-1", -0.5, remark: "p -1e-9"), .init("b", 1)])),
      Sample(
        name: "text",
        figure: ScoredText(
          title: "", items: [.init("-1", score: -0.5)], scoreName: "score", notes: ["delta -1"])),
      Sample(
        name: "points",
        figure: ScatterPlot(
          title: "",
          points: [
            .init(x: -5, y: -1, label: "-1", value: -2), .init(x: 5, y: 1, label: "b", value: 1),
          ])),
      Sample(
        name: "table",
        figure: TableFigure(
          columns: ["a", "b"], rows: [[.number(-0.5), .string("-1")], [.integer(-7), .null]])),
    ]
  }()

  /// The numbers with a sign in a text, each with the sign.
  private static func signs(_ text: String) -> Set<Unicode.Scalar> {
    let scalars = Array(text.unicodeScalars)
    return Set(
      scalars.indices.dropLast().filter { index in
        let isFirst = index == 0 || " (".unicodeScalars.contains(scalars[index - 1])
        return isFirst && ["-", "\u{2212}"].contains(scalars[index])
          && ("0"..."9").contains(scalars[index + 1])
      }.map { scalars[$0] })
  }

  @Test("a picture and its table have minus signs, and leave tokens alone", arguments: figures)
  func pictures(sample: Sample) throws {
    let own: Set<String> = ["-1", "-2", "␣-2"]
    let drawn = try StrictXML(sample.figure.svg(.light)).texts.dropFirst(3)
    #expect(drawn.contains { $0.unicodeScalars.contains("\u{2212}") })
    for text in drawn where !own.contains(text) {
      #expect(!Self.signs(text).contains("-"), "\(text)")
    }
    let html = try StrictXML(try #require(sample.figure.mimeBundle().html), isHTML: true).texts
    for text in html where !own.contains(text) && !text.contains("{") {
      #expect(!Self.signs(text).contains("-"), "\(text)")
    }
  }

  @Test("text/plain and JSON have hyphens", arguments: figures)
  func machines(sample: Sample) {
    #expect(!sample.figure.plainText.unicodeScalars.contains("\u{2212}"))
    #expect(!sample.figure.json.serialized().unicodeScalars.contains("\u{2212}"))
  }

  @Test("coordinates have hyphens")
  func coordinates() throws {
    for sample in Self.figures {
      for element in try StrictXML(sample.figure.svg(.dark)).elements {
        for (_, value) in element.attributes {
          #expect(!value.unicodeScalars.contains("\u{2212}"), "\(value.prefix(60))")
        }
      }
    }
  }
}
