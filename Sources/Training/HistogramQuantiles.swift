extension HistogramSummary {
  /// The shares that TensorBoard draws distributions by: the ends, the median, and one, one and a half and half a
  /// standard deviation of a normal distribution to both sides.
  public static let drawnShares = [
    0, 0.0668, 0.1587, 0.3085, 0.5, 0.6915, 0.8413, 0.9332, 1,
  ]

  /// The numbers below which given shares of all numbers lie, as if those of a bucket were evenly spread in it.
  ///
  /// The first bucket in use begins at the smallest number, the last ends at the largest: TensorBoard's way.
  ///
  /// - Parameter shares: each from 0 to 1.
  /// - Returns: as many numbers; NaN where the histogram counts nothing.
  public func quantiles(_ shares: [Double]) -> [Double] {
    let used = min(limits.count, counts.count)
    var sums: [Double] = []
    sums.reserveCapacity(used)
    var sum = 0.0
    for count in counts.prefix(used) {
      sum += count.isFinite ? max(0, count) : 0
      sums.append(sum)
    }
    guard sum > 0, minimum <= maximum else { return shares.map { _ in .nan } }
    return shares.map { share in
      let wanted = min(max(share, 0), 1) * sum
      guard let bucket = sums.firstIndex(where: { $0 > wanted }) else { return maximum }
      let below = bucket > 0 ? sums[bucket - 1] : 0
      let left = below > 0 ? max(limits[bucket - 1], minimum) : minimum
      let right = min(limits[bucket], maximum)
      return left + (wanted - below) / (sums[bucket] - below) * (right - left)
    }
  }
}
