import Glibc

/// Numbers in words, the same on every machine.
///
/// They have a hyphen before what is negative, as `text/plain`, JSON and scripts do; pictures, tables and
/// hints pass them through `shown`.
public enum NumberText {
  /// A number, or a sentence of ours with numbers in it, as people read it: with the minus sign (U+2212)
  /// before what is negative and in exponents.
  ///
  /// What stands in quotation marks is somebody else's text and stays as it is, and so do words, dates and
  /// names, whose hyphens follow a letter or a digit.
  public static func shown(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "-")) else { return text }
    let scalars = Array(text.unicodeScalars)
    var result = String.UnicodeScalarView()
    var depth = 0
    var isQuoted = false
    for (index, scalar) in scalars.enumerated() {
      switch scalar {
      case "“": depth += 1
      case "”": depth = max(0, depth - 1)
      case "\"": isQuoted.toggle()
      default: break
      }
      let isMinus = scalar == "-" && depth == 0 && !isQuoted && isSign(scalars, at: index)
      result.append(isMinus ? "\u{2212}" : scalar)
    }
    return String(result)
  }

  /// Whether a hyphen is the sign of a number or of its exponent.
  private static func isSign(_ scalars: [Unicode.Scalar], at index: Int) -> Bool {
    func isDigit(_ place: Int) -> Bool {
      scalars.indices.contains(place) && ("0"..."9").contains(scalars[place])
    }
    guard
      isDigit(index + 1)
        || scalars.indices.contains(index + 1) && scalars[index + 1] == "∞"
    else { return false }
    guard index > 0 else { return true }
    let previous = scalars[index - 1]
    if previous == "e" { return isDigit(index - 2) }
    return previous.properties.isWhitespace
      || "([{<>=≤≥≈±×→·,;:…–|".unicodeScalars.contains(previous)
  }

  /// A number with a fixed count of decimals, such as `0.120`; `NaN`, `∞` and `-∞` by name.
  public static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return nonFinite(value) }
    let places = max(0, min(decimals, 15))
    let scale = pow(10.0, Double(places))
    let scaled = (abs(value) * scale).rounded(.toNearestOrEven)
    guard scaled < 9e15 else { return "\(value)" }
    let digits = String(Int(scaled))
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    let whole = String(padded.dropLast(places))
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return places == 0 ? sign + whole : sign + whole + "." + String(padded.suffix(places))
  }

  /// A number to a count of significant digits, in scientific form where it is tiny or huge.
  public static func significant(_ value: Double, _ digits: Int = 3) -> String {
    guard value.isFinite else { return nonFinite(value) }
    if value == 0 { return "0" }
    let exponent = decimalExponent(value, digits: digits)
    if exponent < -4 || exponent > max(5, digits + 2) {
      let mantissa = value / pow(10.0, Double(exponent))
      return fixed(mantissa, digits - 1) + "e\(exponent)"
    }
    return fixed(value, max(0, digits - 1 - exponent))
  }

  /// As `significant`, without zeros at the end.
  public static func short(_ value: Double, _ digits: Int = 3) -> String {
    let text = significant(value, digits)
    guard text.contains("."), !text.contains("e") else { return text }
    var trimmed = text
    while trimmed.last == "0" { trimmed.removeLast() }
    if trimmed.last == "." { trimmed.removeLast() }
    return trimmed
  }

  /// A share as a percentage: `81.3 %`, `0.042 %`, `< 0.001 %`.
  public static func percent(_ share: Double) -> String {
    guard share.isFinite else { return nonFinite(share) }
    let value = share * 100
    if value == 0 { return "0 %" }
    if value < 0.001, value > 0 { return "< 0.001 %" }
    let decimals = abs(value) >= 9.95 ? 1 : abs(value) >= 0.995 ? 2 : 3
    return fixed(value, decimals) + " %"
  }

  /// A whole number in groups of three, such as `22,713,216`.
  public static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
      result.append(digit)
    }
    return value < 0 ? "-" + result : result
  }

  /// A count in thousands, millions or billions, such as `22.7 M`.
  public static func count(_ value: Int) -> String {
    scaled(value, base: 1000, units: ["", " K", " M", " B", " T"])
  }

  /// A size in binary units, such as `86.7 MiB`.
  public static func bytes(_ value: Int) -> String {
    scaled(value, base: 1024, units: [" B", " KiB", " MiB", " GiB", " TiB"])
  }

  private static func scaled(_ value: Int, base: Double, units: [String]) -> String {
    var amount = Double(value)
    var unit = 0
    while abs(amount) >= base * 0.9995, unit < units.count - 1 {
      amount /= base
      unit += 1
    }
    let decimals = unit == 0 ? 0 : amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2
    return fixed(amount, decimals) + units[unit]
  }

  private static func nonFinite(_ value: Double) -> String {
    value.isNaN ? "NaN" : value > 0 ? "∞" : "-∞"
  }

  private static func decimalExponent(_ value: Double, digits: Int) -> Int {
    let exponent = Int(floor(log10(abs(value))))
    // 9.996 to three digits is 10.0: the digit that rounding adds belongs to the exponent.
    let half = 0.5 * pow(10.0, Double(exponent - digits + 1))
    return abs(value) + half >= pow(10.0, Double(exponent + 1)) ? exponent + 1 : exponent
  }
}

/// Round numbers that divide an axis.
enum Ticks {
  /// Multiples of 1, 2 or 5 times a power of ten within a range, about as many as asked for.
  static func values(from low: Double, to high: Double, about count: Int) -> [Double] {
    guard low.isFinite, high.isFinite, high > low, count > 0 else { return [] }
    let raw = (high - low) / Double(count)
    let power = pow(10.0, floor(log10(raw)))
    guard power.isFinite, power > 0 else { return [] }
    let multiple = raw / power
    let step = power * (multiple <= 1.4 ? 1 : multiple <= 3.2 ? 2 : multiple <= 7 ? 5 : 10)
    let first = ceil(low / step - 1e-9)
    let last = floor(high / step + 1e-9)
    guard last >= first, last - first < 1000 else { return [] }
    return (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  /// The next number above of two significant digits.
  static func roundedUp(_ value: Double) -> Double {
    guard value.isFinite, value > 0 else { return value }
    let power = pow(10.0, floor(log10(value)) - 1)
    return ceil(value / power - 1e-9) * power
  }

  /// The ticks as text, all with the decimals that their step needs, as an axis shows them.
  static func texts(_ values: [Double]) -> [String] { plainTexts(values).map(NumberText.shown) }

  private static func plainTexts(_ values: [Double]) -> [String] {
    guard values.count > 1 else { return values.map { NumberText.short($0) } }
    let step = values[1] - values[0]
    guard step > 0, step.isFinite else { return values.map { NumberText.short($0) } }
    let largest = values.map { abs($0) }.max() ?? 0
    let decimals = max(0, -Int(floor(log10(step) + 1e-9)))
    if decimals > 5 || largest >= 1e6 { return values.map { NumberText.short($0) } }
    return values.map { NumberText.fixed($0, decimals) }
  }
}
