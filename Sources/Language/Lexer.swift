/// Cuts a cell into tokens, in one pass and in time linear in its length.
///
/// The lexer never fails: what it can't read it reports and skips or replaces, and the brackets of
/// text literals and their holes are always balanced in what it gives.
public struct Lexer {
  /// What the lexer found.
  public struct Result: Sendable {
    /// The tokens; the last one is always `end`.
    public var tokens: [Token]
    /// The comments, each with its `#` and without the line's end.
    public var comments: [SourceRange]
    /// The problems, by position.
    public var diagnostics: [Diagnostic]
    /// Whether a text of many lines is still open at the end, so that more text could complete it.
    public var endsInsideText: Bool
  }

  /// The longest cell that is read, in bytes of UTF-8.
  public static let sizeLimit = 4 << 20

  /// The most problems that are reported for one cell; the first ones are kept.
  static let diagnosticLimit = 100

  /// A text literal that is being read.
  struct OpenText {
    var opener: Unicode.Scalar
    var isMultiline: Bool
    var range: SourceRange
    var ignoresEscapeProblems: Bool
    var segments: [Segment] = []
  }

  /// The characters of a text literal between its holes, with escapes resolved.
  struct Segment {
    var token: Int
    var bytes: [UInt8]
    /// The places in `bytes` that follow a line end of the cell.
    var lineStarts: [Int]
    /// The offset in the cell that follows the segment's last line end.
    var lastLineStart: Int?
  }

  /// A hole that is being read.
  struct OpenHole {
    var range: SourceRange
    var parentheses = 0
  }

  let bytes: [UInt8]
  var offset = 0
  var tokens: [Token] = []
  var comments: [SourceRange] = []
  var diagnostics: [Diagnostic] = []
  var texts: [OpenText] = []
  var holes: [OpenHole] = []
  var startsLine = true
  var openBrackets = 0
  var line = 0
  /// The line whose full-width characters `diagnostics[index]` gathers.
  var fullWidthReport: (line: Int, index: Int)?
  /// The full-width characters that were reported last.
  var lastFullWidth: (range: SourceRange, meant: String)?
  /// Whether characters that mean nothing were skipped since the last token.
  var followsUnreadable = false
  var endsInsideText = false

  private init(_ source: String) {
    bytes = Array(source.utf8)
  }

  /// Cuts a cell into tokens.
  public static func tokenize(_ source: String) -> Result {
    var lexer = Lexer(source)
    if lexer.bytes.count > sizeLimit {
      lexer.report(.sourceTooLarge(limit: sizeLimit), 0, 0)
      return Result(
        tokens: [Token(.end, SourceRange(0, 0), startsLine: true)], comments: [],
        diagnostics: lexer.diagnostics, endsInsideText: false)
    }
    lexer.run()
    return Result(
      tokens: lexer.tokens, comments: lexer.comments,
      diagnostics: lexer.diagnostics.sorted(by: Diagnostic.precedes),
      endsInsideText: lexer.endsInsideText)
  }

  private mutating func run() {
    while offset < bytes.count {
      if texts.count > holes.count { readText() } else { readCode() }
    }
    closeTexts(atEnd: true)
    emit(.end, bytes.count)
  }

  // MARK: Reading

  /// The byte at a distance from the current one; 0 beyond the end.
  func byte(_ distance: Int = 0) -> UInt8 {
    offset + distance < bytes.count ? bytes[offset + distance] : 0
  }

  /// The character at an offset and the number of its bytes.
  func scalar(at index: Int) -> (scalar: Unicode.Scalar, length: Int) {
    let first = bytes[index]
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    var value = UInt32(first) & (0xFF >> UInt32(length + 1))
    for next in bytes[index + 1..<min(index + length, bytes.count)] {
      value = value << 6 | UInt32(next & 0x3F)
    }
    return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
  }

  /// The ASCII character at an offset, a full-width one counted as the ASCII one that it stands for.
  func unit(at index: Int) -> (byte: UInt8, length: Int)? {
    guard index < bytes.count else { return nil }
    if bytes[index] < 0x80 { return (bytes[index], 1) }
    let (scalar, length) = scalar(at: index)
    guard let meant = FullWidthPunctuation.meant(by: scalar), meant.utf8.count == 1 else {
      return nil
    }
    return meant.utf8.first.map { ($0, length) }
  }

  // MARK: Giving

