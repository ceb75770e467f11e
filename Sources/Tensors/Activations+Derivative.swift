import CKernels

/// Calls `body` with pieces of the elements of x, of the gradient and of the result.
private func mapElements(
  _ x: Tensor, _ gradient: Tensor,
  _ body: (
    Kernels, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64
  ) -> Void
) -> Tensor {
  precondition(x.shape == gradient.shape, "a gradient of \(gradient.shape) for \(x.shape)")
  let x = x.widened()
  let gradient = gradient.widened()
  let result = Tensor(uninitialized: x.shape)
  let kernels = Compute.kernels
  withExtendedLifetime((x, gradient, result)) {
    let input = unsafe x.floatPointer
    let slope = unsafe gradient.floatPointer
    let output = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: x.count, grain: 16 << 10) { range in
      let start = range.lowerBound
      unsafe body(kernels, input + start, slope + start, output + start, Int64(range.count))
    }
  }
  return result
}

/// The derivative of `silu` at its input x, times the gradient with respect to its result.
///
/// Precondition: the shapes are equal.
public func siluGradient(_ gradient: Tensor, input x: Tensor) -> Tensor {
  unsafe mapElements(x, gradient) { unsafe $0.table.pointee.silu_gradient($1, $2, $3, $4) }
}

/// The derivative of `gelu` at its input x, times the gradient with respect to its result.
///
/// Precondition: the shapes are equal.
public func geluGradient(_ gradient: Tensor, input x: Tensor) -> Tensor {
  unsafe mapElements(x, gradient) { unsafe $0.table.pointee.gelu_gradient($1, $2, $3, $4) }
}

/// The derivative of `geluTanh` at its input x, times the gradient with respect to its result.
///
/// Precondition: the shapes are equal.
public func geluTanhGradient(_ gradient: Tensor, input x: Tensor) -> Tensor {
  unsafe mapElements(x, gradient) { unsafe $0.table.pointee.gelu_tanh_gradient($1, $2, $3, $4) }
}

/// The derivatives of the gated product `silu(gate) · up` with respect to both, from the gradient
/// with respect to the product.
///
/// Takes over the memory of `gate` and `up` where nothing else refers to it. Precondition: three
/// `float32` tensors of one shape.
public func gatedGradient(
  _ gradient: Tensor, gate: consuming Tensor, up: consuming Tensor
) -> (gate: Tensor, up: Tensor) {
  precondition(
    gate.shape == gradient.shape && up.shape == gradient.shape,
    "a gradient of \(gradient.shape) for \(gate.shape) and \(up.shape)")
  let gradient = gradient.widened()
  var gateGradient = gate
  var upGradient = up
  let count = gradient.count
  let kernels = Compute.kernels
  withExtendedLifetime(gradient) {
    let slope = unsafe gradient.floatPointer
    unsafe gateGradient.withMutableFloats { first in
      unsafe upGradient.withMutableFloats { second in
        Compute.pool.divide(count: count, grain: 16 << 10) { range in
          let start = range.lowerBound
          unsafe kernels.table.pointee.gated_gradient(
            first + start, second + start, slope + start, Int64(range.count))
        }
      }
    }
  }
  return (gateGradient, upGradient)
}
