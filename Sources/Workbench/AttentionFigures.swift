import Figures
import Tensors
import Tokenizers

/// What the pictures of attention share.
enum AttentionFigures {
  /// The positions that a picture shows: all, or those that aren't the model's own marks.
  static func shownPositions(_ tokens: [Token], special: Bool) -> [Int] {
    let own = tokens.indices.filter { special || !TokenLabels.isMark(tokens[$0]) }
    return own.isEmpty ? Array(tokens.indices) : own
  }

  /// The weights of the shown positions.
  static func matrix(_ weights: Tensor, positions: [Int]) -> Matrix {
    let columns = weights.shape[1]
    let values = weights.floats
    if positions.count == weights.shape[0] {
      return Matrix(rows: positions.count, columns: columns, values: values)
    }
    return Matrix(
      rows: positions.count, columns: positions.count,
      values: positions.flatMap { row in positions.map { values[row * columns + $0] } })
  }
}
