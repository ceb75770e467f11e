import CKernels

/// Calls `body` with pieces of the elements of x and of the result.
private func mapElements(
  _ x: Tensor,
  _ body: (Kernels, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64) -> Void
) -> Tensor {
  let x = x.widened()
  let result = Tensor(uninitialized: x.shape)
  let kernels = Compute.kernels
  withExtendedLifetime((x, result)) {
    let input = unsafe x.floatPointer
    let output = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: x.count, grain: 16 << 10) { range in
      unsafe body(
        kernels, input + range.lowerBound, output + range.lowerBound, Int64(range.count))
    }
  }
  return result
}

/// The sigmoid-weighted linear unit, `x / (1 + e⁻ˣ)`, of each element.
public func silu(_ x: Tensor) -> Tensor {
  unsafe mapElements(x) { unsafe $0.table.pointee.silu($1, $2, $3) }
}

/// The exact Gaussian error linear unit, `x Φ(x)`, of each element.
public func gelu(_ x: Tensor) -> Tensor {
  unsafe mapElements(x) { unsafe $0.table.pointee.gelu($1, $2, $3) }
}

/// The tanh approximation of `gelu` (`gelu_new`, `gelu_pytorch_tanh`) of each element.
public func geluTanh(_ x: Tensor) -> Tensor {
  unsafe mapElements(x) { unsafe $0.table.pointee.gelu_tanh($1, $2, $3) }
}

/// The hyperbolic tangent of each element.
public func tanh(_ x: Tensor) -> Tensor {
  unsafe mapElements(x) { unsafe $0.table.pointee.tanh($1, $2, $3) }
}

/// The exponential of each element.
public func exp(_ x: Tensor) -> Tensor {
  unsafe mapElements(x) { unsafe $0.table.pointee.exp($1, $2, $3) }
}

/// The sum of two tensors of one shape, element by element.
///
/// Precondition: the shapes are equal.
public func add(_ a: Tensor, _ b: Tensor) -> Tensor {
  var result = a.widened()
  result.add(b)
  return result
}

/// The product of two tensors of one shape, element by element.
///
/// Precondition: the shapes are equal.
public func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
  var result = a.widened()
  result.multiply(by: b)
  return result
}

extension Tensor {
  /// Adds `other` element by element, in place.
  ///
  /// Precondition: `float32` of the same shape, or `other` is one row of it.
  public mutating func add(_ other: Tensor) {
    unsafe combine(other) { unsafe $0.table.pointee.add($1, $2, $3) }
  }

  /// Multiplies by `other` element by element, in place.
  ///
  /// Precondition: `float32` of the same shape, or `other` is one row of it.
  public mutating func multiply(by other: Tensor) {
    unsafe combine(other) { unsafe $0.table.pointee.multiply($1, $2, $3) }
  }

  /// Multiplies every element by `factor`, in place.
  ///
  /// Precondition: `float32`.
  public mutating func scale(by factor: Float) {
    let count = count
    let kernels = Compute.kernels
    unsafe withMutableFloats { target in
      Compute.pool.divide(count: count, grain: 32 << 10) { range in
        unsafe kernels.table.pointee.scale(
          factor, target + range.lowerBound, Int64(range.count))
      }
    }
  }

  private mutating func combine(
    _ other: Tensor,
    _ body: (Kernels, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64) -> Void
  ) {
    let isRow = other.shape != shape
    precondition(
      !isRow || (other.rank == 1 && other.shape.last == shape.last),
      "tensors of shapes \(shape) and \(other.shape)")
    let other = other.widened()
    let width = max(1, isRow ? other.count : 16 << 10)
    let count = count
    let kernels = Compute.kernels
    withExtendedLifetime(other) {
      let source = unsafe other.floatPointer
      unsafe withMutableFloats { target in
        Compute.pool.divide(
          count: (count + width - 1) / width, grain: max(1, (16 << 10) / width)
        ) { range in
          for piece in range {
            let start = piece * width
            unsafe body(
              kernels, source + (isRow ? 0 : start), target + start,
              Int64(min(width, count - start)))
          }
        }
      }
    }
  }
}
