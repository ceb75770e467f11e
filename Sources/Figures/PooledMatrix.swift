/// What is left of a map of very many numbers, of which a page shows tiles: each tile's number farthest
/// from zero, and the map's range.
public struct PooledMatrix: Sendable {
  let map: CellMap
  let summary: CellSummary

  /// How many rows and columns a tile stands for.
  public var block: Int { map.block }
  /// The tiles' numbers; blank ones are NaN.
  public var values: Matrix { map.matrix }

  /// Pools a map that is one of several of its size, so that all of them fit a page.
  ///
  /// - Parameters:
  ///   - values: the numbers `[rows, columns]`.
  ///   - isCausal: whether a row sees only columns up to its own.
  ///   - count: how many maps there are.
  public init(_ values: Matrix, isCausal: Bool, count: Int) {
    let whole = CellMap(values, isCausal: isCausal)
    map = whole.pooled(
      by: MapBrowser.block(rows: values.rows, columns: values.columns, count: count))
    summary = CellSummary(whole, keeping: 1, shown: map)
  }
}
