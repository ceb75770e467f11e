/// What a pattern can ask about a scalar: its general category, and whether it is white space or
/// part of a word, packed into seven bits.
///
/// Oniguruma, after whose engine the published patterns are written, knows Unicode 16; scalars that
/// were assigned later count as unassigned here too, so that a text is divided the same way.
enum ScalarProperties {
  static let whitespace: UInt8 = 0x20
  static let word: UInt8 = 0x40
  static let newestVersion = (major: 16, minor: 0)

  /// The general categories in the order of their numbers, by their two-letter names.
  static let categoryNames = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
  ]

  /// The packed properties of each scalar of the basic plane.
  private static let basicPlane: [UInt8] = (0..<0x10000).map { compute(UInt32($0)) }

  /// The packed properties of a scalar.
  @inline(__always)
  static func of(_ scalar: UInt32) -> UInt8 {
    scalar < 0x10000 ? basicPlane[Int(scalar)] : compute(scalar)
  }

  static func category(_ scalar: UInt32) -> UInt8 { of(scalar) & 0x1F }

  static func isWhitespace(_ scalar: UInt32) -> Bool { of(scalar) & whitespace != 0 }

  /// Whether a scalar's category is one of `P…`.
  static func isPunctuation(_ scalar: UInt32) -> Bool { (11...17).contains(category(scalar)) }

  /// Whether a scalar's category is one of `N…`.
  static func isNumber(_ scalar: UInt32) -> Bool { (8...10).contains(category(scalar)) }

  /// Whether a scalar's category is `No`, as of superscripts and fractions.
  static func isOtherNumber(_ scalar: UInt32) -> Bool { category(scalar) == 10 }

  private static func compute(_ value: UInt32) -> UInt8 {
    guard let scalar = Unicode.Scalar(value) else { return number(.surrogate) }
    let properties = scalar.properties
    guard let age = properties.age, (age.major, age.minor) <= newestVersion else {
      return number(properties.generalCategory == .privateUse ? .privateUse : .unassigned)
    }
    // A lower-case letter until Unicode 17.
    let category = value == 0x295 ? .lowercaseLetter : properties.generalCategory
    var packed = number(category)
    if properties.isWhitespace { packed |= whitespace }
    // Oniguruma counts the superscripts and fractions of Latin-1 as parts of words.
    let isLatinNumber = value < 0x100 && category == .otherNumber
    if properties.isAlphabetic || isLatinNumber
      || [.nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation]
        .contains(category)
    {
      packed |= word
    }
    return packed
  }

  private static func number(_ category: Unicode.GeneralCategory) -> UInt8 {
    switch category {
    case .uppercaseLetter: 0
    case .lowercaseLetter: 1
    case .titlecaseLetter: 2
    case .modifierLetter: 3
    case .otherLetter: 4
    case .nonspacingMark: 5
    case .spacingMark: 6
    case .enclosingMark: 7
    case .decimalNumber: 8
    case .letterNumber: 9
    case .otherNumber: 10
    case .connectorPunctuation: 11
    case .dashPunctuation: 12
    case .openPunctuation: 13
    case .closePunctuation: 14
    case .initialPunctuation: 15
    case .finalPunctuation: 16
    case .otherPunctuation: 17
    case .mathSymbol: 18
    case .currencySymbol: 19
    case .modifierSymbol: 20
    case .otherSymbol: 21
    case .spaceSeparator: 22
    case .lineSeparator: 23
    case .paragraphSeparator: 24
    case .control: 25
    case .format: 26
    case .surrogate: 27
    case .privateUse: 28
    default: 29
    }
  }
}
