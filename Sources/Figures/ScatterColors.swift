/// Which colour each point of a scatter plot has, and what its legend says.
struct ScatterColors {
  /// One colour of the legend.
  struct Category: Sendable {
    let name: String
    let color: String
  }

  /// Twelve colours to tell groups apart on light and dark pages: Okabe and Ito's (2008), yellow darkened for white
  /// pages, then darker ones further along the circle.
  private static let palette = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#b5a800", "#8f5fc7",
    "#a8623d", "#d1405a", "#3aa6a0", "#6d8b1f",
  ]
  private static let grey = "#8a929c"

  /// The legend; empty without groups.
  let categories: [Category]
  /// Each point's place in the legend; `nil` for points without a group.
  let members: [Int?]
  /// The names of all groups, in the order in which they first occur.
  let names: [String]
  /// Each point's place among the names.
  let nameIndices: [Int?]
  /// The colours of numbers; `nil` where groups or nothing decide.
  let scale: ValueScale?

  /// Numbers to colours.
  struct ValueScale {
    let low: Double
    let high: Double
    let map: ColorMap

    func color(_ value: Double?) -> String {
      guard let value, value.isFinite else { return ScatterColors.grey }
      return "#" + map.color(at: (value - low) / (high - low)).hexadecimal
    }
  }

  init(_ points: [ScatterPlot.Point]) {
    var names: [String] = []
    // Names are told apart by their bytes, not by canonical equivalence.
    var known: [[UInt8]: Int] = [:]
    var counts: [Int] = []
    nameIndices = points.map { point in
      guard let name = point.group else { return nil }
      if let place = known[Array(name.utf8)] {
        counts[place] += 1
        return place
      }
      known[Array(name.utf8)] = names.count
      names.append(name)
      counts.append(1)
      return names.count - 1
    }
    self.names = names
    let limit = Self.palette.count
    if names.count <= limit {
      categories = names.enumerated().map {
        Category(name: VisibleText.line($1), color: Self.palette[$0])
      }
      members = nameIndices
    } else {
      // Colours that come back would lie: the largest groups have one, the rest are grey together.
      let kept = counts.indices.sorted { (-counts[$0], $0) < (-counts[$1], $1) }
        .prefix(limit - 1).sorted()
      var places: [Int: Int] = [:]
      for (place, name) in kept.enumerated() { places[name] = place }
      categories =
        kept.enumerated().map {
          Category(name: VisibleText.line(names[$1]), color: Self.palette[$0])
        } + [Category(name: "\(names.count - kept.count) others", color: Self.grey)]
      members = nameIndices.map { index in index.map { places[$0] ?? kept.count } }
    }
    let values = points.compactMap(\.value).filter(\.isFinite)
    if names.isEmpty, let low = values.min(), let high = values.max() {
      let isSigned = low < 0 && high > 0
      let far = max(-low, high)
      scale = ValueScale(
        low: isSigned ? -far : low, high: isSigned ? far : high > low ? high : low + 1,
        map: isSigned ? .signed : .viridis)
    } else {
      scale = nil
    }
  }

  /// The colour of a point; `nil` for the accent of the page.
  func color(_ index: Int, of points: [ScatterPlot.Point]) -> String? {
    if let scale { return scale.color(points[index].value) }
    if names.isEmpty { return nil }
    return members[index].map { categories[$0].color } ?? Self.grey
  }

  /// The radius of each mark in pixels: its area is in proportion to its size, or alike for all.
  static func radii(_ points: [ScatterPlot.Point]) -> [Double] {
    let count = points.count
    let plain = count <= 200 ? 4 : count <= 1000 ? 3 : count <= 5000 ? 2 : 1.4
    let largest = points.compactMap(\.size).filter(\.isFinite).max() ?? 0
    guard largest > 0 else { return points.map { _ in plain } }
    return points.map { point in
      guard let size = point.size, size.isFinite else { return 1.5 }
      return max(1.5, 10 * (max(0, size) / largest).squareRoot())
    }
  }
}
