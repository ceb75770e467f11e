import DataFormats

/// Draws the cells of a map: small ones as shapes, large ones as an image of one pixel per cell.
enum MapDrawing {
  /// Up to so many cells a side are drawn as shapes, which print sharply at any size.
  static let largestVectorSide = 64

  /// A static picture's image takes at most so many bytes as Base64.
  static let largestImageText = 225_000

  /// Draws a map into a rectangle.
  static func draw(
    _ map: CellMap, scale: ColorScale, x: Double, y: Double, width: Double, height: Double,
    on canvas: inout SVGCanvas
  ) {
    guard map.rows > 0, map.columns > 0 else { return }
    if max(map.rows, map.columns) <= largestVectorSide {
      drawShapes(map, scale: scale, x: x, y: y, width: width, height: height, on: &canvas)
    } else {
      drawImage(map, scale: scale, x: x, y: y, width: width, height: height, on: &canvas)
    }
  }

  /// One path for each colour, in units of cells.
  private static func drawShapes(
    _ map: CellMap, scale: ColorScale, x: Double, y: Double, width: Double, height: Double,
    on canvas: inout SVGCanvas
  ) {
    var paths = [String](repeating: "", count: 256)
    var marks: [(row: Int, column: Int, kind: NonFinite)] = []
    for row in 0..<map.rows {
      var column = 0
      let visible = map.visibleColumns(inRow: row)
      while column < visible {
        let value = map.matrix[row, column]
        if let kind = NonFinite(value) {
          marks.append((row, column, kind))
          column += 1
          continue
        }
        let level = scale.level(value, of: 256)
        var end = column + 1
        while end < visible, map.matrix[row, end].isFinite,
          scale.level(map.matrix[row, end], of: 256) == level
        {
          end += 1
        }
        paths[level] += "M\(column) \(row)h\(end - column)v1h-\(end - column)z"
        column = end
      }
    }
    let across = SVGCanvas.number(width / Double(map.columns))
    let down = SVGCanvas.number(height / Double(map.rows))
    canvas.raw(
      "<g class=\"crisp\" transform=\"translate(\(SVGCanvas.number(x)) \(SVGCanvas.number(y)))"
        + " scale(\(across) \(down))\">")
    for level in 0..<256 where !paths[level].isEmpty {
      canvas.raw(
        "<path fill=\"#\(scale.map.colors[level].hexadecimal)\" d=\"\(paths[level])\"/>")
    }
    canvas.raw("</g>")
    drawMarks(
      marks, x: x, y: y, across: width / Double(map.columns), down: height / Double(map.rows),
      on: &canvas)
  }

  /// Marks cells without a place on the scale: on a neutral ground NaN is hatched, ∞ a triangle that
  /// points up, −∞ one that points down.
  static func drawMarks(
    _ cells: [(row: Int, column: Int, kind: NonFinite)], x: Double, y: Double, across: Double,
    down: Double, on canvas: inout SVGCanvas
  ) {
    guard !cells.isEmpty else { return }
    var ground = ""
    var hatching = ""
    var triangles = ""
    for (row, column, kind) in cells {
      ground += "M\(column) \(row)h1v1h-1z"
      switch kind {
      case .missing:
        hatching +=
          "M\(column) \(row).5l.5-.5M\(column) \(row + 1)l1-1M\(column).5 \(row + 1)l.5-.5"
      case .above: triangles += "M\(column).2 \(row).75l.3-.5l.3 .5z"
      case .below: triangles += "M\(column).2 \(row).25l.3 .5l.3-.5z"
      }
    }
    let place =
      " transform=\"translate(\(SVGCanvas.number(x)) \(SVGCanvas.number(y)))"
      + " scale(\(SVGCanvas.number(across)) \(SVGCanvas.number(down)))\""
    canvas.raw("<path class=\"n\" fill-opacity=\".43\" d=\"\(ground)\"\(place)/>")
    if !hatching.isEmpty {
      canvas.raw(
        "<path class=\"h\" vector-effect=\"non-scaling-stroke\" stroke-width=\".8\""
          + " d=\"\(hatching)\"\(place)/>")
    }
    if !triangles.isEmpty { canvas.raw("<path class=\"t\" d=\"\(triangles)\"\(place)/>") }
  }

