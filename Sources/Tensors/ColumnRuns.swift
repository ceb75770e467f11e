import CKernels

/// Columns of one of several matrices that go, next to each other, to a result.
public struct ColumnRun: Sendable, Equatable {
  /// Which of the matrices.
  public var source: Int
  /// Its first column.
  public var first: Int
  /// How many columns.
  public var count: Int

  /// Makes a run.
  public init(source: Int, first: Int, count: Int) {
    self.source = source
    self.first = first
    self.count = count
  }
}

/// The columns of several matrices of as many rows in the order of `runs`, `[rows, Σ count]`.
///
/// Precondition: the columns exist.
public func gatheringColumns(_ sources: [Tensor], _ runs: [ColumnRun]) -> Tensor {
  let sources = sources.map { $0.widened() }
  let rows = sources.first?.rowCount ?? 0
  check(runs, sources.map(\.shape), rows)
  let width = runs.reduce(0) { $0 + $1.count }
  let result = Tensor(uninitialized: [rows, width])
  withExtendedLifetime((sources, result)) {
    let starts = unsafe sources.map { unsafe $0.floatPointer }
    let widths = sources.map(\.rowLength)
    let target = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: rows, grain: rowGrain(width)) { range in
      for row in range {
        var place = unsafe target + row * width
        for run in runs {
          unsafe place.update(
            from: starts[run.source] + row * widths[run.source] + run.first, count: run.count)
          unsafe place += run.count
        }
      }
    }
  }
  return result
}

/// The derivative of `gatheringColumns` with respect to one of the matrices, `[rows, width]`: the columns that came from it, added
/// up where they came from in the order of `runs`.
///
/// Precondition: as above.
public func scatteringColumns(
  _ gradient: Tensor, _ runs: [ColumnRun], source: Int, width: Int
) -> Tensor {
  let gradient = gradient.widened()
  let (rows, gradientWidth) = (gradient.rowCount, gradient.rowLength)
  let result = Tensor(uninitialized: [rows, width], zeroed: true)
  let kernels = Compute.kernels
  withExtendedLifetime((gradient, result)) {
    let from = unsafe gradient.floatPointer
    let target = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: rows, grain: rowGrain(gradientWidth)) { range in
      for row in range {
        var place = unsafe from + row * gradientWidth
        for run in runs {
          if run.source == source {
            unsafe kernels.table.pointee.add(
              place, target + row * width + run.first, Int64(run.count))
          }
          unsafe place += run.count
        }
      }
    }
  }
  return result
}

private func check(_ runs: [ColumnRun], _ shapes: [[Int]], _ rows: Int) {
  precondition(
    shapes.allSatisfy { $0.count == 2 && $0[0] == rows }
      && runs.allSatisfy {
        shapes.indices.contains($0.source) && $0.first >= 0 && $0.count >= 0
          && $0.first + $0.count <= shapes[$0.source][1]
      }, "columns \(runs) of matrices of shapes \(shapes)")
}
