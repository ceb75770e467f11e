/// Finds the name that was probably meant.
public enum Suggestions {
  /// The candidate that is nearest to a name, or `nil` where none is near.
  ///
  /// Nearness is the number of letters to add, drop, change or swap with their neighbour (optimal
  /// string alignment), where case and `_` don't count; up to one letter in three may differ. A
  /// candidate that the name begins counts as near as well. Of equally near candidates the first wins.
  public static func nearest(_ name: String, in candidates: some Sequence<String>) -> String? {
    let wanted = folded(name)
    guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
    let limit = 2 * threshold(wanted)
    var best: (candidate: String, cost: Int)?
    for candidate in candidates {
      let other = folded(candidate)
      guard !other.isEmpty, other.count <= 128 else { continue }
      var cost = Int.max
      if candidate == name {
        cost = 0
      } else if other == wanted {
        cost = 1
      } else {
        if abs(other.count - wanted.count) * 2 <= limit {
          let letters = distance(wanted, other)
          if letters * 2 <= limit, letters < max(wanted.count, other.count) { cost = 2 * letters }
        }
        // A beginning is a weaker sign than one wrong letter and a stronger one than two.
        if wanted.count >= minimalPrefix(wanted), other.starts(with: wanted) {
          cost = min(cost, 3)
        }
      }
      if cost < best?.cost ?? Int.max { best = (candidate, cost) }
    }
    return best?.candidate
  }

  private static func folded(_ name: String) -> [Unicode.Scalar] {
    name.lowercased().unicodeScalars.filter { $0 != "_" && $0 != "-" && $0 != " " }
  }

  private static func threshold(_ name: [Unicode.Scalar]) -> Int {
    // Two Chinese characters say as much as a whole word of letters.
    if name.contains(where: { !$0.isASCII }) { return max(1, name.count / 3) }
    return name.count < 3 ? 0 : max(1, name.count / 3)
  }

  private static func minimalPrefix(_ name: [Unicode.Scalar]) -> Int {
    name.contains { !$0.isASCII } ? 1 : 3
  }

  /// The number of letters to add, drop, change or swap.
  static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in 0..<left.count {
      var current = [row + 1]
      current.reserveCapacity(right.count + 1)
      for column in 0..<right.count {
        let change = left[row] == right[column] ? 0 : 1
        var cost = min(last[column] + change, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          cost = min(cost, beforeLast[column - 1] + 1)
        }
        current.append(cost)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
