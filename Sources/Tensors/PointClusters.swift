import CKernels

/// Points of a map in an order in which neighbours follow each other, for forces by clusters.
///
/// The order is that of Morton's curve (1966). It may be older than the places: forces are as exact, only slower.
public struct PointOrder: Sendable {
  let order: [Int32]

  /// Sorts points given axis by axis; two or three axes.
  public init(places: [[Float]]) {
    let count = places[0].count
    let axes = places.count
    precondition(count < 1 << 22, "\(count) points")
    let bits = axes == 2 ? 16 : 14
    let lows = places.map { $0.min() ?? 0 }
    let span = zip(places, lows).map { ($0.max() ?? 0) - $1 }.max() ?? 0
    let scale = span > 0 ? (Float(1 << bits) - 1) / span : 0
    var keys = [UInt64](repeating: 0, count: count)
    for point in 0..<count {
      var key: UInt64 = 0
      for axis in 0..<axes {
        let cell = (places[axis][point] - lows[axis]) * scale
        // A place that is no number must not stop the sort.
        let whole = cell >= 0 ? UInt64(min(cell, Float(1 << bits) - 1)) : 0
        key |= Self.spread(whole, axes) << UInt64(axis)
      }
      keys[point] = key << 22 | UInt64(point)
    }
    keys.sort()
    order = keys.map { Int32(truncatingIfNeeded: $0 & (1 << 22 - 1)) }
  }

  /// The bits of a number of at most 16 bits, each followed by room for those of the other axes.
  private static func spread(_ value: UInt64, _ axes: Int) -> UInt64 {
    var x = value
    if axes == 2 {
      x = (x | x << 8) & 0x00FF_00FF
      x = (x | x << 4) & 0x0F0F_0F0F
      x = (x | x << 2) & 0x3333_3333
      return (x | x << 1) & 0x5555_5555
    }
    x = (x | x << 16) & 0xFF00_00FF
    x = (x | x << 8) & 0x0F_00F0_0F00_F00F
    x = (x | x << 4) & 0xC3_0C30_C30C_30C3
    return (x | x << 2) & 0x249_2492_4924_9249
  }
}

/// Points in groups, and clusters of groups in a full binary tree, each with its middle and its box.
struct PointClusters {
  /// `vk_node_floats` numbers a node; the root is node 1 and node n has the children 2n and 2n + 1.
  let nodes: [Float]
  /// How many groups the tree has room for, a power of two.
  let leaves: Int
  /// How many groups have points.
  let groups: Int
  /// The points' places in their order, axis by axis, filled up to whole groups.
  let places: [Float]

  init(places given: [[Float]], order: [Int32], opening: Float) {
    let size = Int(vk_group_points)
    let width = Int(vk_node_floats)
    let (axes, count) = (given.count, order.count)
    groups = (count + size - 1) / size
    var room = 1
    while room < groups { room *= 2 }
    leaves = room
    let stride = groups * size
    // So far away that no pair with them has a weight.
    var sorted = [Float](repeating: 1e15, count: axes * stride)
    var nodes = [Float](repeating: 0, count: 2 * room * width)
    for axis in 0..<axes {
      let (values, first) = (given[axis], axis * stride)
      for place in 0..<count { sorted[first + place] = values[Int(order[place])] }
    }
    for group in 0..<groups {
      let node = (room + group) * width
      let start = group * size
      let end = min(start + size, count)
      for axis in 0..<axes {
        var (low, high, sum) = (Float.infinity, -Float.infinity, Float(0))
        for place in start..<end {
          let value = sorted[axis * stride + place]
          low = min(low, value)
          high = max(high, value)
          sum += value
        }
        nodes[node + axis] = sum / Float(end - start)
        nodes[node + 3 + axis] = low
        nodes[node + 6 + axis] = high
      }
      nodes[node + 9] = Float(end - start)
    }
    for index in (1..<max(1, room)).reversed() {
      let (node, one, two) = (index * width, 2 * index * width, (2 * index + 1) * width)
      let (left, right) = (nodes[one + 9], nodes[two + 9])
      nodes[node + 9] = left + right
      guard left + right > 0 else { continue }
      for axis in 0..<axes {
        // Groups without points are at the end: the left child is never the empty one alone.
        let share = right / (left + right)
        nodes[node + axis] =
          nodes[one + axis] + (nodes[two + axis] - nodes[one + axis]) * share
        nodes[node + 3 + axis] =
          right > 0 ? min(nodes[one + 3 + axis], nodes[two + 3 + axis]) : nodes[one + 3 + axis]
        nodes[node + 6 + axis] =
          right > 0 ? max(nodes[one + 6 + axis], nodes[two + 6 + axis]) : nodes[one + 6 + axis]
      }
    }
    for index in 1..<(2 * room) {
      let node = index * width
      var square: Float = 0
      for axis in 0..<axes {
        let side = nodes[node + 6 + axis] - nodes[node + 3 + axis]
        square += side * side
      }
      nodes[node + 10] = square / (opening * opening)
    }
    self.places = sorted
    self.nodes = nodes
  }
}

