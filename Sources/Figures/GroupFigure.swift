public import DataFormats

/// Several figures beneath each other, such as a list of figures shown at once.
public struct GroupFigure: Figure {
  /// The heading; may be empty.
  public let title: String
  /// The figures from the top.
  public let figures: [any Figure]
  /// Where the numbers of all of them come from.
  public var provenance: Provenance?

  /// Makes a group.
  public init(title: String = "", figures: [any Figure], provenance: Provenance? = nil) {
    self.title = title
    self.figures = figures
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
    inner += figures.map { $0.htmlFragment() + "\n" }.joined()
    if let provenance { inner += "<p><small>\(Markup.escape(provenance.line))</small></p>\n" }
    // The hosts inside have classes of their own, so the group needs none.
    return "<div class=\"vitrine-group mathjax_ignore tex2jax_ignore\">\n\(inner)</div>"
  }

  /// The pictures of all figures, beneath each other.
  public func svg(_ theme: FigureTheme) -> String {
    let pictures = figures.map { $0.svg(theme) }
    let sizes = pictures.map(SVGCanvas.size)
    let width = max(240, sizes.map(\.width).max() ?? 0)
    let frame = PictureFrame(title: title, note: nil, provenance: provenance, width: width)
    var canvas = SVGCanvas()
    var y = title.isEmpty ? 0 : frame.top - 10
    for (picture, size) in zip(pictures, sizes) {
      canvas.raw("<g transform=\"translate(0 \(SVGCanvas.number(y)))\">\(picture)</g>")
      y += size.height
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
