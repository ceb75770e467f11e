import CKernels

/// `linear` for few rows, whose weights are multiplied where they lie.
///
/// Packing them would cost more than it saves. The weight rows are divided among the threads.
@unsafe struct FewRowsProduct {
  /// `[rows, depth]`.
  let x: UnsafePointer<Float>
  /// `[outs, depth]`, which must be kept alive.
  let weight: Tensor
  let bias: UnsafePointer<Float>?
  let rows: Int
  /// `[rows, outs]`.
  let output: UnsafeMutablePointer<Float>
  /// Whether both sides are rounded to bfloat16; only for stored bfloat16 weights.
  let isBFloat16: Bool

  /// Up to this many rows, reading the weights takes the time and not what is done with them.
  private static let exactLimit = 4

  /// Up to how many rows this is faster than packing, as measured.
  ///
  /// It is while four weight rows stay in the nearest cache for all activations; the small tiles of AVX2 repay packing
  /// sooner.
  static func limit(for weight: Tensor) -> Int {
    guard weight.elementType.kernelType != nil, weight.scales == nil,
      Compute.kernels.instructionSet != .avx2
    else { return 16 }
    return weight.elementType.byteCount(ofElements: weight.shape[1]) <= 12 << 10
      && (weight.elementType != .float32 || weight.shape[1] <= 1_024) ? 192 : 48
  }

  private var outs: Int { unsafe weight.shape[0] }
  private var depth: Int { unsafe weight.shape[1] }
  private var strideBytes: Int {
    unsafe weight.elementType.byteCount(ofElements: weight.shape[1])
  }

  /// Writes all of `output`; stops early, with some of it unwritten, where the flag is set.
  func run(_ cancellation: Cancellation?) {
    let kernels = Compute.kernels
    let pool = Compute.pool
    let outs = unsafe outs
    // Large pieces, within which memory is read in one go, but enough of them for all threads.
    let pieceBytes = unsafe min(512 << 10, outs * strideBytes / (pool.threadCount * 4))
    let grain = unsafe max(8, pieceBytes / max(1, strideBytes) / 8 * 8)
    let rounded = unsafe isBFloat16 && rows > Self.exactLimit ? roundedInputs(kernels) : nil
    pool.divide(count: outs, grain: grain) { range in
      if let cancellation, cancellation.isCancelled { return }
      unsafe multiply(range, rounded, kernels)
      guard let bias = unsafe bias else { return }
      for row in unsafe 0..<rows {
        unsafe kernels.table.pointee.add(
          bias + range.lowerBound, output + row * outs + range.lowerBound, Int64(range.count))
      }
    }
    withExtendedLifetime(rounded) {}
  }

  private func roundedInputs(_ kernels: Kernels) -> TensorStorage {
    let count = unsafe rows * depth
    let rounded = TensorStorage(byteCount: count * 2)
    unsafe kernels.table.pointee.narrow_bf16(x, rounded.base, Int64(count))
    return rounded
  }

  private func multiply(_ range: Range<Int>, _ rounded: TensorStorage?, _ kernels: Kernels) {
    let (outs, depth) = unsafe (outs, depth)
    let type = unsafe weight.elementType
    let from = unsafe weight.bytePointer + range.lowerBound * strideBytes
    let to = unsafe output + range.lowerBound
    if let rounded {
      unsafe kernels.table.pointee.rows_product_bf16(
        from, Int64(strideBytes), Int64(range.count), Int64(depth), rounded.base, Int64(depth * 2),
        Int32(rows), to, Int64(outs))
    } else if let scales = unsafe weight.scales {
      unsafe multiplyWidened(range, kernels) { row, target in
        unsafe widenScaled(
          type, weight.bytePointer + row * strideBytes, scales: scales, row: row, column: 0,
          count: depth, into: target)
      }
    } else if let kernelType = type.kernelType {
      unsafe kernels.table.pointee.rows_product(
        kernelType, from, Int64(strideBytes), Int64(range.count), Int64(depth), x, Int64(depth),
        Int32(rows), to, Int64(outs))
    } else if let block = type.kernelBlock {
      unsafe kernels.table.pointee.rows_product_blocks(
        block, from, Int64(strideBytes), Int64(range.count), Int64(depth), x, Int64(depth),
        Int32(rows), to, Int64(outs))
    } else {
      unsafe multiplyWidened(range, kernels) { row, target in
        unsafe widenElements(
          type, weight.bytePointer + row * strideBytes, count: depth, into: target)
      }
    }
  }

  /// A few rows of weights at a time are widened once for all inputs.
  private func multiplyWidened(
    _ range: Range<Int>, _ kernels: Kernels, _ widen: (Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (outs, depth) = unsafe (outs, depth)
    let group = max(1, min(8, (128 << 10) / max(1, depth * 4)))
    let widened = TensorStorage(byteCount: group * depth * 4)
    for out in stride(from: range.lowerBound, to: range.upperBound, by: group) {
      let count = min(group, range.upperBound - out)
      for row in 0..<count { unsafe widen(out + row, widened.floats + row * depth) }
      unsafe kernels.table.pointee.rows_product(
        vk_type_f32, widened.base, Int64(depth * 4), Int64(count), Int64(depth), x, Int64(depth),
        Int32(rows), output + out, Int64(outs))
    }
    withExtendedLifetime(widened) {}
  }
}
