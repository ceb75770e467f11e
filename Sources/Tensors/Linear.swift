import CKernels

/// How exact the products of a `linear` with stored bfloat16 weights are.
public enum ProductPrecision: String, Sendable, CaseIterable {
  /// Inputs as they are, weights widened exactly, sums in single precision.
  case float32 = "f32"
  /// Inputs rounded to bfloat16 (as a model running in bfloat16 does), sums in single precision: about twice as
  /// fast on CPUs with a bfloat16 dot product. Weights of other element types, and up to sixteen rows (where
  /// reading the weights takes the time), are computed as `float32`.
  case bfloat16 = "bf16"
}

/// A layer's affine map, `y = x Wᵀ + b`: `[…, in]` times `[out, in]` gives `[…, out]` in `float32`.
///
/// The weight stays in its storage type and is widened tile by tile. Up to sixteen rows are computed without packing,
/// reading the weight once. Precondition: the shapes fit and `bias`, if given, has `out` elements.
/// Throws `Cancelled`.
public func linear(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, precision: ProductPrecision = .float32,
  cancellation: Cancellation? = nil
) throws(Cancelled) -> Tensor {
  precondition(
    weight.rank == 2 && x.shape.last == weight.shape[1],
    "linear of \(x.shape) with a weight of shape \(weight.shape)")
  precondition(
    bias == nil || bias?.count == weight.shape[0], "a bias of shape \(bias?.shape ?? [])")
  try cancellation?.check()
  let x = x.widened()
  let depth = weight.shape[1]
  let outs = weight.shape[0]
  let result = Tensor(uninitialized: x.shape.dropLast() + [outs])
  let rows = outs == 0 ? 0 : result.count / outs
  guard rows > 0 else { return result }
  let bias = bias?.widened()
  if rows <= fewRowsLimit {
    multiplyFewRows(x, weight, bias, rows: rows, into: result, cancellation)
  } else {
    let product = unsafe PanelProduct(
      kernels: Compute.kernels, x: x.floatPointer, xStride: depth, rows: rows,
      source: .transposed(
        weight.bytePointer, strideBytes: weight.elementType.byteCount(ofElements: depth),
        elementType: weight.elementType, scales: weight.scales),
      columns: outs, depth: depth, c: result.mutableFloatPointer, cStride: outs,
      bias: bias?.floatPointer,
      isBFloat16: precision == .bfloat16 && weight.elementType == .bfloat16)
    unsafe try product.run(pool: Compute.pool, cancellation: cancellation)
    withExtendedLifetime((x.storage, weight.storage, bias?.storage, result.storage)) {}
  }
  try cancellation?.check()
  return result
}

/// The product of two `float32` matrices: `[m, k]` times `[k, n]` gives `[m, n]`.
///
/// Precondition: the shapes fit. Throws `Cancelled`.
public func matrixProduct(_ a: Tensor, _ b: Tensor, cancellation: Cancellation? = nil)
  throws(Cancelled) -> Tensor
{
  precondition(
    a.rank == 2 && b.rank == 2 && a.shape[1] == b.shape[0],
    "the product of \(a.shape) and \(b.shape)")
  try cancellation?.check()
  let a = a.widened()
  let b = b.widened()
  let result = Tensor(uninitialized: [a.shape[0], b.shape[1]])
  guard result.count > 0 else { return result }
  let product = unsafe PanelProduct(
    kernels: Compute.kernels, x: a.floatPointer, xStride: a.shape[1], rows: a.shape[0],
    source: .plain(b.floatPointer, stride: b.shape[1]), columns: b.shape[1], depth: a.shape[1],
    c: result.mutableFloatPointer, cStride: b.shape[1], bias: nil, isBFloat16: false)
  unsafe try product.run(pool: Compute.pool, cancellation: cancellation)
  withExtendedLifetime((a.storage, b.storage, result.storage)) {}
  return result
}

/// Up to this many rows, packing the weights would cost more than it saves.
private let fewRowsLimit = 16

/// `linear` for few rows: the weight rows are divided among the threads, each piece small enough to stay in the cache.
private func multiplyFewRows(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, rows: Int, into result: Tensor,
  _ cancellation: Cancellation?
) {
  let kernels = Compute.kernels
  let depth = weight.shape[1]
  let outs = weight.shape[0]
  let type = weight.elementType
  let strideBytes = type.byteCount(ofElements: depth)
  let scales = weight.scales
  // Some 64 KiB of weights at a time, in whole groups of eight rows.
  let grain = max(8, (64 << 10) / max(1, strideBytes) / 8 * 8)
  withExtendedLifetime((x, weight, bias, result)) {
    let input = unsafe x.floatPointer
    let stored = unsafe weight.bytePointer
    let output = unsafe result.mutableFloatPointer
    Compute.pool.divide(count: outs, grain: grain) { range in
      if let cancellation, cancellation.isCancelled { return }
      let inputGroups = stride(from: 0, to: rows, by: Int(vk_rows_product_limit))
      if let kernelType = type.kernelType, scales == nil {
        for first in inputGroups {
          let count = Int32(min(rows - first, Int(vk_rows_product_limit)))
          unsafe kernels.table.pointee.rows_product(
            kernelType, stored + range.lowerBound * strideBytes, Int64(strideBytes),
            Int64(range.count), Int64(depth), input + first * depth, Int64(depth), count,
            output + first * outs + range.lowerBound, Int64(outs))
        }
      } else {
        // A few rows of weights at a time are widened once for all inputs.
        let group = max(1, min(8, (128 << 10) / max(1, depth * 4)))
        let widened = TensorStorage(byteCount: group * depth * 4)
        for out in stride(from: range.lowerBound, to: range.upperBound, by: group) {
          let outCount = min(group, range.upperBound - out)
          for row in 0..<outCount {
            let from = unsafe stored + (out + row) * strideBytes
            let target = unsafe widened.floats + row * depth
            if let scales {
              unsafe widenScaled(
                type, from, scales: scales, row: out + row, column: 0, count: depth, into: target)
            } else {
              unsafe widenElements(type, from, count: depth, into: target)
            }
          }
          for first in inputGroups {
            let count = Int32(min(rows - first, Int(vk_rows_product_limit)))
            unsafe kernels.table.pointee.rows_product(
              vk_type_f32, widened.base, Int64(depth * 4), Int64(outCount), Int64(depth),
              input + first * depth, Int64(depth), count, output + first * outs + out, Int64(outs))
          }
        }
        withExtendedLifetime(widened) {}
      }
      guard let bias else { return }
      let added = unsafe bias.floatPointer
      for row in 0..<rows {
        unsafe kernels.table.pointee.add(
          added + range.lowerBound, output + row * outs + range.lowerBound, Int64(range.count))
      }
    }
  }
}
