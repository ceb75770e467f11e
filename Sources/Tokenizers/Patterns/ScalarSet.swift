/// A set of Unicode scalars, as a character class describes it.
struct ScalarSet: Sendable, Equatable {
  /// Bit p: scalars whose packed properties are p belong to the set.
  private var properties: (low: UInt64, high: UInt64) = (0, 0)
  private var ranges: [ClosedRange<UInt32>] = []
  private var isNegated = false
  /// The answers for ASCII, once the set is complete.
  private var ascii: (low: UInt64, high: UInt64) = (0, 0)

  static func == (left: ScalarSet, right: ScalarSet) -> Bool {
    left.properties == right.properties && left.ranges == right.ranges
      && left.isNegated == right.isNegated
  }

  /// An empty set.
  init() {}

  /// A set of one scalar.
  init(_ scalar: UInt32) {
    insert(scalar...scalar)
    complete()
  }

  mutating func insert(_ range: ClosedRange<UInt32>) { ranges.append(range) }

  /// Adds all scalars whose packed properties fulfil a condition.
  mutating func insert(where condition: (UInt8) -> Bool) {
    for packed in 0..<128 as Range<UInt8> where condition(packed) {
      if packed < 64 {
        properties.low |= 1 << UInt64(packed)
      } else {
        properties.high |= 1 << UInt64(packed - 64)
      }
    }
  }

  mutating func negate() { isNegated.toggle() }

  /// Sorts and joins the ranges and prepares the answers for ASCII.
  mutating func complete() {
    ranges.sort { $0.lowerBound < $1.lowerBound }
    var joined: [ClosedRange<UInt32>] = []
    for range in ranges {
      if let last = joined.last, range.lowerBound <= last.upperBound &+ 1 {
        joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        joined.append(range)
      }
    }
    ranges = joined
    ascii = (0, 0)
    for scalar in 0..<128 as Range<UInt32> where search(scalar) {
      if scalar < 64 {
        ascii.low |= 1 << UInt64(scalar)
      } else {
        ascii.high |= 1 << UInt64(scalar - 64)
      }
    }
  }

  /// Whether a scalar belongs to the completed set.
  @inline(__always)
  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return ascii.low &>> UInt64(scalar) & 1 == 1 }
    if scalar < 128 { return ascii.high &>> UInt64(scalar &- 64) & 1 == 1 }
    return search(scalar)
  }

  /// Whether any scalar outside ASCII may belong to the set.
  var mayContainBeyondASCII: Bool {
    isNegated || properties != (0, 0) || ranges.contains { $0.upperBound > 127 }
  }

  private func search(_ scalar: UInt32) -> Bool {
    if properties != (0, 0) {
      let packed = ScalarProperties.of(scalar)
      let word = packed < 64 ? properties.low : properties.high
      if word &>> UInt64(packed & 63) & 1 == 1 { return !isNegated }
    }
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
    }
    let isListed = low < ranges.count && ranges[low].lowerBound <= scalar
    return isListed != isNegated
  }
}
