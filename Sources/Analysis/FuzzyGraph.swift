import Glibc
import Tensors

/// How surely points are neighbours: UMAP's fuzzy graph (McInnes, Healy and Melville 2018, sections 2.2 and 3.1).
///
/// A point is sure of its nearest neighbour; how fast it becomes less sure of farther ones is such that its
/// certainties sum to log₂ k. A pair is as sure as that at least one of its ends is. As in umap-learn, a point is the
/// first of its own k neighbours.
struct FuzzyGraph: Sendable {
  /// Where each point's neighbours begin, with one more at the end.
  let starts: [Int]
  /// The neighbours, by their numbers.
  let others: [Int32]
  /// How sure each pair is, above 0 and at most 1; the same from both ends.
  let weights: [Float]

  /// Makes the graph.
  ///
  /// - Parameter near: the nearest others of each point, nearest first, all lists of one length.
  init(near: [[Neighbors.Near]]) {
    let count = near.count
    let size = (near.first?.count ?? 0) + 1
    let distances = near.map { $0.map { $0.squaredDistance.squareRoot() } }
    let all = distances.reduce(0) { $0 + $1.reduce(0, +) } / Double(max(1, count * size))
    var rows = [[(other: Int32, there: Double, back: Double)]](repeating: [], count: count)
    for point in 0..<count {
      let sure = Self.certainties(distances[point], size: size, meanOfAll: all)
      for (neighbor, certainty) in zip(near[point], sure) where certainty > 0 {
        rows[point].append((Int32(neighbor.point), certainty, 0))
        rows[neighbor.point].append((Int32(point), 0, certainty))
      }
    }
    var starts = [0]
    var others: [Int32] = []
    var weights: [Float] = []
    for row in rows {
      let sorted = row.sorted { ($0.other, $0.back) < ($1.other, $1.back) }
      var index = 0
      while index < sorted.count {
        var (there, back) = (sorted[index].there, sorted[index].back)
        let other = sorted[index].other
        if index + 1 < sorted.count, sorted[index + 1].other == other {
          index += 1
          there += sorted[index].there
          back += sorted[index].back
        }
        others.append(other)
        weights.append(Float(there + back - there * back))
        index += 1
      }
      starts.append(others.count)
    }
    self.starts = starts
    self.others = others
    self.weights = weights
  }

  /// How sure a point is of its neighbours at these distances.
  private static func certainties(
    _ distances: [Double], size: Int, meanOfAll: Double
  ) -> [Double] {
    let nearest = distances.first { $0 > 0 } ?? 0
    let wanted = log2(Double(size))
    var (scale, low, high) = (1.0, 0.0, Double.infinity)
    for _ in 0..<64 {
      let sum = distances.reduce(0) { $0 + ($1 > nearest ? exp(-($1 - nearest) / scale) : 1) }
      if abs(sum - wanted) < 1e-5 { break }
      if sum > wanted {
        high = scale
        scale = (low + high) / 2
      } else {
        low = scale
        scale = high.isInfinite ? scale * 2 : (low + high) / 2
      }
    }
    // Not so narrow that only one neighbour is left.
    let mean = nearest > 0 ? distances.reduce(0, +) / Double(size) : meanOfAll
    scale = max(scale, 1e-3 * mean)
    return distances.map { $0 <= nearest || scale == 0 ? 1 : exp(-($0 - nearest) / scale) }
  }

  /// Whether a path leads from each point to every other.
  var isConnected: Bool {
    let count = starts.count - 1
    guard count > 0 else { return true }
    var seen = [Bool](repeating: false, count: count)
    var waiting = [0]
    var reached = 1
    seen[0] = true
    while let point = waiting.popLast() {
      for pair in starts[point]..<starts[point + 1] where !seen[Int(others[pair])] {
        seen[Int(others[pair])] = true
        reached += 1
        waiting.append(Int(others[pair]))
      }
    }
    return reached == count
  }
}
