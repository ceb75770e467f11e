import CKernels

extension Tensor {
  /// Its rows with their mean taken away, the mean, and the sum of the squares of what is left.
  ///
  /// Sums are in double precision, and of a fixed number of rows at a time. Precondition: `[rows, columns]`.
  public func centeringRows(
    pool: ThreadPool
  ) -> (rows: Tensor, mean: [Double], sumOfSquares: Double) {
    precondition(rank == 2, "rows of \(shape)")
    let source = widened()
    let (count, width) = (shape[0], shape[1])
    let part = 128
    let parts = (count + part - 1) / part
    let result = Tensor(uninitialized: shape)
    var sums = [Double](repeating: 0, count: parts * width)
    var squares = [Double](repeating: 0, count: max(1, count))
    var mean = [Double](repeating: 0, count: width)
    guard count > 0, width > 0 else { return (result, mean, 0) }
    let kernels = Compute.kernels
    withExtendedLifetime((source, result)) {
      let (input, output) = unsafe (source.floatPointer, result.mutableFloatPointer)
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        guard let sums = sums.baseAddress else { return }
        pool.divide(count: parts) { range in
          for index in range {
            let target = unsafe sums + index * width
            for row in index * part..<min(count, (index + 1) * part) {
              let line = unsafe input + row * width
              for column in 0..<width { unsafe target[column] += Double(line[column]) }
            }
          }
        }
      }
      for index in 0..<parts {
        for column in 0..<width { mean[column] += sums[index * width + column] }
      }
      for column in 0..<width { mean[column] /= Double(count) }
      unsafe mean.withUnsafeBufferPointer { mean in
        unsafe squares.withUnsafeMutableBufferPointer { squares in
          guard let mean = mean.baseAddress, let squares = squares.baseAddress else { return }
          pool.divide(count: count, grain: 32) { range in
            for row in range {
              let (line, target) = unsafe (input + row * width, output + row * width)
              for column in 0..<width {
                unsafe target[column] = Float(Double(line[column]) - mean[column])
              }
              unsafe squares[row] = Double(
                kernels.table.pointee.dot(target, target, Int64(width)))
            }
          }
        }
      }
    }
    return (result, mean, squares.reduce(0, +))
  }
}
