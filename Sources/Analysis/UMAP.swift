import Glibc
public import Tensors

/// A map of points that keeps their neighbourhoods: uniform manifold approximation and projection.
///
/// McInnes, Healy and Melville 2018, with umap-learn's defaults: neighbourhoods of 15, a least distance of 0.1, five strangers
/// for each pair, 500 epochs up to 10,000 points and 200 beyond. Neighbours are exact where comparing all points takes some
/// seconds at most, else found by `NeighborSearch`. The map begins at the graph's slowest vibrations, or at the
/// principal components where the graph is in parts. Unlike the published descent, steps look at the places
/// before them (see `NeighborLayout`), so that the same seed gives the same bits on any number of threads.
public struct UMAP: Sendable {
  /// What decides the result, besides the points.
  public struct Options: Sendable, Hashable {
    /// How many points a neighbourhood has, the point itself among them; `nil` for 15, or all where there are fewer.
    public var neighbors: Int?
    /// How near points may come to each other on the map.
    public var minimumDistance = 0.1
    /// How far apart points that are no neighbours lie at least, about.
    public var spread = 1.0
    /// How often pairs are gone through; `nil` for 500, or 200 beyond 10,000 points.
    public var epochs: Int?
    /// How many strangers push for each pair that pulls.
    public var strangers = 5
    /// Decides random numbers.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// The map `[points][axes]`.
  public let coordinates: [[Double]]
  /// The neighbourhoods' size.
  public let neighbors: Int
  /// Whether all neighbours are the nearest for certain.
  public let hasExactNeighbors: Bool
  /// Whether a path of neighbours leads from each point to every other.
  public let isConnected: Bool
  /// How often pairs were gone through.
  public let epochs: Int

  /// Maps points `[points, dimensions]` to 2 or 3 axes.
  ///
  /// - Parameter progress: called now and then with the epochs done, and how many there are.
  /// - Throws: `ProjectionError` for points that can't be mapped, `Cancelled`.
  public init(
    of points: Tensor, axes: Int = 2, options: Options = Options(), pool: ThreadPool = Compute.pool,
    cancellation: Cancellation? = nil, progress: (Int, Int) -> Void = { _, _ in }
  ) throws {
    precondition(axes == 2 || axes == 3, "\(axes) axes")
    let rows = try CenteredRows(points)
    let count = rows.count
    guard count >= 3 else { throw ProjectionError.tooFewPoints(given: count, needed: 3) }
    let size = options.neighbors ?? min(15, count)
    guard size >= 2, size <= count else {
      throw ProjectionError.neighborhood(size, points: count)
    }
    guard options.minimumDistance >= 0, options.minimumDistance <= options.spread,
      options.spread.isFinite, options.spread > 0
    else {
      throw ProjectionError.minimumDistance(options.minimumDistance, spread: options.spread)
    }
    guard rows.sumOfSquares > 0 else { throw ProjectionError.allEqual }
    let near = try Neighbors.nearest(
      rows, count: size - 1, seed: options.seed, pool: pool, cancellation: cancellation)
    let graph = FuzzyGraph(near: near.lists)
    let epochs = max(1, options.epochs ?? (count <= 10_000 ? 500 : 200))
    isConnected = graph.isConnected
    let places = try Self.start(
      rows, graph: graph, isConnected: isConnected, axes: axes, seed: options.seed, pool: pool,
      cancellation: cancellation)
    let curve = UMAPCurve(minimumDistance: options.minimumDistance, spread: options.spread)
    let kept = Self.kept(graph, epochs: epochs)
    var layout = NeighborLayout(
      places: places, starts: kept.starts, others: kept.others, shares: kept.shares,
      a: Float(curve.a), b: Float(curve.b), strangers: options.strangers, seed: options.seed)
    for epoch in 1...epochs {
      try layout.epoch(
        epoch, rate: 1 - Float(epoch - 1) / Float(epochs), pool: pool, cancellation: cancellation)
      if epoch % 10 == 0 { progress(epoch, epochs) }
    }
    coordinates = layout.points
    neighbors = size
    hasExactNeighbors = near.isExact
    self.epochs = epochs
  }

