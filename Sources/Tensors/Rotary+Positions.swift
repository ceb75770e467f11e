import CKernels

extension Tensor {
  /// Turns each head of `[tokens, heads · dimension]` by the angle of its token's position, in place.
  ///
  /// `positions` has one position for each token; otherwise as `applyRotary`. Precondition: `float32`, the
  /// table has the positions, and heads are long enough.
  public mutating func turn(
    heads: Int, table: RotaryTable, style: RotaryStyle, positions: [Int32], offset: Int = 0,
    inverse: Bool = false
  ) {
    let width = rowLength
    precondition(heads > 0 && width % heads == 0, "\(heads) heads of \(shape)")
    let dimension = width / heads
    let half = table.headDimension / 2
    precondition(
      offset >= 0 && offset + 2 * half <= dimension, "rotary of \(2 * half) in \(dimension)")
    precondition(
      positions.count == rowCount && positions.allSatisfy { $0 >= 0 && $0 < table.positions },
      "\(positions.count) positions for \(shape), a table of \(table.positions)")
    var sines = table.sines
    if inverse { sines.scale(by: -1) }
    let kernels = Compute.kernels
    withExtendedLifetime((table.cosines, sines)) {
      let cosineRows = unsafe table.cosines.floatPointer
      let sineRows = unsafe sines.floatPointer
      unsafe withMutableFloats { target in
        Compute.pool.divide(count: positions.count, grain: rowGrain(width)) { range in
          for token in range {
            let angle = Int(positions[token]) * half
            for head in 0..<heads {
              let start = unsafe target + token * width + head * dimension + offset
              switch style {
              case .halfRotate:
                unsafe kernels.table.pointee.rotate_halves(
                  start, cosineRows + angle, sineRows + angle, Int64(half))
              case .interleaved:
                unsafe kernels.table.pointee.rotate_pairs(
                  start, cosineRows + angle, sineRows + angle, Int64(half))
              }
            }
          }
        }
      }
    }
  }
}
