public import DataFormats

/// Several figures beneath each other, such as a list of figures shown at once.
public struct GroupFigure: Figure {
  /// The heading; may be empty.
  public let title: String
  /// The figures from the top.
  public let figures: [any Figure]
  /// How wide the columns are in which small figures stand side by side; `nil` for one beneath the
  /// other.
  public let columnWidth: Int?
  /// Where the numbers of all of them come from.
  public var provenance: Provenance?

  /// Makes a group.
  public init(
    title: String = "", figures: [any Figure], columnWidth: Int? = nil,
    provenance: Provenance? = nil
  ) {
    self.title = title
    self.figures = figures
    self.columnWidth = columnWidth
    self.provenance = provenance
  }

  /// The texts of all figures, an empty line between them.
  public var plainText: String {
    ((title.isEmpty ? [] : [VisibleText.line(title)]) + figures.map(\.plainText))
      .joined(separator: "\n\n")
  }

  /// `{kind, title, figures}`.
  public var json: JSON {
    ["kind": "group", "title": .string(title), "figures": .array(figures.map(\.json))]
  }

  /// The fragments of all figures.
  public func htmlFragment() -> String {
    var inner = ""
    if !title.isEmpty {
      inner += "<p><strong>\(Markup.escape(VisibleText.line(title)))</strong></p>\n"
    }
    for figure in figures {
      let fragment = figure.htmlFragment()
      inner +=
        columnWidth.map {
          "<div style=\"display:inline-block;vertical-align:top;width:\($0)px;max-width:100%\">"
            + "\(fragment)</div>\n"
        } ?? fragment + "\n"
    }
    if let provenance { inner += Self.line(provenance) }
    // The hosts inside have classes of their own, so the group needs none.
    return "<div class=\"vitrine-group mathjax_ignore tex2jax_ignore\">\n\(inner)</div>"
  }

  /// The provenance in the size that it has in pictures.
  private static func line(_ provenance: Provenance) -> String {
    "<p style=\"font-size:10px\">\(Markup.escape(provenance.line))</p>\n"
  }

  /// The pictures of all figures, beneath each other, or two side by side where they stand in columns.
  public func svg(_ theme: FigureTheme) -> String {
    let pictures = figures.map { $0.svg(theme) }
    let sizes = pictures.map(SVGCanvas.size)
    let across = columnWidth == nil || pictures.count < 2 ? 1 : 2
    let widest = sizes.map(\.width).max() ?? 0
    let width = max(240, widest * Double(across))
    let frame = PictureFrame(title: title, note: nil, provenance: provenance, width: width)
    var canvas = SVGCanvas()
    var y = title.isEmpty ? 0 : frame.top - 10
    for start in stride(from: 0, to: pictures.count, by: across) {
      let row = start..<min(start + across, pictures.count)
      for index in row {
        let x = SVGCanvas.number(Double(index - start) * widest)
        canvas.raw(
          "<g transform=\"translate(\(x) \(SVGCanvas.number(y)))\">\(pictures[index])</g>")
      }
      y += row.map { sizes[$0].height }.max() ?? 0
    }
    let height = y + (provenance == nil ? 0 : frame.bottom)
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: width, height: max(1, height), theme: theme, title: title,
      description: alternativeText)
  }
}

extension SVGCanvas {
  /// The size that a document made here says it has.
  static func size(_ svg: String) -> (width: Double, height: Double) {
    func attribute(_ name: String) -> Double {
      let opening = Array(svg.utf8.prefix(400))
      let key = Array(" \(name)=\"".utf8)
      guard opening.count > key.count else { return 0 }
      for start in 0..<(opening.count - key.count)
      where opening[start..<(start + key.count)].elementsEqual(key) {
        let digits = opening[(start + key.count)...].prefix { $0 != UInt8(ascii: "\"") }
        return Double(String(decoding: digits, as: UTF8.self)) ?? 0
      }
      return 0
    }
    return (attribute("width"), attribute("height"))
  }
}
