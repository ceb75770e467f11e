import Figures
import Glibc
import Testing

/// Small figures against recorded files; `RECORD_FIGURES=1 swift test --filter Golden` writes them anew.
@Suite("Golden figures")
struct GoldenTests {
  private static let small: [Sample] = [
    Sample(
      name: "heatmap",
      figure: Heatmap(
        title: "Attention · model · layer 0 · head 1",
        values: [[1], [0.25, 0.75], [0.5, 0.125, 0.375]],
        rowLabels: ["患者", " has", "\n"], columnLabels: ["患者", " has", "\n"], isCausal: true,
        provenance: Provenance(version: "1", model: "model", call: "attention(\"…\")", seed: 7))),
    Sample(
      name: "grid",
      figure: HeatmapGrid(
        title: "Two layers, two heads",
        cells: [0, 1, 2, 3].map {
          .init(
            title: "layer \($0 / 2) · head \($0 % 2)", layer: $0 / 2, head: $0 % 2,
            values: Matrix([[0.5, 0.5], [Float($0) / 4, 1 - Float($0) / 4]]))
        }, rowLabels: ["a", "b"], columnLabels: ["a", "b"])),
    Sample(name: "lens", figure: Samples.lens(layers: 3, ["患者", " has", "\n"])),
    Sample(name: "bars", figure: Samples.nextTokens),
    Sample(
      name: "tokens",
      figure: TokenStrip(title: "Tokens", items: Array(Samples.tokens.items.prefix(10)))),
    Sample(name: "scored-text", figure: Samples.scoredText),
    Sample(name: "table", figure: Samples.table),
    Sample(name: "card", figure: Samples.encoderCard),
    Sample(name: "progress", figure: Samples.progress),
    Sample(name: "document", figure: Samples.document),
    Sample(name: "scatter", figure: Samples.scatter),
    Sample(name: "space", figure: Samples.cloud(12)),
    Sample(name: "bands", figure: Samples.bands),
    Sample(name: "heatmap-odd", figure: Samples.oddMap),
    Sample(name: "lines-odd", figure: Samples.oddLines),
    Sample(name: "pictures", figure: Samples.pictures),
  ]

  @Test("text, SVG and HTML are as recorded", arguments: small)
  func recorded(sample: Sample) throws {
    // The pictures and the shared script would repeat themselves inside the HTML: they are cut.
    let html = try #require(sample.figure.mimeBundle().html)
    try compare(sample.figure.plainText + "\n", with: sample.name + ".txt")
    try compare(sample.figure.svg(.automatic), with: sample.name + ".svg")
    try compare(Self.skeleton(html), with: sample.name + ".html")
  }

  /// The HTML with its picture's bytes and its script left out.
  private static func skeleton(_ html: String) -> String {
    var html = html
    if let start = html.range(after: "data:image/svg+xml;base64,"),
      let end = html[start...].range(before: "\"")
    {
      html.replaceSubrange(start..<end, with: "…")
    }
    if let start = html.range(after: "<script>"),
      let end = html[start...].range(before: "</script>")
    {
      html.replaceSubrange(start..<end, with: "…")
    }
    return html + "\n"
  }

  private func compare(_ text: String, with name: String) throws {
    let path = Disk.fixture(name)
    if getenv("RECORD_FIGURES") != nil { try Disk.write(text, to: path) }
    let recorded = try Disk.read(path)
    #expect(text.utf8.elementsEqual(recorded.utf8), "\(name) differs from what was recorded")
  }

  @Test("the same figure gives the same bytes", arguments: small)
  func deterministic(sample: Sample) {
    let first = sample.figure.mimeBundle()
    let second = sample.figure.mimeBundle()
    #expect(first == second)
  }
}
