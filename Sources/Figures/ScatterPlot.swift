public import DataFormats

/// Labelled points in the plane or in space, such as embeddings projected to two or three axes.
public struct ScatterPlot: Figure {
  /// One point.
  public struct Point: Sendable, Hashable {
    /// Its place along the horizontal axis.
    public var x: Double
    /// Its place along the vertical axis; in space, along the second axis of the ground.
    public var y: Double
    /// Its height in space; `nil` in the plane.
    public var z: Double?
    /// What it is.
    public var label: TokenLabel
    /// The group that decides its colour; `nil` for none.
    public var group: String?
    /// The number that decides its colour where there are no groups; `nil` for none.
    public var value: Double?
    /// The number that its mark's area shows; `nil` where all marks are alike.
    public var size: Double?

    /// Makes a point.
    public init(
      x: Double, y: Double, z: Double? = nil, label: TokenLabel, group: String? = nil,
      value: Double? = nil, size: Double? = nil
    ) {
      self.x = x
      self.y = y
      self.z = z
      self.label = label
      self.group = group
      self.value = value
      self.size = size
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
  /// What the third axis is.
  public let zTitle: String
  /// What the number that decides colours is.
  public let valueTitle: String
  /// A line under the heading; `nil` for none.
  public let note: String?
  /// Where the numbers come from.
  public var provenance: Provenance?

  /// What the axes show.
  let extents: ScatterExtents

  /// Makes a plot; it is in space where every point has a `z`.
  public init(
    title: String, points: [Point], xTitle: String = "", yTitle: String = "", zTitle: String = "",
    valueTitle: String = "", note: String? = nil, provenance: Provenance? = nil
  ) {
    self.title = title
    let placed = points.filter { $0.x.isFinite && $0.y.isFinite && $0.z?.isFinite ?? true }
    self.points = placed
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.zTitle = zTitle
    self.valueTitle = valueTitle
    let omitted = points.count - placed.count
    let omission =
      "\(NumberText.grouped(omitted)) \(omitted == 1 ? "point" : "points") without a finite place left out"
    let isSpatial = Self.isSpatial(placed)
    extents = ScatterExtents(Self.places(placed, isSpatial: isSpatial))
    let beyond = extents.beyond.count
    let outside =
      "◇ \(NumberText.grouped(beyond)) \(beyond == 1 ? "point" : "points") beyond the axes"
    let notes = [note, omitted > 0 ? omission : nil, beyond > 0 ? outside : nil].compactMap { $0 }
    self.note = notes.isEmpty ? nil : notes.joined(separator: " · ")
    self.provenance = provenance
  }

  /// Whether there are three axes.
  var isSpatial: Bool { Self.isSpatial(points) }

  /// The places, axis by axis.
  var places: [[Double]] { Self.places(points, isSpatial: isSpatial) }

  private static func isSpatial(_ points: [Point]) -> Bool {
    !points.isEmpty && points.allSatisfy { $0.z != nil }
  }

  private static func places(_ points: [Point], isSpatial: Bool) -> [[Double]] {
    [points.map(\.x), points.map(\.y)] + (isSpatial ? [points.map { $0.z ?? 0 }] : [])
  }

  /// The axes' titles.
  var axisTitles: [String] { isSpatial ? [xTitle, yTitle, zTitle] : [xTitle, yTitle] }

  private func placeText(_ point: Point) -> String {
    ([point.x, point.y] + (isSpatial ? [point.z ?? 0] : []))
      .map { NumberText.significant($0, 4) }.joined(separator: ", ")
  }

  /// Every point's label and place, at most sixty.
  public var plainText: String {
    var lines = title.isEmpty ? [] : [VisibleText.line(title)]
    if let note { lines.append(VisibleText.line(note)) }
    lines.append("\(points.count) \(points.count == 1 ? "point" : "points")")
    for point in points.prefix(60) {
      let group = point.group.map { " [\(VisibleText.line($0))]" } ?? ""
      let value = point.value.map { "  \(NumberText.significant($0, 4))" } ?? ""
      lines.append("  \(point.label.fullText)\(group)  (\(placeText(point)))\(value)")
    }
    if points.count > 60 { lines.append("  … \(points.count - 60) more points") }
    return lines.joined(separator: "\n")
  }

  /// `{kind, title, points: [{label, group, x, y}]}`, with `z`, `value` and `size` where there are any.
  public var json: JSON {
    var object: JSONObject = [
      "kind": "scatter", "title": .string(title), "x_title": .string(xTitle),
      "y_title": .string(yTitle),
    ]
    if isSpatial { object["z_title"] = .string(zTitle) }
    object["points"] = .array(
      points.map { point in
        var item: JSONObject = [
          "label": .string(point.label.text), "group": point.group.map { .string($0) } ?? .null,
          "x": .number(point.x), "y": .number(point.y),
        ]
        for (name, number) in [("z", point.z), ("value", point.value), ("size", point.size)] {
          if let number { item[name] = number.isFinite ? .number(number) : .null }
        }
        return .object(item)
      })
    return .object(object)
  }

  /// The points' labels, groups, numbers and places.
  public var dataTable: DataTable? {
    let hasValues = points.contains { $0.value != nil }
    let rows = points.prefix(300).map { point -> [String] in
      var row = [point.label.fullText, VisibleText.line(point.group ?? "")]
      func shown(_ value: Double) -> String {
        NumberText.shown(NumberText.significant(value, 4))
      }
      if hasValues { row.append(point.value.map(shown) ?? "") }
      row += [shown(point.x), shown(point.y)]
      if isSpatial { row.append(shown(point.z ?? 0)) }
      return row
    }
    let more = points.count - rows.count
    let axes = zip(axisTitles, ["x", "y", "z"]).map { $0.isEmpty ? $1 : $0 }
    return DataTable(
      columns: ["label", "group"] + (hasValues ? [valueTitle.isEmpty ? "value" : valueTitle] : [])
        + axes, rows: rows, note: more > 0 ? "… \(NumberText.grouped(more)) more points" : "")
  }
}
