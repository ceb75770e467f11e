import Glibc

/// What the horizontal axis of a line chart counts.
public enum LineAxis: String, Sendable, Hashable, CaseIterable {
  /// Steps of a training: whole numbers.
  case steps
  /// Seconds, shown in the unit that suits their range.
  case seconds
  /// Any numbers.
  case numbers
}

/// A range of numbers, straight or by logarithm, mapped to 0…1.
struct LineScale {
  let low: Double
  let high: Double
  let isLogarithmic: Bool

  /// A range that holds all the given numbers that it can, with some air around them where asked.
  init(_ numbers: some Sequence<Double>, isLogarithmic: Bool = false, air: Double = 0) {
    var low = Double.infinity
    var high = -Double.infinity
    for number in numbers where number.isFinite && (!isLogarithmic || number > 0) {
      low = min(low, number)
      high = max(high, number)
    }
    self.isLogarithmic = isLogarithmic
    // Numbers that differ in their last digits alone are drawn as one number.
    if isLogarithmic {
      if low > high { (low, high) = (0.1, 1) }
      let share = log10(high) - log10(low) > 1e-12 ? pow(high / low, air) : 1.5
      let bottom = max(low / share, .leastNormalMagnitude)
      self.low = bottom
      let top = min(high * share, .greatestFiniteMagnitude)
      self.high = log10(top) - log10(bottom) > 1e-12 ? top : bottom * 1.5
    } else {
      if low > high { (low, high) = (0, 1) }
      let isOne = high / 4 - low / 4 <= max(abs(low), abs(high), 1e-290) * 1e-13
      let room = isOne ? max(abs(low) * 0.1, 0.5) : (high / 2 - low / 2) * (2 * air)
      // Numbers beyond a quarter of the farthest are drawn at the edge.
      let limit = Double.greatestFiniteMagnitude / 4
      self.low = min(max(low - room, -limit), limit / 2)
      self.high = max(min(high + room, limit), -limit / 2)
    }
  }

  /// Where a number is, 0 at the low end; `nil` for one that has no place.
  func place(_ number: Double) -> Double? {
    guard number.isFinite else { return nil }
    if isLogarithmic {
      return number > 0 ? (log10(number) - log10(low)) / (log10(high) - log10(low)) : nil
    }
    // By quarters, so that the farthest numbers' distance is still finite.
    return (number / 4 - low / 4) / (high / 4 - low / 4)
  }

  /// Round numbers within the range, with their texts.
  func ticks(about count: Int) -> [(value: Double, text: String)] {
    let values = isLogarithmic ? logarithmicTicks(about: count) : nil
    if let values, values.allSatisfy({ Self.exponent($0) != nil }) {
      return values.map { ($0, Self.powerText($0)) }
    }
    if let values { return values.map { ($0, NumberText.shown(NumberText.short($0))) } }
    let ticks = Ticks.values(from: low, to: high, about: count)
    return Array(zip(ticks, Ticks.texts(ticks)))
  }

  /// Powers of ten where there are two or more, else with 2 and 5 between; `nil` for fewer.
  private func logarithmicTicks(about count: Int) -> [Double]? {
    let first = Int(floor(log10(low)))
    let last = Int(ceil(log10(high)))
    let isInside: (Double) -> Bool = {
      $0.isFinite && $0 >= low * (1 - 1e-9) && $0 <= high * (1 + 1e-9)
    }
    let powers = (first...last).filter { isInside(pow(10, Double($0))) }
    if powers.count >= 3 {
      let stride = max(1, (powers.count + count - 1) / count)
      return powers.filter { $0 % stride == 0 }.map { pow(10, Double($0)) }
    }
    let values = (first...last).flatMap { power in
      [1.0, 2, 5].map { $0 * pow(10, Double(power)) }
    }.filter(isInside)
    return values.count >= 3 ? values : nil
  }

  private static func exponent(_ value: Double) -> Int? {
    let exponent = log10(value).rounded()
    return abs(pow(10, exponent) / value - 1) < 1e-9 ? Int(exponent) : nil
  }

  /// `0.01`, `0.1`, `1`, … up to `1000` as they are, others as powers: `10⁻⁵`.
  private static func powerText(_ value: Double) -> String {
    guard let exponent = exponent(value) else { return NumberText.short(value) }
    if (-3...3).contains(exponent) { return NumberText.short(value) }
    let digits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
    let raised = String(exponent.magnitude).compactMap { $0.wholeNumberValue }.map { digits[$0] }
    return "10" + (exponent < 0 ? "⁻" : "") + String(raised)
  }
}

extension LineAxis {
  /// The unit of a range of seconds, and how many seconds it has.
  static func unit(ofSeconds range: Double) -> (name: String, seconds: Double) {
    range <= 180
      ? ("s", 1) : range <= 7200 ? ("min", 60) : range <= 172_800 ? ("h", 3600) : ("d", 86_400)
  }

  /// Ticks of a horizontal axis, with their texts.
  func ticks(_ scale: LineScale, about count: Int) -> [(value: Double, text: String)] {
    switch self {
    case .numbers: return scale.ticks(about: count)
    case .seconds:
      let unit = Self.unit(ofSeconds: scale.high - scale.low).seconds
      let ticks = Ticks.values(from: scale.low / unit, to: scale.high / unit, about: count)
      return zip(ticks, Ticks.texts(ticks)).map { ($0 * unit, $1) }
    case .steps:
      let ticks = Ticks.values(from: scale.low, to: scale.high, about: count)
        .filter { $0 == $0.rounded() && abs($0) < 9e15 }
      let largest = ticks.map { abs($0) }.max() ?? 0
      if largest >= 1e6, ticks.count > 1 {
        let millions = Ticks.texts(ticks.map { $0 / 1e6 })
        return zip(ticks, millions).map { ($0, $0 == 0 ? "0" : $1 + " M") }
      }
      return ticks.map { ($0, NumberText.shown(NumberText.grouped(Int($0)))) }
    }
  }

  /// The axis' title with the unit of a range.
  func title(_ title: String, range: Double) -> String {
    self == .seconds ? "\(title) (\(Self.unit(ofSeconds: range).name))" : title
  }

  /// A place in words: `step 1,200`, `3.5 min`.
  func text(_ x: Double) -> String {
    switch self {
    case .steps:
      return x == x.rounded() && abs(x) < 9e15
        ? "step \(NumberText.grouped(Int(x)))" : "step \(NumberText.short(x, 6))"
    case .seconds:
      let unit = Self.unit(ofSeconds: abs(x))
      return "\(NumberText.short(x / unit.seconds, 4)) \(unit.name)"
    case .numbers: return NumberText.short(x, 6)
    }
  }
}
