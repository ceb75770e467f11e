import CKernels

extension Tensor {
  /// Adds row i of `source`, times `factors[i]`, to the row `rows[i]`: an expert's outputs to the tokens that chose it.
  ///
  /// Precondition: `float32`, rows of the same length, none named twice.
  public mutating func addWeightedRows(_ rows: [Int32], _ source: Tensor, factors: [Float]) {
    let width = rowLength
    precondition(
      source.rowCount == rows.count && factors.count == rows.count && source.rowLength == width
        && rows.allSatisfy { $0 >= 0 && $0 < rowCount },
      "\(rows.count) weighted rows of \(source.shape) for \(shape)")
    let source = source.widened()
    let kernels = Compute.kernels
    unsafe withMutableFloats { target in
      withExtendedLifetime(source.storage) {
        let from = unsafe source.floatPointer
        Compute.pool.divide(count: rows.count, grain: rowGrain(width)) { range in
          for index in range {
            unsafe [factors[index]].withUnsafeBufferPointer { factor in
              guard let start = factor.baseAddress else { return }
              unsafe kernels.table.pointee.weighted_sum(
                start, from + index * width, Int64(width), 1, Int64(width),
                target + Int(rows[index]) * width)
            }
          }
        }
      }
    }
  }

  /// The rows `rows`, times their factors: what reaches an expert's outputs from the gradient of their weighted sum.
  ///
  /// Precondition: every row exists.
  public func gatheringWeightedRows(_ rows: [Int32], factors: [Float]) -> Tensor {
    var result = Tensor(zeros: [rows.count, rowLength])
    let gathered = gatheringRows(rows.map { Int($0) })
    result.addWeightedRows(Array(0..<Int32(rows.count)), gathered, factors: factors)
    return result
  }

  /// The products of the rows `rows` with those of `other`, one number for each: `Σ self[rows[i]] · other[i]`.
  ///
  /// Precondition: the shapes fit.
  public func rowProducts(_ rows: [Int32], _ other: Tensor) -> [Float] {
    let width = rowLength
    precondition(
      other.rowCount == rows.count && other.rowLength == width
        && rows.allSatisfy { $0 >= 0 && $0 < rowCount },
      "products of \(rows.count) rows of \(shape) with \(other.shape)")
    let (left, right) = (widened(), other.widened())
    let kernels = Compute.kernels
    var result = [Float](repeating: 0, count: rows.count)
    unsafe result.withUnsafeMutableBufferPointer { result in
      withExtendedLifetime((left.storage, right.storage)) {
        let (first, second) = unsafe (left.floatPointer, right.floatPointer)
        Compute.pool.divide(count: rows.count, grain: rowGrain(width)) { range in
          for index in range {
            unsafe result[index] = unsafe kernels.table.pointee.dot(
              first + Int(rows[index]) * width, second + index * width, Int64(width))
          }
        }
      }
    }
    return result
  }
}
