import CKernels

/// A step of Adam with decoupled weight decay (Kingma and Ba 2015, arXiv:1412.6980; Loshchilov and Hutter 2019,
/// arXiv:1711.05101).
public struct AdamStep: Sendable, Equatable {
  /// The number of the step, from 1, which the corrections of the moments' bias depend on.
  public var number: Int
  /// The learning rate of this step.
  public var rate: Double
  /// How much of the gradients' mean stays.
  public var beta1: Double
  /// How much of the mean of their squares stays.
  public var beta2: Double
  /// What is added to the root of the squares' mean.
  public var epsilon: Double
  /// By what share of themselves, times the rate, weights shrink.
  public var decay: Double
  /// What gradients are multiplied by first: a global norm's clipping.
  public var gradientScale: Double

  /// Makes a step.
  public init(
    number: Int, rate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    decay: Double = 0, gradientScale: Double = 1
  ) {
    self.number = number
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.decay = decay
    self.gradientScale = gradientScale
  }

  private var constants: vk_adam {
    let powers = (power(beta1, number), power(beta2, number))
    return vk_adam(
      gradient_scale: Float(gradientScale), mean_share: Float(1 - beta1),
      square_keep: Float(beta2), square_share: Float(1 - beta2),
      root_scale: Float(1 / (1 - powers.1).squareRoot()), epsilon: Float(epsilon),
      weight_keep: Float(1 - rate * decay), step: Float(rate / (1 - powers.0)))
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }

  /// Takes the step: changes weights and their moments, in place where nothing else refers to them.
  ///
  /// Precondition: four `float32` tensors of as many elements.
  public func apply(
    _ gradient: Tensor, to weights: inout Tensor, mean: inout Tensor, square: inout Tensor
  ) {
    let count = weights.count
    precondition(
      gradient.count == count && mean.count == count && square.count == count,
      "a step of \(gradient.shape) for weights of shape \(weights.shape)")
    let gradient = gradient.widened()
    let kernels = Compute.kernels
    let constants = constants
    withExtendedLifetime(gradient.storage) {
      let slope = unsafe gradient.floatPointer
      unsafe weights.withMutableFloats { w in
        unsafe mean.withMutableFloats { m in
          unsafe square.withMutableFloats { v in
            Compute.pool.divide(count: count, grain: 16 << 10) { range in
              let start = range.lowerBound
              var constants = constants
              unsafe kernels.table.pointee.adam(
                &constants, slope + start, w + start, m + start, v + start, Int64(range.count))
            }
          }
        }
      }
    }
  }
}

extension Tensor {
  /// The sum of the squares of all elements; in single precision for 16,384 at a time, then in double precision.
  public var sumOfSquares: Double {
    let floats = widened()
    let count = floats.count
    let grain = 16 << 10
    var parts = [Double](repeating: 0, count: (count + grain - 1) / grain)
    let kernels = Compute.kernels
    unsafe parts.withUnsafeMutableBufferPointer { parts in
      withExtendedLifetime(floats.storage) {
        let start = unsafe floats.floatPointer
        Compute.pool.divide(count: count, grain: grain) { range in
          let from = unsafe start + range.lowerBound
          unsafe parts[range.lowerBound / grain] = Double(
            kernels.table.pointee.dot(from, from, Int64(range.count)))
        }
      }
    }
    return parts.reduce(0, +)
  }
}

/// The gated product `silu(gate) · up` of two tensors of one shape.
///
/// Precondition: the shapes are equal.
public func gatedProduct(_ gate: Tensor, _ up: Tensor) -> Tensor {
  precondition(gate.shape == up.shape, "a gate of shape \(gate.shape) for \(up.shape)")
  let (gate, up) = (gate.widened(), up.widened())
  let result = Tensor(uninitialized: gate.shape)
  let kernels = Compute.kernels
  withExtendedLifetime((gate.storage, up.storage, result.storage)) {
    let (first, second) = unsafe (gate.floatPointer, up.floatPointer)
    let output = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: gate.count, grain: 16 << 10) { range in
      let start = range.lowerBound
      unsafe kernels.table.pointee.gated_product(
        first + start, second + start, output + start, Int64(range.count))
    }
  }
  return result
}
