/// Collects the elements of a picture and writes them as one SVG document.
struct SVGCanvas {
  private(set) var body = ""

  /// Where a text stands relative to its point.
  enum Anchor: String {
    case start = ""
    case middle = " c0"
    case end = " e"
  }

  /// A coordinate with at most two decimals and no needless zeros.
  ///
  /// What isn't finite has no place in a picture; figures leave it out, and an attribute never says it.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let text = NumberText.fixed(value, 2)
    guard text.contains(".") else { return text }
    var trimmed = text
    while trimmed.last == "0" { trimmed.removeLast() }
    if trimmed.last == "." { trimmed.removeLast() }
    return trimmed == "-0" ? "0" : trimmed
  }

  /// Adds markup that is already well-formed.
  mutating func raw(_ markup: String) { body += markup }

  /// Adds a rectangle with a style class, or with a colour of its own.
  mutating func rectangle(
    x: Double, y: Double, width: Double, height: Double, style: String = "", fill: String? = nil,
    radius: Double = 0, opacity: Double = 1
  ) {
    body += "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
    body += " width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
    if radius > 0 { body += " rx=\"\(Self.number(radius))\"" }
    if !style.isEmpty { body += " class=\"\(style)\"" }
    if let fill { body += " fill=\"\(fill)\"" }
    if opacity < 1 { body += " fill-opacity=\"\(Self.number(opacity))\"" }
    body += "/>"
  }

  /// Adds a straight line.
  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String) {
    body += "<path d=\"M\(Self.number(x1)) \(Self.number(y1))L\(Self.number(x2))"
    body += " \(Self.number(y2))\" class=\"\(style)\"/>"
  }

  /// Adds a line of text; the text is escaped here.
  mutating func text(
    _ text: String, x: Double, y: Double, size: Double, style: String = "t",
    anchor: Anchor = .start, rotation: Double = 0, fill: String? = nil
  ) {
    body += textOpening(
      x: x, y: y, size: size, style: style, anchor: anchor, rotation: rotation, fill: fill)
    body += Markup.escape(text) + "</text>"
  }

  /// Adds a line of a muted number and a text, kept apart even where the text runs right to left.
  mutating func numberedText(
    _ number: String, _ text: String, x: Double, y: Double, size: Double, anchor: Anchor,
    rotation: Double = 0
  ) {
    body += textOpening(
      x: x, y: y, size: size, style: "t", anchor: anchor, rotation: rotation, fill: nil)
    body += "<tspan class=\"m\">\(Markup.escape(number)) </tspan>"
    body += "<tspan unicode-bidi=\"isolate\">\(Markup.escape(text))</tspan></text>"
  }

  private func textOpening(
    x: Double, y: Double, size: Double, style: String, anchor: Anchor, rotation: Double,
    fill: String?
  ) -> String {
    var tag = "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
    tag += " font-size=\"\(Self.number(size))\" class=\"\(style)\(anchor.rawValue)\""
    if let fill { tag += " style=\"fill:\(fill)\"" }
    if rotation != 0 {
      tag += " transform=\"rotate(\(Self.number(rotation)) \(Self.number(x)) \(Self.number(y)))\""
    }
    return tag + ">"
  }

  /// The document: the elements on a painted page of a size.
  func document(
    width: Double, height: Double, theme: FigureTheme, title: String, description: String,
    language: String? = nil
  ) -> String {
    let size = "\(Self.number(width.rounded(.up)))"
    let tall = "\(Self.number(height.rounded(.up)))"
    let tag = language.map { " xml:lang=\"\(Markup.escape($0))\"" } ?? ""
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(size)\" height=\"\(tall)\""
      + " viewBox=\"0 0 \(size) \(tall)\" role=\"img\"\(tag)>"
      + "<title>\(Markup.escape(title.isEmpty ? "Figure" : title))</title>"
      + "<desc>\(Markup.escape(description))</desc>"
      + "<style>\(Style.sheet(theme))</style>"
      + "<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\(body)</svg>\n"
  }
}

/// The parts that every picture has around its plot: heading above, provenance below.
struct PictureFrame {
  /// The space around the picture.
  static let margin = 16.0

  let width: Double
  private let titleLines: [String]
  private let noteLines: [String]
  private let provenanceLines: [String]

  init(title: String, note: String?, provenance: Provenance?, width: Double) {
    self.width = width
    let inner = width - 2 * Self.margin
    let heading = VisibleText.line(title)
    titleLines =
      heading.isEmpty
      ? [] : Array(TextMetrics.wrapped(heading, size: 15, maximum: inner / 1.06).prefix(3))
    noteLines =
      note.map {
        Array(TextMetrics.wrapped(VisibleText.sentence($0), size: 11, maximum: inner).prefix(4))
      } ?? []
    let lines =
      provenance.map {
        TextMetrics.wrapped($0.line, size: 9.5, maximum: inner)
      } ?? []
    // A third line and more are cut; all of it is in the table's foot and in the metadata.
    provenanceLines =
      lines.count <= 2
      ? lines
      : [
        lines[0],
        TextMetrics.fitted(
          lines[1...].joined(separator: " "), size: 9.5, maximum: inner),
      ]
  }

  /// Where the plot may begin.
  var top: Double {
    let heading = Double(titleLines.count) * 19 + Double(noteLines.count) * 15
    return Self.margin + (heading > 0 ? heading + 10 : 0)
  }

  /// What the last line takes beneath the plot, with the margin.
  var bottom: Double {
    Self.margin + (provenanceLines.isEmpty ? 0 : 8 + 12 * Double(provenanceLines.count))
  }

  /// Draws the heading and the last line of a picture of a height.
  func draw(on canvas: inout SVGCanvas, height: Double) {
    var y = Self.margin
    for line in titleLines {
      canvas.text(line, x: Self.margin, y: y + 13, size: 15, style: "t w")
      y += 19
    }
    for line in noteLines {
      canvas.text(line, x: Self.margin, y: y + 11.5, size: 11, style: "m")
      y += 15
    }
    for (index, line) in provenanceLines.enumerated() {
      let rise = Double(provenanceLines.count - 1 - index) * 12
      canvas.text(
        line, x: Self.margin, y: height - Self.margin + 3 - rise, size: 9.5, style: "m")
    }
  }
}

/// Plain text as a picture, for figures that are text.
enum TextPicture {
  static func svg(_ text: String, provenance: Provenance?, theme: FigureTheme) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(400)
      .map { VisibleText.line(String($0)) }
    let widest = lines.map { TextMetrics.monospacedWidth($0, size: 12) }.max() ?? 0
    let frame = PictureFrame(
      title: "", note: nil, provenance: provenance, width: min(max(widest + 32, 240), 1200))
    var canvas = SVGCanvas()
    canvas.raw("<g class=\"mono\">")
    var y = frame.top
    for line in lines {
      canvas.text(line, x: PictureFrame.margin, y: y + 12, size: 12)
      y += 17
    }
    canvas.raw("</g>")
    let height = y + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: frame.width, height: height, theme: theme, title: lines.first ?? "",
      description: "")
  }
}
