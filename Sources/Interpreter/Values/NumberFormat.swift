/// Numbers as people expect to read them: `3`, `0.1`, `1e-5`, at most 15 significant digits.
public enum NumberFormat {
  /// The number rounded to 15 significant digits, without trailing zeros.
  ///
  /// From 1e15 on and below 1e-4 the exponent is written, as in `1e-5`.
  public static func text(_ number: Double) -> String { text(number, digits: 15) }

  /// The number rounded to a count of significant digits, without trailing zeros.
  public static func text(_ number: Double, digits: Int) -> String {
    if number.isNaN { return "nan" }
    if number.isInfinite { return number < 0 ? "-inf" : "inf" }
    if number == 0 { return "0" }
    let sign = number < 0 ? "-" : ""
    var (significand, exponent) = decompose(number.magnitude.description)
    if significand.count > digits {
      let roundsUp = significand[digits] >= 5
      significand = Array(significand[..<digits])
      if roundsUp { exponent += increment(&significand) }
    }
    while significand.count > 1, significand.last == 0 { significand.removeLast() }
    return sign + compose(significand, exponent: exponent)
  }

  /// A `Float` with at most a count of significant digits, from its own shortest form, so that
  /// the nearest `Float` to 0.1 reads 0.1.
  public static func text(_ number: Float, digits: Int = 9) -> String {
    guard let value = Double(number.description) else { return number.description }
    return text(value, digits: digits)
  }

  /// The decimal digits of Swift's shortest form and the exponent of the first one.
  private static func decompose(_ description: String) -> ([UInt8], Int) {
    var digits: [UInt8] = []
    var exponent = 0
    var pointPlace: Int?
    var rest = Substring(description)
    if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
      exponent = Int(rest[rest.index(after: mark)...].drop { $0 == "+" }) ?? 0
      rest = rest[..<mark]
    }
    for byte in rest.utf8 {
      if byte == UInt8(ascii: ".") {
        pointPlace = digits.count
      } else {
        digits.append(byte - UInt8(ascii: "0"))
      }
    }
    exponent += (pointPlace ?? digits.count) - 1
    while digits.count > 1, digits.first == 0 {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.count > 1, digits.last == 0 { digits.removeLast() }
    return (digits, exponent)
  }

  /// Adds one in the last place; gives 1 where a digit came in front (9.99 → 10.0).
  private static func increment(_ digits: inout [UInt8]) -> Int {
    for index in digits.indices.reversed() {
      if digits[index] < 9 {
        digits[index] += 1
        return 0
      }
      digits[index] = 0
    }
    digits.insert(1, at: 0)
    digits.removeLast()
    return 1
  }

  private static func compose(_ digits: [UInt8], exponent: Int) -> String {
    let text = digits.map { String($0) }
    if exponent >= 15 || exponent < -4 {
      let fraction = text.dropFirst().joined()
      return text[0] + (fraction.isEmpty ? "" : "." + fraction) + "e\(exponent)"
    }
    if exponent < 0 {
      return "0." + String(repeating: "0", count: -exponent - 1) + text.joined()
    }
    if digits.count <= exponent + 1 {
      return text.joined() + String(repeating: "0", count: exponent + 1 - digits.count)
    }
    return text[...exponent].joined() + "." + text[(exponent + 1)...].joined()
  }
}
