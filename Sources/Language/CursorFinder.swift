/// Finds a cursor's context among a cell's tokens.
struct CursorFinder {
  let text: SourceText
  let cursor: Int
  let tokens: [Token]
  let comments: [SourceRange]
  /// For each token that opens something the index of its end, otherwise -1.
  let ends: [Int]
  /// For each token that ends something the index of its start, otherwise -1.
  let starts: [Int]
  /// The last token that begins before the cursor; -1 where there is none.
  let last: Int

  init(_ source: String, _ offset: Int) {
    text = SourceText(source)
    let cursor = text.clamped(offset)
    self.cursor = cursor
    let lexed = Lexer.tokenize(source)
    tokens = lexed.tokens
    comments = lexed.comments
    ends = Parser.matches(in: tokens)
    var starts = [Int](repeating: -1, count: tokens.count)
    for (start, end) in ends.enumerated() where end >= 0 { starts[end] = start }
    self.starts = starts
    last = (tokens.firstIndex { $0.range.lower >= cursor } ?? tokens.count) - 1
  }

  func context() -> CursorContext {
    let nothing = SourceRange(cursor, cursor)
    if comments.contains(where: { $0.lower < cursor && cursor <= $0.upper }) {
      return CursorContext(place: .comment, prefix: "", replacement: nothing, call: nil)
    }
    guard last >= 0 else {
      return CursorContext(place: .name, prefix: "", replacement: nothing, call: nil)
    }
    let call = innermostCall()
    if let start = textContentStart() {
      let range = SourceRange(start, cursor)
      return CursorContext(
        place: .text, prefix: text.text(in: range), replacement: range, call: call)
    }
    let token = tokens[last]
    if cursor <= token.range.upper {
      switch token.kind {
      case .name, .keyword:
        let prefix = text.text(in: SourceRange(token.range.lower, cursor))
        return CursorContext(
          place: place(after: last - 1), prefix: prefix, replacement: token.range, call: call)
      case .number:
        return CursorContext(place: .nothing, prefix: "", replacement: nothing, call: call)
      default:
        if cursor < token.range.upper {
          return CursorContext(place: .nothing, prefix: "", replacement: nothing, call: call)
        }
      }
    }
    return CursorContext(place: place(after: last), prefix: "", replacement: nothing, call: call)
  }

  // MARK: Places

  /// The offset at which the literal characters around the cursor begin; `nil` outside texts.
  private func textContentStart() -> Int? {
    let token = tokens[last]
    switch token.kind {
    case .textStart:
      return cursor >= token.range.upper ? token.range.upper : nil
    case .textLiteral:
      return cursor <= token.range.upper ? token.range.lower : nil
    case .textEnd, .holeStart:
      // Between the three quotes of `"""`, or between `\` and `(`, no name can begin.
      guard cursor < token.range.upper else { return nil }
      return token.range.lower
    case .holeEnd:
      return token.range.lower < token.range.upper && cursor >= token.range.upper
        && last + 1 < tokens.count && tokens[last + 1].range.lower >= cursor
        ? token.range.upper : nil
    default:
      return nil
    }
  }

  /// What may stand after a token.
  private func place(after index: Int) -> CursorContext.Place {
    guard index >= 0 else { return .name }
    switch tokens[index].kind {
    case .symbol(.dot):
      guard let start = operandStart(endingAt: index - 1) else { return .name }
      let base = SourceRange(tokens[start].range.lower, tokens[index - 1].range.upper)
      return .member(base: base, text: text.text(in: base))
    case .keyword(.define), .keyword(.loop):
      return .newName
    case .name("param") where index + 1 < tokens.count && !tokens[index + 1].startsLine:
      let isHead = index == 0 || tokens[index].startsLine
      let isFollowed = index + 1 <= last && !isSymbolOrEnd(tokens[index + 1].kind)
      return isHead && (isFollowed || text.lineIndex(at: cursor) == line(of: index))
        ? .newName : .name
    default:
      return .name
    }
  }

  private func isSymbolOrEnd(_ kind: TokenKind) -> Bool {
    switch kind {
    case .symbol, .end: true
    default: false
    }
  }

  private func line(of index: Int) -> Int { text.lineIndex(at: tokens[index].range.lower) }

