import DataFormats

/// What a number can be that has no place on a scale.
enum NonFinite: Int, Sendable, Hashable, CaseIterable {
  /// NaN: unknown, undefined, or never measured.
  case missing
  /// ∞.
  case above
  /// −∞.
  case below

  /// What kind a number is of; `nil` for one that has a place.
  init?(_ value: some BinaryFloatingPoint) {
    if value.isFinite { return nil }
    self = value.isNaN ? .missing : value > 0 ? .above : .below
  }

  /// What a legend says.
  var name: String {
    switch self {
    case .missing: "no number (NaN)"
    case .above: "∞"
    case .below: "−∞"
    }
  }

  /// As `text/plain` writes it.
  var plainName: String {
    switch self {
    case .missing: "NaN"
    case .above: "∞"
    case .below: "-∞"
    }
  }
}

/// How many numbers have no place on a scale, by kind.
struct NonFiniteCounts: Sendable, Hashable {
  private var counts = [0, 0, 0]

  init() {}

  /// Counts some numbers.
  init(_ values: some Sequence<Double>) {
    for value in values { count(value) }
  }

  /// Counts a number if it has no place.
  mutating func count(_ value: some BinaryFloatingPoint) {
    if let kind = NonFinite(value) { counts[kind.rawValue] += 1 }
  }

  static func += (left: inout NonFiniteCounts, right: NonFiniteCounts) {
    for kind in NonFinite.allCases { left.counts[kind.rawValue] += right.counts[kind.rawValue] }
  }

  /// How many there are of all kinds.
  var total: Int { counts.reduce(0, +) }

  /// `[NaN, ∞, −∞]`, as the scripts read them.
  var json: JSON { .array(counts.map { .integer($0) }) }

  /// `3 not finite (2 NaN, 1 ∞)`.
  var sentence: String {
    let kinds = entries.map { "\(NumberText.grouped($0.count)) \($0.kind.plainName)" }
    return "\(NumberText.grouped(total)) not finite (\(kinds.joined(separator: ", ")))"
  }

  /// The kinds that occur, with how often.
  var entries: [(kind: NonFinite, count: Int)] {
    NonFinite.allCases.compactMap { kind in
      counts[kind.rawValue] > 0 ? (kind, counts[kind.rawValue]) : nil
    }
  }
}

/// The line beneath a plot that says which marks stand for no number, and how many there are.
struct NonFiniteLegend {
  /// What the marks are.
  enum Style {
    /// Cells of a map: hatched for NaN, with a triangle for ∞.
    case cells
    /// Signs at a plot's edges: a cross for NaN, triangles for ∞.
    case signs
  }

  private let places: [(kind: NonFinite, text: String, x: Double, row: Int)]
  private let style: Style
  private static let size = 11.0
  private static let rise = 18.0

  /// - Parameter width: what a row may take.
  init(_ counts: NonFiniteCounts, style: Style, width: Double) {
    var places: [(kind: NonFinite, text: String, x: Double, row: Int)] = []
    var x = 0.0
    var row = 0
    for (kind, count) in counts.entries {
      let text = "\(kind.name): \(NumberText.grouped(count))"
      let needed = 20 + TextMetrics.width(text, size: Self.size)
      if x > 0, x + needed > width {
        x = 0
        row += 1
      }
      places.append((kind, text, x, row))
      x += needed + 16
    }
    self.places = places
    self.style = style
  }

  /// What the legend takes; nothing where all numbers have a place.
  var height: Double { places.last.map { Double($0.row + 1) * Self.rise + 6 } ?? 0 }

  /// Draws the legend with its left edge and its upper end at a point.
  func draw(on canvas: inout SVGCanvas, x: Double, y: Double) {
    for place in places {
      let left = x + place.x
      let top = y + 6 + Double(place.row) * Self.rise
      switch style {
      case .cells:
        MapDrawing.drawMarks(
          [(0, 0, place.kind)], x: left, y: top, across: 13, down: 13, on: &canvas)
      case .signs:
        canvas.raw(
          "<path d=\"\(Self.sign(place.kind, x: left + 6.5, y: top + 6.5))\" class=\"k\""
            + " stroke-width=\"1.7\"/>")
      }
      canvas.text(place.text, x: left + 20, y: top + 10.5, size: Self.size, style: "m")
    }
  }

  /// The path of a sign about a point.
  static func sign(_ kind: NonFinite, x: Double, y: Double) -> String {
    switch kind {
    case .missing: "M\(SVGCanvas.number(x - 3)) \(SVGCanvas.number(y - 3))l6 6m0-6l-6 6"
    case .above: "M\(SVGCanvas.number(x - 4)) \(SVGCanvas.number(y + 3.5))l4-7l4 7z"
    case .below: "M\(SVGCanvas.number(x - 4)) \(SVGCanvas.number(y - 3.5))l4 7l4-7z"
    }
  }
}
