/// Reads what stands for one scalar in a pattern: classes in brackets and escapes.
struct CharacterClassParser {
  private let scalars: [Unicode.Scalar]
  private(set) var position: Int
  private let ignoresCase: Bool

  init(_ scalars: [Unicode.Scalar], _ position: Int, ignoresCase: Bool) {
    self.scalars = scalars
    self.position = position
    self.ignoresCase = ignoresCase
  }

  /// The set of one scalar, with its other case where that is to be ignored.
  static func literal(
    _ scalar: Unicode.Scalar, ignoresCase: Bool
  ) throws(PatternError) -> ScalarSet {
    var set = ScalarSet()
    try insert(scalar.value...scalar.value, ignoresCase: ignoresCase, into: &set)
    set.complete()
    return set
  }

  /// Reads from behind `[` to behind the `]` that closes it.
  mutating func parse() throws(PatternError) -> ScalarSet {
    var set = ScalarSet()
    let isNegated = scalars[position...].first == "^"
    if isNegated { position += 1 }
    var isFirst = true
    while true {
      guard position < scalars.count else { throw PatternError(construct: "an unclosed [") }
      let scalar = scalars[position]
      if scalar == "]", !isFirst {
        position += 1
        break
      }
      isFirst = false
      if scalar == "[" { throw PatternError(construct: "a class inside a class") }
      if scalar == "&", position + 1 < scalars.count, scalars[position + 1] == "&" {
        throw PatternError(construct: "an intersection of classes")
      }
      position += 1
      var lower = scalar
      if scalar == "\\" {
        guard let single = try parseEscape(into: &set) else { continue }
        lower = single
      }
      try insert(lower.value...(try parseRangeEnd(from: lower)), into: &set)
    }
    if isNegated { set.negate() }
    set.complete()
    return set
  }

  /// Reads what follows a backslash outside brackets.
  mutating func parseEscapeAlone() throws(PatternError) -> ScalarSet {
    var set = ScalarSet()
    if let scalar = try parseEscape(into: &set) {
      try insert(scalar.value...scalar.value, into: &set)
    }
    set.complete()
    return set
  }

  /// The upper end of a range whose lower end was just read, which alone is the whole range where no
  /// hyphen follows.
  private mutating func parseRangeEnd(
    from lower: Unicode.Scalar
  ) throws(PatternError) -> UInt32 {
    guard position + 1 < scalars.count, scalars[position] == "-", scalars[position + 1] != "]"
    else { return lower.value }
    position += 1
    var upper = scalars[position]
    position += 1
    if upper == "\\" {
      var ignored = ScalarSet()
      guard let single = try parseEscape(into: &ignored) else {
        throw PatternError(construct: "a range that ends in a class")
      }
      upper = single
    } else if upper == "[" {
      throw PatternError(construct: "a class inside a class")
    }
    guard lower <= upper else { throw PatternError(construct: "a range from high to low") }
    return upper.value
  }

  private func insert(_ range: ClosedRange<UInt32>, into set: inout ScalarSet) throws(PatternError)
  {
    try Self.insert(range, ignoresCase: ignoresCase, into: &set)
  }

  private static func insert(
    _ range: ClosedRange<UInt32>, ignoresCase: Bool, into set: inout ScalarSet
  ) throws(PatternError) {
    set.insert(range)
    guard ignoresCase else { return }
    guard range.upperBound < 128 else {
      throw PatternError(construct: "letters outside ASCII whose case is ignored")
    }
    for value in range {
      guard let scalar = Unicode.Scalar(value), scalar.properties.isAlphabetic else { continue }
      set.insert(value ^ 0x20...value ^ 0x20)
      // The long s and the Kelvin sign have these as their lower case.
      if value | 0x20 == 0x73 { set.insert(0x17F...0x17F) }
      if value | 0x20 == 0x6B { set.insert(0x212A...0x212A) }
    }
  }

  /// Reads what follows a backslash: a single scalar, or a class that is added to the set (`nil`).
  private mutating func parseEscape(
    into set: inout ScalarSet
  ) throws(PatternError) -> Unicode.Scalar? {
    guard position < scalars.count else { throw PatternError(construct: "a backslash at the end") }
    let scalar = scalars[position]
    position += 1
    switch scalar {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "f": return "\u{C}"
    case "v": return "\u{B}"
    case "a": return "\u{7}"
    case "e": return "\u{1B}"
    case "s": set.insert { $0 & ScalarProperties.whitespace != 0 }
    case "S": set.insert { $0 & ScalarProperties.whitespace == 0 }
    case "w": set.insert { $0 & ScalarProperties.word != 0 }
    case "W": set.insert { $0 & ScalarProperties.word == 0 }
    case "d": set.insert { $0 & 0x1F == 8 }
    case "D": set.insert { $0 & 0x1F != 8 }
    case "p": try parseProperty(isNegated: false, into: &set)
    case "P": try parseProperty(isNegated: true, into: &set)
    case "x": return try parseHexadecimal(digits: 2)
    case "u": return try parseHexadecimal(digits: 4)
    default:
      guard !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
        throw PatternError(construct: "\\\(scalar)")
      }
      return scalar
    }
    return nil
  }

  private mutating func parseHexadecimal(digits: Int) throws(PatternError) -> Unicode.Scalar {
    var text = ""
    if digits == 2, scalars[position...].first == "{" {
      position += 1
      while position < scalars.count, scalars[position] != "}" {
        text.unicodeScalars.append(scalars[position])
        position += 1
      }
      position += 1
    } else {
      text.unicodeScalars.append(contentsOf: scalars[position...].prefix(digits))
      position += text.unicodeScalars.count
    }
    guard position <= scalars.count, let value = UInt32(text, radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw PatternError(construct: "a hexadecimal escape that names no character") }
    return scalar
  }

  private mutating func parseProperty(
    isNegated: Bool, into set: inout ScalarSet
  ) throws(PatternError) {
    guard scalars[position...].first == "{", let end = scalars[position...].firstIndex(of: "}")
    else { throw PatternError(construct: "\\p without a name in braces") }
    var name = scalars[(position + 1)..<end]
    position = end + 1
    var isNegated = isNegated
    if name.first == "^" {
      isNegated.toggle()
      name = name.dropFirst()
    }
    let written = String(String.UnicodeScalarView(name))
    let short = Self.longNames[written] ?? written
    let numbers = ScalarProperties.categoryNames.indices.filter {
      ScalarProperties.categoryNames[$0].hasPrefix(short) && !short.isEmpty
    }
    guard !numbers.isEmpty else { throw PatternError(construct: "\\p{\(written)}") }
    if ignoresCase, ["Lu", "Ll", "Lt"].contains(short) {
      throw PatternError(construct: "\\p{\(written)} where case is ignored")
    }
    let categories = Set(numbers.map { UInt8($0) })
    set.insert { categories.contains($0 & 0x1F) != isNegated && $0 & 0x1F < 30 }
  }

  private static let longNames = [
    "Letter": "L", "Mark": "M", "Number": "N", "Punctuation": "P", "Symbol": "S", "Separator": "Z",
    "Other": "C", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
    "Modifier_Letter": "Lm", "Other_Letter": "Lo", "Nonspacing_Mark": "Mn", "Decimal_Number": "Nd",
  ]
}
