/// One line of a chart: numbers over steps or time.
public struct LineSeries: Sendable, Hashable {
  /// What it is, such as a run's name.
  public let name: String
  /// The places along the horizontal axis, ascending.
  public let xs: [Double]
  /// The numbers; those that aren't finite are gaps with a mark.
  public let ys: [Double]

  /// Makes a line; points without a finite place are left out, the others put in order.
  ///
  /// Where the counts of `xs` and `ys` differ, the longer one's rest is left out.
  public init(name: String, xs: [Double], ys: [Double]) {
    self.name = name
    let count = min(xs.count, ys.count)
    var isInOrder = true
    for index in 0..<count where !xs[index].isFinite || index > 0 && xs[index] < xs[index - 1] {
      isInOrder = false
      break
    }
    if isInOrder {
      self.xs = Array(xs.prefix(count))
      self.ys = Array(ys.prefix(count))
    } else {
      let order = (0..<count).filter { xs[$0].isFinite }.sorted {
        xs[$0] < xs[$1] || xs[$0] == xs[$1] && $0 < $1
      }
      self.xs = order.map { xs[$0] }
      self.ys = order.map { ys[$0] }
    }
  }

  /// The exponential moving average of the numbers, corrected for its start at zero, as
  /// TensorBoard smooths: aₙ = w·aₙ₋₁ + (1 − w)·yₙ, divided by 1 − wⁿ.
  ///
  /// Numbers that aren't finite stay as they are and don't count.
  ///
  /// - Parameter weight: w, from 0 (nothing is smoothed) to below 1.
  public func smoothed(_ weight: Double) -> [Double] {
    guard weight > 0, weight < 1 else { return ys }
    var average = 0.0
    var correction = 1.0
    return ys.map { y in
      guard y.isFinite else { return y }
      average = weight * average + (1 - weight) * y
      correction *= weight
      return average / (1 - correction)
    }
  }
}

/// Chooses the points of a long line that its picture needs.
enum LineSampling {
  /// The places of the points to keep: in each of many equal stretches of the horizontal axis the
  /// first, the lowest, the highest and the last, and every point that isn't finite.
  ///
  /// At one stretch per pixel column the drawn line is the whole line's to the pixel (M4, Jugel et
  /// al. 2014).
  static func kept(_ xs: [Double], _ ys: [Double], stretches: Int) -> [Int] {
    guard xs.count > 4 * stretches, stretches > 0, let from = xs.first, let to = xs.last, to > from,
      (to - from).isFinite
    else { return Array(xs.indices) }
    var kept: [Int] = []
    var start = 0
    while start < xs.count {
      let stretch = Self.stretch(xs[start], from, to, stretches)
      var end = start
      var low: Int?
      var high: Int?
      var breaks: [Int] = []
      while end < xs.count, Self.stretch(xs[end], from, to, stretches) == stretch {
        if ys[end].isFinite {
          if low.map({ ys[end] < ys[$0] }) ?? true { low = end }
          if high.map({ ys[end] > ys[$0] }) ?? true { high = end }
        } else if breaks.count < 4 {
          breaks.append(end)
        }
        end += 1
      }
      let chosen = [start, low, high, end - 1].compactMap { $0 } + breaks
      var last = -1
      for index in chosen.sorted() where index != last {
        kept.append(index)
        last = index
      }
      start = end
    }
    return kept
  }

  private static func stretch(_ x: Double, _ from: Double, _ to: Double, _ count: Int) -> Int {
    min(count - 1, Int((x - from) / (to - from) * Double(count)))
  }
}
