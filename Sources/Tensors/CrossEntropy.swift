import CKernels

/// Turns scores `[rows, classes]` into the gradient of `scale · Σ loss`, in place, and gives each row's loss, the negative
/// logarithm of its target's probability.
///
/// The gradient is `scale (softmax − one at the target)`. A negative target leaves its row out: loss and
/// gradient are 0. Precondition: `float32`, a target below `classes` for each row.
public func crossEntropyGradient(
  _ scores: inout Tensor, targets: ArraySlice<Int32>, scale: Float
) -> [Float] {
  let (rows, width) = (scores.rowCount, scores.rowLength)
  precondition(
    targets.count == rows && targets.allSatisfy { Int($0) < width },
    "\(targets.count) targets for scores of shape \(scores.shape)")
  let kernels = Compute.kernels
  let first = targets.startIndex
  var losses = [Float](repeating: 0, count: rows)
  unsafe losses.withUnsafeMutableBufferPointer { losses in
    unsafe scores.withMutableFloats { start in
      Compute.pool.divide(count: rows, grain: rowGrain(width)) { range in
        for row in range {
          let line = unsafe start + row * width
          let target = Int(targets[first + row])
          guard target >= 0 else {
            unsafe line.update(repeating: 0, count: width)
            continue
          }
          let wanted = unsafe line[target]
          let largest = unsafe kernels.table.pointee.maximum(line, Int64(width))
          let total = unsafe kernels.table.pointee.exponentials(line, Int64(width), largest)
          unsafe losses[row] = Float(logarithm(Double(total)) + Double(largest) - Double(wanted))
          unsafe kernels.table.pointee.scale(scale / total, line, Int64(width))
          unsafe line[target] -= scale
        }
      }
    }
  }
  return losses
}
