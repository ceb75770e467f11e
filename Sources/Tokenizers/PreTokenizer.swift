import DataFormats

/// How a tokenizer divides a text into the pieces inside which its model works.
indirect enum PreTokenizer: Sendable {
  /// What becomes of the matches and of the text between them.
  enum Behavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  case split(PatternProgram, Behavior, isInverted: Bool)
  case byteLevel(addsPrefixSpace: Bool, pattern: PatternProgram?)
  case scalars(ScalarKind, Behavior)
  case metaspace(Metaspace, pattern: PatternProgram?)
  case sequence([PreTokenizer])

  /// Scalars that are matches each by itself.
  enum ScalarKind: Sendable { case whitespace, number, punctuation }

  /// Whether bytes are the units of the pieces.
  var isByteLevel: Bool {
    switch self {
    case .byteLevel: true
    case .sequence(let stages): stages.contains(where: \.isByteLevel)
    default: false
    }
  }

  /// Reads a `pre_tokenizer`.
  init(_ part: TokenizerPart) throws(TokenizerError) {
    let type = try part.type
    switch type {
    case "Sequence":
      var stages: [PreTokenizer] = []
      for stage in try part.parts("pretokenizers") { stages.append(try PreTokenizer(stage)) }
      self = .sequence(stages)
    case "Split":
      self = .split(
        try Self.pattern(part.member("pattern"), of: part), try Self.behavior(part, or: nil),
        isInverted: try part.bool("invert", or: false))
    case "ByteLevel":
      self = .byteLevel(
        addsPrefixSpace: try part.bool("add_prefix_space", or: true),
        pattern: try part.bool("use_regex", or: true) ? try Self.compile(Self.gpt2Pattern) : nil)
    case "Digits":
      let isIndividual = try part.bool("individual_digits", or: false)
      self = .scalars(.number, isIndividual ? .isolated : .contiguous)
    case "Whitespace":
      // Words in the sense of the reference hold joiners too.
      self = .split(
        try Self.compile("[\\w\\u200C\\u200D]+|[^\\w\\s\\u200C\\u200D]+"), .removed,
        isInverted: true)
    case "Metaspace":
      let metaspace = try Metaspace(part)
      self = .metaspace(
        metaspace,
        pattern: try part.bool("split", or: true)
          ? try Self.compile(Self.quoted(String(metaspace.mark))) : nil)
    case "WhitespaceSplit": self = .scalars(.whitespace, .removed)
    case "Punctuation":
      self = .scalars(.punctuation, try Self.behavior(part, or: .isolated))
    case "BertPreTokenizer":
      self = .sequence([.scalars(.whitespace, .removed), .scalars(.punctuation, .isolated)])
    default: throw .unknownType(part: part.place, type: type)
    }
  }

  /// The division of GPT-2.
  private static let gpt2Pattern =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// The pattern in a member that gives it as a text or as an expression.
  static func pattern(
    _ member: TokenizerPart?, of part: TokenizerPart
  ) throws(TokenizerError) -> PatternProgram {
    if let text = member?.value["String"]?.string { return try compile(quoted(text)) }
    if let text = member?.value["Regex"]?.string { return try compile(text) }
    throw part.wrong("pattern", "an object with Regex or String")
  }

  private static func compile(_ text: String) throws(TokenizerError) -> PatternProgram {
    do throws(PatternError) {
      return try PatternProgram(text)
    } catch {
      throw .unsupportedPattern(pattern: text, construct: error.construct)
    }
  }

  /// The pattern that matches a text literally.
  private static func quoted(_ text: String) -> String {
    var pattern = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) {
        pattern.append("\\")
      }
      pattern.append(scalar)
    }
    return String(pattern)
  }

  private static func behavior(
    _ part: TokenizerPart, or standard: Behavior?
  ) throws(TokenizerError) -> Behavior {
    if part.member("behavior") == nil, let standard { return standard }
    guard let behavior = Behavior(rawValue: try part.string("behavior")) else {
      throw part.wrong("behavior", "the name of a split behavior")
    }
    return behavior
  }

  /// Divides each of the pieces of a text; a stage sees nothing outside a piece.
  func apply(to text: inout AlignedText, _ pieces: [Range<Int>]) -> [Range<Int>] {
    switch self {
    case .sequence(let stages):
      var divided = pieces
      for stage in stages { divided = stage.apply(to: &text, divided) }
      return divided
    case .split(let pattern, let behavior, let isInverted):
      return Self.divide(text, pieces, pattern, behavior, isInverted)
    case .byteLevel(let addsPrefixSpace, let pattern):
      let spaced = addsPrefixSpace ? text.insertSpaces(before: pieces) : pieces
      guard let pattern else { return spaced }
      return Self.divide(text, spaced, pattern, .isolated, false)
    case .metaspace(let metaspace, let pattern):
      let marked = text.markSpaces(in: pieces, by: metaspace.mark) { metaspace.begins(at: $0) }
      guard let pattern else { return marked }
      return Self.divide(text, marked, pattern, .mergedWithNext, false)
    case .scalars(let kind, let behavior):
      let bytes = text.bytes
      var collector = PieceCollector(behavior: behavior)
      for piece in pieces {
        var place = piece.lowerBound
        var plain = place
        collector.begin()
        while place < piece.upperBound {
          let (scalar, length) = decode(bytes.span, place)
          if kind.contains(scalar) {
            collector.append(plain..<place, isMatch: false)
            collector.append(place..<place + length, isMatch: true)
            plain = place + length
          }
          place += length
        }
        collector.append(plain..<piece.upperBound, isMatch: false)
        collector.end()
      }
      return collector.pieces
    }
  }

  private static func divide(
    _ text: AlignedText, _ pieces: [Range<Int>], _ pattern: PatternProgram, _ behavior: Behavior,
    _ isInverted: Bool
  ) -> [Range<Int>] {
    let bytes = text.bytes
    var matcher = PatternMatcher(pattern)
    var collector = PieceCollector(behavior: behavior)
    for piece in pieces {
      collector.begin()
      var plain = piece.lowerBound
      matcher.forEachMatch(in: bytes.span, piece) { match in
        collector.append(plain..<match.lowerBound, isMatch: isInverted)
        collector.append(match, isMatch: !isInverted)
        plain = match.upperBound
      }
      collector.append(plain..<piece.upperBound, isMatch: isInverted)
      collector.end()
    }
    return collector.pieces
  }
}

