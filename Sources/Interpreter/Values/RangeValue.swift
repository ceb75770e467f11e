/// Whole numbers from a first one on in equal steps: `0..<6`, `0...5`, `range(10, 0, step: -2)`.
///
/// A range holds no numbers, so that a large one costs nothing.
public struct RangeValue: Sendable, Hashable {
  /// The first number, where there is any.
  public let first: Int
  /// How many numbers there are.
  public let count: Int
  /// The difference of one number to the next; never 0.
  public let step: Int

  /// Makes a range; a negative count is taken as 0.
  public init(first: Int, count: Int, step: Int = 1) {
    self.first = first
    self.count = Swift.max(count, 0)
    self.step = step
  }

  /// The numbers of a Swift range.
  public init(_ range: Range<Int>) { self.init(first: range.lowerBound, count: range.count) }

  /// The number at a place from 0 to `count - 1`.
  public subscript(index: Int) -> Int { first + index * step }

  /// The last number, or `nil` where there is none.
  public var last: Int? { count == 0 ? nil : self[count - 1] }

  /// Whether a number is one of the range's.
  public func contains(_ number: Int) -> Bool {
    let (distance, overflow) = number.subtractingReportingOverflow(first)
    guard !overflow, distance % step == 0 else { return false }
    return (0..<count).contains(distance / step)
  }

  /// The same numbers as a Swift range, where the step is 1.
  public var swiftRange: Range<Int>? { step == 1 ? first..<(first + count) : nil }
}
