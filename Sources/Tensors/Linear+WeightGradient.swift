import CKernels

/// The derivative of `linear` with respect to its weight, `dW = dYᵀ X`, `[out, in]`, from the gradient dY
/// `[rows, out]` and the input X `[rows, in]`.
///
/// Written over `sum`, or added to it where `isAdded`; each element is one chain of sums in the order of the rows.
/// Precondition: the shapes fit and `sum` is `float32`. Throws `Cancelled`; part of `sum` is then written.
public func addLinearWeightGradient(
  _ gradient: Tensor, input x: Tensor, to sum: inout Tensor, isAdded: Bool = true,
  cancellation: Cancellation? = nil
) throws(Cancelled) {
  let (outs, depth) = (gradient.rowLength, x.rowLength)
  precondition(
    gradient.rowCount == x.rowCount && sum.shape == [outs, depth],
    "the gradient of a weight \(sum.shape) from \(gradient.shape) and \(x.shape)")
  try cancellation?.check()
  let gradient = gradient.widened()
  let x = x.widened()
  guard sum.count > 0 else { return }
  let outcome = unsafe sum.withMutableFloats { target -> Result<Void, Cancelled> in
    let product = unsafe PanelProduct(
      kernels: Compute.kernels, x: gradient.floatPointer, xStride: outs, rows: outs,
      source: .plain(x.floatPointer, stride: depth), columns: depth, depth: x.rowCount, c: target,
      cStride: depth, bias: nil, isBFloat16: false, isAdded: isAdded, isTransposed: true)
    do throws(Cancelled) {
      unsafe try product.run(pool: Compute.pool, cancellation: cancellation)
      return .success(())
    } catch { return .failure(error) }
  }
  withExtendedLifetime((gradient.storage, x.storage)) {}
  try outcome.get()
}

/// Adds up the rows of `[rows, width]`, for a bias; into `sum` `[width]`, in the order of the rows.
///
/// Precondition: the shapes fit and `sum` is `float32`.
public func addRowSum(_ gradient: Tensor, to sum: inout Tensor) {
  let width = gradient.rowLength
  precondition(sum.count == width, "the sum of rows \(gradient.shape) in \(sum.shape)")
  let gradient = gradient.widened()
  let rows = gradient.rowCount
  let kernels = Compute.kernels
  unsafe sum.withMutableFloats { target in
    withExtendedLifetime(gradient.storage) {
      let source = unsafe gradient.floatPointer
      Compute.pool.divide(count: width, grain: columnGrain) { range in
        for row in 0..<rows {
          unsafe kernels.table.pointee.add(
            source + row * width + range.lowerBound, target + range.lowerBound, Int64(range.count))
        }
      }
    }
  }
}

/// Columns that one thread takes where rows are added up.
private let columnGrain = 64

extension Tensor {
  /// Adds row i of `source` to the row `ids[i]`, in the order of i: the derivative of `gatheringRows`.
  ///
  /// Precondition: `float32`, rows of the same length, and every id is a row.
  public mutating func addRows(_ ids: [Int32], _ source: Tensor) {
    let width = rowLength
    precondition(
      source.rowCount == ids.count && source.rowLength == width
        && ids.allSatisfy { $0 >= 0 && $0 < rowCount },
      "rows of \(source.shape) for \(ids.count) ids of a tensor of shape \(shape)")
    let source = source.widened()
    let kernels = Compute.kernels
    unsafe withMutableFloats { target in
      withExtendedLifetime(source.storage) {
        let from = unsafe source.floatPointer
        Compute.pool.divide(count: width, grain: columnGrain) { range in
          for (row, id) in ids.enumerated() {
            unsafe kernels.table.pointee.add(
              from + row * width + range.lowerBound, target + Int(id) * width + range.lowerBound,
              Int64(range.count))
          }
        }
      }
    }
  }
}
