import CKernels

/// Scales of a matrix's blocks: the number at a row and column is the stored element times its block's scale.
///
/// DeepSeek-V3's 8-bit weights are stored so, with blocks of 128 by 128, and DeepSeek-V4's 4-bit experts, with blocks of
/// 1 by 32.
struct BlockScales: Sendable {
  /// What all views of one matrix share.
  final class Values: Sendable {
    /// One scale for each block, `[block rows, block columns]`, aligned `float32`.
    let tensor: Tensor
    /// How many rows a block has.
    let rows: Int
    /// How many columns a block has.
    let columns: Int

    init(_ tensor: Tensor, rows: Int, columns: Int) {
      self.tensor = tensor
      self.rows = rows
      self.columns = columns
    }
  }

  let values: Values
  /// The row of the scaled matrix that is the tensor's first.
  var firstRow = 0

  /// The scale of the element at a row of the tensor and a column, and the first column after its block.
  func scale(row: Int, column: Int) -> (factor: Float, end: Int) {
    let block = column / values.columns
    let place = (firstRow + row) / values.rows * values.tensor.shape[1] + block
    let factor = withExtendedLifetime(values) { unsafe values.tensor.floatPointer[place] }
    return (factor, (block + 1) * values.columns)
  }
}

extension Tensor {
  /// The same stored elements, each multiplied by the scale of its block when it is read.
  ///
  /// `scales` is `[⌈rows / block.rows⌉, ⌈columns / block.columns⌉]` for this matrix of `[rows, columns]`;
  /// the factors are applied to the widened elements, so that each number is rounded once.
  /// Throws `TensorError.incompatibleShapes` where the shapes don't fit. Precondition: `block` has no zero, and the
  /// elements are single ones or pairs that no block cuts, not quantised blocks.
  public func scaled(
    by scales: Tensor, block: (rows: Int, columns: Int)
  ) throws(TensorError) -> Tensor {
    precondition(
      block.rows > 0 && block.columns > 0 && elementType.blockLength <= 2
        && block.columns % elementType.blockLength == 0 && self.scales == nil,
      "blocks of \(block) elements of \(elementType.name)")
    guard rank == 2,
      scales.shape == [
        shape[0] / block.rows + (shape[0] % block.rows == 0 ? 0 : 1),
        shape[1] / block.columns + (shape[1] % block.columns == 0 ? 0 : 1),
      ]
    else { throw .incompatibleShapes(shape, scales.shape) }
    var result = self
    result.scales = BlockScales(
      values: BlockScales.Values(scales.widened(), rows: block.rows, columns: block.columns))
    return result
  }

  /// The same bytes as pairs of 4-bit floats, twice as many in each row.
  ///
  /// Precondition: bytes, in rows.
  public func readAsFloat4() -> Tensor {
    precondition(
      [.int8, .uint8].contains(elementType) && rank > 0, "4-bit floats in \(elementType.name)")
    var shape = shape
    shape[rank - 1] *= 2
    return Tensor(
      shape: shape, elementType: .float4e2m1, storage: storage, byteOffset: byteOffset)
  }

  /// Whether the stored elements are multiplied by scales of blocks when they are read.
  public var isScaled: Bool { scales != nil }

  /// Writes the elements from `first` on as single-precision numbers.
  ///
  /// Of quantised types whole blocks. The storage must be kept alive meanwhile.
  func widen(from first: Int, count: Int, into target: UnsafeMutablePointer<Float>) {
    guard let scales else {
      unsafe widenElements(
        elementType, bytePointer + elementType.byteCount(ofElements: first), count: count,
        into: target)
      return
    }
    guard count > 0 else { return }
    let width = shape[1]
    var position = first
    while position < first + count {
      let (row, column) = (position / width, position % width)
      let length = min(width - column, first + count - position)
      unsafe widenScaled(
        elementType, bytePointer + elementType.byteCount(ofElements: position), scales: scales,
        row: row,
        column: column, count: length, into: target + (position - first))
      position += length
    }
  }
}

/// Writes stored elements of one row, the first at `column`, times their scales.
func widenScaled(
  _ type: ElementType, _ source: UnsafeRawPointer, scales: BlockScales, row: Int, column: Int,
  count: Int, into target: UnsafeMutablePointer<Float>
) {
  let table = unsafe Compute.kernels.table
  var done = 0
  while done < count {
    let (factor, end) = scales.scale(row: row, column: column + done)
    let length = min(end - column - done, count - done)
    let from = unsafe source + type.byteCount(ofElements: done)
    if type == .float8e4m3 {
      unsafe table.pointee.widen_e4m3(from, factor, target + done, Int64(length))
    } else {
      unsafe widenElements(type, from, count: length, into: target + done)
      unsafe table.pointee.scale(factor, target + done, Int64(length))
    }
    done += length
  }
}
