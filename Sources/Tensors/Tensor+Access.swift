extension Tensor {
  /// The first byte.
  ///
  /// The storage must be kept alive while the pointer is used.
  var bytePointer: UnsafeRawPointer { unsafe UnsafeRawPointer(storage.base + byteOffset) }

  /// The first element of an aligned `float32` tensor (see `widened`).
  ///
  /// The storage must be kept alive while the pointer is used.
  var floatPointer: UnsafePointer<Float> {
    assert(elementType == .float32 && byteOffset % 4 == 0)
    return unsafe bytePointer.assumingMemoryBound(to: Float.self)
  }

  /// The first element, for writing.
  ///
  /// Only for tensors that nothing else refers to.
  var mutableFloatPointer: UnsafeMutablePointer<Float> {
    assert(elementType == .float32 && byteOffset % 4 == 0 && storage.isWritable)
    return unsafe (storage.base + byteOffset).assumingMemoryBound(to: Float.self)
  }

  /// All elements as single-precision numbers, last axis fastest.
  public var floats: [Float] {
    unsafe [Float](unsafeUninitializedCapacity: count) { buffer, written in
      if let target = buffer.baseAddress {
        withExtendedLifetime(storage) {
          unsafe widen(from: 0, count: count, into: target)
        }
      }
      written = count
    }
  }

  /// A copy of the stored bytes; those of a scaled tensor are what the scales are applied to.
  public var bytes: [UInt8] {
    withExtendedLifetime(storage) {
      unsafe [UInt8](UnsafeRawBufferPointer(start: bytePointer, count: byteCount))
    }
  }

  /// The elements of one index of the first axis as single-precision numbers.
  public func row(_ index: Int) -> [Float] { self[index].floats }

  /// The element at these indices as a single-precision number.
  ///
  /// Precondition: one valid index for each axis.
  public func element(_ indices: Int...) -> Float {
    precondition(indices.count == rank, "\(indices.count) indices for a tensor of shape \(shape)")
    var position = 0
    for (index, extent) in zip(indices, shape) {
      precondition(index >= 0 && index < extent, "index \(indices) of a tensor of shape \(shape)")
      position = position * extent + index
    }
    // A quantised element is read with its block.
    let block = elementType.blockLength
    let values = unsafe [Float](unsafeUninitializedCapacity: block) { buffer, written in
      if let target = buffer.baseAddress {
        withExtendedLifetime(storage) {
          unsafe widen(from: position / block * block, count: block, into: target)
        }
      }
      written = block
    }
    return values[position % block]
  }

  /// The same elements as aligned `float32`; itself when it is that already.
  func widened() -> Tensor {
    elementType == .float32 && byteOffset % 4 == 0 && scales == nil ? self : copiedAsFloats()
  }

  /// The same elements as `float32` in memory of its own.
  func copiedAsFloats() -> Tensor {
    let result = Tensor(uninitialized: shape)
    withExtendedLifetime((storage, result.storage)) {
      unsafe widen(from: 0, count: count, into: result.mutableFloatPointer)
    }
    return result
  }

  /// Rows of the first axis in the order of `ids`, widened to `float32`: an embedding's look-up, `[ids, …]`.
  ///
  /// Precondition: every id is a row.
  public func gatheringRows(_ ids: [Int]) -> Tensor {
    precondition(rank > 0, "a single number has no rows")
    let length = rowLength
    // A quantised vector has no blocks that could be gathered: its numbers are.
    let rows = rank == 1 && elementType.blockLength > 1 ? copiedAsFloats() : self
    let result = Tensor(uninitialized: [ids.count] + shape.dropFirst())
    withExtendedLifetime((rows.storage, result.storage)) {
      let target = unsafe result.mutableFloatPointer
      for (position, id) in ids.enumerated() {
        precondition(id >= 0 && id < shape[0], "row \(id) of a tensor of shape \(shape)")
        unsafe rows.widen(from: id * length, count: length, into: target + position * length)
      }
    }
    return result
  }

  /// Gives `body` the elements of a `float32` tensor for changing, after a copy if anything else refers to them.
  mutating func withMutableFloats<Value>(_ body: (UnsafeMutablePointer<Float>) -> Value) -> Value {
    precondition(elementType == .float32, "only float32 tensors change in place")
    if !isKnownUniquelyReferenced(&storage) || !storage.isWritable || byteOffset % 4 != 0
      || scales != nil
    {
      self = copiedAsFloats()
    }
    return withExtendedLifetime(storage) { unsafe body(mutableFloatPointer) }
  }

  /// Writes the rows of `source` over those from `start` on, in place where nothing else refers to the elements.
  ///
  /// Precondition: `float32`, rows of the same length, all of them inside. Throws `Cancelled`; part of the rows is
  /// then written.
  public mutating func replaceRows(
    startingAt start: Int, with source: Tensor, cancellation: Cancellation? = nil
  ) throws(Cancelled) {
    let length = rowLength
    precondition(
      start >= 0 && start + source.rowCount <= rowCount && source.rowLength == length,
      "rows of shape \(source.shape) at \(start) of a tensor of shape \(shape)")
    unsafe withMutableFloats { target in
      withExtendedLifetime(source.storage) {
        Compute.pool.divide(count: source.count, grain: 256 << 10) { range in
          if let cancellation, cancellation.isCancelled { return }
          // The grain is a multiple of every block's length, so that a part is of whole blocks.
          unsafe source.widen(
            from: range.lowerBound, count: range.count,
            into: target + start * length + range.lowerBound)
        }
      }
    }
    try cancellation?.check()
  }
}