  private static func drawImage(
    _ map: CellMap, scale: ColorScale, x: Double, y: Double, width: Double, height: Double,
    on canvas: inout SVGCanvas
  ) {
    var factor = 1
    while true {
      let face = map.pooled(by: factor)
      let image = dataURI(
        width: face.columns, height: face.rows, indices: indices(face, scale: scale),
        colors: scale.map)
      if image.utf8.count <= largestImageText || max(face.rows, face.columns) <= 128 {
        canvas.raw(
          "<image class=\"px\" x=\"\(SVGCanvas.number(x))\" y=\"\(SVGCanvas.number(y))\""
            + " width=\"\(SVGCanvas.number(width))\" height=\"\(SVGCanvas.number(height))\""
            + " preserveAspectRatio=\"none\" href=\"\(image)\"/>")
        return
      }
      factor += 1
    }
  }

  /// The cells as places in the palette: 0 blank, 1 NaN, 2 infinite, from 3 on the colours.
  static func indices(_ map: CellMap, scale: ColorScale) -> [UInt8] {
    var indices = [UInt8](repeating: 0, count: map.rows * map.columns)
    for row in 0..<map.rows {
      let start = row * map.columns
      for column in 0..<map.visibleColumns(inRow: row) {
        let value = map.matrix.values[start + column]
        indices[start + column] =
          value.isFinite ? UInt8(3 + scale.level(value, of: 253)) : value.isNaN ? 1 : 2
      }
    }
    return indices
  }

  /// An image of palette places as a PNG data URI.
  static func dataURI(width: Int, height: Int, indices: [UInt8], colors: ColorMap) -> String {
    var palette = [
      PNG.Color(red: 0, green: 0, blue: 0, alpha: 0),
      PNG.Color(red: 138, green: 146, blue: 156, alpha: 110),
      PNG.Color(red: 92, green: 100, blue: 110, alpha: 235),
    ]
    for level in 0..<253 {
      let color = colors.color(at: Double(level) / 252)
      palette.append(PNG.Color(red: color.red, green: color.green, blue: color.blue))
    }
    // The size and the palette fit by construction, so there is nothing that encoding could refuse.
    let bytes = (try? PNG.encode(width: width, height: height, indices: indices, palette: palette))
    return "data:image/png;base64," + Base64.encode(bytes ?? [])
  }
}

/// The bar beside a map that tells which colour is which number.
struct ColorBar {
  let scale: ColorScale
  let title: String

  private var ticks: [(place: Double, text: String)] {
    numbered.map { (($0.value - scale.low) / (scale.high - scale.low), $0.text) }
  }

  /// Round numbers within the scale; on a cut scale its end too, as "that and above".
  private var numbered: [(value: Double, text: String)] {
    var values = Ticks.values(from: scale.low, to: scale.high, about: 5)
    if scale.isCut {
      values.removeAll { $0 > scale.high - (scale.high - scale.low) * 0.06 }
    }
    var ticks = Array(zip(values, Ticks.texts(values))).map { (value: $0, text: $1) }
    if scale.isCut { ticks.append((scale.high, "≥ " + NumberText.short(scale.high))) }
    return ticks
  }

  /// The ticks as JSON pairs of number and text.
  var tickJSON: JSON {
    .array(numbered.map { .array([.number($0.value), .string($0.text)]) })
  }

  /// How wide the bar is with its numbers and its title.
  var width: Double {
    let widest = ticks.map { TextMetrics.width($0.text, size: 10.5) }.max() ?? 0
    return 12 + 7 + widest + (title.isEmpty ? 0 : 20)
  }

  /// Draws the bar with its left edge and its upper end at a point.
  func draw(x: Double, y: Double, height: Double, on canvas: inout SVGCanvas) {
    let steps = 64
    canvas.raw("<g class=\"crisp\">")
    for step in 0..<steps {
      let top = (y + height * Double(steps - 1 - step) / Double(steps)).rounded()
      let bottom = (y + height * Double(steps - step) / Double(steps)).rounded()
      guard bottom > top else { continue }
      canvas.rectangle(
        x: x, y: top, width: 12, height: bottom - top,
        fill: "#" + scale.map.color(at: (Double(step) + 0.5) / Double(steps)).hexadecimal)
    }
    canvas.raw("</g>")
    canvas.rectangle(x: x - 0.5, y: y - 0.5, width: 13, height: height + 1, style: "f")
    var widest = 0.0
    for tick in ticks {
      let level = y + height * (1 - tick.place)
      canvas.line(x + 12.5, level, x + 16, level, style: "f")
      canvas.text(tick.text, x: x + 19, y: level + 3.7, size: 10.5)
      widest = max(widest, TextMetrics.width(tick.text, size: 10.5))
    }
    if !title.isEmpty {
      canvas.text(
        TextMetrics.fitted(VisibleText.line(title), size: 11, maximum: height),
        x: x + 19 + widest + 15,
        y: y + height / 2, size: 11, style: "m", anchor: .middle, rotation: -90)
    }
  }
}
