import Glibc
import Tensors

/// A linear classifier of two sets, found from the products of its examples alone.
///
/// Minimises `½ |w|² + C Σ loss(yᵢ (w · xᵢ + b))` by Newton's method, with `w = Σ αᵢ xᵢ`: the optimum lies in the
/// examples' span, so that the width of the vectors doesn't matter (Chapelle 2007, “Training a Support Vector Machine in
/// the Primal”).
public struct LinearClassifier: Sendable {
  /// What a margin costs.
  public enum Loss: String, Sendable, Hashable, CaseIterable {
    /// `log(1 + e⁻ᵐ)`: logistic regression.
    case logistic
    /// `max(0, 1 − m)²`: a linear support vector machine with squared hinge loss.
    case supportVector = "svm"
  }

  /// α: by what each example's vector is multiplied in w.
  public let coefficients: [Double]
  /// b.
  public let bias: Double

  /// Finds the classifier.
  ///
  /// - Parameters:
  ///   - products: the products of all examples, row by row, `[examples, examples]`.
  ///   - isPositive: the set of each example.
  ///   - loss: what a margin costs.
  ///   - penalty: C, by what the losses' sum is multiplied.
  ///
  /// Precondition: both sets have examples.
  public init(products: [Double], isPositive: [Bool], loss: Loss, penalty: Double = 1) {
    let count = isPositive.count
    precondition(products.count == count * count, "products of all examples with all")
    precondition(isPositive.contains(true) && isPositive.contains(false), "two sets")
    let labels = isPositive.map { $0 ? 1.0 : -1.0 }
    var alpha = [Double](repeating: 0, count: count)
    var bias = 0.0
    var values = [Double](repeating: 0, count: count)
    for _ in 0..<100 {
      // Where the loss has no curvature an example has no part in the step.
      var places: [Int] = []
      var targets: [Double] = []
      var ridge: [Double] = []
      for index in 0..<count {
        let margin = labels[index] * values[index]
        switch loss {
        case .logistic:
          let share = 1 / (1 + exp(margin))
          let curvature = max(1e-12, penalty * share * (1 - share))
          places.append(index)
          ridge.append(1 / curvature)
          targets.append(values[index] + penalty * labels[index] * share / curvature)
        case .supportVector:
          guard margin < 1 else { continue }
          places.append(index)
          ridge.append(1 / (2 * penalty))
          targets.append(labels[index])
        }
      }
      guard
        let step = Self.solve(places, ridge, targets, products: products, count: count)
      else { break }
      var next = [Double](repeating: 0, count: count)
      for (place, index) in places.enumerated() { next[index] = step.coefficients[place] }
      let length = Self.length(
        from: (alpha, bias), to: (next, step.bias), values, labels, products, loss, penalty)
      for index in 0..<count { alpha[index] += length * (next[index] - alpha[index]) }
      bias += length * (step.bias - bias)
      let now = Self.values(alpha, bias, products)
      let change = zip(now, values).reduce(0) { max($0, abs($1.0 - $1.1)) }
      values = now
      if change < 1e-11 { break }
    }
    coefficients = alpha
    self.bias = bias
  }

  private static func values(_ alpha: [Double], _ bias: Double, _ products: [Double]) -> [Double] {
    let count = alpha.count
    let loops = DoubleVectors()
    return (0..<count).map { row in
      bias + loops.dot(products, from: row * count, alpha, count: count)
    }
  }

  /// What is minimised.
  private static func objective(
    _ alpha: [Double], _ values: [Double], _ bias: Double, _ labels: [Double], _ loss: Loss,
    _ penalty: Double
  ) -> Double {
    var sum = 0.0
    for index in alpha.indices {
      sum += 0.5 * alpha[index] * (values[index] - bias)
      let margin = labels[index] * values[index]
      switch loss {
      case .logistic:
        sum += penalty * (margin > 0 ? log1p(exp(-margin)) : -margin + log1p(exp(margin)))
      case .supportVector:
        let gap = max(0, 1 - margin)
        sum += penalty * gap * gap
      }
    }
    return sum
  }

  /// The largest of 1, ½, ¼, … that doesn't make the objective worse.
  private static func length(
    from: (alpha: [Double], bias: Double), to: (alpha: [Double], bias: Double), _ values: [Double],
    _ labels: [Double], _ products: [Double], _ loss: Loss, _ penalty: Double
  ) -> Double {
    let before = objective(from.alpha, values, from.bias, labels, loss, penalty)
    let end = Self.values(to.alpha, to.bias, products)
    var length = 1.0
    while length > 1e-6 {
      let alpha = zip(from.alpha, to.alpha).map { $0 + length * ($1 - $0) }
      let bias = from.bias + length * (to.bias - from.bias)
      let here = zip(values, end).map { $0 + length * ($1 - $0) }
      let after = objective(alpha, here, bias, labels, loss, penalty)
      if after <= before + 1e-12 * abs(before) { return length }
      length /= 2
    }
    return length
  }

  /// Solves `(K + ridge) α + b = targets, Σ α = 0` for some of the examples by Cholesky's decomposition.
  private static func solve(
    _ places: [Int], _ ridge: [Double], _ targets: [Double], products: [Double], count: Int
  ) -> (coefficients: [Double], bias: Double)? {
    let size = places.count
    guard size > 0 else { return nil }
    let loops = DoubleVectors()
    var lower = [Double](repeating: 0, count: size * size)
    for row in 0..<size {
      for column in 0...row {
        var sum = products[places[row] * count + places[column]]
        if row == column { sum += ridge[row] }
        sum -= loops.dot(lower, from: row * size, lower, from: column * size, count: column)
        if row == column {
          guard sum > 0 else { return nil }
          lower[row * size + row] = sum.squareRoot()
        } else {
          lower[row * size + column] = sum / lower[column * size + column]
        }
      }
    }
    func solved(_ right: [Double]) -> [Double] {
      var x = right
      for row in 0..<size {
        x[row] -= loops.dot(lower, from: row * size, x, count: row)
        x[row] /= lower[row * size + row]
      }
      // Column by column of the transpose, which lie in rows.
      for row in (0..<size).reversed() {
        x[row] /= lower[row * size + row]
        loops.add(-x[row], times: lower, from: row * size, to: &x, count: row)
      }
      return x
    }
    let first = solved(targets)
    let ones = solved([Double](repeating: 1, count: size))
    let bias = first.reduce(0, +) / ones.reduce(0, +)
    return (zip(first, ones).map { $0 - bias * $1 }, bias)
  }
}
