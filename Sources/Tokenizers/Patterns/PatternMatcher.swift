/// Finds the matches of a pattern in pieces of a UTF-8 text, by backtracking.
///
/// Where a piece takes more steps than its length justifies, the matcher notes each state (instruction
/// and place) that has failed and never tries it twice, so that no text takes more than time
/// proportional to its length times the pattern's.
struct PatternMatcher {
  private struct Frame {
    var instruction: Int
    var position: Int
    /// For a run of scalars: the least end that hasn't been tried; otherwise -1.
    var lowest: Int
  }

  private let program: PatternProgram
  private var stack: [Frame] = []
  private var steps = 0
  private var stepLimit = 0
  private var lower = 0
  private var upper = 0
  /// A bit for each place and instruction that was tried; empty until that is needed.
  private var tried: [UInt64] = []

  private let stepsPerByte: Int

  /// - Parameters:
  ///   - program: the pattern.
  ///   - stepsPerByte: how many steps a piece may take for each of its bytes (and 64 bytes more)
  ///     before states are noted.
  init(_ program: PatternProgram, stepsPerByte: Int = 64) {
    self.program = program
    self.stepsPerByte = stepsPerByte
  }

  /// Calls `body` with each match inside a piece, from left to right, without empty ones.
  ///
  /// The piece is looked at as a text of its own: nothing outside it is seen.
  mutating func forEachMatch(
    in bytes: Span<UInt8>, _ piece: Range<Int>, _ body: (Range<Int>) -> Void
  ) {
    lower = piece.lowerBound
    upper = piece.upperBound
    steps = 0
    stepLimit = stepsPerByte * (piece.count + 64)
    tried = []
    let alternatives = program.alternatives
    let instructions = program.instructions
    let sets = program.sets
    var position = lower
    search: while position < upper {
      let byte = bytes[position]
      for index in alternatives.indices where alternatives[index].mayBegin(with: byte) {
        let end = attempt(
          bytes, instructions.span, sets.span, alternatives[index].start, position)
        if end > position {
          body(position..<end)
          position = end
          continue search
        }
        // An alternative that matches nothing wins over the later ones.
        if end == position { break }
      }
      position += length(byte)
    }
  }

  private mutating func attempt(
    _ bytes: Span<UInt8>, _ instructions: Span<PatternProgram.Instruction>,
    _ sets: Span<ScalarSet>, _ start: Int, _ position: Int
  ) -> Int {
    if tried.isEmpty {
      if let end = match(bytes, instructions, sets, start, position, notes: false) { return end }
      let bitCount = (upper - lower + 1) * instructions.count
      tried = [UInt64](repeating: 0, count: bitCount / 64 + 1)
    }
    return match(bytes, instructions, sets, start, position, notes: true) ?? -1
  }

  /// Notes that a state is tried; false where it has been before.
  @inline(__always)
  private mutating func isNew(_ instruction: Int, _ position: Int, _ count: Int) -> Bool {
    let bit = (position - lower) * count + instruction
    let mask: UInt64 = 1 << UInt64(bit & 63)
    guard tried[bit >> 6] & mask == 0 else { return false }
    tried[bit >> 6] |= mask
    return true
  }

