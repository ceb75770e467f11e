/// A table of numbers, row by row.
public struct Matrix: Sendable, Hashable {
  /// How many rows there are.
  public let rows: Int
  /// How many columns there are.
  public let columns: Int
  /// The numbers, `rows × columns` of them.
  public let values: [Float]

  /// Makes a matrix of numbers row by row; what is missing is NaN, what is left over is dropped.
  public init(rows: Int, columns: Int, values: [Float]) {
    self.rows = max(0, rows)
    self.columns = max(0, columns)
    let (count, overflow) = self.rows.multipliedReportingOverflow(by: self.columns)
    precondition(!overflow, "a matrix has fewer than 2^63 numbers")
    if values.count == count {
      self.values = values
    } else {
      self.values =
        Array(values.prefix(count))
        + Array(repeating: Float.nan, count: max(0, count - values.count))
    }
  }

  /// Makes a matrix of rows; short rows are filled up with NaN.
  public init(_ rows: [[Float]]) {
    let columns = rows.map(\.count).max() ?? 0
    var values: [Float] = []
    values.reserveCapacity(rows.count * columns)
    for row in rows {
      values += row
      values += Array(repeating: Float.nan, count: columns - row.count)
    }
    self.init(rows: rows.count, columns: columns, values: values)
  }

  /// The number in a row and column.
  public subscript(row: Int, column: Int) -> Float { values[row * columns + column] }
}

/// A map of numbers ready to be drawn: which cells are blank, and blocks of cells joined to one.
struct CellMap: Sendable {
  let matrix: Matrix
  /// How many rows and columns of the original one cell stands for.
  let block: Int
  /// Cells right of the diagonal that ends in the lower right corner are blank.
  let isCausal: Bool
  /// The original's size.
  let originalRows: Int
  let originalColumns: Int

  init(_ matrix: Matrix, isCausal: Bool) {
    self.matrix = matrix
    block = 1
    self.isCausal = isCausal
    originalRows = matrix.rows
    originalColumns = matrix.columns
  }

  private init(
    matrix: Matrix, block: Int, isCausal: Bool, originalRows: Int, originalColumns: Int
  ) {
    self.matrix = matrix
    self.block = block
    self.isCausal = isCausal
    self.originalRows = originalRows
    self.originalColumns = originalColumns
  }

  var rows: Int { matrix.rows }
  var columns: Int { matrix.columns }

  /// How many cells of a row, from the left, aren't blank.
  func visibleColumns(inRow row: Int) -> Int {
    guard isCausal else { return columns }
    let lastRow = min(row * block + block - 1, originalRows - 1)
    let lastColumn = lastRow + originalColumns - originalRows
    guard lastColumn >= 0 else { return 0 }
    return min(columns, lastColumn / block + 1)
  }

  /// The map with blocks of cells joined: each shows the number farthest from zero in its block, NaN only
  /// where there is no number in it.
  func pooled(by factor: Int) -> CellMap {
    guard factor > 1, rows > 0, columns > 0 else { return self }
    let outRows = (rows + factor - 1) / factor
    let outColumns = (columns + factor - 1) / factor
    var result = [Float](repeating: .nan, count: outRows * outColumns)
    for row in 0..<rows {
      let visible = visibleColumns(inRow: row)
      let start = row * columns
      let outStart = (row / factor) * outColumns
      for column in 0..<visible {
        let value = matrix.values[start + column]
        let place = outStart + column / factor
        let old = result[place]
        // A comparison with NaN is false, so the first number replaces it.
        if !(abs(old) >= abs(value)), !value.isNaN { result[place] = value }
      }
    }
    return CellMap(
      matrix: Matrix(rows: outRows, columns: outColumns, values: result), block: block * factor,
      isCausal: isCausal, originalRows: originalRows, originalColumns: originalColumns)
  }

  /// The map with at most so many cells a side.
  func limited(to side: Int) -> CellMap {
    pooled(by: (max(rows, columns) + side - 1) / side)
  }
}

/// The range of a map's numbers and its strongest cells.
struct CellSummary: Sendable {
  /// One cell with its place in the original.
  struct Cell: Sendable {
    let row: Int
    let column: Int
    let value: Float
  }

  private(set) var lowest = Float.infinity
  private(set) var highest = -Float.infinity
  /// How many numbers have no place on a scale.
  private(set) var nonFinite = NonFiniteCounts()
  /// A number that all but half a percent of the cells stay below; for maps without negative ones.
  private(set) var common = Float.infinity
  /// How many shown cells lie in each of a thousand steps up to the highest, finer near zero.
  private var counts: [Int] = []
  /// The cells farthest from zero, strongest first; equal ones in reading order.
  private(set) var strongest: [Cell] = []

  /// The distance from zero of the number farthest from it.
  var farthest: Float { isEmpty ? 0 : max(abs(lowest), abs(highest)) }

