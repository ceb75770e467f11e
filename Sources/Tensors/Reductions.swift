/// How the elements along an axis become one.
public enum AxisReduction: Sendable, CaseIterable {
  /// Their sum.
  case sum
  /// Their mean; NaN of none.
  case mean
  /// The smallest; infinity of none, NaN if any is.
  case minimum
  /// The largest; negative infinity of none, NaN if any is.
  case maximum
}

extension Tensor {
  /// Reduces one axis, which the result does not have; sums are made in double precision, in the order of the axis.
  ///
  /// Precondition: the axis exists (negative axes count from the last).
  public func reduced(_ reduction: AxisReduction, axis: Int) -> Tensor {
    let axis = checkedAxis(axis)
    let source = widened()
    let outer = shape[..<axis].reduce(1, *)
    let length = shape[axis]
    let inner = shape[(axis + 1)...].reduce(1, *)
    var shape = shape
    shape.remove(at: axis)
    let result = Tensor(uninitialized: shape)
    withExtendedLifetime((source, result)) {
      let input = unsafe source.floatPointer
      let output = unsafe result.mutableFloatPointer
      let grain = max(1, (16 << 10) / max(1, length))
      Compute.pool.divide(count: outer * inner, grain: grain) { range in
        for position in range {
          let start = unsafe input + position / inner * length * inner + position % inner
          unsafe output[position] = unsafe reduce(reduction, start, step: inner, count: length)
        }
      }
    }
    return result
  }

  /// The sum of all elements, made in double precision in their order.
  public var sum: Double { floats.reduce(0) { $0 + Double($1) } }
  /// The mean of all elements; NaN of none.
  public var mean: Double { sum / Double(count) }
  /// The smallest element, ignoring NaN; nil of none.
  public var minimum: Float? { floats.lazy.filter { !$0.isNaN }.min() }
  /// The largest element, ignoring NaN; nil of none.
  public var maximum: Float? { floats.lazy.filter { !$0.isNaN }.max() }

  func checkedAxis(_ axis: Int) -> Int {
    let position = axis < 0 ? axis + rank : axis
    precondition(position >= 0 && position < rank, "axis \(axis) of a tensor of shape \(shape)")
    return position
  }

  /// The mean of the rows whose mask is true, `[width]`; zeros when none is.
  ///
  /// Precondition: `[rows, width]`, and a mask for each row.
  public func meanOfRows(where mask: [Bool]? = nil) -> Tensor {
    precondition(rank == 2 && (mask == nil || mask?.count == shape[0]), "a mask of the rows")
    let values = floats
    let width = shape[1]
    var sums = [Double](repeating: 0, count: width)
    var count = 0
    for row in 0..<shape[0] where mask?[row] ?? true {
      count += 1
      for column in 0..<width { sums[column] += Double(values[row * width + column]) }
    }
    return Tensor(shape: [width], sums.map { Float(count == 0 ? 0 : $0 / Double(count)) })
  }

  /// The rows of the last axis scaled to a Euclidean length of 1; a row of zeros stays.
  public func normalizedRows() -> Tensor {
    var values = floats
    let width = max(1, shape.last ?? 1)
    for start in stride(from: 0, to: values.count, by: width) {
      let square = values[start..<(start + width)].reduce(0.0) { $0 + Double($1) * Double($1) }
      guard square > 0 else { continue }
      let factor = 1 / square.squareRoot()
      for index in start..<(start + width) { values[index] = Float(Double(values[index]) * factor) }
    }
    return Tensor(shape: shape, values)
  }

  /// The `count` largest elements of each row of the last axis, largest first, with their positions.
  ///
  /// Of equal elements the earlier comes first; NaN comes last. Fewer where rows are shorter.
  public func largestPerRow(_ count: Int) -> [[(index: Int, value: Float)]] {
    let values = floats
    let width = max(1, shape.last ?? 1)
    return stride(from: 0, to: values.count, by: width).map { start in
      largestElements(values[start..<(start + width)], count).map { ($0 - start, values[$0]) }
    }
  }
}

private func reduce(
  _ reduction: AxisReduction, _ start: UnsafePointer<Float>, step: Int, count: Int
) -> Float {
  switch reduction {
  case .sum, .mean:
    var sum = 0.0
    for index in 0..<count { sum += Double(unsafe start[index * step]) }
    return Float(reduction == .sum ? sum : sum / Double(count))
  case .minimum:
    var result = Float.infinity
    for index in 0..<count { result = BinaryOperation.minimum(result, unsafe start[index * step]) }
    return result
  case .maximum:
    var result = -Float.infinity
    for index in 0..<count { result = BinaryOperation.maximum(result, unsafe start[index * step]) }
    return result
  }
}

/// The indices of the `count` largest elements, largest first.
private func largestElements(_ values: ArraySlice<Float>, _ count: Int) -> [Int] {
  guard count > 0 else { return [] }
  func precedes(_ a: Int, _ b: Int) -> Bool {
    let (first, second) = (values[a], values[b])
    if first.isNaN != second.isNaN { return second.isNaN }
    return first == second || first.isNaN ? a < b : first > second
  }
  // A short list in order: for a few of many, nearly every element fails the first comparison.
  var kept: [Int] = []
  if count > 64 { return Array(values.indices.sorted(by: precedes).prefix(count)) }
  for index in values.indices {
    if kept.count == count, let last = kept.last, !precedes(index, last) { continue }
    if kept.count == count { kept.removeLast() }
    let place = kept.firstIndex { precedes(index, $0) } ?? kept.endIndex
    kept.insert(index, at: place)
  }
  return kept
}

/// Softmax of one row in double precision, rounded once.
public func softmax(_ row: [Float]) -> [Float] {
  guard let largest = row.max(), largest > -.infinity else { return row.map { _ in 0 } }
  let shift = logSumExp(row)
  return row.map { Float(exponential(Double($0) - shift)) }
}

/// log Σ exp of a row, in double precision; negative infinity of none.
public func logSumExp(_ row: [Float]) -> Double {
  guard let largest = row.max(), largest > -.infinity else { return -.infinity }
  let shift = Double(largest)
  return shift + logarithm(row.reduce(0) { $0 + exponential(Double($1) - shift) })
}

/// log softmax of one row, in double precision, rounded once.
public func logSoftmax(_ row: [Float]) -> [Float] {
  let shift = logSumExp(row)
  return row.map { Float(Double($0) - shift) }
}
