import Glibc

/// How sure it is that a number is no accident.
public enum SignificanceTests {
  /// The share of random numbers that are as far from the middle as the observed one, which counts as one of them.
  ///
  /// Exact where the observed one is drawn like the others (Phipson and Smyth 2010).
  public static func rank(_ observed: Double, among random: [Double], middle: Double = 0) -> Double
  {
    let distance = abs(observed - middle)
    let farther = random.count { abs($0 - middle) >= distance * (1 - 1e-12) }
    return Double(farther + 1) / Double(random.count + 1)
  }

  /// The share of random numbers that reach the observed one, which counts as one of them.
  public static func share(of random: [Double], reaching observed: Double) -> Double {
    // Shares that are equal but for rounding are equal.
    Double(random.count { $0 >= observed - 1e-12 } + 1) / Double(random.count + 1)
  }

  /// Welch's two-sided t-test of two sets of numbers of possibly different variance.
  ///
  /// 1 where neither varies and their means are equal, 0 where the means differ.
  public static func welch(_ left: [Double], _ right: [Double]) -> Double {
    guard left.count > 1, right.count > 1 else { return 1 }
    func moments(_ numbers: [Double]) -> (mean: Double, error: Double, count: Double) {
      let count = Double(numbers.count)
      let mean = numbers.reduce(0, +) / count
      let square = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
      return (mean, square / count, count)
    }
    let (a, b) = (moments(left), moments(right))
    let error = a.error + b.error
    guard error > 0 else { return a.mean == b.mean ? 1 : 0 }
    let t = (a.mean - b.mean) / error.squareRoot()
    let freedom =
      error * error / (a.error * a.error / (a.count - 1) + b.error * b.error / (b.count - 1))
    return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
  }

  /// Which of several tests are significant when all are looked at (Holm 1979).
  public static func holm(_ values: [Double], level: Double = 0.05) -> [Bool] {
    var result = [Bool](repeating: false, count: values.count)
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    for (place, index) in order.enumerated() {
      guard values[index] <= level / Double(values.count - place) else { break }
      result[index] = true
    }
    return result
  }

  /// The regularised incomplete beta function, by its continued fraction (Abramowitz and Stegun 26.5.8).
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let front =
      exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    // Lentz's way of evaluating it from the front.
    var (c, d) = (1.0, 0.0)
    var fraction = 1.0
    for index in 0..<500 {
      let m = Double(index / 2)
      let numerator: Double
      if index == 0 {
        numerator = 1
      } else if index.isMultiple(of: 2) {
        numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      } else {
        numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      }
      d = 1 / nonzero(1 + numerator * d)
      c = nonzero(1 + numerator / c)
      fraction *= c * d
      if abs(c * d - 1) < 1e-15 { break }
    }
    return front * (fraction - 1)
  }

  private static func nonzero(_ x: Double) -> Double { abs(x) < 1e-300 ? 1e-300 : x }
}
