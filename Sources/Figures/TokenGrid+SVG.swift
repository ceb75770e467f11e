extension TokenGrid {
  /// So many rows and columns are drawn at most; the interactive view has more.
  static let drawnRows = 40
  static let drawnColumns = 24

  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let layout = TokenGridLayout(self)
    var canvas = SVGCanvas()
    layout.draw(on: &canvas)
    return canvas.document(
      width: layout.width, height: layout.height, theme: theme, title: title,
      description: alternativeText, language: language)
  }

  /// What of a large grid is left out of the picture; `nil` where it is whole.
  var omission: String? {
    var parts: [String] = []
    if rows.count > Self.drawnRows { parts.append("\(Self.drawnRows) of \(rows.count) rows") }
    if columnCount > Self.drawnColumns {
      parts.append("the last \(Self.drawnColumns) of \(NumberText.grouped(columnCount)) columns")
    }
    return parts.isEmpty ? nil : "Shown: " + parts.joined(separator: ", ") + "."
  }
}

extension ColorMap {
  /// Ink that can be read on a colour of the map.
  func ink(at place: Double) -> String { color(at: place).lightness > 58 ? "#111418" : "#ffffff" }
}

/// Where the parts of a token grid's picture go.
private struct TokenGridLayout {
  private let figure: TokenGrid
  private let shownRows: [Int]
  private let shownColumns: [Int]
  private let rowAxis: AxisLabels
  private let columnAxis: AxisLabels
  private let scale: ColorScale
  private let bar: ColorBar
  private let frame: PictureFrame
  private let left: Double
  private let cellWidth: Double

  let width: Double
  let height: Double

  private static let cellHeight = 22.0
  private static let size = 11.0

  init(_ figure: TokenGrid) {
    self.figure = figure
    let shownRows = TokenGrid.spread(figure.rows.count, most: TokenGrid.drawnRows)
    let shownColumns = Array(
      max(0, figure.columnCount - TokenGrid.drawnColumns)..<figure.columnCount)
    self.shownRows = shownRows
    self.shownColumns = shownColumns
    let texts = shownRows.flatMap { row in shownColumns.map { figure.rows[row][$0].text } }
    let widest = texts.map { TextMetrics.width($0, size: Self.size) }.max() ?? 0
    cellWidth = min(84, max(34, (widest + 9).rounded(.up)))
    rowAxis = AxisLabels.rows(
      shownRows.map { VisibleText.line(figure.rowLabels[$0].text) }, step: Self.cellHeight)
    columnAxis = AxisLabels.columns(
      shownColumns.map { figure.columnLabels[$0].axisText }, step: cellWidth)
    scale = ColorScale(
      map: figure.colorMap, range: 0...1,
      summary: CellSummary(
        CellMap(Matrix(rows: 0, columns: 0, values: []), isCausal: false), keeping: 1))
    bar = ColorBar(scale: scale, title: "probability")
    let titleSpace = figure.rowTitle.isEmpty ? 0.0 : 18
    left = (PictureFrame.margin + max(titleSpace + rowAxis.depth + 9, columnAxis.overhang + 2))
      .rounded(.up)
    let plotWidth = cellWidth * Double(max(1, shownColumns.count))
    width = max(left + plotWidth + 22 + bar.width + PictureFrame.margin, 380).rounded(.up)
    let notes = [figure.note, figure.omission].compactMap { $0 }
    frame = PictureFrame(
      title: figure.title, note: notes.isEmpty ? nil : notes.joined(separator: " "),
      provenance: figure.provenance, width: width)
    let below = columnAxis.depth + 10 + (figure.columnTitle.isEmpty ? 0 : 20)
    let plotHeight = Self.cellHeight * Double(max(1, shownRows.count))
    height = (frame.top + max(plotHeight + below, 104) + frame.bottom).rounded(.up)
  }

  func draw(on canvas: inout SVGCanvas) {
    let top = frame.top
    let plotWidth = cellWidth * Double(max(1, shownColumns.count))
    let plotHeight = Self.cellHeight * Double(max(1, shownRows.count))
    for (line, row) in shownRows.enumerated() {
      let y = top + Double(line) * Self.cellHeight
      for (place, column) in shownColumns.enumerated() {
        let cell = figure.rows[row][column]
        guard !cell.value.isNaN else { continue }
        let x = left + Double(place) * cellWidth
        let level = scale.place(cell.value)
        // A hair between the cells keeps the texts apart.
        canvas.rectangle(
          x: x + 0.5, y: y + 0.5, width: cellWidth - 1, height: Self.cellHeight - 1,
          fill: "#" + figure.colorMap.color(at: level).hexadecimal)
        canvas.text(
          TextMetrics.fitted(cell.text, size: Self.size, maximum: cellWidth - 6),
          x: x + cellWidth / 2, y: y + 15, size: Self.size, anchor: .middle,
          fill: figure.colorMap.ink(at: level))
      }
    }
    for item in rowAxis.items {
      canvas.text(
        item.text, x: left - 7, y: top + (Double(item.index) + 0.5) * Self.cellHeight + 4,
        size: rowAxis.fontSize, anchor: .end)
    }
    drawColumns(bottom: top + plotHeight, on: &canvas)
    if !figure.rowTitle.isEmpty {
      canvas.text(
        TextMetrics.fitted(
          VisibleText.line(figure.rowTitle), size: 11.5, maximum: max(plotHeight, 60)),
        x: PictureFrame.margin + 10, y: top + plotHeight / 2, size: 11.5, style: "m",
        anchor: .middle, rotation: -90)
    }
    bar.draw(x: left + plotWidth + 22, y: top, height: max(plotHeight, 96), on: &canvas)
    frame.draw(on: &canvas, height: height)
  }

  private func drawColumns(bottom: Double, on canvas: inout SVGCanvas) {
    let size = columnAxis.fontSize
    for item in columnAxis.items {
      let middle = left + (Double(item.index) + 0.5) * cellWidth
      if columnAxis.angle == 0 {
        canvas.text(item.text, x: middle, y: bottom + 5 + size * 0.85, size: size, anchor: .middle)
      } else {
        canvas.text(
          item.text, x: middle + size * 0.3, y: bottom + 5 + size * 0.6, size: size,
          anchor: .end, rotation: columnAxis.angle)
      }
    }
    if !figure.columnTitle.isEmpty {
      canvas.text(
        VisibleText.line(figure.columnTitle),
        x: left + cellWidth * Double(shownColumns.count) / 2, y: bottom + columnAxis.depth + 24,
        size: 11.5, style: "m", anchor: .middle)
    }
  }
}
