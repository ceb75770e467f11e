/// Reading what stands outside text literals.
extension Lexer {
  /// Reads one token, comment, line end or stretch of white space.
  mutating func readCode() {
    let first = byte()
    switch first {
    case UInt8(ascii: " "), UInt8(ascii: "\t"), 0x0B, 0x0C:
      offset += 1
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      closeTexts(atEnd: false)
      passLineEnd()
      startsLine = true
    case UInt8(ascii: "#"):
      readComment()
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "_"):
      readName()
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      readNumber()
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      openText(opener: Unicode.Scalar(first), ignoresEscapeProblems: false)
    case UInt8(ascii: "%"), UInt8(ascii: "!"):
      if opensMagicLine { readMagicLine() } else { readSymbol() }
    case 0x80...:
      readBeyondASCII()
    default:
      readSymbol()
    }
  }

  private mutating func readComment() {
    let start = offset
    skipLine()
    comments.append(SourceRange(start, offset))
  }

  private mutating func readBeyondASCII() {
    let (scalar, length) = scalar(at: offset)
    switch scalar {
    case "\u{3000}", "\u{A0}", "\u{FEFF}", "\u{200B}", "\u{2002}"..."\u{200A}", "\u{202F}":
      offset += length
    case "\u{2028}", "\u{2029}", "\u{85}":
      offset += length
    case _ where FullWidthPunctuation.meant(by: scalar) != nil:
      readFullWidth(scalar, length)
    case _ where scalar.properties.isXIDStart:
      readName()
    default:
      readUnknownCharacters()
    }
  }

  private mutating func readFullWidth(_ scalar: Unicode.Scalar, _ length: Int) {
    let meant = FullWidthPunctuation.meant(by: scalar) ?? ""
    switch meant {
    case "\"", "'":
      reportFullWidth(offset, offset + length, meant: meant)
      openText(opener: scalar, ignoresEscapeProblems: false)
    case "#":
      reportFullWidth(offset, offset + length, meant: meant)
      readComment()
    case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9":
      readNumber()
    default:
      readSymbol()
    }
  }

  // MARK: Names

  private mutating func readName() {
    let start = offset
    while offset < bytes.count {
      let next = bytes[offset]
      if next < 0x80 {
        guard Self.isNameByte(next) else { break }
        offset += 1
      } else {
        let (scalar, length) = scalar(at: offset)
        guard scalar.properties.isXIDContinue else { break }
        offset += length
      }
    }
    let name = String(decoding: bytes[start..<offset], as: UTF8.self)
    let quote = byte()
    if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
      Self.textPrefixes.contains(name.lowercased()),
      // In a hole, the quote of the text around it more likely ends that text.
      texts.last?.opener != Unicode.Scalar(quote)
    {
      report(.textPrefix(name), start, offset)
      openText(opener: Unicode.Scalar(quote), ignoresEscapeProblems: true)
      return
    }
    if let keyword = Keyword(rawValue: name) {
      emit(.keyword(keyword), start)
    } else {
      emit(.name(name), start)
    }
  }

  private static let textPrefixes: Set<String> = ["f", "r", "b", "u", "rb", "br", "fr", "rf"]

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  // MARK: Numbers

  private mutating func readNumber() {
    let start = offset
    var digits: [UInt8] = []
    var isWellFormed = true

    /// Takes the digits that follow; false where there are none or an underscore ends them.
    func takeDigits(_ lexer: inout Lexer) -> Bool {
      var lastIsDigit = false
      while let (unit, length) = lexer.unit(at: lexer.offset) {
        if Self.isDigit(unit) {
          if length > 1 {
            lexer.reportFullWidth(
              lexer.offset, lexer.offset + length, meant: String(UnicodeScalar(unit)))
          }
          digits.append(unit)
          lastIsDigit = true
        } else if unit == UInt8(ascii: "_") {
          lastIsDigit = false
        } else {
          break
        }
        lexer.offset += length
      }
      return lastIsDigit
    }

    isWellFormed = takeDigits(&self)
    if byte() == UInt8(ascii: "."), let (next, _) = unit(at: offset + 1), Self.isDigit(next) {
      offset += 1
      digits.append(UInt8(ascii: "."))
      isWellFormed = takeDigits(&self) && isWellFormed
    }
    if byte() | 0x20 == UInt8(ascii: "e") {
      let sign = byte(1) == UInt8(ascii: "-") || byte(1) == UInt8(ascii: "+") ? byte(1) : nil
      if let (next, _) = unit(at: offset + (sign == nil ? 1 : 2)), Self.isDigit(next) {
        digits.append(UInt8(ascii: "e"))
        if let sign { digits.append(sign) }
        offset += sign == nil ? 1 : 2
        isWellFormed = takeDigits(&self) && isWellFormed
      }
    }
    // Letters that touch the number belong to it: `12px` and `0x1F` are one mistake, not two.
    while offset < bytes.count {
      let (scalar, length) = scalar(at: offset)
      guard
        scalar.isASCII ? Self.isNameByte(bytes[offset]) : scalar.properties.isXIDContinue
      else { break }
      offset += length
      isWellFormed = false
    }
    let written = { (lexer: Lexer) in
      String(decoding: lexer.bytes[start..<min(lexer.offset, start + 60)], as: UTF8.self)
    }
    let value = Double(String(decoding: digits, as: UTF8.self)) ?? 0
    if !isWellFormed {
      report(.invalidNumber(written(self)), start, offset)
    } else if !value.isFinite {
      report(.numberTooLarge(written(self)), start, offset)
    }
    emit(.number(value.isFinite ? value : 0), start)
  }

  static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  // MARK: Lines for other programs

  /// Whether a `%` or `!` here opens a line for IPython.
  private var opensMagicLine: Bool {
    guard startsLine, openBrackets == 0, holes.isEmpty else { return false }
    let next = byte(1)
    if byte() == UInt8(ascii: "!") { return next != UInt8(ascii: "=") }
    return next == UInt8(ascii: "%") || Self.isNameByte(next)
  }

  private mutating func readMagicLine() {
    let start = offset
    let coversCell = byte() == UInt8(ascii: "%") && byte(1) == UInt8(ascii: "%")
    skipLine()
    let end = offset
    var wordEnd = start
    while wordEnd < end, wordEnd - start < 40, bytes[wordEnd] > UInt8(ascii: " ") { wordEnd += 1 }
    let word = String(decoding: bytes[start..<wordEnd], as: UTF8.self)
    report(.magicLine(word), start, end)
    // All that follows a cell magic is written in another language.
    if coversCell { offset = bytes.count }
  }

  private mutating func readUnknownCharacters() {
    let start = offset
    var end = offset
    while end < bytes.count {
      let (scalar, length) = scalar(at: end)
      let isKnown =
        scalar.isASCII
        ? !"$@&`~\\|".unicodeScalars.contains(scalar) && !(scalar.value < 0x20 && scalar != "\n")
        : scalar.properties.isXIDContinue || FullWidthPunctuation.meant(by: scalar) != nil
      if end > start, isKnown || scalar == "\r" || scalar == "\n" || scalar == " " { break }
      end += length
    }
    offset = end
    followsUnreadable = true
    let shown = String(decoding: bytes[start..<min(end, start + 24)], as: UTF8.self)
    report(.unexpectedCharacter(shown), start, end)
  }

  // MARK: Symbols

  private mutating func readSymbol() {
    let start = offset
    if let (written, meant, kind) = foreignOperator() {
      offset += written.utf8.count
      if written == "//", startsLine {
        skipLine()
        report(.slashComment, start, start + 2)
        comments.append(SourceRange(start, offset))
        return
      }
      report(.foreignOperator(written: written, meant: meant), start, offset)
      emit(kind, start)
      return
    }
    guard let (symbol, end) = longestSymbol() else {
      if byte() == UInt8(ascii: "!") || unit(at: offset)?.byte == UInt8(ascii: "!") {
        offset += unit(at: offset)?.length ?? 1
        report(.foreignOperator(written: "!", meant: "not"), start, offset)
        emit(.keyword(.not), start)
      } else {
        readUnknownCharacters()
      }
      return
    }
    if symbol == .dot, let (next, _) = unit(at: end), Self.isDigit(next), !endsOperand {
      readFraction(start)
      return
    }
    offset = end
    reportFullWidthUnits(start, end)
    switch symbol {
    case .leftParenthesis:
      openBrackets += 1
      if !holes.isEmpty { holes[holes.count - 1].parentheses += 1 }
    case .rightParenthesis:
      openBrackets = max(0, openBrackets - 1)
      if let hole = holes.last {
        if hole.parentheses == 0 {
          holes.removeLast()
          emit(.holeEnd, start)
          return
        }
        holes[holes.count - 1].parentheses -= 1
      }
    case .leftBracket:
      openBrackets += 1
    case .rightBracket:
      openBrackets = max(0, openBrackets - 1)
    default:
      break
    }
    emit(.symbol(symbol), start)
  }

  /// Whether the last token could be an operand, so that a `.` after it reaches a field.
  private var endsOperand: Bool {
    guard !startsLine, let last = tokens.last else { return false }
    switch last.kind {
    case .name, .number, .textEnd: return true
    case .symbol(let symbol):
      return symbol == .rightParenthesis || symbol == .rightBracket || symbol == .rightBrace
    default: return false
    }
  }

  /// Reports `.5` and reads it as `0.5`.
  private mutating func readFraction(_ start: Int) {
    offset += 1
    let digitsStart = offset
    while offset < bytes.count, Self.isDigit(byte()) { offset += 1 }
    let digits = String(decoding: bytes[digitsStart..<offset], as: UTF8.self)
    report(.numberWithoutLeadingDigit("." + digits), start, offset)
    emit(.number(Double("0." + digits) ?? 0), start)
  }

  private mutating func reportFullWidthUnits(_ start: Int, _ end: Int) {
    var index = start
    while index < end {
      let length = bytes[index] < 0x80 ? 1 : scalar(at: index).length
      if length > 1, let meant = FullWidthPunctuation.meant(by: scalar(at: index).scalar) {
        reportFullWidth(index, index + length, meant: meant)
      }
      index += length
    }
  }

  /// An operator of other languages here, with what it means in this one.
  private func foreignOperator() -> (written: String, meant: String, kind: TokenKind)? {
    switch (byte(), byte(1)) {
    case (UInt8(ascii: "&"), UInt8(ascii: "&")): return ("&&", "and", .keyword(.and))
    case (UInt8(ascii: "|"), UInt8(ascii: "|")): return ("||", "or", .keyword(.or))
    case (UInt8(ascii: "/"), UInt8(ascii: "/")): return ("//", "/", .symbol(.slash))
    case (UInt8(ascii: ":"), UInt8(ascii: "=")): return (":=", "=", .symbol(.assign))
    case (UInt8(ascii: "="), UInt8(ascii: ">")): return ("=>", "->", .symbol(.arrow))
    case (UInt8(ascii: "."), UInt8(ascii: ".")):
      let third = byte(2)
      if third == UInt8(ascii: ".") || third == UInt8(ascii: "<") { return nil }
      return ("..", "..<", .symbol(.halfOpenRange))
    default: return nil
    }
  }

  /// The longest symbol that starts here, and the offset after it.
  private func longestSymbol() -> (Symbol, end: Int)? {
    guard let first = unit(at: offset) else {
      let (scalar, length) = scalar(at: offset)
      let meant = FullWidthPunctuation.meant(by: scalar) ?? ""
      return Symbol(rawValue: meant).map { ($0, offset + length) }
    }
    let second = unit(at: offset + first.length)
    let third = second.flatMap { unit(at: offset + first.length + $0.length) }
    let single = String(UnicodeScalar(first.byte))
    if let second {
      let double = single + String(UnicodeScalar(second.byte))
      let end = offset + first.length + second.length
      if let third, let symbol = Symbol(rawValue: double + String(UnicodeScalar(third.byte))) {
        return (symbol, end + third.length)
      }
      switch double {
      case "**": return (.caret, end)
      case "+=", "-=", "*=", "/=": return (.compoundAssignment, end)
      default: if let symbol = Symbol(rawValue: double) { return (symbol, end) }
      }
    }
    return Symbol(rawValue: single).map { ($0, offset + first.length) }
  }
}