  /// Whether there is any number.
  var isEmpty: Bool { lowest > highest }

  /// Reads a map; what is common is counted in the map as it is shown, which may be pooled.
  init(_ map: CellMap, keeping limit: Int, shown: CellMap? = nil) {
    var threshold: Float = -1
    for row in 0..<map.rows {
      let start = row * map.columns
      for column in 0..<map.visibleColumns(inRow: row) {
        let value = map.matrix.values[start + column]
        guard value.isFinite else {
          nonFinite.count(value)
          continue
        }
        if value < lowest { lowest = value }
        if value > highest { highest = value }
        if abs(value) > threshold {
          insert(Cell(row: row, column: column, value: value), limit: limit)
          if strongest.count == limit { threshold = strongest.last.map { abs($0.value) } ?? -1 }
        }
      }
    }
    if lowest >= 0, highest > 0 { findCommon(shown ?? map) }
  }

  /// The range of several maps; their strongest cells aren't kept.
  init(joining summaries: [CellSummary]) {
    for summary in summaries {
      // Of an empty one the lowest is ∞ and the highest −∞.
      lowest = min(lowest, summary.lowest)
      highest = max(highest, summary.highest)
      nonFinite += summary.nonFinite
    }
    guard lowest >= 0, highest > 0 else { return }
    counts = [Int](repeating: 0, count: Self.steps)
    for summary in summaries {
      // Each step's middle on the scale of the highest of all.
      guard !summary.isEmpty else { continue }
      let share = (summary.highest / highest).squareRoot()
      for (step, count) in summary.counts.enumerated() where count > 0 {
        counts[min(Self.steps - 1, Int((Float(step) + 0.5) * share))] += count
      }
    }
    findCommon()
  }

  private static let steps = 1000

  /// Counts the cells in steps of the square root.
  private mutating func findCommon(_ map: CellMap) {
    let steps = Self.steps
    counts = [Int](repeating: 0, count: steps)
    let factor = Float(steps) / highest.squareRoot()
    for row in 0..<map.rows {
      let start = row * map.columns
      let visible = map.visibleColumns(inRow: row)
      // A row that can look at one place only says nothing: its share is all there is.
      if map.isCausal, visible == 1, map.rows > 1 { continue }
      for column in 0..<visible {
        let value = map.matrix.values[start + column]
        guard value.isFinite else { continue }
        counts[min(steps - 1, Int(value.squareRoot() * factor))] += 1
      }
    }
    findCommon()
  }

  private mutating func findCommon() {
    let total = counts.reduce(0, +)
    guard total > 0 else { return }
    var above = 0
    for step in stride(from: Self.steps - 1, through: 0, by: -1) {
      above += counts[step]
      if above * 200 > total {
        let share = Float(step + 1) / Float(Self.steps)
        common = highest * share * share
        return
      }
    }
  }

  private mutating func insert(_ cell: Cell, limit: Int) {
    var low = 0
    var high = strongest.count
    while low < high {
      let middle = (low + high) / 2
      if abs(strongest[middle].value) >= abs(cell.value) { low = middle + 1 } else { high = middle }
    }
    strongest.insert(cell, at: low)
    if strongest.count > limit { strongest.removeLast() }
  }
}

/// Numbers to colours: a range and a colour map.
struct ColorScale: Sendable {
  let low: Double
  let high: Double
  let map: ColorMap
  /// Whether the highest colour stands for all numbers above, too.
  let isCut: Bool

  /// A scale over a given range, or one that fits the numbers: from zero where none is negative,
  /// around zero for a diverging map.
  ///
  /// Where a few cells are far above all others (in causal attention the first token always looks at
  /// itself with weight one), the scale ends below them, and its bar says so.
  init(map: ColorMap, range: ClosedRange<Float>?, summary: CellSummary) {
    self.map = map
    var low = Double(range?.lowerBound ?? (summary.isEmpty ? 0 : min(0, summary.lowest)))
    var high = Double(range?.upperBound ?? (summary.isEmpty ? 1 : summary.highest))
    if range == nil, map.isDiverging {
      let far = max(abs(low), abs(high))
      low = -far
      high = far
    }
    var isCut = false
    if range == nil, !map.isDiverging, summary.lowest >= 0, high.isFinite,
      Double(summary.common) * 1.6 < high
    {
      high = Ticks.roundedUp(Double(summary.common))
      isCut = true
    }
    self.isCut = isCut
    if !low.isFinite || !high.isFinite || low >= high {
      low = low.isFinite ? low : 0
      high = low + 1
    }
    self.low = low
    self.high = high
  }

  /// Where a number lies, 0 lowest to 1 highest.
  func place(_ value: Float) -> Double {
    min(1, max(0, (Double(value) - low) / (high - low)))
  }

  /// A number as one of so many equal steps.
  func level(_ value: Float, of count: Int) -> Int {
    Int((place(value) * Double(count - 1)).rounded())
  }
}
