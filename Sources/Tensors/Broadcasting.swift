import Glibc

/// An operation on two numbers.
public enum BinaryOperation: Sendable, CaseIterable {
  /// a + b.
  case add
  /// a − b.
  case subtract
  /// a · b.
  case multiply
  /// a / b.
  case divide
  /// a to the power b.
  case power
  /// What is left of a after whole multiples of b, with the sign of b (floored division).
  case remainder
  /// The smaller; NaN if either is.
  case minimum
  /// The larger; NaN if either is.
  case maximum

  /// The result for two numbers.
  @inline(__always)
  public func callAsFunction(_ a: Float, _ b: Float) -> Float {
    switch self {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .power: powf(a, b)
    case .remainder: Self.flooredRemainder(a, b)
    case .minimum: a.isNaN || b.isNaN ? .nan : min(a, b)
    case .maximum: a.isNaN || b.isNaN ? .nan : max(a, b)
    }
  }

  private static func flooredRemainder(_ a: Float, _ b: Float) -> Float {
    let rest = fmodf(a, b)
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }
}

extension Tensor {
  /// The shape of a combination element by element, or nil when the shapes do not fit.
  ///
  /// Axes are matched from the last; an extent of 1, or a missing axis, is repeated, as in NumPy.
  public static func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    var shape = [Int](repeating: 1, count: rank)
    for axis in 1...max(1, rank) where axis <= rank {
      let first = axis <= a.count ? a[a.count - axis] : 1
      let second = axis <= b.count ? b[b.count - axis] : 1
      guard first == second || first == 1 || second == 1 else { return nil }
      shape[rank - axis] = first == 1 ? second : first
    }
    return shape
  }

  /// Combines two tensors element by element, repeating axes of extent 1 as NumPy does; `float32`.
  ///
  /// Throws `TensorError.incompatibleShapes`, or `sizeOverflow` when the result would be too large to address.
  public static func broadcast(_ a: Tensor, _ b: Tensor, _ operation: BinaryOperation)
    throws(TensorError) -> Tensor
  {
    guard let shape = broadcastShape(a.shape, b.shape) else {
      throw .incompatibleShapes(a.shape, b.shape)
    }
    _ = try byteCount(shape, .float32)
    let a = a.widened()
    let b = b.widened()
    let result = Tensor(uninitialized: shape)
    guard result.count > 0 else { return result }
    let width = shape.last ?? 1
    let aSteps = steps(of: a.shape, in: shape)
    let bSteps = steps(of: b.shape, in: shape)
    withExtendedLifetime((a, b, result)) {
      let (first, second) = unsafe (a.floatPointer, b.floatPointer)
      let output = unsafe result.mutableFloatPointer
      Compute.pool.divide(
        count: result.count / width, grain: max(1, (16 << 10) / width)
      ) { range in
        for row in range {
          var (aStart, bStart, rest) = (0, 0, row)
          for axis in stride(from: shape.count - 2, through: 0, by: -1) {
            let index = rest % shape[axis]
            rest /= shape[axis]
            aStart += index * aSteps[axis]
            bStart += index * bSteps[axis]
          }
          unsafe combineRow(
            operation, first + aStart, aSteps.last ?? 0, second + bStart, bSteps.last ?? 0,
            output + row * width, width)
        }
      }
    }
    return result
  }

  /// Combines every element with one number; `float32`.
  public func combined(with number: Float, _ operation: BinaryOperation) -> Tensor {
    var result = widened()
    let count = count
    unsafe result.withMutableFloats { target in
      Compute.pool.divide(count: count, grain: 16 << 10) { range in
        var number = number
        let start = unsafe target + range.lowerBound
        unsafe combineRow(operation, start, 1, &number, 0, start, range.count)
      }
    }
    return result
  }

  /// Combines every element with that of a tensor of the same shape, in place; `float32`.
  ///
  /// Precondition: the shapes are equal. Throws `Cancelled`; part of the elements are then combined.
  public mutating func combine(
    _ operation: BinaryOperation, with other: Tensor, cancellation: Cancellation? = nil
  ) throws(Cancelled) {
    precondition(shape == other.shape, "tensors of shapes \(shape) and \(other.shape)")
    let other = other.widened()
    let count = count
    unsafe withMutableFloats { target in
      withExtendedLifetime(other) {
        let source = unsafe other.floatPointer
        Compute.pool.divide(count: count, grain: 64 << 10) { range in
          if let cancellation, cancellation.isCancelled { return }
          let start = unsafe target + range.lowerBound
          unsafe combineRow(
            operation, start, 1, source + range.lowerBound, 1, start, range.count)
        }
      }
    }
    try cancellation?.check()
  }

  /// How far an index of each axis of `shape` moves in a tensor of shape `own`: 0 where it is repeated.
  private static func steps(of own: [Int], in shape: [Int]) -> [Int] {
    var steps = [Int](repeating: 0, count: shape.count)
    var step = 1
    for axis in 1...max(1, own.count) where axis <= own.count {
      let extent = own[own.count - axis]
      steps[shape.count - axis] = extent == 1 ? 0 : step
      step *= extent
    }
    return steps
  }
}

/// One row of a combination; a step of 0 repeats an element.
private func combineRow(
  _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ aStep: Int,
  _ b: UnsafePointer<Float>, _ bStep: Int, _ output: UnsafeMutablePointer<Float>, _ count: Int
) {
  @inline(__always) func loop(_ body: (Float, Float) -> Float) {
    for index in 0..<count {
      unsafe output[index] = body(unsafe a[index * aStep], unsafe b[index * bStep])
    }
  }
  switch operation {
  case .add: loop { $0 + $1 }
  case .subtract: loop { $0 - $1 }
  case .multiply: loop { $0 * $1 }
  case .divide: loop { $0 / $1 }
  default: loop { operation($0, $1) }
  }
}
