import CKernels

/// Points on a map that pairs pull together and strangers push apart: the layout of UMAP (McInnes, Healy and Melville 2018).
///
/// The published descent moves both points of a pair at once, one pair after another, so that its result depends on
/// their order and, with several threads, on chance. Here each point goes through its own pairs one after another
/// and sees all others where they were before the step; an epoch has two steps, in the first of which strangers push, because
/// each pair pulls from both of its ends. Strangers are drawn by seed, step and point, so that the result does not depend
/// on the number of threads.
public struct NeighborLayout: Sendable {
  private let axes: Int
  private let starts: [Int64]
  private let others: [Int32]
  private let shares: [Float]
  private let a: Float
  private let b: Float
  private let strangers: Int
  private let seed: UInt64
  /// Four floats a point.
  private var places: [Float]

  /// Begins at places given axis by axis.
  ///
  /// Precondition: two or three axes; `starts` has one element more than there are points, and every other is a point.
  ///
  /// - Parameters:
  ///   - shares: for each pair, in which share of the epochs it acts, at most 1.
  ///   - a: the curve's 1 / (1 + a d²ᵇ) first number.
  ///   - b: its second number.
  ///   - strangers: how many points push for each pair that pulls.
  public init(
    places: [[Float]], starts: [Int], others: [Int32], shares: [Float], a: Float, b: Float,
    strangers: Int, seed: UInt64
  ) {
    let count = places[0].count
    precondition(places.count == 2 || places.count == 3, "\(places.count) axes")
    precondition(
      starts.count == count + 1 && starts[0] == 0 && starts[count] == others.count
        && others.count == shares.count && zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }
        && others.allSatisfy { 0 <= $0 && $0 < count }, "pairs of \(count) points")
    axes = places.count
    self.starts = starts.map(Int64.init)
    self.others = others
    self.shares = shares
    self.a = a
    self.b = b
    self.strangers = strangers
    self.seed = seed
    var flat = [Float](repeating: 0, count: 4 * count)
    for axis in places.indices {
      for point in 0..<count { flat[4 * point + axis] = places[axis][point] }
    }
    self.places = flat
  }

  /// The places, point by point.
  public var points: [[Double]] {
    (0..<starts.count - 1).map { point in
      (0..<axes).map { Double(places[4 * point + $0]) }
    }
  }

  /// Takes the two steps of an epoch, which are numbered from 1.
  ///
  /// - Throws: `Cancelled`.
  public mutating func epoch(
    _ number: Int, rate: Float, pool: ThreadPool, cancellation: Cancellation?
  ) throws(Cancelled) {
    guard !others.isEmpty else { return }
    for half in 0..<2 {
      let result = Tensor(uninitialized: [places.count])
      let count = starts.count - 1
      let kernels = Compute.kernels
      unsafe places.withUnsafeBufferPointer { places in
        unsafe starts.withUnsafeBufferPointer { starts in
          unsafe others.withUnsafeBufferPointer { others in
            unsafe shares.withUnsafeBufferPointer { shares in
              guard let places = places.baseAddress, let starts = starts.baseAddress,
                let others = others.baseAddress, let shares = shares.baseAddress
              else { return }
              let target = unsafe result.mutableFloatPointer
              unsafe target.update(repeating: 0, count: result.count)
              let layout = unsafe vk_layout(
                axes: Int32(axes), strangers: half == 0 ? Int32(strangers) : 0,
                epoch: Int64(number), step: Int64(2 * number + half), seed: seed,
                count: Int64(count), places: places, result: target, starts: starts,
                others: others, shares: shares, a: a, b: b, rate: rate)
              pool.divide(count: count, grain: 64) { range in
                guard cancellation?.isCancelled != true else { return }
                var layout = unsafe layout
                unsafe kernels.table.pointee.layout_steps(
                  &layout, Int64(range.lowerBound), Int64(range.count))
              }
            }
          }
        }
      }
      guard cancellation?.isCancelled != true else { throw Cancelled() }
      places = result.floats
    }
  }
}