  /// The first token of the operand with its fields, calls and indices that ends at a token.
  private func operandStart(endingAt end: Int) -> Int? {
    var index = end
    while index >= 0 {
      switch tokens[index].kind {
      case .name, .number, .keyword:
        if index > 0, tokens[index - 1].kind == .symbol(.dot) {
          index -= 2
          continue
        }
        if case .keyword(let keyword) = tokens[index].kind, !isValue(keyword) { return nil }
        return index
      case .textEnd:
        return starts[index] >= 0 ? starts[index] : nil
      case .symbol(let symbol)
      where symbol == .rightParenthesis || symbol == .rightBracket || symbol == .rightBrace:
        let start = starts[index]
        guard start >= 0 else { return nil }
        if symbol == .rightBrace || start == 0 || tokens[start].startsLine
          || !endsOperand(tokens[start - 1].kind)
        {
          return start
        }
        index = start - 1
      default:
        return nil
      }
    }
    return nil
  }

  private func isValue(_ keyword: Keyword) -> Bool {
    switch keyword {
    case .yes, .no, .none, .pythonYes, .pythonNo, .pythonNone: true
    default: false
    }
  }

  /// Whether a call or an index may follow a token.
  private func endsOperand(_ kind: TokenKind) -> Bool {
    switch kind {
    case .name, .textEnd, .symbol(.rightParenthesis), .symbol(.rightBracket): true
    default: false
    }
  }

  // MARK: Calls

  /// The innermost call whose parentheses are open at the cursor.
  private func innermostCall() -> CursorContext.Call? {
    for index in openings().reversed() {
      switch tokens[index].kind {
      case .holeStart:
        return nil
      case .symbol(.leftBrace):
        if !opensRecord(index) { return nil }
      case .symbol(.leftParenthesis):
        if let call = call(opening: index) { return call }
      default:
        break
      }
    }
    return nil
  }

  /// The brackets, texts and holes that are open at the cursor, outermost first.
  private func openings() -> [Int] {
    var open: [(index: Int, column: Int)] = []
    var column = 0
    for index in 0...last {
      let token = tokens[index]
      if token.startsLine {
        column = text.indentation(at: token.range.lower).utf8.count
        if beginsStatement(index) {
          // A bracket that is never closed does not reach over statements further left.
          while let opening = open.last, ends[opening.index] < 0, column <= opening.column,
            tokens[opening.index].kind != .symbol(.leftBrace)
          {
            open.removeLast()
          }
        }
      }
      if starts[index] >= 0 {
        let isBefore = token.range.upper <= cursor && (token.range.lower < cursor)
        guard isBefore else { continue }
        while let opening = open.popLast(), opening.index != starts[index] {}
      } else if ends[index] >= 0 || Parser.closer(of: token.kind) != nil
        || token.kind == .holeStart || token.kind == .textStart
      {
        if token.range.upper <= cursor { open.append((index, column)) }
      }
    }
    return open.map(\.index)
  }

  private func beginsStatement(_ index: Int) -> Bool {
    guard index + 1 < tokens.count else { return false }
    switch tokens[index].kind {
    case .keyword(.define): return true
    case .name(let name):
      if name == "param", case .name = tokens[index + 1].kind { return true }
      return tokens[index + 1].kind == .symbol(.assign)
    default: return false
    }
  }

  /// Whether a `{` stands where a value is expected.
  private func opensRecord(_ index: Int) -> Bool {
    guard index > 0, !tokens[index].startsLine else { return true }
    switch tokens[index - 1].kind {
    case .name, .number, .textEnd, .keyword(.otherwise), .keyword(.yes), .keyword(.no): return false
    case .symbol(let symbol):
      return symbol != .rightParenthesis && symbol != .rightBracket && symbol != .rightBrace
    default: return true
    }
  }

  private func call(opening: Int) -> CursorContext.Call? {
    guard opening > 0, !tokens[opening].startsLine, endsOperand(tokens[opening - 1].kind)
    else { return nil }
    let callee = tokens[opening - 1]
    var call = CursorContext.Call(
      function: "", functionRange: callee.range, receiver: nil, labels: [], positionalCount: 0,
      argument: .position(0), acceptsLabel: true)
    if case .name(let name) = callee.kind { call.function = name }
    if opening > 1, tokens[opening - 2].kind == .keyword(.define) { return nil }
    call.receiver = receiver(calleeEnd: opening - 1)
    readArguments(opening, into: &call)
    return call
  }

