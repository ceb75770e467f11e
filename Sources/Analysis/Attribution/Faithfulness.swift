import Glibc
public import Tensors

/// Whether an attribution names what matters: the tokens are taken away in the order of their scores, and given back so.
///
/// Deletion and insertion curves: Petsiuk et al. 2018, arXiv:1806.07421. The scalar is the one that was explained; the areas
/// are means over the steps, as shares of the way between the whole prompt (1) and nothing but baseline (0).
public struct Faithfulness: Sendable {
  /// The scalar after each token that was taken away, from none to all.
  public let deletion: [Double]
  /// The scalar after each token that was given back, from none to all.
  public let insertion: [Double]
  /// The deletion curve of random orders, in the mean.
  public let randomDeletion: [Double]
  /// The area under the deletion curve; low is good.
  public let deletionArea: Double
  /// The area under the insertion curve; high is good.
  public let insertionArea: Double
  /// The area under the random orders' deletion curve.
  public let randomArea: Double

  /// Takes tokens away.
  ///
  /// - Parameters:
  ///   - attribution: what is judged, of this question.
  ///   - orders: how many random orders it is compared with.
  /// - Throws: `ModelError`; `Cancelled`.
  public init(
    of attribution: Attribution, _ question: AttributionQuestion, options: Attribution.Options,
    orders: Int = 5, cancellation: Cancellation? = nil, progress: (Double) -> Void = { _ in }
  ) throws {
    var single = options
    single.units = nil
    let replacement = try Replacement(question, single, cancellation)
    let count = question.promptCount
    var done = 0
    func curve(_ order: [Int], inserting: Bool = false) throws -> [Double] {
      let total = Double((2 + orders) * (count + 1))
      let curve = try replacement.values(
        of: (0...count).map { Array(inserting ? order[$0...] : order[..<$0]) }
      ) { progress(Double(done + $0) / total) }
      done += count + 1
      return curve
    }
    // Where the prompt lowers the scalar, what lowers it most is the strongest.
    let all = Array(0..<count)
    let isLowered = try replacement.value(of: []) < replacement.value(of: all)
    let sign = attribution.method.isSigned && isLowered ? 1.0 : -1.0
    let order = all.sorted {
      (sign * attribution.scores[$0], $0) < (sign * attribution.scores[$1], $1)
    }
    deletion = try curve(order)
    insertion = try curve(order, inserting: true)
    var generator = SeededGenerator(seed: options.seed)
    var sums = [Double](repeating: 0, count: count + 1)
    for _ in 0..<orders {
      for (step, value) in try curve(order.shuffled(using: &generator)).enumerated() {
        sums[step] += value / Double(orders)
      }
    }
    randomDeletion = sums
    let (whole, nothing) = (deletion[0], deletion[count])
    func area(_ curve: [Double]) -> Double {
      let scale = whole - nothing
      guard scale != 0 else { return 0 }
      return curve.reduce(0) { $0 + ($1 - nothing) / scale } / Double(curve.count)
    }
    deletionArea = area(deletion)
    insertionArea = area(insertion)
    randomArea = area(randomDeletion)
  }
}
