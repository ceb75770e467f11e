/// The parts of a pattern.
indirect enum PatternNode: Equatable {
  enum Anchor: Sendable {
    case lineStart, lineEnd, textStart, textEnd, lastLineEnd, wordBoundary, noWordBoundary
  }
  enum Eagerness { case greedy, lazy, possessive }

  case set(ScalarSet)
  case sequence([PatternNode])
  case alternation([PatternNode])
  case repetition(PatternNode, minimum: Int, maximum: Int?, Eagerness)
  case lookahead(PatternNode, isNegated: Bool)
  case atomic(PatternNode)
  case anchor(Anchor)

  /// Whether the node can match the empty text.
  var isNullable: Bool {
    switch self {
    case .set: false
    case .sequence(let parts): parts.allSatisfy(\.isNullable)
    case .alternation(let parts): parts.contains(where: \.isNullable)
    case .repetition(let part, let minimum, _, _): minimum == 0 || part.isNullable
    case .lookahead, .anchor: true
    case .atomic(let part): part.isNullable
    }
  }

  /// Whether the node can match texts of any length.
  var isUnbounded: Bool {
    switch self {
    case .set, .anchor, .lookahead: false
    case .sequence(let parts), .alternation(let parts): parts.contains(where: \.isUnbounded)
    case .repetition(let part, _, let maximum, _): maximum == nil || part.isUnbounded
    case .atomic(let part): part.isUnbounded
    }
  }
}

/// A construct of a pattern that isn't known here, or an error in it.
struct PatternError: Error, Equatable {
  /// The construct in words, for example `a lookbehind`.
  let construct: String
}

/// Reads patterns in the syntax that Oniguruma has for Ruby, as far as tokenizers use it.
struct PatternParser {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var depth = 0
  private var ignoresCase = false

  init(_ pattern: String) { scalars = Array(pattern.unicodeScalars) }

  mutating func parse() throws(PatternError) -> PatternNode {
    let node = try parseAlternation()
    guard position == scalars.count else { throw PatternError(construct: "an unopened )") }
    return node
  }

  private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func take(_ text: String) -> Bool {
    guard scalars[position...].starts(with: text.unicodeScalars) else { return false }
    position += text.unicodeScalars.count
    return true
  }

  private mutating func parseAlternation() throws(PatternError) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 50 else { throw PatternError(construct: "groups nested more than 50 deep") }
    let ignoredCase = ignoresCase
    defer { ignoresCase = ignoredCase }
    var alternatives: [PatternNode] = []
    repeat {
      var parts: [PatternNode] = []
      while let scalar = next, scalar != "|", scalar != ")" {
        if take("(?i)") {
          ignoresCase = true
        } else {
          parts.append(try parseRepetition())
        }
      }
      alternatives.append(parts.count == 1 ? parts[0] : .sequence(parts))
    } while take("|")
    return alternatives.count == 1 ? alternatives[0] : .alternation(alternatives)
  }

  private mutating func parseRepetition() throws(PatternError) -> PatternNode {
    var node = try parseAtom()
    var count = 0
    while let (minimum, maximum, isInterval) = try parseQuantifier() {
      count += 1
      guard count <= 5 else { throw PatternError(construct: "more than 5 repetitions of one part") }
      var eagerness = PatternNode.Eagerness.greedy
      if take("?") {
        eagerness = .lazy
      } else if !isInterval, take("+") {
        eagerness = .possessive
      }
      if maximum == nil, node.isNullable {
        throw PatternError(construct: "an unbounded repetition of what may be empty")
      }
      node = .repetition(node, minimum: minimum, maximum: maximum, eagerness)
    }
    return node
  }

  private mutating func parseQuantifier() throws(PatternError) -> (Int, Int?, Bool)? {
    if take("*") { return (0, nil, false) }
    if take("+") { return (1, nil, false) }
    if take("?") { return (0, 1, false) }
    guard next == "{" else { return nil }
    let start = position
    position += 1
    let minimum = parseNumber()
    var maximum = minimum
    if take(",") { maximum = parseNumber() } else if minimum == nil { maximum = nil }
    let isWritten = minimum != nil || maximum != nil
    guard take("}"), isWritten else {
      // A brace that is no quantifier stands for itself.
      position = start
      return nil
    }
    let least = minimum ?? 0
    guard least <= 1000, maximum.map({ least <= $0 && $0 <= 1000 }) ?? true else {
      throw PatternError(construct: "a repetition of more than 1000 times")
    }
    return (least, maximum, true)
  }

  private mutating func parseNumber() -> Int? {
    var value: Int?
    while let scalar = next, ("0"..."9").contains(scalar), (value ?? 0) < 1_000_000 {
      value = (value ?? 0) * 10 + Int(scalar.value - 48)
      position += 1
    }
    return value
  }

  private mutating func parseAtom() throws(PatternError) -> PatternNode {
    guard let scalar = next else { throw PatternError(construct: "an unexpected end") }
    position += 1
    switch scalar {
    case "(": return try parseGroup()
    case "[":
      var classes = CharacterClassParser(scalars, position, ignoresCase: ignoresCase)
      let set = try classes.parse()
      position = classes.position
      return .set(set)
    case ".":
      var set = ScalarSet()
      set.insert(0x0A...0x0A)
      set.negate()
      set.complete()
      return .set(set)
    case "^": return .anchor(.lineStart)
    case "$": return .anchor(.lineEnd)
    case "*", "+", "?": throw PatternError(construct: "a repetition of nothing")
    case "\\":
      switch next {
      case "A":
        position += 1
        return .anchor(.textStart)
      case "z":
        position += 1
        return .anchor(.textEnd)
      case "Z":
        position += 1
        return .anchor(.lastLineEnd)
      case "b":
        position += 1
        return .anchor(.wordBoundary)
      case "B":
        position += 1
        return .anchor(.noWordBoundary)
      default: break
      }
      var classes = CharacterClassParser(scalars, position, ignoresCase: ignoresCase)
      let set = try classes.parseEscapeAlone()
      position = classes.position
      return .set(set)
    default:
      return .set(try CharacterClassParser.literal(scalar, ignoresCase: ignoresCase))
    }
  }

  private mutating func parseGroup() throws(PatternError) -> PatternNode {
    enum Kind { case plain, ahead, notAhead, atomic }
    let ignoredCase = ignoresCase
    defer { ignoresCase = ignoredCase }
    var kind = Kind.plain
    if take("?=") {
      kind = .ahead
    } else if take("?!") {
      kind = .notAhead
    } else if take("?>") {
      kind = .atomic
    } else if take("?i:") {
      ignoresCase = true
    } else if take("?<=") || take("?<!") {
      throw PatternError(construct: "a lookbehind")
    } else if !take("?:"), next == "?" {
      let construct = String(String.UnicodeScalarView(scalars[(position - 1)...].prefix(4)))
      throw PatternError(construct: "the group \(construct)…")
    }
    let node = try parseAlternation()
    guard take(")") else { throw PatternError(construct: "an unclosed (") }
    if kind != .plain, node.isUnbounded {
      throw PatternError(
        construct: "an unbounded repetition inside a lookahead or an atomic group")
    }
    switch kind {
    case .plain: return node
    case .ahead: return .lookahead(node, isNegated: false)
    case .notAhead: return .lookahead(node, isNegated: true)
    case .atomic: return .atomic(node)
    }
  }
}