  private func receiver(calleeEnd: Int) -> CursorContext.Call.Receiver? {
    if calleeEnd > 1, tokens[calleeEnd - 1].kind == .symbol(.dot),
      let start = operandStart(endingAt: calleeEnd - 2)
    {
      let range = SourceRange(tokens[start].range.lower, tokens[calleeEnd - 2].range.upper)
      return .member(range, text: text.text(in: range))
    }
    guard let start = operandStart(endingAt: calleeEnd), start > 1,
      tokens[start - 1].kind == .symbol(.pipe)
    else { return nil }
    let first = pipeStart(before: start - 1)
    guard first < start - 1 else { return nil }
    let range = SourceRange(tokens[first].range.lower, tokens[start - 2].range.upper)
    return .pipe(range, text: text.text(in: range))
  }

  /// The first token of what stands to the left of a `|>`.
  private func pipeStart(before pipe: Int) -> Int {
    var index = pipe - 1
    while index >= 0 {
      let kind = tokens[index].kind
      switch kind {
      case .symbol(.comma), .symbol(.semicolon), .symbol(.assign), .symbol(.colon),
        .symbol(.arrow), .symbol(.leftParenthesis), .symbol(.leftBracket), .symbol(.leftBrace),
        .symbol(.compoundAssignment), .holeStart, .textStart, .keyword(.membership),
        .keyword(.condition), .keyword(.otherwise), .keyword(.define):
        return index + 1
      default:
        break
      }
      if starts[index] >= 0 { index = starts[index] }
      let token = tokens[index]
      if token.startsLine, token.kind != .symbol(.pipe), token.kind != .symbol(.dot) {
        return index
      }
      index -= 1
    }
    return 0
  }

  /// Reads the arguments before the cursor, and the labels of those after it.
  private func readArguments(_ opening: Int, into call: inout CursorContext.Call) {
    var index = opening + 1
    var isStart = true
    var isPastCursor = false
    var current = CursorContext.Call.ArgumentPlace.position(0)
    let end = ends[opening] >= 0 ? ends[opening] : tokens.count - 1
    while index < end {
      let token = tokens[index]
      if ends[opening] < 0, index > last, token.startsLine { break }
      if !isPastCursor, token.range.lower >= cursor {
        isPastCursor = true
        call.argument = current
        call.acceptsLabel = isStart
      }
      if token.kind == .symbol(.comma) {
        if !isPastCursor, case .position(let count) = current { call.positionalCount = count + 1 }
        isStart = true
        if !isPastCursor { current = .position(call.positionalCount) }
      } else if isStart {
        isStart = false
        if let label = label(at: index) {
          call.labels.append(label)
          if tokens[index + 1].range.upper <= cursor {
            current = .label(label)
            index += 1
          } else if !isPastCursor, cursor <= token.range.upper {
            isPastCursor = true
            call.argument = current
            call.acceptsLabel = true
          }
        } else if !isPastCursor, cursor <= token.range.upper, isWord(token.kind) {
          // The word that touches the cursor may become a label.
          isPastCursor = true
          call.argument = current
          call.acceptsLabel = true
        }
      } else if isClosing(token.kind), ends[opening] < 0 {
        break
      }
      // What follows a bracket that is never closed stands inside it.
      if ends[index] < 0, Parser.closer(of: token.kind) != nil { break }
      if ends[index] > index { index = ends[index] }
      index += 1
    }
    if !isPastCursor {
      call.argument = current
      call.acceptsLabel = isStart
    }
  }

  private func label(at index: Int) -> String? {
    guard index + 1 < tokens.count,
      tokens[index + 1].kind == .symbol(.colon) || tokens[index + 1].kind == .symbol(.assign)
    else { return nil }
    switch tokens[index].kind {
    case .name(let name): return name
    case .keyword(let keyword): return keyword.rawValue
    default: return nil
    }
  }

  private func isWord(_ kind: TokenKind) -> Bool {
    switch kind {
    case .name, .keyword: true
    default: false
    }
  }

  private func isClosing(_ kind: TokenKind) -> Bool {
    switch kind {
    case .symbol(.rightParenthesis), .symbol(.rightBracket), .symbol(.rightBrace), .holeEnd: true
    default: false
    }
  }
}
