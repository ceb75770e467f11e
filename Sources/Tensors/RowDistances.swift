import CKernels

/// Distances between rows of a matrix, many at once.
public struct RowDistances: Sendable {
  private let matrix: Tensor
  private let squares: [Float]

  /// Takes a matrix `[rows, columns]` of `float32`.
  public init(_ matrix: Tensor) {
    precondition(matrix.rank == 2 && matrix.elementType == .float32, "rows of \(matrix.shape)")
    let matrix = matrix.widened()
    let width = matrix.shape[1]
    let kernels = Compute.kernels
    self.matrix = matrix
    squares = withExtendedLifetime(matrix) {
      (0..<matrix.shape[0]).map { row in
        let start = unsafe matrix.floatPointer + row * width
        return unsafe kernels.table.pointee.dot(start, start, Int64(width))
      }
    }
  }

  /// The squared Euclidean distances of a row to others, in single precision.
  public func squared(from row: Int, to others: [Int32]) -> [Float] {
    let (count, width) = (matrix.shape[0], matrix.shape[1])
    precondition(0 <= row && row < count, "row \(row) of \(count)")
    let kernels = Compute.kernels
    return withExtendedLifetime(matrix) {
      let base = unsafe matrix.floatPointer
      return others.map { other in
        precondition(0 <= other && other < count, "row \(other) of \(count)")
        let product = unsafe kernels.table.pointee.dot(
          base + row * width, base + Int(other) * width, Int64(width))
        return max(0, squares[row] + squares[Int(other)] - 2 * product)
      }
    }
  }
}