extension PairForces {
  /// Computes the forces, pushes of far points by their clusters (Barnes and Hut 1986).
  ///
  /// A cluster acts from its middle where its box's diagonal is less than `opening` times its distance from all points of
  /// the group that is pushed; so the error of a push is smaller than where each point decides alone.
  ///
  /// - Parameters:
  ///   - places: the coordinates, axis by axis; two or three axes.
  ///   - shares: the pulls.
  ///   - order: the points' order on a map like this one.
  /// - Throws: `Cancelled`.
  public init(
    places: [[Float]], shares: NearShares, order: PointOrder, opening: Float, pool: ThreadPool,
    cancellation: Cancellation?
  ) throws(Cancelled) {
    let (axes, count) = (places.count, places[0].count)
    precondition(axes == 2 || axes == 3, "\(axes) axes")
    precondition(
      shares.starts.count == count + 1 && order.order.count == count && opening > 0
        && opening < 1, "an order and shares of \(count) points")
    let clusters = PointClusters(places: places, order: order.order, opening: opening)
    let group = Int(vk_group_points)
    let stride = clusters.groups * group
    let flat = places.flatMap(\.self)
    let pushed = Tensor(uninitialized: [clusters.groups, 4 * group])
    let pulled = Tensor(uninitialized: [count, 3])
    let kernels = Compute.kernels
    unsafe clusters.nodes.withUnsafeBufferPointer { nodes in
      unsafe clusters.places.withUnsafeBufferPointer { sorted in
        unsafe flat.withUnsafeBufferPointer { flat in
          withExtendedLifetime((pushed, pulled)) {
            guard let nodes = nodes.baseAddress, let sorted = sorted.baseAddress,
              let flat = flat.baseAddress
            else { return }
            let pushes = unsafe pushed.mutableFloatPointer
            let pulls = unsafe pulled.mutableFloatPointer
            pool.divide(count: clusters.groups, grain: 8) { range in
              guard cancellation?.isCancelled != true else { return }
              for index in range {
                unsafe kernels.table.pointee.cluster_forces(
                  Int32(axes), nodes, Int64(clusters.leaves), sorted, Int64(stride), Int64(index),
                  pushes + index * 4 * group)
                let first = index * group
                let end = min(first + group, count)
                unsafe (pulls + 3 * first).update(repeating: 0, count: 3 * (end - first))
                unsafe shares.addPulls(
                  on: first..<end, axes: axes, places: flat, stride: count, kernels: kernels,
                  to: pulls + 3 * first, step: 3)
              }
            }
          }
        }
      }
    }
    guard cancellation?.isCancelled != true else { throw Cancelled() }
    let (pushFloats, pullFloats) = (pushed.floats, pulled.floats)
    var weights = [Float](repeating: 0, count: count)
    var pushes = [[Float]](repeating: weights, count: axes)
    for place in 0..<count {
      let point = Int(order.order[place])
      let start = place / group * 4 * group + place % group
      weights[point] = pushFloats[start] - 1
      for axis in 0..<axes { pushes[axis][point] = pushFloats[start + (1 + axis) * group] }
    }
    self.weights = weights
    self.pushes = pushes
    pulls = (0..<axes).map { axis in (0..<count).map { pullFloats[3 * $0 + axis] } }
  }
}
