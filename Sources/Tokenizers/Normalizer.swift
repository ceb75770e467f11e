/// The changes that a tokenizer makes to a text before it divides it.
indirect enum Normalizer: Sendable {
  case bert(cleanText: Bool, chineseCharacters: Bool, stripAccents: Bool, lowercase: Bool)
  case composed
  case decomposed
  case lowercase
  case stripAccents
  case precompiled(PrecompiledMap)
  case prepend(String)
  case replace(PatternProgram, by: String)
  case sequence([Normalizer])

  /// Reads a `normalizer`.
  init(_ part: TokenizerPart) throws(TokenizerError) {
    let type = try part.type
    switch type {
    case "BertNormalizer":
      let lowercase = try part.bool("lowercase", or: true)
      self = .bert(
        cleanText: try part.bool("clean_text", or: true),
        chineseCharacters: try part.bool("handle_chinese_chars", or: true),
        stripAccents: try part.bool("strip_accents", or: lowercase), lowercase: lowercase)
    case "NFC": self = .composed
    case "NFD": self = .decomposed
    case "Lowercase": self = .lowercase
    case "StripAccents": self = .stripAccents
    case "Precompiled": self = .precompiled(try PrecompiledMap(part))
    case "Prepend": self = .prepend(try part.string("prepend"))
    case "Replace":
      self = .replace(
        try PreTokenizer.pattern(part.member("pattern"), of: part),
        by: try part.string("content"))
    case "Sequence":
      var steps: [Normalizer] = []
      for step in try part.parts("normalizers") { steps.append(try Normalizer(step)) }
      self = .sequence(steps)
    default: throw .unknownType(part: part.place, type: type)
    }
  }

  /// Whether every text stays as it is.
  var isIdentity: Bool {
    if case .sequence(let steps) = self { steps.allSatisfy(\.isIdentity) } else { false }
  }

  /// The changed text.
  func apply(to text: AlignedText) -> AlignedText {
    switch self {
    case .sequence(let steps): return steps.reduce(text) { $1.apply(to: $0) }
    case .composed:
      // Nothing below U+0300 composes with anything below it.
      if text.bytes.allSatisfy({ $0 < 0xCC }) { return text }
      return AlignedText(UnicodeForms.composed(text.scalars))
    case .decomposed:
      if text.bytes.allSatisfy({ $0 < 0x80 }) { return text }
      return AlignedText(UnicodeForms.decomposed(text.scalars))
    case .lowercase: return AlignedText(Self.lowercased(text.scalars))
    case .precompiled(let map): return AlignedText(map.apply(to: text.scalars))
    case .prepend(let prefix):
      let scalars = text.scalars
      guard let first = scalars.first else { return text }
      let start = first.origin.lowerBound
      return AlignedText(prefix.unicodeScalars.map { ($0, start..<start) } + scalars)
    case .replace(let pattern, let content): return Self.replacing(pattern, by: content, in: text)
    case .stripAccents: return AlignedText(text.scalars.filter { !Self.isAnyMark($0.scalar) })
    case .bert(let cleanText, let chineseCharacters, let stripAccents, let lowercase):
      var scalars = text.scalars
      if cleanText { scalars = Self.cleaned(scalars) }
      if chineseCharacters { scalars = Self.spacedAroundIdeographs(scalars) }
      if stripAccents {
        scalars = UnicodeForms.decomposed(scalars).filter { !Self.isAccent($0.scalar) }
      }
      if lowercase { scalars = Self.lowercased(scalars) }
      return AlignedText(scalars)
    }
  }

  private static func replacing(
    _ pattern: PatternProgram, by content: String, in text: AlignedText
  ) -> AlignedText {
    let bytes = text.bytes
    var scalars: Scalars = []
    func copy(_ range: Range<Int>) {
      var place = range.lowerBound
      while place < range.upperBound {
        let (value, width) = decode(bytes.span, place)
        scalars.append(
          (Unicode.Scalar(value) ?? "\u{FFFD}", text.origin(of: place..<place + width)))
        place += width
      }
    }
    var matcher = PatternMatcher(pattern)
    var plain = 0
    matcher.forEachMatch(in: bytes.span, 0..<bytes.count) { match in
      guard !match.isEmpty else { return }
      copy(plain..<match.lowerBound)
      let origin = text.origin(of: match)
      for scalar in content.unicodeScalars { scalars.append((scalar, origin)) }
      plain = match.upperBound
    }
    guard plain > 0 else { return text }
    copy(plain..<bytes.count)
    return AlignedText(scalars)
  }

  private typealias Scalars = [(scalar: Unicode.Scalar, origin: Range<Int>)]

  private static func lowercased(_ scalars: Scalars) -> Scalars {
    var result: Scalars = []
    result.reserveCapacity(scalars.count)
    for (scalar, origin) in scalars {
      if scalar.value < 128 {
        let isUpper = (0x41...0x5A).contains(scalar.value)
        let small = isUpper ? Unicode.Scalar(UInt8(scalar.value | 0x20)) : scalar
        result.append((small, origin))
      } else {
        for small in scalar.properties.lowercaseMapping.unicodeScalars {
          result.append((small, origin))
        }
      }
    }
    return result
  }

  /// Without control characters, white space as spaces.
  private static func cleaned(_ scalars: Scalars) -> Scalars {
    scalars.compactMap { scalar, origin in
      if scalar.value >= 0x20, scalar.value < 0x7F { return (scalar, origin) }
      if ["\t", "\n", "\r"].contains(scalar) { return (" ", origin) }
      if scalar.value == 0xFFFD || isControl(scalar) { return nil }
      return (ScalarProperties.isWhitespace(scalar.value) ? " " : scalar, origin)
    }
  }

  private static func spacedAroundIdeographs(_ scalars: Scalars) -> Scalars {
    guard scalars.contains(where: { isIdeograph($0.scalar.value) }) else { return scalars }
    var result: Scalars = []
    for (scalar, origin) in scalars {
      if isIdeograph(scalar.value) {
        result.append((" ", origin.lowerBound..<origin.lowerBound))
        result.append((scalar, origin))
        result.append((" ", origin.upperBound..<origin.upperBound))
      } else {
        result.append((scalar, origin))
      }
    }
    return result
  }

  /// The blocks that BERT's tokenizer takes for Chinese.
  private static func isIdeograph(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  /// The reference's tables for BERT are those of Unicode 8.
  private static func isKnown(_ properties: Unicode.Scalar.Properties, in version: Int) -> Bool {
    properties.age.map { $0.major < version || ($0.major == version && $0.minor == 0) } ?? false
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    switch properties.generalCategory {
    case .control, .privateUse: return true
    case .format: return isKnown(properties, in: 8)
    default: return false
    }
  }

  /// Whether a scalar is a nonspacing mark, as Unicode 8 had them.
  private static func isAccent(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    switch scalar.value {
    case 0x1734, 0x1171E: return true
    case 0x1885, 0x1886, 0xA9BD, 0x111C9: return false
    default:
      let properties = scalar.properties
      return properties.generalCategory == .nonspacingMark && isKnown(properties, in: 8)
    }
  }

  /// Whether a scalar is a mark of any kind, as Unicode 9 had them.
  private static func isAnyMark(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    switch scalar.value {
    case 0x1CF2, 0x1CF3: return true
    case 0x111C9: return false
    default:
      let properties = scalar.properties
      return [.nonspacingMark, .spacingMark, .enclosingMark].contains(properties.generalCategory)
        && isKnown(properties, in: 9)
    }
  }
}
