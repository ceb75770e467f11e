import Glibc

/// A moment in UTC, in microseconds since 1970.
public struct Timestamp: Sendable, Hashable {
  /// Microseconds since the beginning of 1970.
  public var microseconds: Int

  /// Makes a moment.
  public init(microseconds: Int) { self.microseconds = microseconds }

  /// The moment now, by the system's clock.
  public static func now() -> Timestamp {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: time.tv_sec * 1_000_000 + time.tv_nsec / 1_000)
  }

  /// The moment as `2026-01-31T23:59:59.000001Z`.
  public var iso8601: String {
    var seconds = microseconds / 1_000_000
    var fraction = microseconds % 1_000_000
    if fraction < 0 {
      fraction += 1_000_000
      seconds -= 1
    }
    var days = seconds / 86_400
    var rest = seconds % 86_400
    if rest < 0 {
      rest += 86_400
      days -= 1
    }
    let (year, month, day) = Timestamp.date(daysSince1970: days)
    var text: [UInt8] = []
    text.reserveCapacity(27)
    func append(_ number: Int, digits: Int, then separator: Unicode.Scalar) {
      var divisor = 1
      for _ in 1..<digits { divisor *= 10 }
      while divisor > 0 {
        text.append(UInt8(48 + number / divisor % 10))
        divisor /= 10
      }
      text.append(UInt8(ascii: separator))
    }
    append(year, digits: 4, then: "-")
    append(month, digits: 2, then: "-")
    append(day, digits: 2, then: "T")
    append(rest / 3_600, digits: 2, then: ":")
    append(rest / 60 % 60, digits: 2, then: ":")
    append(rest % 60, digits: 2, then: ".")
    append(fraction, digits: 6, then: "Z")
    return String(decoding: text, as: UTF8.self)
  }

  /// The proleptic Gregorian date, counted in eras of 400 years that begin on the first of March.
  private static func date(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = daysSince1970 + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}
