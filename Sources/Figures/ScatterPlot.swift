public import DataFormats

/// Labelled points in the plane, such as embeddings projected to two axes.
public struct ScatterPlot: Figure {
  /// One point.
  public struct Point: Sendable, Hashable {
    /// Its place along the horizontal axis.
    public var x: Double
    /// Its place along the vertical axis.
    public var y: Double
    /// What it is.
    public var label: TokenLabel
    /// The group that decides its colour; `nil` for none.
    public var group: String?

    /// Makes a point.
    public init(x: Double, y: Double, label: TokenLabel, group: String? = nil) {
      self.x = x
      self.y = y
      self.label = label
      self.group = group
    }
  }

  /// The heading.
  public let title: String
  /// The points; those without a finite place are left out.
  public let points: [Point]
  /// What the horizontal axis is.
  public let xTitle: String
  /// What the vertical axis is.
  public let yTitle: String
  /// A line under the heading; `nil` for none.
  public let note: String?
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// Okabe and Ito's eight colours that are told apart with any colour vision (2008), of which
  /// yellow is darkened for white pages and black is left to points without a group.
  private static let colors = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#b5a800",
  ]

  /// Makes a plot.
  public init(
    title: String, points: [Point], xTitle: String = "", yTitle: String = "", note: String? = nil,
    provenance: Provenance? = nil
  ) {
    self.title = title
    self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.note = note
    self.provenance = provenance
  }

  /// The groups in the order in which they first occur.
  private var groups: [String] {
    var groups: [String] = []
    for point in points {
      if let group = point.group, !groups.contains(where: { $0.utf8.elementsEqual(group.utf8) }) {
        groups.append(group)
      }
    }
    return groups
  }

  /// Every point's label and place, at most sixty.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    if let note { lines.append(VisibleText.line(note)) }
    lines.append("\(points.count) \(points.count == 1 ? "point" : "points")")
    for point in points.prefix(60) {
      let group = point.group.map { " [\(VisibleText.line($0))]" } ?? ""
      lines.append(
        "  \(point.label.fullText)\(group)  (\(NumberText.significant(point.x, 4)),"
          + " \(NumberText.significant(point.y, 4)))")
    }
    if points.count > 60 { lines.append("  … \(points.count - 60) more points") }
    return lines.joined(separator: "\n")
  }

  /// `{kind, title, points: [{label, group, x, y}]}`.
  public var json: JSON {
    [
      "kind": "scatter", "title": .string(title), "x_title": .string(xTitle),
      "y_title": .string(yTitle),
      "points": .array(
        points.map { point in
          [
            "label": .string(point.label.text), "group": point.group.map { .string($0) } ?? .null,
            "x": .number(point.x), "y": .number(point.y),
          ]
        }),
    ]
  }

  /// The points' labels, groups and places.
  public var dataTable: DataTable? {
    let rows = points.prefix(300).map { point in
      [
        point.label.fullText, VisibleText.line(point.group ?? ""),
        NumberText.significant(point.x, 4), NumberText.significant(point.y, 4),
      ]
    }
    let more = points.count - rows.count
    return DataTable(
      columns: ["label", "group", xTitle.isEmpty ? "x" : xTitle, yTitle.isEmpty ? "y" : yTitle],
      rows: rows, note: more > 0 ? "… \(NumberText.grouped(more)) more points" : "")
  }

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let plotWidth = 520.0
    let plotHeight = 390.0
    let groups = groups
    let xs = Self.range(points.map(\.x))
    let ys = Self.range(points.map(\.y))
    let yTicks = Ticks.values(from: ys.0, to: ys.1, about: 5)
    let yTexts = Ticks.texts(yTicks)
    let widest = yTexts.map { TextMetrics.width($0, size: 10.5) }.max() ?? 0
    let left = PictureFrame.margin + (yTitle.isEmpty ? 0 : 20) + widest + 9
    let names = groups.prefix(12).map {
      TextMetrics.fitted(VisibleText.line($0), size: 11.5, maximum: 140)
    }
    let legend =
      names.isEmpty
      ? 0 : 36 + (names.map { TextMetrics.width($0, size: 11.5) }.max() ?? 0)
    let width = left + plotWidth + legend + PictureFrame.margin
    let frame = PictureFrame(title: title, note: note, provenance: provenance, width: width)
    let top = frame.top
    let bottom = top + plotHeight
    var canvas = SVGCanvas()
    func toX(_ x: Double) -> Double { left + (x - xs.0) / (xs.1 - xs.0) * plotWidth }
    func toY(_ y: Double) -> Double { bottom - (y - ys.0) / (ys.1 - ys.0) * plotHeight }
    for (value, text) in zip(yTicks, yTexts) {
      canvas.line(left, toY(value), left + plotWidth, toY(value), style: "g")
      canvas.text(text, x: left - 7, y: toY(value) + 3.7, size: 10.5, anchor: .end)
    }
    let xTicks = Ticks.values(from: xs.0, to: xs.1, about: 6)
    for (value, text) in zip(xTicks, Ticks.texts(xTicks)) {
      canvas.line(toX(value), top, toX(value), bottom, style: "g")
      canvas.text(text, x: toX(value), y: bottom + 16, size: 10.5, anchor: .middle)
    }
    canvas.rectangle(x: left, y: top, width: plotWidth, height: plotHeight, style: "f")
    drawPoints(
      toX: toX, toY: toY, plot: (left, top, left + plotWidth, bottom), groups: groups, on: &canvas)
    if !yTitle.isEmpty {
      canvas.text(
        VisibleText.line(yTitle), x: PictureFrame.margin + 10, y: top + plotHeight / 2, size: 11.5,
        style: "m", anchor: .middle, rotation: -90)
    }
    if !xTitle.isEmpty {
      canvas.text(
        VisibleText.line(xTitle), x: left + plotWidth / 2, y: bottom + 35, size: 11.5, style: "m",
        anchor: .middle)
    }
    for (index, name) in names.enumerated() {
      let y = top + 8 + Double(index) * 19
      canvas.raw(Self.mark(x: left + plotWidth + 22, y: y, color: color(index)))
      canvas.text(name, x: left + plotWidth + 32, y: y + 4, size: 11.5)
    }
    let height = bottom + (xTitle.isEmpty ? 24 : 44) + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: width, height: height, theme: theme, title: title, description: alternativeText)
  }

  private func color(_ group: Int?) -> String? {
    group.map { Self.colors[$0 % Self.colors.count] }
  }

  private static func mark(x: Double, y: Double, color: String?) -> String {
    let paint = color.map { "fill=\"\($0)\"" } ?? "class=\"a\""
    return "<circle cx=\"\(SVGCanvas.number(x))\" cy=\"\(SVGCanvas.number(y))\" r=\"4\" \(paint)"
      + " fill-opacity=\".85\"/>"
  }

  /// Marks for all points, labels where they cover neither a mark nor another label.
  private func drawPoints(
    toX: (Double) -> Double, toY: (Double) -> Double,
    plot: (left: Double, top: Double, right: Double, bottom: Double), groups: [String],
    on canvas: inout SVGCanvas
  ) {
    let shown = Array(points.prefix(3000))
    var taken = Occupied(left: plot.left, top: plot.top, right: plot.right, bottom: plot.bottom)
    for point in shown {
      let group = point.group.flatMap { name in
        groups.firstIndex { $0.utf8.elementsEqual(name.utf8) }
      }
      let x = toX(point.x)
      let y = toY(point.y)
      canvas.raw(Self.mark(x: x, y: y, color: color(group)))
      taken.take(x - 4, y - 4, x + 4, y + 4)
    }
    let size = 11.0
    for point in shown.prefix(400) {
      let text = TextMetrics.fitted(point.label.fullText, size: size, maximum: 150)
      let width = TextMetrics.width(text, size: size)
      let x = toX(point.x)
      let y = toY(point.y)
      let spots: [(Double, Double, SVGCanvas.Anchor, Double)] = [
        (x + 7, y + 4, .start, x + 7), (x - 7, y + 4, .end, x - 7 - width),
        (x, y - 8, .middle, x - width / 2), (x, y + 16, .middle, x - width / 2),
      ]
      for (textX, textY, anchor, from) in spots
      where taken.isFree(from, textY - size * 0.85, from + width, textY + size * 0.25) {
        taken.take(from, textY - size * 0.85, from + width, textY + size * 0.25)
        canvas.text(text, x: textX, y: textY, size: size, anchor: anchor)
        break
      }
    }
  }

  /// A range that holds all numbers with some air around them.
  private static func range(_ values: [Double]) -> (Double, Double) {
    guard let low = values.min(), let high = values.max() else { return (0, 1) }
    let air = high > low ? (high - low) * 0.06 : max(abs(low) * 0.1, 0.5)
    let from = low - air
    let to = high + air
    return from.isFinite && to.isFinite && from < to ? (from, to) : (-1, 1)
  }
}

/// Rectangles that labels have to keep clear of.
private struct Occupied {
  private let bounds: (Double, Double, Double, Double)
  private var boxes: [(Double, Double, Double, Double)] = []

  init(left: Double, top: Double, right: Double, bottom: Double) {
    bounds = (left, top, right, bottom)
  }

  func isFree(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> Bool {
    guard left >= bounds.0, top >= bounds.1, right <= bounds.2, bottom <= bounds.3 else {
      return false
    }
    return !boxes.contains { left < $0.2 && right > $0.0 && top < $0.3 && bottom > $0.1 }
  }

  mutating func take(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) {
    boxes.append((left, top, right, bottom))
  }
}
