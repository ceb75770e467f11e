import CKernels

/// Rows computed by one thread at a time: enough for about 16K elements.
func rowGrain(_ width: Int) -> Int { max(1, (16 << 10) / max(1, width)) }

/// Calls `body` with the input and output addresses of each row of the last axis.
private func mapRows(
  _ x: Tensor,
  _ body: (Kernels, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
) -> Tensor {
  let x = x.widened()
  let result = Tensor(uninitialized: x.shape)
  let width = x.shape.last ?? 1
  guard x.count > 0 else { return result }
  let kernels = Compute.kernels
  withExtendedLifetime((x, result)) {
    let input = unsafe x.floatPointer
    let output = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: x.count / width, grain: rowGrain(width)) { range in
      for row in range {
        unsafe body(kernels, input + row * width, output + row * width, width)
      }
    }
  }
  return result
}

/// Softmax over the last axis; a row of nothing but negative infinity becomes zeros.
public func softmax(_ x: Tensor) -> Tensor {
  unsafe mapRows(x) { kernels, input, output, width in
    unsafe output.update(from: input, count: width)
    unsafe kernels.table.pointee.softmax(output, Int64(width))
  }
}

/// Layer normalisation over the last axis (Ba and others 2016), with the biased variance.
///
/// Precondition: `weight` and `bias`, where given, have as many elements as the last axis.
public func layerNorm(_ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float) -> Tensor {
  precondition(weight == nil || weight?.count == x.shape.last, "a norm's weight and its input")
  precondition(bias == nil || bias?.count == x.shape.last, "a norm's bias and its input")
  let weight = weight?.widened()
  let bias = bias?.widened()
  return withExtendedLifetime((weight, bias)) {
    unsafe mapRows(x) { kernels, input, output, width in
      unsafe kernels.table.pointee.layer_norm(
        input, output, weight?.floatPointer, bias?.floatPointer, Int64(width), epsilon)
    }
  }
}

/// Root-mean-square normalisation over the last axis (Zhang and Sennrich 2019).
///
/// Precondition: `weight`, where given, has as many elements as the last axis.
public func rmsNorm(_ x: Tensor, weight: Tensor?, epsilon: Float) -> Tensor {
  precondition(weight == nil || weight?.count == x.shape.last, "a norm's weight and its input")
  let weight = weight?.widened()
  return withExtendedLifetime(weight) {
    unsafe mapRows(x) { kernels, input, output, width in
      unsafe kernels.table.pointee.rms_norm(
        input, output, weight?.floatPointer, Int64(width), epsilon)
    }
  }
}
