/// The derivative of `linear` with respect to its input, `dX = dY W`: `[…, out]` times `[out, in]` gives
/// `[…, in]` in `float32`.
///
/// The weight stays in its storage type and is widened tile by tile, as in the forward product. With
/// `precision` `bfloat16` gradients are rounded to bfloat16 where the weight is stored so. Precondition: the shapes fit.
/// Throws `Cancelled`.
public func linearInputGradient(
  _ gradient: Tensor, weight: Tensor, precision: ProductPrecision? = nil,
  cancellation: Cancellation? = nil
) throws(Cancelled) -> Tensor {
  precondition(
    weight.rank == 2 && gradient.shape.last == weight.shape[0],
    "the input's gradient of a linear with a weight of shape \(weight.shape) for \(gradient.shape)")
  let result = Tensor(uninitialized: gradient.shape.dropLast() + [weight.shape[1]])
  return try multiply(
    gradient, weight, into: result, isAdded: false, precision, cancellation)
}

/// `sum + dY W`: what `linearInputGradient` gives, added to the other gradients of the same input, of which
/// a copy is made only where something else refers to them.
///
/// Precondition: the shapes fit, and `sum` is `float32`. Throws `Cancelled`.
public func addLinearInputGradient(
  _ gradient: Tensor, weight: Tensor, to sum: consuming Tensor,
  precision: ProductPrecision? = nil, cancellation: Cancellation? = nil
) throws(Cancelled) -> Tensor {
  precondition(
    weight.rank == 2 && gradient.shape.last == weight.shape[0]
      && sum.shape == gradient.shape.dropLast() + [weight.shape[1]],
    "the input's gradient of a linear with a weight of shape \(weight.shape) for \(gradient.shape)")
  return try multiply(gradient, weight, into: sum, isAdded: true, precision, cancellation)
}

private func multiply(
  _ gradient: Tensor, _ weight: Tensor, into sum: consuming Tensor, isAdded: Bool,
  _ precision: ProductPrecision?, _ cancellation: Cancellation?
) throws(Cancelled) -> Tensor {
  try cancellation?.check()
  let gradient = gradient.widened()
  let (outs, depth) = (weight.shape[0], weight.shape[1])
  var result = sum
  guard result.count > 0 else { return result }
  let isBFloat16 =
    (precision ?? Compute.precision) == .bfloat16 && weight.elementType == .bfloat16
  let rows = result.count / depth
  let outcome = unsafe result.withMutableFloats { target -> Result<Void, Cancelled> in
    let product = unsafe PanelProduct(
      kernels: Compute.kernels, x: gradient.floatPointer, xStride: outs, rows: rows,
      source: .plainStored(
        weight.bytePointer, strideBytes: weight.elementType.byteCount(ofElements: depth),
        elementType: weight.elementType, scales: weight.scales),
      columns: depth, depth: outs, c: target, cStride: depth, bias: nil,
      isBFloat16: isBFloat16, isAdded: isAdded)
    do throws(Cancelled) {
      unsafe try product.run(pool: Compute.pool, cancellation: cancellation)
      return .success(())
    } catch { return .failure(error) }
  }
  withExtendedLifetime((gradient.storage, weight.storage)) {}
  try outcome.get()
  return result
}