  /// The pairs that act at least once, with the share of the epochs in which they do.
  private static func kept(
    _ graph: FuzzyGraph, epochs: Int
  ) -> (starts: [Int], others: [Int32], shares: [Float]) {
    let most = graph.weights.max() ?? 1
    var starts = [0]
    var others: [Int32] = []
    var shares: [Float] = []
    for point in 0..<(graph.starts.count - 1) {
      for pair in graph.starts[point]..<graph.starts[point + 1]
      where graph.weights[pair] >= most / Float(epochs) {
        others.append(graph.others[pair])
        shares.append(graph.weights[pair] / most)
      }
      starts.append(others.count)
    }
    return (starts, others, shares)
  }

  /// Where the points begin, axis by axis: in a box of side 10.
  private static func start(
    _ rows: CenteredRows, graph: FuzzyGraph, isConnected: Bool, axes: Int, seed: UInt64,
    pool: ThreadPool, cancellation: Cancellation?
  ) throws(Cancelled) -> [[Float]] {
    var places: [[Double]] = []
    if isConnected {
      places =
        try SpectralLayout.eigenvectors(
          of: graph, count: axes, seed: seed, pool: pool, cancellation: cancellation) ?? []
    }
    if places.isEmpty {
      let known = min(axes, rows.width)
      let components = try PrincipalComponents(
        rows, count: known, seed: seed, pool: pool, cancellation: cancellation)
      places = (0..<known).map { axis in components.coordinates.map { $0[axis] } }
    }
    var generator = SeededGenerator(seed: seed ^ 0x55AA)
    while places.count < axes { places.append(rows.values.prefix(rows.count).map { _ in 0 }) }
    return places.map { axis in
      let most = axis.reduce(0) { max($0, abs($1)) }
      // A little noise parts points that lie in one place.
      let moved = axis.map { (most > 0 ? $0 / most * 10 : 0) + 1e-4 * generator.normal() }
      let low = moved.min() ?? 0
      let span = max(.leastNormalMagnitude, (moved.max() ?? 1) - low)
      return moved.map { Float(10 * ($0 - low) / span) }
    }
  }
}

/// The curve 1 / (1 + a d²ᵇ) by which points attract on UMAP's map: the nearest to one that is 1 up to the least
/// distance and falls off exponentially beyond.
struct UMAPCurve {
  let a: Double
  let b: Double

  /// Fits the curve to 300 distances up to three spreads by least squares (Levenberg 1944, Marquardt 1963).
  init(minimumDistance: Double, spread: Double) {
    let distances = (0..<300).map { spread * 3 * Double($0) / 299 }
    let wanted = distances.map {
      $0 < minimumDistance ? 1 : exp(-($0 - minimumDistance) / spread)
    }
    func error(_ a: Double, _ b: Double) -> Double {
      zip(distances, wanted).reduce(0) { sum, pair in
        let difference = 1 / (1 + a * pow(pair.0, 2 * b)) - pair.1
        return sum + difference * difference
      }
    }
    var (a, b, damping) = (1.0, 1.0, 1e-3)
    var now = error(a, b)
    for _ in 0..<500 {
      var (aa, ab, bb, ga, gb) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for (distance, target) in zip(distances, wanted) where distance > 0 {
        let power = pow(distance, 2 * b)
        let value = 1 / (1 + a * power)
        let byA = -power * value * value
        let byB = byA * a * 2 * log(distance)
        let difference = value - target
        aa += byA * byA
        ab += byA * byB
        bb += byB * byB
        ga += byA * difference
        gb += byB * difference
      }
      let (daa, dbb) = (aa * (1 + damping), bb * (1 + damping))
      let determinant = daa * dbb - ab * ab
      guard determinant != 0, determinant.isFinite else { break }
      let (stepA, stepB) = ((dbb * ga - ab * gb) / determinant, (daa * gb - ab * ga) / determinant)
      let next = error(a - stepA, b - stepB)
      guard next < now, a - stepA > 0, b - stepB > 0 else {
        damping *= 4
        if damping > 1e12 { break }
        continue
      }
      (a, b, now) = (a - stepA, b - stepB, next)
      damping = max(1e-12, damping / 4)
      if abs(stepA) < 1e-10 * a, abs(stepB) < 1e-10 * b { break }
    }
    self.a = a
    self.b = b
  }
}
