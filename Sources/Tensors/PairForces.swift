import CKernels

/// How much each point of a map is pulled towards the others.
public enum PairShares: Sendable {
  /// By all of them: `[points, padded]`, where `padded` is `PairForces.padded(points)` and what fills up is 0.
  case all(Tensor)
  /// By near ones.
  case near(NearShares)
}

/// Pulls between near points.
public struct NearShares: Sendable {
  /// Where each point's others begin, with one more at the end; multiples of `PairForces.lanes`.
  public let starts: [Int]
  /// By whom each point is pulled, filled up to whole lanes.
  public let others: [Int32]
  /// How much; 0 for what fills up.
  public let shares: [Float]

  /// Precondition: every list's length is a multiple of `PairForces.lanes`, and every other is a point.
  public init(starts: [Int], others: [Int32], shares: [Float]) {
    let count = starts.count - 1
    precondition(
      count >= 0 && starts[0] == 0 && starts[count] == others.count && others.count == shares.count
        && starts.allSatisfy { $0.isMultiple(of: PairForces.lanes) }
        && zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }
        && others.allSatisfy { 0 <= $0 && $0 < count }, "shares of near pairs")
    self.starts = starts
    self.others = others
    self.shares = shares
  }

  /// Writes the pulls on points along three axes, seven floats apart.
  func addPulls(
    on points: Range<Int>, axes: Int, places: UnsafePointer<Float>, stride: Int, kernels: Kernels,
    to target: UnsafeMutablePointer<Float>, step: Int
  ) {
    unsafe others.withUnsafeBufferPointer { others in
      unsafe shares.withUnsafeBufferPointer { shares in
        guard let others = others.baseAddress, let shares = shares.baseAddress else { return }
        for (row, point) in points.enumerated() {
          let start = starts[point]
          let length = starts[point + 1] - start
          guard length > 0 else { continue }
          unsafe kernels.table.pointee.near_pulls(
            Int32(axes), places, Int64(stride), Int64(point), others + start, shares + start,
            Int64(length), target + row * step)
        }
      }
    }
  }
}

/// The forces on the points of a map on which t-SNE places them (van der Maaten and Hinton 2008).
///
/// On two axes a pair's weight is 1 / (1 + d²); on three it is (1 + d²/2) to the power of −3/2: Student's distribution with
/// one and with two degrees of freedom. Every pair is computed; each point's sums are made by itself, so that
/// they don't depend on the number of threads.
public struct PairForces: Sendable {
  /// What lengths are filled up to.
  public static let lanes = 16

  /// The sum of each point's weights with all others, not normalised.
  public let weights: [Float]
  /// By axis, the sum of what pushes each point.
  public let pushes: [[Float]]
  /// By axis, the sum of what pulls each point.
  public let pulls: [[Float]]

  /// The least multiple of `lanes` that is not below `count`.
  public static func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }

  /// Computes the forces.
  ///
  /// - Parameters:
  ///   - places: the coordinates, axis by axis; two or three axes.
  ///   - shares: the pulls.
  /// - Throws: `Cancelled`.
  public init(
    places: [[Float]], shares: PairShares, pool: ThreadPool, cancellation: Cancellation?
  ) throws(Cancelled) {
    let (axes, count) = (places.count, places[0].count)
    precondition(axes == 2 || axes == 3, "\(axes) axes")
    let stride = Self.padded(count)
    // So far away that no pair with them has a weight.
    var flat = [Float](repeating: 1e15, count: axes * stride)
    for axis in 0..<axes {
      flat.replaceSubrange(axis * stride..<axis * stride + count, with: places[axis])
    }
    if case .all(let tensor) = shares {
      precondition(
        tensor.shape == [count, stride] && tensor.elementType == .float32, "shares of all pairs")
    } else if case .near(let near) = shares {
      precondition(near.starts.count == count + 1, "shares of near pairs")
    }
    let width = 7
    let result = Tensor(uninitialized: [count, width])
    let kernels = Compute.kernels
    let group = Int(vk_pair_points)
    unsafe flat.withUnsafeBufferPointer { flat in
      withExtendedLifetime((shares, result)) {
        guard let base = flat.baseAddress else { return }
        let output = unsafe result.mutableFloatPointer
        pool.divide(count: (count + group - 1) / group, grain: 8) { range in
          guard cancellation?.isCancelled != true else { return }
          for place in range {
            let first = place * group
            let rows = min(group, count - first)
            let target = unsafe output + first * width
            switch shares {
            case .all(let tensor):
              unsafe kernels.table.pointee.pair_forces(
                Int32(axes), base, Int64(stride), Int64(stride), Int64(first), Int32(rows),
                tensor.floatPointer + first * stride, Int64(stride), target)
            case .near(let near):
              unsafe kernels.table.pointee.pair_forces(
                Int32(axes), base, Int64(stride), Int64(stride), Int64(first), Int32(rows), nil, 0,
                target)
              // Lists without any pair leave what `pair_forces` wrote: zeros.
              unsafe near.addPulls(
                on: first..<first + rows, axes: axes, places: base, stride: stride,
                kernels: kernels, to: target + 4, step: width)
            }
          }
        }
      }
    }
    guard cancellation?.isCancelled != true else { throw Cancelled() }
    let numbers = result.floats
    // The point's own weight of 1 is no pair's.
    weights = (0..<count).map { numbers[$0 * width] - 1 }
    pushes = (0..<axes).map { axis in (0..<count).map { numbers[$0 * width + 1 + axis] } }
    pulls = (0..<axes).map { axis in (0..<count).map { numbers[$0 * width + 4 + axis] } }
  }
}
