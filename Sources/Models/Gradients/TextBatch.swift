import Tensors

/// Texts that lie one after the other in the rows of one way through the layers, none of which sees another.
struct TextBatch: Sendable {
  /// The rows of each text.
  let segments: [Range<Int>]
  /// The position of each row in its text.
  let positions: [Int32]
  /// The rows that are followed through the last layer, those of the first text first.
  let followed: [Int]
  /// The part of `followed` that belongs to each text.
  let parts: [Range<Int>]
  /// How many tokens each text has, of which those after the last that counts are left out.
  let lengths: [Int]

  /// Texts of so many tokens each, of which the given positions are followed to the end.
  init(_ texts: [(tokens: Int, rows: Range<Int>, whole: Int)]) {
    var (segments, parts): ([Range<Int>], [Range<Int>]) = ([], [])
    var positions: [Int32] = []
    var followed: [Int] = []
    for (tokens, rows, _) in texts {
      let start = positions.count
      segments.append(start..<start + tokens)
      parts.append(followed.count..<followed.count + rows.count)
      positions.append(contentsOf: (0..<tokens).map(Int32.init))
      followed.append(contentsOf: rows.map { start + $0 })
    }
    lengths = texts.map(\.whole)
    (self.segments, self.parts, self.positions, self.followed) =
      (segments, parts, positions, followed)
  }

  /// The rows that are followed, of all rows.
  func gathered(_ rows: Tensor) -> Tensor {
    followed.count == positions.count ? rows : rows.gatheringRows(followed)
  }

  /// The followed rows where they belong among all, with zeros in the others.
  func scattered(_ rows: Tensor) -> Tensor {
    if followed.count == positions.count { return rows }
    var result = Tensor(zeros: [positions.count, rows.rowLength])
    result.addWeightedRows(
      followed.map(Int32.init), rows, factors: [Float](repeating: 1, count: followed.count))
    return result
  }
}
