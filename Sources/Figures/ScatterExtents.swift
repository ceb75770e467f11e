/// The extents of a scatter plot's axes, with some air, and the box that they span.
///
/// Where a few points lie so far out that they would press all others into a corner, the axes end before
/// them, and they stand at the edge.
struct ScatterExtents: Sendable {
  /// The lowest and the highest number of each axis.
  let ranges: [(low: Double, high: Double)]
  /// Half of the longest axis.
  let half: Double
  /// The numbers of each axis between which points stand in their true places.
  let inner: [(low: Double, high: Double)]
  /// The points that lie beyond an axis.
  let beyond: Set<Int>

  /// So few points are all shown in their places.
  private static let fewest = 40

  init(_ places: [[Double]]) {
    let inner = places.map(Self.inner)
    self.inner = inner
    ranges = inner.map { low, high in
      guard low <= high else { return (0, 1) }
      let air = high > low ? (high - low) * 0.06 : max(abs(low) * 0.1, 0.5)
      let from = low - air
      let to = high + air
      return from.isFinite && to.isFinite && from < to ? (from, to) : (-1, 1)
    }
    half = max(.leastNormalMagnitude, ranges.map { ($0.high / 2 - $0.low / 2) }.max() ?? 1)
    var beyond: Set<Int> = []
    for (values, range) in zip(places, inner) {
      for index in values.indices where values[index] < range.low || values[index] > range.high {
        beyond.insert(index)
      }
    }
    self.beyond = beyond
  }

  /// What an axis shows: all its numbers, or the nine tenths in the middle and three quarters of their range on either side.
  ///
  /// The latter where those tenths would have less than two ninths of the axis. They then reach to four standard
  /// deviations of a normal distribution; neither normal nor exponential tails of 20,000 points are cut.
  private static func inner(_ values: [Double]) -> (low: Double, high: Double) {
    guard let low = values.min(), let high = values.max() else { return (1, 0) }
    guard values.count >= fewest else { return (low, high) }
    let sorted = values.sorted()
    let edge = values.count / 20
    let (from, to) = (sorted[edge], sorted[values.count - 1 - edge])
    let margin = (to - from) * 0.75
    let (least, most) = (max(low, from - margin), min(high, to + margin))
    return to > from && (high - low) / (to - from) > 4.5 ? (least, most) : (low, high)
  }

  /// Half the length of an axis where the longest is 1.
  func side(_ axis: Int) -> Double { (ranges[axis].high / 2 - ranges[axis].low / 2) / half }

  /// A number of an axis in the box from -1 to 1.
  func place(_ value: Double, _ axis: Int) -> Double {
    (value - (ranges[axis].low / 2 + ranges[axis].high / 2)) / half
  }

  /// A number, or the one nearest to it that an axis shows.
  func shown(_ value: Double, _ axis: Int) -> Double {
    guard !beyond.isEmpty else { return value }
    let (range, inner) = (ranges[axis], inner[axis])
    // Within the air, so that the mark is at the edge and still whole.
    return min(max(value, (range.low + inner.low) / 2), (range.high + inner.high) / 2)
  }
}
