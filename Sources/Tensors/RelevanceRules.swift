import CKernels
import Glibc

/// Calls `body` with the addresses of each row of three tensors.
private func mapRows(
  _ x: Tensor, _ gradient: Tensor,
  _ body: (Kernels, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int)
    -> Void
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
          kernels, input + row * width, slope + row * width, output + row * width, width)
      }
    }
  }
  return result
}

/// The way back through `rmsNorm` that takes what it divides by for a constant: `weight · gradient / √(mean x² + ε)`.
///
/// With it gradient × input is the same before and after the norm (Ali et al. 2022, arXiv:2202.07304). Precondition: the
/// shapes fit.
public func rmsNormRelevance(
  _ gradient: Tensor, input x: Tensor, weight: Tensor?, epsilon: Float
) -> Tensor {
  precondition(weight == nil || weight?.count == x.shape.last, "a norm's weight and its input")
  let weight = weight?.widened()
  return withExtendedLifetime(weight) {
    unsafe mapRows(x, gradient) { kernels, input, slope, output, width in
      let square = unsafe kernels.table.pointee.dot(input, input, Int64(width))
      unsafe output.update(from: slope, count: width)
      if let weight {
        unsafe kernels.table.pointee.multiply(weight.floatPointer, output, Int64(width))
      }
      unsafe kernels.table.pointee.scale(
        1 / (square / Float(width) + epsilon).squareRoot(), output, Int64(width))
    }
  }
}

/// The way back through `layerNorm` that takes what it divides by for a constant: `h − mean h` with `h = weight · gradient /
/// √(variance + ε)`.
///
/// The mean that is taken off is linear and stays; the bias keeps its part. Precondition: the shapes fit.
public func layerNormRelevance(
  _ gradient: Tensor, input x: Tensor, weight: Tensor?, epsilon: Float
) -> Tensor {
  precondition(weight == nil || weight?.count == x.shape.last, "a norm's weight and its input")
  let weight = weight?.widened()
  return withExtendedLifetime(weight) {
    unsafe mapRows(x, gradient) { kernels, input, slope, output, width in
      let count = Double(width)
      var sum = 0.0
      for column in 0..<width { sum += Double(unsafe input[column]) }
      var variance = 0.0
      for column in 0..<width {
        let distance = Double(unsafe input[column]) - sum / count
        variance += distance * distance
      }
      let factor = Float(1 / (variance / count + Double(epsilon)).squareRoot())
      unsafe output.update(from: slope, count: width)
      if let weight {
        unsafe kernels.table.pointee.multiply(weight.floatPointer, output, Int64(width))
      }
      unsafe kernels.table.pointee.scale(factor, output, Int64(width))
      var mean = 0.0
      for column in 0..<width { mean += Double(unsafe output[column]) / count }
      for column in 0..<width { unsafe output[column] -= Float(mean) }
    }
  }
}

/// The way back through an activation f that leaves relevance as it is: `gradient · f(x) / x`.
///
/// - Parameters:
///   - gradient: with respect to f(x).
///   - x: what entered.
///   - output: f(x).
///   - slopeAtZero: the limit of f(x) / x at 0, which is ½ for `silu` and `gelu`.
///
/// Precondition: the shapes are equal.
public func activationRelevance(
  _ gradient: Tensor, input x: Tensor, output: Tensor, slopeAtZero: Float = 0.5
) -> Tensor {
  var result = gradient.widened()
  let x = x.widened()
  let output = output.widened()
  precondition(x.shape == result.shape && output.shape == x.shape, "three tensors of one shape")
  let count = result.count
  withExtendedLifetime((x, output)) {
    let (input, value) = unsafe (x.floatPointer, output.floatPointer)
    unsafe result.withMutableFloats { target in
      Compute.pool.divide(count: count, grain: 16 << 10) { range in
        for place in range {
          // What is smaller would lose its digits where the function is computed.
          let isZero = unsafe abs(input[place]) < 1e-30
          unsafe target[place] *= isZero ? slopeAtZero : value[place] / input[place]
        }
      }
    }
  }
  return result
}

/// The way back through the gated product `silu(gate) · up` that gives each factor half of the relevance, which the
/// activation leaves as it is.
///
/// Achtibat et al. 2024, arXiv:2402.05602. Precondition: three tensors of one shape.
public func gatedRelevance(
  _ gradient: Tensor, gate: Tensor, up: Tensor
) -> (gate: Tensor, up: Tensor) {
  let opened = silu(gate)
  var half = gradient.widened()
  half.scale(by: 0.5)
  return (
    activationRelevance(multiply(half, up), input: gate, output: opened), multiply(half, opened)
  )
}
