import CKernels

/// Sums over parts of arrays in double precision, at the speed of the CPU's vectors.
///
/// Make one where a computation begins and use it for all of its sums.
public struct DoubleVectors: Sendable {
  private let kernels = Compute.kernels

  /// Takes the loops that computations use.
  public init() {}

  /// The sum of the products of `count` numbers of two arrays.
  ///
  /// Precondition: the arrays have so many from there on.
  public func dot(
    _ x: [Double], from first: Int = 0, _ y: [Double], from second: Int = 0, count: Int
  ) -> Double {
    precondition(
      first >= 0 && second >= 0 && count >= 0 && first + count <= x.count
        && second + count <= y.count, "\(count) numbers")
    return unsafe x.withUnsafeBufferPointer { x in
      unsafe y.withUnsafeBufferPointer { y in
        guard count > 0, let x = x.baseAddress, let y = y.baseAddress else { return 0 }
        return unsafe kernels.table.pointee.dot_double(x + first, y + second, Int64(count))
      }
    }
  }

  /// The sum of the squares of the differences of `count` numbers of an array to others in it.
  ///
  /// Precondition: the array has so many from there on.
  public func squaredDistance(
    in x: [Double], from first: Int, to second: Int, count: Int
  ) -> Double {
    precondition(
      first >= 0 && second >= 0 && count >= 0 && max(first, second) + count <= x.count,
      "\(count) numbers")
    return unsafe x.withUnsafeBufferPointer { x in
      guard count > 0, let x = x.baseAddress else { return 0 }
      return unsafe kernels.table.pointee.distance_double(x + first, x + second, Int64(count))
    }
  }

  /// Adds `factor` times `count` numbers of an array to those of another.
  ///
  /// Precondition: the arrays have so many from there on.
  public func add(
    _ factor: Double, times x: [Double], from first: Int = 0, to y: inout [Double],
    from second: Int = 0, count: Int
  ) {
    precondition(
      first >= 0 && second >= 0 && count >= 0 && first + count <= x.count
        && second + count <= y.count, "\(count) numbers")
    unsafe x.withUnsafeBufferPointer { x in
      unsafe y.withUnsafeMutableBufferPointer { y in
        guard count > 0, let x = x.baseAddress, let y = y.baseAddress else { return }
        unsafe kernels.table.pointee.add_scaled_double(factor, x + first, y + second, Int64(count))
      }
    }
  }

  /// Writes `exp(−distance · precision)` for each distance and gives the weights' sum, and that of each times its distance.
  ///
  /// Precondition: as many weights as distances.
  public func gaussianWeights(
    _ distances: [Float], precision: Float, to weights: inout [Float]
  ) -> (sum: Double, moment: Double) {
    precondition(weights.count == distances.count, "a weight for each distance")
    var sums = [0.0, 0.0]
    unsafe distances.withUnsafeBufferPointer { distances in
      unsafe weights.withUnsafeMutableBufferPointer { weights in
        unsafe sums.withUnsafeMutableBufferPointer { sums in
          guard let from = distances.baseAddress, let to = weights.baseAddress,
            let sums = sums.baseAddress
          else { return }
          unsafe kernels.table.pointee.gaussian_weights(
            from, to, Int64(distances.count), precision, sums)
        }
      }
    }
    return (sums[0], sums[1])
  }
}
