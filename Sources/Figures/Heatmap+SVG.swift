extension Heatmap {
  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let layout = HeatmapLayout(self)
    var canvas = SVGCanvas()
    layout.draw(on: &canvas)
    return canvas.document(
      width: layout.width, height: layout.height, theme: theme, title: title,
      description: alternativeText, language: language)
  }
}

/// Where the parts of a heatmap's picture go.
struct HeatmapLayout {
  private let figure: Heatmap
  private let scale: ColorScale
  private let rowAxis: AxisLabels
  private let columnAxis: AxisLabels
  private let bar: ColorBar
  private let legend: NonFiniteLegend
  private let frame: PictureFrame
  private let left: Double
  private let plotWidth: Double
  private let plotHeight: Double
  private let barHeight: Double

  let width: Double
  let height: Double

  /// The plot's longer side for maps of many cells.
  private static let longSide = 544.0

  init(_ figure: Heatmap) {
    self.figure = figure
    scale = figure.scale
    let rows = max(1, figure.values.rows)
    let columns = max(1, figure.values.columns)
    let longest = max(rows, columns)
    let fitting = Self.longSide / Double(longest)
    let cell = longest <= 128 ? min(36, fitting.rounded(.down)) : fitting
    // A single row or column of many cells would be a hair's breadth: give it some body.
    plotWidth = max(cell * Double(columns), min(36, 40) * (columns == 1 ? 1 : 0), 8)
    plotHeight = max(cell * Double(rows), min(28.0 * Double(rows), 56))
    rowAxis = AxisLabels.rows(
      figure.rowLabels.map(\.axisText), step: plotHeight / Double(rows))
    columnAxis = AxisLabels.columns(
      figure.columnLabels.map(\.axisText), step: plotWidth / Double(columns))
    bar = ColorBar(scale: scale, title: figure.valueTitle)
    let titleSpace = figure.rowTitle.isEmpty ? 0.0 : 18
    left = (PictureFrame.margin + max(titleSpace + rowAxis.depth + 9, columnAxis.overhang + 2))
      .rounded(.up)
    let natural = left + plotWidth + 22 + bar.width + PictureFrame.margin
    width = max(natural, 380).rounded(.up)
    frame = PictureFrame(
      title: figure.title, note: figure.note, provenance: figure.provenance, width: width)
    legend = NonFiniteLegend(
      figure.summary.nonFinite, style: .cells, width: width - 2 * PictureFrame.margin)
    barHeight = max(plotHeight, 96)
    let below = columnAxis.depth + 10 + (figure.columnTitle.isEmpty ? 0 : 20)
    let bottom = frame.top + max(plotHeight + below, barHeight + 8)
    height = (bottom + legend.height + frame.bottom).rounded(.up)
  }

  func draw(on canvas: inout SVGCanvas) {
    let top = frame.top
    MapDrawing.draw(
      figure.face, scale: scale, x: left, y: top, width: plotWidth, height: plotHeight, on: &canvas)
    canvas.rectangle(
      x: left - 0.5, y: top - 0.5, width: plotWidth + 1, height: plotHeight + 1, style: "f")
    drawRows(top: top, on: &canvas)
    drawColumns(bottom: top + plotHeight, on: &canvas)
    bar.draw(x: left + plotWidth + 22, y: top, height: barHeight, on: &canvas)
    legend.draw(
      on: &canvas, x: PictureFrame.margin, y: height - frame.bottom - legend.height)
    frame.draw(on: &canvas, height: height)
  }

  private func drawRows(top: Double, on canvas: inout SVGCanvas) {
    let step = plotHeight / Double(max(1, figure.values.rows))
    for item in rowAxis.items {
      let middle = top + (Double(item.index) + 0.5) * step
      if rowAxis.stride > 1 { canvas.line(left - 4, middle, left - 0.5, middle, style: "f") }
      label(
        item, x: left - 7, y: middle + rowAxis.fontSize * 0.35, size: rowAxis.fontSize,
        anchor: .end, rotation: 0, on: &canvas)
    }
    if !figure.rowTitle.isEmpty {
      canvas.text(
        TextMetrics.fitted(
          VisibleText.line(figure.rowTitle), size: 11.5, maximum: max(plotHeight, 60)),
        x: PictureFrame.margin + 10, y: top + plotHeight / 2, size: 11.5, style: "m",
        anchor: .middle, rotation: -90)
    }
  }

  private func drawColumns(bottom: Double, on canvas: inout SVGCanvas) {
    let step = plotWidth / Double(max(1, figure.values.columns))
    let size = columnAxis.fontSize
    for item in columnAxis.items {
      let middle = left + (Double(item.index) + 0.5) * step
      if columnAxis.stride > 1 { canvas.line(middle, bottom + 0.5, middle, bottom + 4, style: "f") }
      switch columnAxis.angle {
      case 0:
        label(
          item, x: middle, y: bottom + 5 + size * 0.85, size: size, anchor: .middle, rotation: 0,
          on: &canvas)
      case -45:
        label(
          item, x: middle + size * 0.3, y: bottom + 5 + size * 0.6, size: size, anchor: .end,
          rotation: -45, on: &canvas)
      default:
        label(
          item, x: middle + size * 0.35, y: bottom + 7, size: size, anchor: .end, rotation: -90,
          on: &canvas)
      }
    }
    if !figure.columnTitle.isEmpty {
      canvas.text(
        VisibleText.line(figure.columnTitle), x: left + plotWidth / 2,
        y: bottom + columnAxis.depth + 24, size: 11.5, style: "m", anchor: .middle)
    }
  }

  private func label(
    _ item: AxisLabels.Item, x: Double, y: Double, size: Double, anchor: SVGCanvas.Anchor,
    rotation: Double, on canvas: inout SVGCanvas
  ) {
    if item.number.isEmpty {
      canvas.text(item.text, x: x, y: y, size: size, anchor: anchor, rotation: rotation)
    } else {
      canvas.numberedText(
        item.number, item.text, x: x, y: y, size: size, anchor: anchor, rotation: rotation)
    }
  }
}