  /// The end of the match that begins here, -1 for none, `nil` where the steps have run out.
  private mutating func match(
    _ bytes: Span<UInt8>, _ instructions: Span<PatternProgram.Instruction>,
    _ sets: Span<ScalarSet>, _ start: Int, _ begin: Int, notes: Bool
  ) -> Int? {
    let base = stack.count
    defer { stack.removeLast(stack.count - base) }
    var instruction = start
    var position = begin
    while true {
      var succeeds = false
      switch instructions[instruction] {
      case .accept: return position
      case .set(let set):
        if position < upper {
          let (scalar, length) = decode(bytes, position)
          if sets[set].contains(scalar) {
            position += length
            succeeds = true
          }
        }
        instruction += 1
      case .jump(let target):
        instruction = target
        succeeds = true
      case .split(let first, let second):
        if !notes || isNew(instruction, position, instructions.count) {
          stack.append(Frame(instruction: second, position: position, lowest: -1))
          instruction = first
          succeeds = true
        }
      case .run(let set, let isPossessive):
        if !notes || isNew(instruction, position, instructions.count) {
          let lowest = position
          while position < upper {
            let (scalar, length) = decode(bytes, position)
            guard sets[set].contains(scalar) else { break }
            if notes, !isPossessive,
              !isNew(instruction, position + length, instructions.count)
            {
              break
            }
            position += length
            steps &+= 1
          }
          instruction += 1
          if !isPossessive, position > lowest {
            stack.append(Frame(instruction: instruction, position: position, lowest: lowest))
          }
          succeeds = true
        }
      case .anchor(let anchor):
        succeeds = holds(anchor, bytes, position)
        instruction += 1
      case .lookahead(let isNegated, let end):
        // Bounded in length, as the parser makes sure: no notes are needed inside.
        let found = match(bytes, instructions, sets, instruction + 1, position, notes: false)
        guard let found else { return nil }
        succeeds = (found >= 0) != isNegated
        instruction = end
      case .atomic(let end):
        let found = match(bytes, instructions, sets, instruction + 1, position, notes: false)
        guard let found else { return nil }
        succeeds = found >= 0
        position = found
        instruction = end
      }
      steps &+= 1
      if succeeds { continue }
      guard stack.count > base else { return -1 }
      // Once states are noted the steps are bounded anyway.
      if steps > stepLimit, !notes, tried.isEmpty { return nil }
      var frame = stack[stack.count - 1]
      if frame.lowest >= 0 {
        frame.position -= 1
        while bytes[frame.position] & 0xC0 == 0x80 { frame.position -= 1 }
        if frame.position > frame.lowest {
          stack[stack.count - 1] = frame
        } else {
          stack.removeLast()
        }
      } else {
        stack.removeLast()
      }
      instruction = frame.instruction
      position = frame.position
    }
  }

  private func holds(
    _ anchor: PatternNode.Anchor, _ bytes: Span<UInt8>, _ position: Int
  ) -> Bool {
    switch anchor {
    case .textStart: position == lower
    case .textEnd: position == upper
    case .lineStart: position == lower || (position < upper && bytes[position - 1] == 0x0A)
    case .lineEnd: position == upper || bytes[position] == 0x0A
    case .lastLineEnd:
      position == upper || (position == upper - 1 && bytes[position] == 0x0A)
    case .wordBoundary: isWordBoundary(bytes, position)
    case .noWordBoundary: !isWordBoundary(bytes, position)
    }
  }

  private func isWordBoundary(_ bytes: Span<UInt8>, _ position: Int) -> Bool {
    var before = false
    if position > lower {
      var place = position - 1
      while bytes[place] & 0xC0 == 0x80 { place -= 1 }
      before = ScalarProperties.of(decode(bytes, place).scalar) & ScalarProperties.word != 0
    }
    let after =
      position < upper
      && ScalarProperties.of(decode(bytes, position).scalar) & ScalarProperties.word != 0
    return before != after
  }
}

/// The length of a scalar's UTF-8 by its first byte.
@inline(__always)
func length(_ byte: UInt8) -> Int {
  byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
}

/// The scalar at a place of a valid UTF-8 text, and its length.
@inline(__always)
func decode(_ bytes: Span<UInt8>, _ place: Int) -> (scalar: UInt32, length: Int) {
  let first = UInt32(bytes[place])
  if first < 0x80 { return (first, 1) }
  let second = UInt32(bytes[place + 1]) & 0x3F
  if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
  let third = UInt32(bytes[place + 2]) & 0x3F
  if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
  return ((first & 0x07) << 18 | second << 12 | third << 6 | UInt32(bytes[place + 3]) & 0x3F, 4)
}
