/// Why a tensor could not be made from stored bytes.
public enum TensorError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A dimension is negative.
  case negativeDimension(shape: [Int])
  /// The element or byte count of the shape is beyond what an integer holds.
  case sizeOverflow(shape: [Int], elementType: ElementType)
  /// The last axis is not a whole number of quantised blocks.
  case cutBlocks(shape: [Int], elementType: ElementType)
  /// The bytes would end outside the file.
  case outOfBounds(byteOffset: Int, byteCount: Int, fileByteCount: Int)
  /// The number of elements given is not that of the shape.
  case countMismatch(shape: [Int], count: Int)
  /// Two shapes cannot be combined.
  case incompatibleShapes([Int], [Int])

  /// One sentence with the facts.
  public var description: String {
    switch self {
    case .negativeDimension(let shape):
      "the shape \(shape) has a negative dimension"
    case .sizeOverflow(let shape, let elementType):
      "a \(elementType.name) tensor of shape \(shape) is too large to address"
    case .cutBlocks(let shape, let elementType):
      "the rows of a tensor of shape \(shape) are no whole blocks of "
        + "\(elementType.blockLength) elements, as \(elementType.name) needs"
    case .outOfBounds(let byteOffset, let byteCount, let fileByteCount):
      "\(byteCount) bytes at offset \(byteOffset) are not inside the file's \(fileByteCount) bytes"
    case .countMismatch(let shape, let count):
      "\(count) elements do not fill a tensor of shape \(shape)"
    case .incompatibleShapes(let first, let second):
      "tensors of shapes \(first) and \(second) cannot be combined"
    }
  }
}

/// Why a file could not be mapped or read.
public enum MappedFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file could not be opened; `code` is the system's error number.
  case cannotOpen(path: String, code: Int32, reason: String)
  /// The path names something other than a regular file.
  case notARegularFile(path: String)
  /// The file has no bytes.
  case empty(path: String)
  /// The system refused the mapping; `code` is its error number.
  case cannotMap(path: String, code: Int32, reason: String)
  /// The bytes asked for are not inside the file.
  case outOfBounds(path: String, range: Range<Int>, byteCount: Int)

  /// One sentence with the facts.
  public var description: String {
    switch self {
    case .cannotOpen(let path, _, let reason): "\(path) could not be opened: \(reason)"
    case .notARegularFile(let path): "\(path) is not a regular file"
    case .empty(let path): "\(path) is empty"
    case .cannotMap(let path, _, let reason): "\(path) could not be mapped: \(reason)"
    case .outOfBounds(let path, let range, let byteCount):
      "bytes \(range.lowerBound) to \(range.upperBound) are not inside the \(byteCount) bytes of \(path)"
    }
  }
}
