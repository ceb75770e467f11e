/// A pattern as instructions for the matcher.
struct PatternProgram: Sendable {
  enum Instruction: Sendable {
    /// One scalar of a set.
    case set(Int)
    /// As many scalars of a set as there are; gives them back one by one unless possessive.
    case run(Int, isPossessive: Bool)
    /// Two ways to go on, the first one first.
    case split(Int, Int)
    case jump(Int)
    case anchor(PatternNode.Anchor)
    /// The instructions from the next one to an `accept` before `end` must match here (or must not);
    /// the text they match isn't consumed.
    case lookahead(isNegated: Bool, end: Int)
    /// The same, consumed; what they matched first is kept.
    case atomic(end: Int)
    case accept
  }

  /// One way in which a match can begin.
  struct Alternative: Sendable {
    let start: Int
    /// The bytes with which a text of this alternative can begin, 64 in each word.
    let firstBytes: [4 of UInt64]

    @inline(__always)
    func mayBegin(with byte: UInt8) -> Bool {
      firstBytes[Int(byte >> 6)] &>> UInt64(byte & 63) & 1 == 1
    }
  }

  private(set) var instructions: [Instruction] = []
  private(set) var sets: [ScalarSet] = []
  private(set) var alternatives: [Alternative] = []

  static let largestSize = 2_000
  /// How many nodes the compiler has visited, repetitions unfolded.
  private var visits = 0

  /// Compiles a pattern.
  ///
  /// - Throws: `PatternError` naming a construct that isn't known.
  init(_ pattern: String) throws(PatternError) {
    var parser = PatternParser(pattern)
    let root = try parser.parse()
    let branches: [PatternNode] = if case .alternation(let parts) = root { parts } else { [root] }
    for branch in branches {
      let start = instructions.count
      try append(branch)
      instructions.append(.accept)
      var first = FirstBytes()
      first.insert(branch)
      alternatives.append(Alternative(start: start, firstBytes: first.words))
    }
  }

  private mutating func index(of set: ScalarSet) -> Int {
    if let known = sets.firstIndex(of: set) { return known }
    sets.append(set)
    return sets.count - 1
  }

  private mutating func append(_ node: PatternNode) throws(PatternError) {
    visits += 1
    guard instructions.count < Self.largestSize, visits < 10 * Self.largestSize else {
      throw PatternError(
        construct: "repetitions that unfold to more than \(Self.largestSize) steps")
    }
    switch node {
    case .set(let set): instructions.append(.set(index(of: set)))
    case .sequence(let parts): for part in parts { try append(part) }
    case .alternation(let parts): try append(alternatives: parts)
    case .anchor(let anchor): instructions.append(.anchor(anchor))
    case .lookahead(let part, let isNegated):
      let place = instructions.count
      instructions.append(.accept)
      try append(part)
      instructions.append(.accept)
      instructions[place] = .lookahead(isNegated: isNegated, end: instructions.count)
    case .atomic(let part): try appendAtomic(part)
    case .repetition(let part, let minimum, let maximum, let eagerness):
      try append(part, minimum, maximum, eagerness)
    }
  }

  private mutating func appendAtomic(_ part: PatternNode) throws(PatternError) {
    let place = instructions.count
    instructions.append(.accept)
    try append(part)
    instructions.append(.accept)
    instructions[place] = .atomic(end: instructions.count)
  }

  private mutating func append(alternatives parts: [PatternNode]) throws(PatternError) {
    var jumps: [Int] = []
    for (number, part) in parts.enumerated() {
      guard number < parts.count - 1 else {
        try append(part)
        break
      }
      let place = instructions.count
      instructions.append(.accept)
      try append(part)
      jumps.append(instructions.count)
      instructions.append(.accept)
      instructions[place] = .split(place + 1, instructions.count)
    }
    for place in jumps { instructions[place] = .jump(instructions.count) }
  }

  private mutating func append(
    _ part: PatternNode, _ minimum: Int, _ maximum: Int?, _ eagerness: PatternNode.Eagerness
  ) throws(PatternError) {
    if eagerness == .possessive {
      guard case .set = part, maximum == nil else {
        guard !part.isUnbounded, maximum != nil else {
          throw PatternError(construct: "a possessive repetition of more than a class")
        }
        return try appendAtomic(
          .repetition(part, minimum: minimum, maximum: maximum, .greedy))
      }
    }
    for _ in 0..<minimum { try append(part) }
    guard let maximum else {
      if case .set(let set) = part, eagerness != .lazy {
        instructions.append(.run(index(of: set), isPossessive: eagerness == .possessive))
        return
      }
      let place = instructions.count
      instructions.append(.accept)
      try append(part)
      instructions.append(.jump(place))
      let after = instructions.count
      instructions[place] =
        eagerness == .lazy ? .split(after, place + 1) : .split(place + 1, after)
      return
    }
    var places: [Int] = []
    for _ in minimum..<max(minimum, maximum) {
      places.append(instructions.count)
      instructions.append(.accept)
      try append(part)
    }
    let after = instructions.count
    for place in places {
      instructions[place] =
        eagerness == .lazy ? .split(after, place + 1) : .split(place + 1, after)
    }
  }
}

/// The bytes with which the texts of a node can begin; all of them where that isn't simple.
private struct FirstBytes {
  private(set) var words: [4 of UInt64] = [0, 0, 0, 0]

  mutating func insert(_ node: PatternNode) {
    guard !node.isNullable else { return insertAll() }
    switch node {
    case .set(let set):
      for byte in 0..<128 where set.contains(UInt32(byte)) {
        words[byte >> 6] |= 1 << UInt64(byte & 63)
      }
      if set.mayContainBeyondASCII { insertBeyondASCII() }
    case .sequence(let parts):
      for part in parts {
        switch part {
        case .anchor, .lookahead: continue
        case .repetition(let inner, _, _, _) where !inner.isNullable: insert(inner)
        default: insert(part)
        }
        if !part.isNullable { return }
      }
    case .alternation(let parts): for part in parts { insert(part) }
    case .repetition(let part, _, _, _): insert(part)
    case .atomic(let part): insert(part)
    case .lookahead, .anchor: insertAll()
    }
  }

  private mutating func insertBeyondASCII() {
    words[2] = .max
    words[3] = .max
  }

  private mutating func insertAll() { words = [.max, .max, .max, .max] }
}
