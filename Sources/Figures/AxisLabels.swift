/// Which labels of an axis are shown and how, so that none runs into its neighbour.
struct AxisLabels: Sendable {
  /// One label that is shown.
  struct Item: Sendable {
    let index: Int
    /// The position, shown before the text where labels are left out; else empty.
    let number: String
    let text: String
    let width: Double
  }

  /// Every how manyth label is shown.
  let stride: Int
  /// 0 for upright labels, -45 slanted, -90 standing.
  let angle: Double
  let fontSize: Double
  let items: [Item]
  /// How far the labels reach away from the plot.
  let depth: Double
  /// How far slanted labels reach to the left of the plot's left edge.
  let overhang: Double

  /// Labels left of the rows, at a distance of `step` pixels.
  static func rows(_ labels: [String], step: Double, maximum: Double = 130) -> AxisLabels {
    let size = fontSize(step: step)
    let stride = niceStride(Int((size * TextMetrics.lineHeight / step).rounded(.up)))
    let items = items(labels, stride: stride, size: size, maximum: maximum)
    return AxisLabels(
      stride: stride, angle: 0, fontSize: size, items: items,
      depth: items.map(\.width).max() ?? 0, overhang: 0)
  }

  /// Labels beneath the columns: upright where all fit, slanted where there is room, else standing.
  static func columns(_ labels: [String], step: Double, maximum: Double = 120) -> AxisLabels {
    let size = fontSize(step: step)
    let line = size * TextMetrics.lineHeight
    let upright = items(labels, stride: 1, size: size, maximum: maximum)
    if upright.allSatisfy({ $0.width <= step - 5 }) {
      return AxisLabels(
        stride: 1, angle: 0, fontSize: size, items: upright, depth: line, overhang: 0)
    }
    let slope = 0.7072
    if step * slope >= line {
      let depth = upright.map { ($0.width + size) * slope }.max() ?? 0
      let overhang = upright.map { item in
        (item.width + size) * slope - (Double(item.index) + 0.5) * step
      }
      return AxisLabels(
        stride: 1, angle: -45, fontSize: size, items: upright, depth: depth,
        overhang: max(0, overhang.max() ?? 0))
    }
    let stride = niceStride(Int((line / step).rounded(.up)))
    let standing = items(labels, stride: stride, size: size, maximum: maximum)
    return AxisLabels(
      stride: stride, angle: -90, fontSize: size, items: standing,
      depth: standing.map(\.width).max() ?? 0, overhang: 0)
  }

  private static func fontSize(step: Double) -> Double {
    step >= 18 ? 11.5 : step >= 13 ? 10.5 : 10
  }

  private static func items(
    _ labels: [String], stride: Int, size: Double, maximum: Double
  ) -> [Item] {
    Swift.stride(from: 0, to: labels.count, by: stride).map { index in
      let number = stride > 1 ? "\(index)" : ""
      let lead = stride > 1 ? TextMetrics.width(number + " ", size: size) : 0
      let text = TextMetrics.fitted(labels[index], size: size, maximum: maximum - lead)
      return Item(
        index: index, number: number, text: text,
        width: lead + TextMetrics.width(text, size: size))
    }
  }

  /// The smallest round count that is at least a number.
  static func niceStride(_ least: Int) -> Int {
    if least <= 5 { return max(1, least) }
    var power = 10
    while power < 1_000_000_000 {
      for factor in [1, 2, 5] where power * factor >= least { return power * factor }
      power *= 10
    }
    return least
  }
}
