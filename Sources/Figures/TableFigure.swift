public import DataFormats

/// A table of texts and numbers, numbers aligned to the right.
public struct TableFigure: Figure {
  /// The heading; may be empty.
  public let title: String
  /// The column headings.
  public let columns: [String]
  /// All rows; a row that is too short is filled with empty cells.
  public let rows: [[JSON]]
  /// How many rows are shown.
  public let limit: Int
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// Makes a table of which at most `limit` rows are shown.
  public init(
    title: String = "", columns: [String], rows: [[JSON]], limit: Int = 50,
    provenance: Provenance? = nil
  ) {
    self.title = title
    self.columns = columns
    self.rows = rows
    self.limit = max(1, limit)
    self.provenance = provenance
  }

  private var shown: [[String]] {
    rows.prefix(limit).map { row in
      columns.indices.map { $0 < row.count ? Self.text(row[$0]) : "" }
    }
  }

  /// The cells as pictures and pages show them.
  private var drawn: [[String]] {
    rows.prefix(limit).map { row in
      columns.indices.map { column in
        guard column < row.count else { return "" }
        let text = Self.text(row[column])
        return switch row[column] {
        case .integer, .number: NumberText.shown(text)
        case .null, .bool, .string, .array, .object: text
        }
      }
    }
  }

  private var remainder: String? {
    let more = rows.count - limit
    return more > 0 ? "… \(NumberText.grouped(more)) more \(more == 1 ? "row" : "rows")" : nil
  }

  /// A value as a cell shows it.
  static func text(_ value: JSON) -> String {
    switch value {
    case .null: ""
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): "\(value)"
    case .number(let value):
      value == value.rounded() && abs(value) < 1e9
        ? NumberText.fixed(value, 0) : NumberText.short(value, 5)
    case .string(let text): VisibleText.line(text)
    case .array, .object: VisibleText.line(value.serialized())
    }
  }

  /// The columns in which every value that is there is a number.
  private var numeric: Set<Int> {
    Set(
      columns.indices.filter { column in
        var found = false
        for row in rows where column < row.count {
          switch row[column] {
          case .integer, .number: found = true
          case .null: continue
          case .bool, .string, .array, .object: return false
          }
        }
        return found
      })
  }

  /// The rows in columns of equal width.
  public var plainText: String {
    let numeric = numeric
    let cells = [columns.map(VisibleText.line)] + shown.map { $0.map { Self.cut($0, to: 48) } }
    let widths = columns.indices.map { column in
      cells.map { TextMetrics.columns($0[column]) }.max() ?? 0
    }
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    for (index, row) in cells.enumerated() {
      let padded = row.enumerated().map { column, text in
        let gap = String(repeating: " ", count: widths[column] - TextMetrics.columns(text))
        return numeric.contains(column) ? gap + text : text + gap
      }
      var line = padded.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      lines.append(line)
      if index == 0 {
        lines.append(widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "))
      }
    }
    if let remainder { lines.append(remainder) }
    return lines.joined(separator: "\n")
  }

  private static func cut(_ text: String, to limit: Int) -> String {
    var width = 0
    var result = ""
    for character in text {
      width += TextMetrics.columns(String(character))
      if width > limit { return result + "…" }
      result.append(character)
    }
    return result
  }

  /// `{kind, title, columns, rows}` with every row.
  public var json: JSON {
    [
      "kind": "table", "title": .string(title), "columns": .array(columns.map { .string($0) }),
      "rows": .array(rows.map { .array($0) }),
    ]
  }

  /// An HTML table: rows as text, with what is left out said beneath.
  public func htmlFragment() -> String {
    var inner = ""
    if !title.isEmpty {
      inner += "<p><strong>\(Markup.escape(VisibleText.line(title)))</strong></p>\n"
    }
    inner += HTMLTable.html(
      DataTable(columns: columns.map(VisibleText.line), rows: drawn, rowHeadings: 0),
      rightAligned: numeric)
    if let remainder { inner += "<p>\(Markup.escape(remainder))</p>\n" }
    if let provenance { inner += "<p><small>\(Markup.escape(provenance.line))</small></p>\n" }
    return BundleAssembly.host(inner, script: nil)
  }

  /// The table as a picture.
  public func svg(_ theme: FigureTheme) -> String {
    let numeric = numeric
    let cells = drawn.map { row in
      row.map { TextMetrics.fitted($0, size: 12, maximum: 260) }
    }
    let heads = columns.map { TextMetrics.fitted(VisibleText.line($0), size: 12, maximum: 245) }
    let widths = columns.indices.map { column in
      max(
        TextMetrics.width(heads[column], size: 12) * 1.06,
        cells.map { TextMetrics.width($0[column], size: 12) }.max() ?? 0)
    }
    let total = widths.reduce(0, +) + Double(max(0, columns.count - 1)) * 22
    let frame = PictureFrame(
      title: title, note: nil, provenance: provenance,
      width: max(240, total + 2 * PictureFrame.margin))
    var canvas = SVGCanvas()
    var y = frame.top
    let right = PictureFrame.margin + total
    canvas.line(PictureFrame.margin, y, right, y, style: "f")
    drawRow(heads, widths: widths, numeric: numeric, y: y + 16, style: "t w", on: &canvas)
    y += 24
    canvas.line(PictureFrame.margin, y, right, y, style: "f")
    for row in cells {
      drawRow(row, widths: widths, numeric: numeric, y: y + 15, style: "t", on: &canvas)
      y += 21
    }
    canvas.line(PictureFrame.margin, y + 2, right, y + 2, style: "f")
    if let remainder {
      canvas.text(remainder, x: PictureFrame.margin, y: y + 18, size: 11.5, style: "m")
      y += 20
    }
    let height = y + 6 + frame.bottom
    frame.draw(on: &canvas, height: height)
    return canvas.document(
      width: frame.width, height: height, theme: theme, title: title,
      description: "A table of \(rows.count) rows")
  }

  private func drawRow(
    _ row: [String], widths: [Double], numeric: Set<Int>, y: Double, style: String,
    on canvas: inout SVGCanvas
  ) {
    var x = PictureFrame.margin
    for (column, text) in row.enumerated() {
      if numeric.contains(column) {
        canvas.text(text, x: x + widths[column], y: y, size: 12, style: style, anchor: .end)
      } else {
        canvas.text(text, x: x, y: y, size: 12, style: style)
      }
      x += widths[column] + 22
    }
  }
}
