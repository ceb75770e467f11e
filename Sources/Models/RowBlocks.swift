import Tensors

/// Computes a result of many rows a block of rows at a time.
///
/// A long text's intermediate results then take the memory of one block, and a run looks at its
/// cancellation between blocks. Every row is computed from its own inputs alone, so the blocks don't
/// show in the numbers.
enum RowBlocks {
  /// How many rows a block has: those that a matrix product packs at a time.
  static let rowCount = 480

  /// Calls `body` for each block of `rows` rows and puts its tensors' rows together.
  ///
  /// - Parameters:
  ///   - rows: how many rows there are.
  ///   - rowsPerBlock: the most rows of one block.
  ///   - cancellation: checked before each block.
  ///   - body: gives one tensor or several for a block, each with as many rows as the block.
  /// - Returns: as many tensors as `body` gives, each with `rows` rows.
  static func map(
    _ rows: Int, rowsPerBlock: Int = rowCount, cancellation: Cancellation?,
    _ body: (Range<Int>) throws -> [Tensor]
  ) throws -> [Tensor] {
    if rows <= rowsPerBlock {
      try cancellation?.check()
      return try body(0..<rows)
    }
    // Blocks of nearly one size, so that none is so small that its products take another path.
    let blockCount = (rows + rowsPerBlock - 1) / rowsPerBlock
    var results: [Tensor] = []
    for block in 0..<blockCount {
      try cancellation?.check()
      let start = block * rows / blockCount
      let parts = try body(start..<(block + 1) * rows / blockCount)
      for (index, part) in parts.enumerated() {
        if start == 0 { results.append(Tensor(zeros: [rows] + part.shape.dropFirst())) }
        try results[index].replaceRows(
          startingAt: start, with: part, cancellation: cancellation)
      }
    }
    return results
  }

  /// Calls `body` for each block of `rows` rows and puts its rows together.
  static func map(
    _ rows: Int, rowsPerBlock: Int = rowCount, cancellation: Cancellation?,
    _ body: (Range<Int>) throws -> Tensor
  ) throws -> Tensor {
    let results = try map(rows, rowsPerBlock: rowsPerBlock, cancellation: cancellation) { range in
      [try body(range)]
    }
    return results[0]
  }
}
