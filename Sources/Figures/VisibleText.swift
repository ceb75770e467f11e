/// Makes what can't be seen visible: control characters, spaces at the edges, stray marks.
public enum VisibleText {
  /// A text on one line in which every character can be seen, spaces inside left as they are.
  ///
  /// Line feeds become `⏎`, tabs `⇥`, other controls their pictures (`␀`), directional and
  /// zero-width characters their code points (`⟨U+202E⟩`).
  public static func line(_ text: String) -> String {
    var result = ""
    var previous: Unicode.Scalar?
    var afterReturn = false
    for scalar in text.unicodeScalars {
      defer {
        previous = scalar
        afterReturn = scalar == "\r"
      }
      if scalar == "\n", afterReturn { continue }
      if scalar == "\r" {
        result += "⏎"
        continue
      }
      if isMark(scalar) && (previous == nil || previous == " " || previous == "\n") {
        result += "◌"
        result.unicodeScalars.append(scalar)
      } else if scalar.value == 0x200D || scalar.value == 0x200C {
        // Joiners belong inside emoji and some scripts; alone they are invisible.
        if previous == nil {
          result += picture(of: scalar)
        } else {
          result.unicodeScalars.append(scalar)
        }
      } else if needsPicture(scalar) {
        result += picture(of: scalar)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A sentence of ours for a picture or a hint: as `line`, its numbers with minus signs.
  static func sentence(_ text: String) -> String { NumberText.shown(line(text)) }

  /// A token's text for a label: as `line`, with spaces at its edges as `␣`; `∅` for nothing.
  public static func token(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    if scalars.isEmpty { return "∅" }
    let lead = scalars.prefix { $0 == " " }.count
    if lead == scalars.count { return String(repeating: "␣", count: lead) }
    let trail = scalars.reversed().prefix { $0 == " " }.count
    var inner = String.UnicodeScalarView()
    inner.append(contentsOf: scalars[lead..<(scalars.count - trail)])
    return String(repeating: "␣", count: lead) + line(String(inner))
      + String(repeating: "␣", count: trail)
  }

  /// A token's text for a crowded axis: as `token`, without the one space that begins a word.
  public static func axis(_ text: String) -> String {
    let shown = token(text)
    let scalars = shown.unicodeScalars
    guard scalars.count > 1, scalars.first == "␣", scalars.dropFirst().first != "␣" else {
      return shown
    }
    return String(scalars.dropFirst())
  }

  /// Whether XML 1.0 has no way to write a character.
  static func isForbiddenInXML(_ scalar: Unicode.Scalar) -> Bool {
    let value = scalar.value
    if value < 0x20 { return value != 0x09 && value != 0x0A && value != 0x0D }
    // C1 controls are allowed by the letter, but HTML reads references to them as something else.
    return (0x7F...0x9F).contains(value) || value == 0xFFFE || value == 0xFFFF
  }

  /// A sign that stands for a character which can't be seen.
  static func picture(of scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case 0x09: "⇥"
    case 0x0A, 0x0D, 0x2028, 0x2029: "⏎"
    case 0...0x1F: Unicode.Scalar(0x2400 + scalar.value).map { String($0) } ?? "␀"
    case 0x7F: "␡"
    default: "⟨U+\(hexadecimal(scalar.value))⟩"
    }
  }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .spacingMark: true
    default: false
    }
  }

  private static func needsPicture(_ scalar: Unicode.Scalar) -> Bool {
    if isForbiddenInXML(scalar) { return true }
    switch scalar.value {
    case 0x09, 0x0A, 0x0D: return true
    case 0xAD, 0x61C, 0x115F, 0x1160, 0x180E, 0x3164, 0xFEFF, 0xFFA0: return true
    case 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F: return true
    case 0xFFF9...0xFFFB: return true
    default: return scalar.value >= 0xFFFE && scalar.value & 0xFFFE == 0xFFFE
    }
  }
}
