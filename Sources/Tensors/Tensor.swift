/// Numbers in a row-major box: the value that all computations take and give.
///
/// A value type: copies share the bytes until one of them is changed. The bytes are memory of its own or part of a mapped
/// file, in any `ElementType`; every computation gives `float32`.
public struct Tensor: Sendable {
  /// The extent of each axis; empty for a single number.
  public private(set) var shape: [Int]
  /// How an element is stored.
  public let elementType: ElementType
  var storage: TensorStorage
  var byteOffset: Int
  /// What the stored elements are multiplied by, or nil where they are the numbers themselves.
  var scales: BlockScales?

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }
  /// The number of bytes of all elements.
  public var byteCount: Int { elementType.byteCount(ofElements: count) }
  /// The number of axes.
  public var rank: Int { shape.count }
  /// The extent of the first axis; 1 for a single number.
  public var rowCount: Int { shape.first ?? 1 }
  /// The number of elements of one index of the first axis.
  public var rowLength: Int { shape.dropFirst().reduce(1, *) }
  /// Whether the bytes are those of a mapped file.
  public var isMapped: Bool { !storage.isWritable }

  init(shape: [Int], elementType: ElementType, storage: TensorStorage, byteOffset: Int) {
    self.shape = shape
    self.elementType = elementType
    self.storage = storage
    self.byteOffset = byteOffset
  }

  /// A tensor of arbitrary content, for an operation that writes all of it, or of zeros.
  init(uninitialized shape: [Int], elementType: ElementType = .float32, zeroed: Bool = false) {
    let size = Self.checkedByteCount(shape, elementType)
    guard let size else { preconditionFailure("a tensor of shape \(shape) cannot exist") }
    self.init(
      shape: shape, elementType: elementType,
      storage: TensorStorage(byteCount: size, zeroed: zeroed), byteOffset: 0)
  }

  /// `float32` zeros; a large tensor's memory is first touched when it is used.
  public init(zeros shape: [Int]) { self.init(uninitialized: shape, zeroed: true) }

  /// `float32` elements that are all `value`.
  public init(repeating value: Float, shape: [Int]) {
    self.init(uninitialized: shape)
    unsafe storage.floats.initialize(repeating: value, count: count)
  }

  /// The given `float32` elements, last axis fastest.
  ///
  /// Precondition: as many as the shape has.
  public init(shape: [Int], _ floats: [Float]) {
    precondition(
      shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == floats.count,
      "\(floats.count) elements do not fill a tensor of shape \(shape)")
    self.init(uninitialized: shape)
    let target = unsafe storage.floats
    unsafe floats.withUnsafeBufferPointer { source in
      if let start = source.baseAddress {
        unsafe target.initialize(from: start, count: source.count)
      }
    }
  }

  /// Little-endian elements of any type from bytes; throws `TensorError` when the count is not the shape's.
  public init(shape: [Int], elementType: ElementType, bytes: [UInt8]) throws(TensorError) {
    let size = try Self.byteCount(shape, elementType)
    guard size == bytes.count else {
      throw .countMismatch(
        shape: shape, count: bytes.count / elementType.byteCount * elementType.blockLength)
    }
    self.init(uninitialized: shape, elementType: elementType)
    let target = unsafe storage.base
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        unsafe target.copyMemory(from: start, byteCount: source.count)
      }
    }
  }

  /// Part of a mapped file, at any byte offset, without a copy.
  ///
  /// Throws `TensorError` when a dimension is negative, when a size overflows, or when the bytes would end outside the file.
  public init(mapped file: MappedFile, byteOffset: Int, shape: [Int], elementType: ElementType)
    throws(TensorError)
  {
    let size = try Self.byteCount(shape, elementType)
    let (end, overflow) = byteOffset.addingReportingOverflow(size)
    guard byteOffset >= 0, !overflow, end <= file.count else {
      throw .outOfBounds(byteOffset: byteOffset, byteCount: size, fileByteCount: file.count)
    }
    self.init(
      shape: shape, elementType: elementType, storage: TensorStorage(file: file),
      byteOffset: byteOffset)
  }

  /// The number of bytes of a shape; throws `TensorError` for negative dimensions, overflow and cut blocks.
  public static func byteCount(_ shape: [Int], _ elementType: ElementType) throws(TensorError)
    -> Int
  {
    guard shape.allSatisfy({ $0 >= 0 }) else { throw .negativeDimension(shape: shape) }
    guard (shape.last ?? 1) % elementType.blockLength == 0 else {
      throw .cutBlocks(shape: shape, elementType: elementType)
    }
    guard let size = checkedByteCount(shape, elementType) else {
      throw .sizeOverflow(shape: shape, elementType: elementType)
    }
    return size
  }

  private static func checkedByteCount(_ shape: [Int], _ elementType: ElementType) -> Int? {
    // Zero dimensions do not excuse the others: their product must be addressable too.
    var strides = elementType.byteCount
    var size = elementType.byteCount
    // The number of elements must be countable too, of which a byte of a block may hold two.
    var elements = 1
    for (axis, extent) in shape.enumerated() {
      let isLast = axis == shape.count - 1
      guard extent >= 0, !isLast || extent % elementType.blockLength == 0 else { return nil }
      let (counted, excess) = elements.multipliedReportingOverflow(by: max(1, extent))
      if excess { return nil }
      elements = counted
      let dimension = isLast ? extent / elementType.blockLength : extent
      let (product, overflow) = strides.multipliedReportingOverflow(by: max(1, dimension))
      if overflow { return nil }
      strides = product
      size *= dimension
    }
    return size
  }

  /// The same elements in another shape.
  ///
  /// Precondition: the shapes have as many elements.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(
      shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == count,
      "a tensor of shape \(self.shape) cannot be reshaped to \(shape)")
    if shape == self.shape { return self }
    // Scales belong to a matrix, and blocks to the last axis: other shapes take the numbers themselves.
    if scales != nil || (shape.last ?? 1) % elementType.blockLength != 0 {
      return copiedAsFloats().reshaped(shape)
    }
    var result = self
    result.shape = shape
    return result
  }

  /// The indices `range` of the first axis, without a copy (but for a part of a single quantised row).
  ///
  /// Precondition: they exist.
  public func rows(_ range: Range<Int>) -> Tensor {
    precondition(
      rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0],
      "rows \(range) of a tensor of shape \(shape)")
    if rank == 1, elementType.blockLength > 1 { return copiedAsFloats().rows(range) }
    var result = self
    result.shape[0] = range.count
    result.byteOffset += elementType.byteCount(ofElements: range.lowerBound * rowLength)
    result.scales?.firstRow += range.lowerBound
    return result
  }

  /// One index of the first axis, which the result does not have; a view.
  ///
  /// Precondition: it exists.
  public subscript(row: Int) -> Tensor {
    let one = rows(row..<(row + 1))
    return one.reshaped(Array(shape.dropFirst()))
  }
}
