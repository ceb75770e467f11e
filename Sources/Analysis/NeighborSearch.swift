import Tensors

/// Nearest neighbours of many points without comparing all pairs: most of them, not always all.
///
/// Random trees (Dasgupta and Freund 2008) divide the points at hyperplanes between two of them, until few are left: those are
/// first neighbours. Then neighbours of neighbours are tried (Dong, Moses and Li 2011, NN-descent) until next to none comes
/// nearer. In each round every point looks at the lists as they were before it, so that the result depends on the
/// seed, not on the number of threads.
struct NeighborSearch {
  private let rows: CenteredRows
  private let distances: RowDistances
  private let total: Int
  private let count: Int
  private let seed: UInt64
  private let pool: ThreadPool

  private static let leafSize = 48
  private static let rounds = 12
  /// How many neighbours of a kind a point shows to others in a round.
  private static let shown = 24

  /// A neighbour found so far.
  private struct Found {
    var distance: Float
    var point: Int32
    /// Whether its own neighbours have not been tried yet.
    var isNew: Bool
  }

  init(_ rows: CenteredRows, count: Int, seed: UInt64, pool: ThreadPool) {
    self.rows = rows
    distances = RowDistances(rows.tensor)
    total = rows.count
    self.count = min(count, rows.count - 1)
    self.seed = seed
    self.pool = pool
  }

  /// The neighbours of each point, nearest first, with their exact distances.
  func run(_ cancellation: Cancellation?) throws(Cancelled) -> [[Neighbors.Near]] {
    var lists = try first(cancellation)
    for _ in 0..<Self.rounds {
      let changes = try improve(&lists, cancellation)
      if changes * 1000 <= total * count { break }
    }
    let found = lists
    let result = pool.map(count: total, grain: 64) { range in
      range.map { point -> [Neighbors.Near] in
        guard cancellation?.isCancelled != true else { return [] }
        return found[point].map {
          Neighbors.Near(
            point: Int($0.point), squaredDistance: rows.squaredDistance(point, Int($0.point)))
        }.sorted { ($0.squaredDistance, $0.point) < ($1.squaredDistance, $1.point) }
      }
    }.flatMap(\.self)
    try cancellation?.check()
    return result
  }

  /// Lists of the nearest among all that share a leaf of a tree.
  private func first(_ cancellation: Cancellation?) throws(Cancelled) -> [[Found]] {
    let trees = 5 + Int((Double(total).squareRoot() / 20).rounded())
    let leaves = pool.map(count: trees, grain: 1) { range in
      range.map { tree in self.leaves(SeededGenerator(seed: seed &+ UInt64(tree)), cancellation) }
    }.flatMap(\.self)
    try cancellation?.check()
    // Where in each tree a point is.
    let places = leaves.map { leaves in
      var places = [Int32](repeating: 0, count: total)
      for (index, leaf) in leaves.enumerated() {
        for point in leaf { places[Int(point)] = Int32(index) }
      }
      return places
    }
    let lists = pool.map(count: total, grain: 32) { range in
      range.map { point -> [Found] in
        guard cancellation?.isCancelled != true else { return [] }
        var candidates: [Int32] = []
        for tree in leaves.indices { candidates += leaves[tree][Int(places[tree][point])] }
        var list: [Found] = []
        _ = add(candidates, to: &list, of: point)
        return list
      }
    }.flatMap(\.self)
    try cancellation?.check()
    return lists
  }

  /// The leaves of one tree.
  private func leaves(
    _ generator: SeededGenerator, _ cancellation: Cancellation?
  ) -> [[Int32]] {
    var generator = generator
    var leaves: [[Int32]] = []
    var waiting = [(0..<Int32(total)).map(\.self)]
    while let members = waiting.popLast() {
      guard cancellation?.isCancelled != true else { return [] }
      if members.count <= max(Self.leafSize, count / 2) {
        leaves.append(members)
        continue
      }
      let one = members[Int(generator.next() % UInt64(members.count))]
      let two = members[Int(generator.next() % UInt64(members.count))]
      let (near, far) = (
        distances.squared(from: Int(one), to: members),
        distances.squared(from: Int(two), to: members)
      )
      var (left, right): ([Int32], [Int32]) = ([], [])
      for (index, member) in members.enumerated() {
        if near[index] < far[index] { left.append(member) } else { right.append(member) }
      }
      if left.isEmpty || right.isEmpty {
        // Points in one place can't be told apart: half goes each way.
        left = Array(members.prefix(members.count / 2))
        right = Array(members.suffix(members.count - members.count / 2))
      }
      waiting.append(right)
      waiting.append(left)
    }
    return leaves
  }

  /// Tries neighbours of neighbours once; gives how many came into the lists.
  private func improve(
    _ lists: inout [[Found]], _ cancellation: Cancellation?
  ) throws(Cancelled) -> Int {
    // What each point shows: its nearest of both kinds, and whose neighbour it is.
    var new = [[Int32]](repeating: [], count: total)
    var old = new
    for point in 0..<total {
      for index in lists[point].indices {
        let found = lists[point][index]
        if found.isNew {
          guard new[point].count < Self.shown else { continue }
          new[point].append(found.point)
          lists[point][index].isNew = false
        } else if old[point].count < Self.shown {
          old[point].append(found.point)
        }
      }
    }
    let (forwardNew, forwardOld) = (new.map(\.count), old.map(\.count))
    for point in 0..<total {
      for index in 0..<forwardNew[point] {
        let other = Int(new[point][index])
        if new[other].count < 2 * Self.shown { new[other].append(Int32(point)) }
      }
      for index in 0..<forwardOld[point] {
        let other = Int(old[point][index])
        if old[other].count < 2 * Self.shown { old[other].append(Int32(point)) }
      }
    }
    let (before, shownNew, shownOld) = (lists, new, old)
    let parts = pool.map(count: total, grain: 32) { range in
      range.map { point -> (list: [Found], changes: Int) in
        guard cancellation?.isCancelled != true else { return ([], 0) }
        var candidates: [Int32] = []
        for other in shownNew[point] {
          candidates += shownNew[Int(other)]
          candidates += shownOld[Int(other)]
        }
        for other in shownOld[point] { candidates += shownNew[Int(other)] }
        var list = before[point]
        let changes = add(candidates, to: &list, of: point)
        return (list, changes)
      }
    }
    try cancellation?.check()
    let all = parts.flatMap(\.self)
    lists = all.map(\.list)
    return all.reduce(0) { $0 + $1.changes }
  }

  /// Adds the nearest of candidates to a point's list, which stays sorted; gives how many came in.
  private func add(_ candidates: [Int32], to list: inout [Found], of point: Int) -> Int {
    let known = Set(list.map(\.point) + [Int32(point)])
    var last: Int32 = -1
    let unique = candidates.sorted().filter { candidate in
      defer { last = candidate }
      return candidate != last && !known.contains(candidate)
    }
    guard !unique.isEmpty else { return 0 }
    let squares = distances.squared(from: point, to: unique)
    var changes = 0
    for (candidate, square) in zip(unique, squares) {
      if list.count == count {
        guard let farthest = list.last, square < farthest.distance else { continue }
        list.removeLast()
      }
      var (low, high) = (0, list.count)
      while low < high {
        let middle = (low + high) / 2
        if list[middle].distance <= square { low = middle + 1 } else { high = middle }
      }
      list.insert(Found(distance: square, point: candidate, isNew: true), at: low)
      changes += 1
    }
    return changes
  }
}