  mutating func emit(_ kind: TokenKind, _ start: Int) {
    var token = Token(kind, SourceRange(start, offset), startsLine: startsLine)
    token.followsUnreadable = followsUnreadable
    tokens.append(token)
    startsLine = false
    followsUnreadable = false
  }

  mutating func report(_ problem: Problem, _ lower: Int, _ upper: Int) {
    guard diagnostics.count < Self.diagnosticLimit else { return }
    diagnostics.append(problem.diagnostic(at: SourceRange(lower, upper)))
  }

  /// Reports full-width characters: one diagnostic for a line, with a note for each further place.
  ///
  /// Characters that touch are one place.
  mutating func reportFullWidth(_ lower: Int, _ upper: Int, meant: String) {
    var range = SourceRange(lower, upper)
    var meant = meant
    let before = lastFullWidth
    let touches = before.map { $0.range.upper == lower && lower - $0.range.lower < 24 } ?? false
    if touches, let before {
      range.lower = before.range.lower
      meant = before.meant + meant
    }
    lastFullWidth = (range, meant)
    let written = String(decoding: bytes[range.lower..<upper], as: UTF8.self)
    let problem = Problem.fullWidth(written: written, meant: meant)
    if let (reportLine, index) = fullWidthReport, reportLine == line {
      let note = Diagnostic.Note(message: problem.note, range: range)
      if touches, let last = diagnostics[index].notes.indices.last {
        if diagnostics[index].notes[last].range.lower == range.lower {
          diagnostics[index].notes[last] = note
        }
      } else if touches {
        diagnostics[index] = problem.diagnostic(at: range)
      } else if diagnostics[index].notes.count < Self.diagnosticLimit {
        diagnostics[index].notes.append(note)
      }
    } else if diagnostics.count < Self.diagnosticLimit {
      fullWidthReport = (line, diagnostics.count)
      diagnostics.append(problem.diagnostic(at: range))
    }
  }

  // MARK: Lines

  /// Moves past a line end, which may be `\n`, `\r\n` or `\r`.
  mutating func passLineEnd() {
    if byte() == UInt8(ascii: "\r"), byte(1) == UInt8(ascii: "\n") { offset += 1 }
    offset += 1
    line += 1
  }

  /// Moves to the end of the line.
  mutating func skipLine() {
    while offset < bytes.count, byte() != UInt8(ascii: "\n"), byte() != UInt8(ascii: "\r") {
      offset += 1
    }
  }

  /// Closes the texts that may not go past this line's end or, at the cell's end, all texts.
  ///
  /// Of texts inside one another only the outermost is reported.
  mutating func closeTexts(atEnd: Bool) {
    var problem: (Problem, SourceRange)?
    while let text = texts.last, atEnd || !text.isMultiline {
      if holes.count == texts.count, let hole = holes.popLast() {
        problem = (.unclosedHole, hole.range)
        emit(.holeEnd, offset)
      } else {
        let quote = String(decoding: bytes[text.range.lower..<text.range.upper], as: UTF8.self)
        problem = (
          text.isMultiline ? .unclosedMultilineText(quote: quote) : .unclosedText(quote: quote),
          text.isMultiline ? text.range : SourceRange(text.range.lower, offset)
        )
      }
      if text.isMultiline { endsInsideText = true }
      finish(text, contentEnd: offset)
      texts.removeLast()
      emit(.textEnd, offset)
    }
    guard let (problem, range) = problem else { return }
    if case .unclosedText(let quote) = problem, let place = typographicQuote(in: range) {
      reportFullWidth(place.lower, place.upper, meant: quote)
    } else {
      report(problem, range.lower, range.upper)
    }
  }

  /// The last quote in a range that an input method may have typed in place of the closing one.
  private func typographicQuote(in range: SourceRange) -> SourceRange? {
    var index = range.upper - 3
    while index > range.lower {
      if bytes[index] >= 0xE0, bytes[index] < 0xF0 {
        let meant = FullWidthPunctuation.meant(by: scalar(at: index).scalar)
        if meant == "\"" || meant == "'" { return SourceRange(index, index + 3) }
      }
      index -= 1
    }
    return nil
  }
}

extension Diagnostic {
  /// The order in which diagnostics are shown: by position, those without a place first.
  static func precedes(_ left: Diagnostic, _ right: Diagnostic) -> Bool {
    let leftKey = (left.range?.lower ?? -1, left.range?.upper ?? -1, left.code)
    let rightKey = (right.range?.lower ?? -1, right.range?.upper ?? -1, right.code)
    return leftKey < rightKey
  }
}
