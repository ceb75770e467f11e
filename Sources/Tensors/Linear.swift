import CKernels

/// How exact the products of a `linear` with stored bfloat16 weights are.
public enum ProductPrecision: String, Sendable, CaseIterable {
  /// Inputs as they are, weights widened exactly, sums in single precision.
  case float32 = "f32"
  /// Inputs rounded to bfloat16 (as a model running in bfloat16 does), sums in single precision: about twice as
  /// fast on CPUs with a bfloat16 dot product. Weights of other element types, and up to four rows (where
  /// reading the weights takes the time), are computed as `float32`.
  case bfloat16 = "bf16"
}

/// A layer's affine map, `y = x Wᵀ + b`: `[…, in]` times `[out, in]` gives `[…, out]` in `float32`.
///
/// The weight stays in its storage type and is widened tile by tile. Few rows are computed without packing,
/// reading the weight once. `precision` is that of `Compute.with(precision:)` where it is nil. Precondition: the shapes fit and `bias`, if given, has `out` elements.
/// Throws `Cancelled`.
public func linear(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, precision: ProductPrecision? = nil,
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
  let isBFloat16 =
    (precision ?? Compute.precision) == .bfloat16 && weight.elementType == .bfloat16
  if unsafe rows <= FewRowsProduct.limit(for: weight) {
    unsafe FewRowsProduct(
      x: x.floatPointer, weight: weight, bias: bias?.floatPointer, rows: rows,
      output: result.mutableFloatPointer, isBFloat16: isBFloat16
    ).run(cancellation)
    withExtendedLifetime((x.storage, weight.storage, bias?.storage, result.storage)) {}
  } else {
    let product = unsafe PanelProduct(
      kernels: Compute.kernels, x: x.floatPointer, xStride: depth, rows: rows,
      source: .transposed(
        weight.bytePointer, strideBytes: weight.elementType.byteCount(ofElements: depth),
        elementType: weight.elementType, scales: weight.scales),
      columns: outs, depth: depth, c: result.mutableFloatPointer, cStride: outs,
      bias: bias?.floatPointer,
      isBFloat16: isBFloat16)
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
