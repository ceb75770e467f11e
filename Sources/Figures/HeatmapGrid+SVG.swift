import DataFormats

extension HeatmapGrid {
  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let layout = GridLayout(self)
    var canvas = SVGCanvas()
    layout.draw(on: &canvas)
    return canvas.document(
      width: layout.width, height: layout.height, theme: theme, title: title,
      description: alternativeText, language: language)
  }
}

/// Where the parts of a grid's picture go; all maps are one image, so that hundreds stay small.
struct GridLayout {
  private let figure: HeatmapGrid
  private let places: GridPlaces
  private let image: String
  private let mapWidth: Int
  private let mapHeight: Int
  private let gap: Int
  private let titleSpace: Int
  private let left: Double
  private let legend: NonFiniteLegend
  private let frame: PictureFrame
  private let bar: ColorBar

  let width: Double
  let height: Double

  private static let room = 740
  /// The image takes at most so many bytes as Base64; every map can be opened in full beside it.
  private static let largestImageText = 62_000

  init(_ figure: HeatmapGrid) {
    self.figure = figure
    places = GridPlaces(figure.cells)
    let isTable = places.layers != nil
    gap = isTable ? (places.columns > 16 ? 3 : 6) : 14
    titleSpace = isTable ? 0 : 18
    let side = min(180, max(12, (Self.room - (places.columns - 1) * gap) / max(1, places.columns)))
    var limit = side * 13 / 10
    var drawn = GridImage(
      figure, places: places, side: side, limit: limit, gap: gap, above: titleSpace)
    while drawn.text.utf8.count > Self.largestImageText, limit > 8 {
      limit = limit * 2 / 3
      drawn = GridImage(
        figure, places: places, side: side, limit: limit, gap: gap, above: titleSpace)
    }
    image = drawn.text
    mapWidth = drawn.mapWidth
    mapHeight = drawn.mapHeight
    bar = ColorBar(scale: figure.scale, title: figure.valueTitle)
    left = PictureFrame.margin + (isTable ? 42 : 0)
    width = max(
      380,
      left + Double(places.columns * (mapWidth + gap) - gap) + 22 + bar.width + PictureFrame.margin)
    frame = PictureFrame(
      title: figure.title, note: figure.shownNote(block: drawn.block),
      provenance: figure.provenance, width: width)
    let rows = Double(places.rows * (mapHeight + gap + titleSpace) - gap)
    legend = NonFiniteLegend(
      figure.nonFinite, style: .cells, width: width - 2 * PictureFrame.margin)
    let bottom = frame.top + (isTable ? 34 : 0) + max(rows, 110) + 8
    height = (bottom + legend.height + frame.bottom).rounded(.up)
  }

  func draw(on canvas: inout SVGCanvas) {
    let isTable = places.layers != nil
    let top = frame.top + (isTable ? 34 : 0)
    let stepX = Double(mapWidth + gap)
    let stepY = Double(mapHeight + gap + titleSpace)
    let across = places.columns * (mapWidth + gap) - gap
    let down = places.rows * (mapHeight + gap + titleSpace) - gap
    if !figure.cells.isEmpty {
      canvas.raw(
        "<image class=\"px\" x=\"\(SVGCanvas.number(left))\" y=\"\(SVGCanvas.number(top))\""
          + " width=\"\(across)\" height=\"\(down)\" href=\"\(image)\"/>")
    }
    for (index, place) in places.places.enumerated() {
      let x = left + Double(place.column) * stepX
      let y = top + Double(place.row) * stepY + Double(titleSpace)
      canvas.rectangle(
        x: x - 0.5, y: y - 0.5, width: Double(mapWidth) + 1, height: Double(mapHeight) + 1,
        style: "f")
      if titleSpace > 0 {
        let text = TextMetrics.fitted(
          VisibleText.line(figure.cells[index].title), size: 11, maximum: Double(mapWidth + gap - 4)
        )
        canvas.text(text, x: x, y: y - 5, size: 11)
      }
    }
    if let layers = places.layers, let heads = places.heads {
      headings(layers, heads, top: top, stepX: stepX, stepY: stepY, on: &canvas)
    }
    bar.draw(
      x: left + Double(across) + 22, y: top + Double(titleSpace),
      height: max(96, min(Double(down - titleSpace), 300)), on: &canvas)
    legend.draw(
      on: &canvas, x: PictureFrame.margin, y: height - frame.bottom - legend.height)
    frame.draw(on: &canvas, height: height)
  }

  private func headings(
    _ layers: [Int], _ heads: [Int], top: Double, stepX: Double, stepY: Double,
    on canvas: inout SVGCanvas
  ) {
    let wide = TextMetrics.width("\(heads.last ?? 0)", size: 11) + 6
    let strideX = AxisLabels.niceStride(Int((wide / stepX).rounded(.up)))
    for (column, head) in heads.enumerated() where column.isMultiple(of: strideX) {
      canvas.text(
        "\(head)", x: left + Double(column) * stepX + Double(mapWidth) / 2, y: top - 7, size: 11,
        anchor: .middle)
    }
    let strideY = AxisLabels.niceStride(Int((13.5 / stepY).rounded(.up)))
    for (row, layer) in layers.enumerated() where row.isMultiple(of: strideY) {
      canvas.text(
        "\(layer)", x: left - 8, y: top + Double(row) * stepY + Double(mapHeight) / 2 + 4, size: 11,
        anchor: .end)
    }
    let across = Double(heads.count) * stepX - Double(gap)
    let down = Double(layers.count) * stepY - Double(gap)
    canvas.text(
      "head", x: left + across / 2, y: top - 23, size: 11.5, style: "m", anchor: .middle)
    canvas.text(
      "layer", x: PictureFrame.margin + 10, y: top + down / 2, size: 11.5, style: "m",
      anchor: .middle, rotation: -90)
  }
}

/// All maps of a grid as one PNG, a whole number of pixels for each cell.
private struct GridImage {
  let text: String
  let mapWidth: Int
  let mapHeight: Int
  /// How many rows and columns of a map one cell of the image stands for.
  let block: Int

  init(
    _ figure: HeatmapGrid, places: GridPlaces, side: Int, limit: Int, gap: Int, above: Int
  ) {
    let faces = figure.maps.map { $0.limited(to: max(1, limit)) }
    let rows = faces.first?.rows ?? 0
    let columns = faces.first?.columns ?? 0
    block = faces.first?.block ?? 1
    let unit = max(1, Int((Double(side) / Double(max(1, rows, columns))).rounded()))
    mapWidth = columns * unit
    mapHeight = rows * unit
    let width = places.columns * (mapWidth + gap) - gap
    let height = places.rows * (mapHeight + gap + above) - gap
    guard width > 0, height > 0, mapWidth > 0, mapHeight > 0 else {
      text = ""
      return
    }
    var pixels = [UInt8](repeating: 0, count: width * height)
    for (face, place) in zip(faces, places.places) {
      let indices = MapDrawing.indices(face, scale: figure.scale)
      let x = place.column * (mapWidth + gap)
      let y = place.row * (mapHeight + gap + above) + above
      for row in 0..<mapHeight {
        let from = row / unit * columns
        let to = (y + row) * width + x
        for column in 0..<mapWidth { pixels[to + column] = indices[from + column / unit] }
      }
    }
    text = MapDrawing.dataURI(
      width: width, height: height, indices: pixels, colors: figure.colorMap)
  }
}
