import DataFormats
import Figures
import Testing

/// Labels from hostile texts stay text in every figure and every representation.
@Suite("Escaping")
struct EscapingTests {
  static let hostile: [String] = [
    "</script><script>alert(1)</script>", "$a$ and $b$", "\"><img src=x onerror=alert(1)>", "]]>",
    "<!--", "&amp;&#x3c;", "🧑‍⚕️👩🏽‍🚀", "\u{202E}gnp.exe\u{202C} مرحبا שלום", "a\u{0}b\u{1}\u{7F}\u{85}",
    "\u{FFFE}\u{FFFF}", "line\r\nfeed\ttab", "\u{301}lone mark", "\u{2028}\u{2029}",
    "'single' `tick`",
    "| pipe | **bold** [x](javascript:alert(1))", "${alert(1)}", String(repeating: "界", count: 500),
    "", "   ", "\\", "{\"json\":1}", "<svg/onload=alert(1)>", "</details></div>",
    "<style>*{}</style>",
  ]

  static func figures(_ text: String) -> [any Figure] {
    let label = TokenLabel(text, detail: text)
    let provenance = Provenance(
      program: text, version: text, model: text, modelHash: text, elementType: text,
      precision: text, call: text, seed: 1)
    let labels = [label, "plain", label]
    let values = Matrix([[0.1, .nan, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]])
    let heatmap = Heatmap(
      title: text, values: values, rowLabels: labels, columnLabels: labels, isCausal: true,
      rowTitle: text, columnTitle: text, valueTitle: text, note: text, language: text,
      provenance: provenance)
    return [
      heatmap,
      Heatmap(
        title: text,
        values: Matrix(rows: 90, columns: 2, values: Array(repeating: 0.5, count: 180)),
        rowLabels: Array(repeating: label, count: 90), columnLabels: [label]),
      HeatmapGrid(
        title: text, cells: [.init(title: text, layer: nil, head: nil, values: values)],
        rowLabels: labels, columnLabels: labels, rowTitle: text, columnTitle: text,
        valueTitle: text, note: text, language: text, provenance: provenance),
      TokenGrid(
        title: text,
        rows: [[.init([.init(text, 0.5), .init(text, .nan)], detail: text), .init([])]],
        rowLabels: [label], columnLabels: [label, label], rowTitle: text, columnTitle: text,
        note: text, language: text, provenance: provenance),
      BarChart(
        title: text, items: [.init(label, 0.5), .init(label, -.infinity)], note: text,
        labelTitle: text, valueTitle: text, provenance: provenance),
      TokenStrip(
        title: text,
        items: [
          .init(text: text, id: 1, piece: text, byteRange: 0..<1, part: 1, partCount: 2),
          .init(text: text, id: 2, piece: text, isSpecial: true),
        ], provenance: provenance),
      ScoredText(
        title: text,
        items: [
          .init(text), .init(text, score: 0.5, details: [text], isMarked: true),
          .init(text, score: .nan),
        ], scoreName: text, notes: [text], provenance: provenance),
      TableFigure(
        title: text, columns: [text, text],
        rows: [[.string(text), 1], [.array([.string(text)]), nil]], limit: 1,
        provenance: provenance),
      ModelCard(
        name: text, architecture: text,
        shape: .init(
          layers: 2, width: 8, heads: 2, keyValueHeads: 1, headDimension: 4, innerWidth: 16,
          vocabulary: 9, contextLength: 4, isCausal: true, predictsTokens: true),
        parts: [.init(text, 5)], elementType: text, byteCount: 20, facts: [.init(text, text)],
        provenance: provenance),
      ProgressFigure(label: text, fraction: 0.5, detail: text, secondsLeft: 3),
      DocumentFigure(
        blocks: [
          .heading(text, level: 2), .paragraph(text), .code(text), .list([text]),
          .table(columns: [text], rows: [[text]]),
        ], provenance: provenance),
      ScatterPlot(
        title: text, points: [.init(x: 0, y: 1, label: label, group: text)], xTitle: text,
        yTitle: text, note: text, provenance: provenance),
      GroupFigure(title: text, figures: [heatmap], provenance: provenance),
    ]
  }

