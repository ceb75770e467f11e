extension Tensor {
  /// Whether every element has bytes of its own that alone say what it is.
  private var isPlain: Bool { elementType.blockLength == 1 && scales == nil }

  /// The indices `range` of one axis, copied in the stored element type (quantised and scaled ones as `float32`).
  ///
  /// Precondition: they exist (negative axes count from the last).
  public func slice(axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = checkedAxis(axis)
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis],
      "indices \(range) of axis \(axis) of a tensor of shape \(shape)")
    if axis == 0 { return rows(range) }
    if !isPlain { return copiedAsFloats().slice(axis: axis, range) }
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *) * elementType.byteCount
    var newShape = shape
    newShape[axis] = range.count
    let result = Tensor(uninitialized: newShape, elementType: elementType)
    withExtendedLifetime((self, result)) {
      for index in 0..<outer {
        unsafe (result.storage.base + index * range.count * inner).copyMemory(
          from: bytePointer + (index * shape[axis] + range.lowerBound) * inner,
          byteCount: range.count * inner)
      }
    }
    return result
  }

  /// Tensors one after the other along an axis; throws `TensorError.incompatibleShapes` where other axes differ.
  ///
  /// The element type is kept where all have the same and none is quantised or scaled, otherwise the result is `float32`. Precondition: at least one tensor, and
  /// the axis exists (negative axes count from the last).
  public static func concatenated(_ tensors: [Tensor], axis: Int) throws(TensorError) -> Tensor {
    guard let first = tensors.first else { preconditionFailure("nothing to concatenate") }
    let axis = first.checkedAxis(axis)
    for other in tensors {
      var shape = other.shape
      if shape.count == first.rank { shape[axis] = first.shape[axis] }
      guard shape == first.shape else { throw .incompatibleShapes(first.shape, other.shape) }
    }
    let isUniform = tensors.allSatisfy { $0.elementType == first.elementType && $0.isPlain }
    let parts = isUniform ? tensors : tensors.map { $0.widened() }
    let type = isUniform ? first.elementType : .float32
    var shape = first.shape
    shape[axis] = tensors.reduce(0) { $0 + $1.shape[axis] }
    _ = try byteCount(shape, type)
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *) * type.byteCount
    let result = Tensor(uninitialized: shape, elementType: type)
    withExtendedLifetime((parts, result)) {
      var target = unsafe result.storage.base
      for index in 0..<outer {
        for part in parts {
          let length = part.shape[axis] * inner
          unsafe target.copyMemory(from: part.bytePointer + index * length, byteCount: length)
          unsafe target += length
        }
      }
    }
    return result
  }

  /// A matrix with rows and columns exchanged, `float32`.
  ///
  /// Precondition: two axes.
  public func transposed() -> Tensor {
    precondition(rank == 2, "the transpose of a tensor of shape \(shape)")
    let (rows, columns) = (shape[0], shape[1])
    let source = widened()
    let result = Tensor(uninitialized: [columns, rows])
    withExtendedLifetime((source, result)) {
      let input = unsafe source.floatPointer
      let output = unsafe result.mutableFloatPointer
      let block = 16
      Compute.pool.divide(count: (columns + block - 1) / block, grain: 4) { range in
        for group in range {
          let columnRange = (group * block)..<min(columns, (group + 1) * block)
          for rowStart in stride(from: 0, to: rows, by: block) {
            for column in columnRange {
              for row in rowStart..<min(rows, rowStart + block) {
                unsafe output[column * rows + row] = input[row * columns + column]
              }
            }
          }
        }
      }
    }
    return result
  }
}
