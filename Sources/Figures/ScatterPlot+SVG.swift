extension ScatterPlot {
  /// The picture as a standalone SVG document.
  public func svg(_ theme: FigureTheme) -> String {
    let colors = ScatterColors(points)
    let names = colors.categories.map { category in
      TextMetrics.fitted(category.name, size: 11.5, maximum: 150)
    }
    var legend = 0.0
    if !names.isEmpty {
      legend = 36 + (names.map { TextMetrics.width($0, size: 11.5) }.max() ?? 0)
    } else if let scale = colors.scale {
      let texts = [scale.low, scale.high].map { NumberText.shown(NumberText.significant($0, 3)) }
      legend =
        22 + 12 + 8 + (texts.map { TextMetrics.width($0, size: 10.5) }.max() ?? 0)
        + (valueTitle.isEmpty ? 0 : 18)
    }
    let frame = ScatterFrame(plot: self, extents: extents)
    let width = frame.left + frame.width + legend + PictureFrame.margin
    let picture = PictureFrame(title: title, note: note, provenance: provenance, width: width)
    let top = picture.top
    var canvas = SVGCanvas()
    let seen: [Seen]
    if isSpatial {
      seen = drawBox(frame, top: top, extents: extents, on: &canvas)
    } else {
      seen = drawPlane(frame, top: top, extents: extents, on: &canvas)
    }
    drawMarks(seen, colors: colors, on: &canvas)
    drawLabels(
      seen,
      plot: (frame.left, top, frame.left + frame.width, top + frame.height), on: &canvas)
    let right = frame.left + frame.width
    for (index, name) in names.enumerated() {
      let y = top + 8 + Double(index) * 19
      canvas.raw(
        Self.mark(x: right + 22, y: y, radius: 4, color: colors.categories[index].color))
      canvas.text(name, x: right + 32, y: y + 4, size: 11.5)
    }
    if let scale = colors.scale {
      drawScale(scale, x: right + 22, top: top, height: frame.height, on: &canvas)
    }
    let height = top + frame.height + frame.below + picture.bottom
    picture.draw(on: &canvas, height: height)
    return canvas.document(
      width: width, height: height, theme: theme, title: title, description: alternativeText)
  }

  /// Where a point is seen, and how large.
  private struct Seen {
    let index: Int
    let x: Double
    let y: Double
    let radius: Double
    /// How far it is behind the nearest, from 0 to 1; 0 in the plane.
    let depth: Double
  }

  /// Ticks, grid and titles of two axes; gives where the points are seen.
  private func drawPlane(
    _ frame: ScatterFrame, top: Double, extents: ScatterExtents, on canvas: inout SVGCanvas
  ) -> [Seen] {
    let (left, width, height) = (frame.left, frame.width, frame.height)
    let bottom = top + height
    let (xs, ys) = (extents.ranges[0], extents.ranges[1])
    func toX(_ x: Double) -> Double { left + (x - xs.low) / (xs.high - xs.low) * width }
    func toY(_ y: Double) -> Double { bottom - (y - ys.low) / (ys.high - ys.low) * height }
    let yTicks = Ticks.values(from: ys.low, to: ys.high, about: 5)
    for (value, text) in zip(yTicks, Ticks.texts(yTicks)) {
      canvas.line(left, toY(value), left + width, toY(value), style: "g")
      canvas.text(text, x: left - 7, y: toY(value) + 3.7, size: 10.5, anchor: .end)
    }
    let xTicks = Ticks.values(from: xs.low, to: xs.high, about: 6)
    for (value, text) in zip(xTicks, Ticks.texts(xTicks)) {
      canvas.line(toX(value), top, toX(value), bottom, style: "g")
      canvas.text(text, x: toX(value), y: bottom + 16, size: 10.5, anchor: .middle)
    }
    canvas.rectangle(x: left, y: top, width: width, height: height, style: "f")
    if !yTitle.isEmpty {
      canvas.text(
        VisibleText.line(yTitle), x: PictureFrame.margin + 10, y: top + height / 2, size: 11.5,
        style: "m", anchor: .middle, rotation: -90)
    }
    if !xTitle.isEmpty {
      canvas.text(
        VisibleText.line(xTitle), x: left + width / 2, y: bottom + 35, size: 11.5, style: "m",
        anchor: .middle)
    }
    let radii = ScatterColors.radii(points)
    return points.indices.map { index in
      Seen(
        index: index, x: toX(extents.shown(points[index].x, 0)),
        y: toY(extents.shown(points[index].y, 1)), radius: radii[index], depth: 0)
    }
  }

  /// The three faces of the box that lie behind the points, and titles along its outer edges; gives where
  /// the points are seen, the farthest first.
  private func drawBox(
    _ frame: ScatterFrame, top: Double, extents: ScatterExtents, on canvas: inout SVGCanvas
  ) -> [Seen] {
    let camera = self.camera(extents)
    // The whole box with its titles fills the frame.
    let corners = (0..<8).map { corner in
      camera.project(
        (corner & 1 == 0 ? -1 : 1) * extents.side(0), (corner & 2 == 0 ? -1 : 1) * extents.side(1),
        (corner & 4 == 0 ? -1 : 1) * extents.side(2))
    }
    let (xs, ys) = (corners.map(\.x), corners.map(\.y))
    let (lowX, highX) = (xs.min() ?? -1, xs.max() ?? 1)
    let (lowY, highY) = (ys.min() ?? -1, ys.max() ?? 1)
    let scale = min(
      (frame.width - 56) / max(highX - lowX, 1e-9), (frame.height - 36) / max(highY - lowY, 1e-9))
    let middleX = frame.left + frame.width / 2 - (lowX + highX) / 2 * scale
    let middleY = top + frame.height / 2 + (lowY + highY) / 2 * scale
    func seen(_ place: [Double]) -> (x: Double, y: Double, depth: Double) {
      let at = camera.project(place[0], place[1], place[2])
      return (middleX + at.x * scale, middleY - at.y * scale, at.depth)
    }
    let behind = (0..<3).map { axis -> Double in
      var unit = [0.0, 0, 0]
      unit[axis] = 1
      return camera.project(unit[0], unit[1], unit[2]).depth > 0 ? 1 : -1
    }
    for style in ["g", "f"] {
      for face in 0..<3 {
        for along in 0..<3 where along != face {
          let range = extents.ranges[along]
          let side = extents.side(along)
          let lines =
            style == "f"
            ? [-side, side]
            : Ticks.values(from: range.low, to: range.high, about: 4).map {
              extents.place($0, along)
            }
          for line in lines {
            let across = 3 - face - along
            var from = [0.0, 0, 0]
            from[face] = behind[face] * extents.side(face)
            from[along] = line
            var to = from
            from[across] = -extents.side(across)
            to[across] = extents.side(across)
            let (a, b) = (seen(from), seen(to))
            canvas.line(a.x, a.y, b.x, b.y, style: style)
          }
        }
      }
    }
    for axis in 0..<3 where !axisTitles[axis].isEmpty {
      drawTitle(axis, behind: behind, extents: extents, seen: seen, on: &canvas)
    }
    let radii = ScatterColors.radii(points)
    let places = places
    let found = points.indices.map { index in
      seen((0..<3).map { extents.place(extents.shown(places[$0][index], $0), $0) })
    }
    let nearest = found.map(\.depth).min() ?? 0
    let farthest = found.map(\.depth).max() ?? 1
    let span = farthest > nearest ? farthest - nearest : 1
    return points.indices.map { index in
      let depth = (found[index].depth - nearest) / span
      return Seen(
        index: index, x: found[index].x, y: found[index].y,
        radius: radii[index] * 4.5 / (3.9 + 1.2 * depth), depth: depth)
    }.sorted { (-$0.depth, $0.index) < (-$1.depth, $1.index) }
  }

  /// The camera of the static picture, where the interactive view begins too.
  func camera(_ extents: ScatterExtents) -> ScatterCamera {
    let places = places
    return ScatterCamera(
      facing: (0..<3).map { axis in
        places[axis].map { extents.place(extents.shown($0, axis), axis) }
      })
  }

  /// A title along an edge of the box's outline: one of the edge's faces is seen, the other lies behind.
  private func drawTitle(
    _ axis: Int, behind: [Double], extents: ScatterExtents,
    seen: ([Double]) -> (x: Double, y: Double, depth: Double), on canvas: inout SVGCanvas
  ) {
    let others = (0..<3).filter { $0 != axis }
    let edges = [(1.0, -1.0), (-1.0, 1.0)].map { first, second in
      var from = [0.0, 0, 0]
      from[others[0]] = first * behind[others[0]] * extents.side(others[0])
      from[others[1]] = second * behind[others[1]] * extents.side(others[1])
      var to = from
      from[axis] = -extents.side(axis)
      to[axis] = extents.side(axis)
      let (a, b) = (seen(from), seen(to))
      return a.x <= b.x ? (a, b) : (b, a)
    }
    func middle(_ edge: Int) -> (x: Double, y: Double) {
      ((edges[edge].0.x + edges[edge].1.x) / 2, (edges[edge].0.y + edges[edge].1.y) / 2)
    }
    let edge = axis == 2 ? (middle(0).x < middle(1).x ? 0 : 1) : middle(0).y > middle(1).y ? 0 : 1
    let (a, b) = edges[edge]
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let length = (dx * dx + dy * dy).squareRoot()
    guard length > 40 else { return }
    let center = seen([0, 0, 0])
    let at = middle(edge)
    let side = -dy * (at.x - center.x) + dx * (at.y - center.y) < 0 ? -1.0 : 1
    let x = at.x - side * dy / length * 15
    let y = at.y + side * dx / length * 15
    let text = TextMetrics.fitted(
      VisibleText.line(axisTitles[axis]), size: 11.5, maximum: max(80, length))
    // The baseline lies below the middle of the letters, in the letters' own direction.
    canvas.text(
      text, x: x - 4 * dy / length, y: y + 4 * dx / length, size: 11.5, style: "m",
      anchor: .middle, rotation: ScatterCamera.degrees(dx, dy))
  }

  private static func mark(
    x: Double, y: Double, radius: Double, color: String?, opacity: Double = 0.85
  ) -> String {
    let paint = color.map { "fill=\"\($0)\"" } ?? "class=\"a\""
    return "<circle cx=\"\(SVGCanvas.number(x))\" cy=\"\(SVGCanvas.number(y))\""
      + " r=\"\(SVGCanvas.number(radius))\" \(paint)"
      + " fill-opacity=\"\(SVGCanvas.number(opacity))\"/>"
  }

  /// So many marks are circles of their own; more are dots of a few paths, which keeps the picture small.
  private static let circleLimit = 1500

  private func drawMarks(_ all: [Seen], colors: ScatterColors, on canvas: inout SVGCanvas) {
    let seen = all.filter { !extents.beyond.contains($0.index) }
    defer {
      for point in all where extents.beyond.contains(point.index) {
        drawBeyond(point, color: colors.color(point.index, of: points), on: &canvas)
      }
    }
    if seen.count <= Self.circleLimit {
      // A colour that stands for a number must stay readable far away too.
      let fading = colors.scale == nil ? 0.5 : 0.25
      for point in seen {
        canvas.raw(
          Self.mark(
            x: point.x, y: point.y, radius: point.radius,
            color: colors.color(point.index, of: points), opacity: 0.9 - fading * point.depth))
      }
      return
    }
    // Eight layers from back to front; in each, marks of one colour and size are one path, in whole halves of a pixel
    // from mark to mark, without those that would lie exactly on another: a fifth of what circles take.
    for layer in 0..<8 {
      var order: [String] = []
      var places: [String: [(x: Int, y: Int)]] = [:]
      for point in seen where min(7, Int((1 - point.depth) * 8)) == layer {
        let width = SVGCanvas.number((point.radius * 4).rounded())
        let color = colors.color(point.index, of: points)
        let paint = color.map { "stroke=\"\($0)\"" } ?? "stroke=\"#3d7cc4\""
        let key = "\(paint) stroke-width=\"\(width)\""
        if places[key] == nil { order.append(key) }
        places[key, default: []].append(
          (Int((point.x * 2).rounded()), Int((point.y * 2).rounded())))
      }
      let opacity = isSpatial ? 0.4 + 0.5 * (Double(layer) + 0.5) / 8 : 0.75
      for key in order {
        canvas.raw(
          "<path transform=\"scale(.5)\" d=\"\(Self.dots(places[key] ?? []))\" \(key)"
            + " stroke-linecap=\"round\" fill=\"none\""
            + " stroke-opacity=\"\(SVGCanvas.number(opacity))\"/>")
      }
    }
  }

  /// A hollow square on its tip: a point that isn't where it stands.
  private func drawBeyond(_ point: Seen, color: String?, on canvas: inout SVGCanvas) {
    let r = max(4, point.radius)
    let corner = "\(SVGCanvas.number(point.x)) \(SVGCanvas.number(point.y - r))"
    let side = SVGCanvas.number(r)
    canvas.raw(
      "<path class=\"bg\" d=\"M\(corner)l\(side) \(side)l-\(side) \(side)l-\(side)-\(side)z\""
        + " style=\"stroke:\(color ?? "#3d7cc4");stroke-width:1.5\"/>")
  }

  /// The path of dots at places, row by row.
  private static func dots(_ places: [(x: Int, y: Int)]) -> String {
    var path = ""
    var (x, y) = (0, 0)
    for place in places.sorted(by: { ($0.y, $0.x) < ($1.y, $1.x) }) {
      if !path.isEmpty, place.x == x, place.y == y { continue }
      let (right, down) = (place.x - x, place.y - y)
      path += "m\(right)\(down < 0 ? "" : " ")\(down)h0"
      (x, y) = (place.x, place.y)
    }
    return path
  }

  /// Labels where they cover neither a mark nor another label, the nearest points first.
  private func drawLabels(
    _ seen: [Seen], plot: (left: Double, top: Double, right: Double, bottom: Double),
    on canvas: inout SVGCanvas
  ) {
    guard seen.count <= Self.circleLimit else { return }
    var taken = Occupied(left: plot.left, top: plot.top, right: plot.right, bottom: plot.bottom)
    for point in seen {
      let r = point.radius
      taken.take(point.x - r, point.y - r, point.x + r, point.y + r)
    }
    let size = 11.0
    for point in (isSpatial ? seen.reversed() : seen).prefix(400) {
      let text = TextMetrics.fitted(
        points[point.index].label.fullText, size: size, maximum: 150)
      let width = TextMetrics.width(text, size: size)
      let (x, y, r) = (point.x, point.y, point.radius)
      let spots: [(Double, Double, SVGCanvas.Anchor, Double)] = [
        (x + r + 3, y + 4, .start, x + r + 3), (x - r - 3, y + 4, .end, x - r - 3 - width),
        (x, y - r - 4, .middle, x - width / 2), (x, y + r + 12, .middle, x - width / 2),
      ]
      for (textX, textY, anchor, from) in spots
      where taken.isFree(from, textY - size * 0.85, from + width, textY + size * 0.25) {
        taken.take(from, textY - size * 0.85, from + width, textY + size * 0.25)
        canvas.text(text, x: textX, y: textY, size: size, anchor: anchor)
        break
      }
    }
  }

  private func drawScale(
    _ scale: ScatterColors.ValueScale, x: Double, top: Double, height: Double,
    on canvas: inout SVGCanvas
  ) {
    let steps = 64
    let tall = height / Double(steps)
    for step in 0..<steps {
      let share = 1 - (Double(step) + 0.5) / Double(steps)
      canvas.rectangle(
        x: x, y: top + Double(step) * tall, width: 12, height: tall + 0.5,
        fill: "#" + scale.map.color(at: share).hexadecimal)
    }
    canvas.rectangle(x: x, y: top, width: 12, height: height, style: "f")
    let ticks = Ticks.values(from: scale.low, to: scale.high, about: 5)
    var widest = 0.0
    for (value, text) in zip(ticks, Ticks.texts(ticks)) {
      let y = top + height * (1 - (value - scale.low) / (scale.high - scale.low))
      canvas.text(text, x: x + 18, y: y + 3.7, size: 10.5)
      widest = max(widest, TextMetrics.width(text, size: 10.5))
    }
    if !valueTitle.isEmpty {
      canvas.text(
        TextMetrics.fitted(VisibleText.line(valueTitle), size: 11, maximum: height),
        x: x + 18 + widest + 14, y: top + height / 2, size: 11, style: "m", anchor: .middle,
        rotation: -90)
    }
  }
}

/// The place of a scatter plot within its picture.
struct ScatterFrame {
  let left: Double
  let width = 520.0
  let height: Double
  /// What tick labels and the title of the horizontal axis take.
  let below: Double

  init(plot: ScatterPlot, extents: ScatterExtents) {
    if plot.isSpatial {
      left = PictureFrame.margin
      height = 430
      below = 4
      return
    }
    let ticks = Ticks.values(
      from: extents.ranges[1].low, to: extents.ranges[1].high, about: 5)
    let widest = Ticks.texts(ticks).map { TextMetrics.width($0, size: 10.5) }.max() ?? 0
    left = PictureFrame.margin + (plot.yTitle.isEmpty ? 0 : 20) + widest + 9
    height = 390
    below = plot.xTitle.isEmpty ? 24 : 44
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
