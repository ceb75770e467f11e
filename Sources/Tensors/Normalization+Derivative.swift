import CKernels

/// Calls `body` with the addresses of each row of the input, of the gradient and of the result.
private func mapRows(
  _ x: Tensor, _ gradient: Tensor,
  _ body: (
    Kernels, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64
  ) -> Void
) -> Tensor {
  precondition(x.shape == gradient.shape, "a gradient of \(gradient.shape) for \(x.shape)")
  let x = x.widened()
  let gradient = gradient.widened()
  let result = Tensor(uninitialized: x.shape)
  let width = x.shape.last ?? 1
  guard x.count > 0 else { return result }
  let kernels = Compute.kernels
  withExtendedLifetime((x, gradient, result)) {
    let input = unsafe x.floatPointer
    let slope = unsafe gradient.floatPointer
    let output = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: x.count / width, grain: rowGrain(width)) { range in
      for row in range {
        unsafe body(
          kernels, input + row * width, slope + row * width, output + row * width, Int64(width))
      }
    }
  }
  return result
}

/// The derivative of `rmsNorm` with respect to its input x, in the shape of x.
///
/// With `r = 1 / √(mean x² + ε)` and `h = weight · gradient` it is `r h − r³ x mean(x h)`. Precondition: the shapes fit.
public func rmsNormGradient(
  _ gradient: Tensor, input x: Tensor, weight: Tensor?, epsilon: Float
) -> Tensor {
  precondition(weight == nil || weight?.count == x.shape.last, "a norm's weight and its input")
  let weight = weight?.widened()
  return withExtendedLifetime(weight) {
    unsafe mapRows(x, gradient) { kernels, input, slope, output, width in
      unsafe kernels.table.pointee.rms_norm_gradient(
        input, weight?.floatPointer, slope, output, width, epsilon)
    }
  }
}

/// The derivative of `layerNorm` with respect to its input x, in the shape of x.
///
/// With `r = 1 / √(variance + ε)`, `n = r (x − mean x)` and `h = weight · gradient` it is
/// `r (h − mean h − n mean(n h))`. Precondition: the shapes fit.
public func layerNormGradient(
  _ gradient: Tensor, input x: Tensor, weight: Tensor?, epsilon: Float
) -> Tensor {
  precondition(weight == nil || weight?.count == x.shape.last, "a norm's weight and its input")
  let weight = weight?.widened()
  return withExtendedLifetime(weight) {
    unsafe mapRows(x, gradient) { kernels, input, slope, output, width in
      unsafe kernels.table.pointee.layer_norm_gradient(
        input, weight?.floatPointer, slope, output, width, epsilon)
    }
  }
}

/// The derivative of `softmax` over the last axis, from its result: `p (gradient − Σ p gradient)`.
///
/// Precondition: the shapes are equal.
public func softmaxGradient(_ gradient: Tensor, output probabilities: Tensor) -> Tensor {
  unsafe mapRows(probabilities, gradient) { kernels, input, slope, output, width in
    unsafe output.update(from: slope, count: Int(width))
    let level = unsafe kernels.table.pointee.dot(input, slope, width)
    unsafe kernels.table.pointee.score_gradient(input, output, width, level, 1)
  }
}
