import CKernels

/// The derivatives of `rmsNorm` with respect to its input x `[rows, width]` and to its weight `[width]`, each added to what
/// its sum holds.
///
/// The weight's is summed for 64 rows at a time, then over these sums in their order. Precondition: the
/// shapes fit; the sums are `float32`.
public func addRMSNormGradient(
  _ gradient: Tensor, input x: Tensor, weight: Tensor, epsilon: Float, to inputSum: inout Tensor,
  weightSum: inout Tensor
) {
  let width = weight.count
  precondition(
    x.count == gradient.count && inputSum.count == x.count && weightSum.count == width
      && x.count % max(1, width) == 0,
    "a norm's gradient \(gradient.shape) for \(x.shape) with a weight of \(width)")
  guard x.count > 0 else { return }
  let (x, gradient, weight) = (x.widened(), gradient.widened(), weight.widened())
  let rows = x.count / width
  let chunk = 64
  let chunks = (rows + chunk - 1) / chunk
  let partial = Tensor(uninitialized: [chunks, width], zeroed: true)
  let kernels = Compute.kernels
  withExtendedLifetime((x.storage, gradient.storage, weight.storage, partial.storage)) {
    let (input, slope, gain) = unsafe (x.floatPointer, gradient.floatPointer, weight.floatPointer)
    let sums = unsafe partial.mutableFloatPointer
    unsafe inputSum.withMutableFloats { output in
      Compute.pool.divide(count: chunks) { range in
        for index in range {
          for row in index * chunk..<min(rows, (index + 1) * chunk) {
            unsafe kernels.table.pointee.rms_norm_backward(
              input + row * width, gain, slope + row * width, output + row * width,
              sums + index * width, Int64(width), epsilon)
          }
        }
      }
    }
  }
  addRowSum(partial, to: &weightSum)
}