  private static let allowed: Set<String> = [
    "div", "img", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "bdi", "p",
    "small", "strong", "span", "script", "progress", "pre", "code", "ul", "li", "h2",
  ]

  private static func check(html: String, of text: String) throws {
    let read = try StrictXML(html, isHTML: true)
    for element in read.elements {
      #expect(allowed.contains(element.name), "\(element.name) from \(text)")
      for (name, _) in element.attributes {
        #expect(!name.hasPrefix("on") && name != "id", "\(name) from \(text)")
      }
    }
    // What is shown keeps the label's letters: nothing was lost on the way.
    if text == "]]>" { #expect(read.texts.contains { $0.contains("]]>") }) }
  }

  @Test("every representation of every figure is well-formed", arguments: hostile)
  func representations(text: String) throws {
    for figure in Self.figures(text) {
      // The themes differ in nothing but fixed style sheets.
      let read = try StrictXML(figure.svg(.automatic))
      #expect(read.elements.first?.name == "svg")
      #expect(!read.elements.contains { $0.name == "script" || $0.name == "foreignObject" })
      for element in read.elements {
        for (name, value) in element.attributes where name.hasSuffix("href") {
          #expect(value.hasPrefix("data:image/png;base64,"))
        }
      }
      let bundle = figure.mimeBundle()
      try Self.check(html: try #require(bundle.html), of: text)
      #expect(bundle.plainText == figure.plainText)
      #expect(!figure.plainText.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
      let again = try JSON(parsing: figure.json.serialized(), maximumDepth: 64)
      #expect(again == figure.json)
      if figure is DocumentFigure {
        let markdown = try #require(bundle.data["text/markdown"]?.string)
        _ = try StrictXML("<div>\(Markdown.html(markdown))</div>", isHTML: true)
        #expect(!markdown.contains("<script") || markdown.contains("```"))
      }
    }
  }

  @Test("a page of hostile items is well-formed", arguments: hostile)
  func page(text: String) throws {
    let page = HTMLPage(
      title: text, language: text,
      items: [
        .markdown(text), .code(text, [CodeSpan(range: 0..<text.utf8.count, kind: .string)]),
        .stream(text, isError: true), .error("\u{1B}[31m" + text + "\u{1B}[0m"),
        .bundle(MIMEBundle(plainText: text)),
        .bundle(MIMEBundle(data: ["image/svg+xml": .string(text), "text/plain": .string(text)])),
        .bundle(MIMEBundle(data: ["image/png": .string(text)])),
        .bundle(MIMEBundle(data: ["text/markdown": .string(text)])),
      ])
    let read = try StrictXML(page.html(), isHTML: true)
    #expect(!read.elements.contains { $0.name == "script" })
    #expect(!read.elements.contains { $0.attributes.contains { $0.0.hasPrefix("on") } })
  }

  @Test("the data of the script is read back as it was")
  func data() throws {
    for text in Self.hostile {
      for figure in Self.figures(text) {
        guard let view = figure.interactiveView else { continue }
        let html = try #require(figure.mimeBundle().html)
        let opening = "<script type=\"application/json\">"
        let start = try #require(html.range(after: opening))
        let rest = html[start...]
        let end = try #require(rest.range(before: "</script>"))
        #expect(try JSON(parsing: String(rest[..<end]), maximumDepth: 64) == view.data)
      }
    }
  }
}

extension StringProtocol {
  /// Where a text's first occurrence ends.
  func range(after text: String) -> Index? {
    let wanted = Array(text.utf8)
    let all = Array(utf8)
    guard let first = wanted.first, all.count >= wanted.count else { return nil }
    var from = 0
    while let start = all[from...].firstIndex(of: first), start + wanted.count <= all.count {
      if all[start..<(start + wanted.count)].elementsEqual(wanted) {
        return utf8.index(startIndex, offsetBy: start + wanted.count)
      }
      from = start + 1
    }
    return nil
  }

  /// Where a text's first occurrence begins.
  func range(before text: String) -> Index? {
    range(after: text).map { utf8.index($0, offsetBy: -text.utf8.count) }
  }
}