extension PreTokenizer.ScalarKind {
  /// Whether a scalar is of this kind.
  @inline(__always)
  func contains(_ scalar: UInt32) -> Bool {
    switch self {
    case .whitespace: ScalarProperties.isWhitespace(scalar)
    case .number:
      scalar < 128 ? scalar &- 48 < 10 : ScalarProperties.isNumber(scalar)
    case .punctuation: scalar < 128 ? isASCIIPunctuation(scalar) : isKnownPunctuation(scalar)
    }
  }

  private func isASCIIPunctuation(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 33...47, 58...64, 91...96, 123...126: true
    default: false
    }
  }

  /// Punctuation as the reference's tables of Unicode 8 have it.
  private func isKnownPunctuation(_ scalar: UInt32) -> Bool {
    if scalar == 0x166D || scalar == 0x111C9 { return true }
    guard ScalarProperties.isPunctuation(scalar) else { return false }
    guard let age = Unicode.Scalar(scalar)?.properties.age else { return false }
    return (age.major, age.minor) <= (8, 0)
  }
}

/// Puts matches and the text between them together to pieces.
private struct PieceCollector {
  let behavior: PreTokenizer.Behavior
  private(set) var pieces: [Range<Int>] = []
  /// Where the parts of the present piece begin, and whether the last one was a match.
  private var first = 0
  private var followsMatch = false
  /// The parts of the present piece, where the last must be seen before the first is known.
  private var parts: [(range: Range<Int>, isMatch: Bool)] = []

  init(behavior: PreTokenizer.Behavior) { self.behavior = behavior }

  mutating func begin() {
    first = pieces.count
    followsMatch = false
  }

  mutating func append(_ range: Range<Int>, isMatch: Bool) {
    guard !range.isEmpty else { return }
    switch behavior {
    case .isolated: pieces.append(range)
    case .removed: if !isMatch { pieces.append(range) }
    case .contiguous: extend(range, isMatch == followsMatch)
    case .mergedWithPrevious: extend(range, isMatch && !followsMatch)
    case .mergedWithNext: parts.append((range, isMatch))
    }
    followsMatch = isMatch
  }

  private mutating func extend(_ range: Range<Int>, _ joins: Bool) {
    if joins, pieces.count > first {
      pieces[pieces.count - 1] = pieces[pieces.count - 1].lowerBound..<range.upperBound
    } else {
      pieces.append(range)
    }
  }

  mutating func end() {
    guard behavior == .mergedWithNext else { return }
    var merged: [Range<Int>] = []
    var precedesMatch = false
    for (range, isMatch) in parts.reversed() {
      if isMatch, !precedesMatch, let last = merged.last {
        merged[merged.count - 1] = range.lowerBound..<last.upperBound
      } else {
        merged.append(range)
      }
      precedesMatch = isMatch
    }
    pieces.append(contentsOf: merged.reversed())
    parts.removeAll()
  }
}
