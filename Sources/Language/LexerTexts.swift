/// Reading text literals.
extension Lexer {
  /// Reads an opening quote, of one character or of three.
  mutating func openText(opener: Unicode.Scalar, ignoresEscapeProblems: Bool) {
    let start = offset
    let length = opener.utf8.count
    let isMultiline =
      length == 1 && byte(1) == UInt8(truncatingIfNeeded: opener.value) && byte(2) == byte(1)
    offset += isMultiline ? 3 : length
    emit(.textStart, start)
    texts.append(
      OpenText(
        opener: opener, isMultiline: isMultiline, range: SourceRange(start, offset),
        ignoresEscapeProblems: ignoresEscapeProblems))
  }

  /// Reads the innermost text up to its end, its next hole or, for a text of one line, the line's end.
  mutating func readText() {
    guard let text = texts.last else { return }
    let start = offset
    var segment = Segment(token: tokens.count, bytes: [], lineStarts: [], lastLineStart: nil)
    while offset < bytes.count {
      let next = bytes[offset]
      if next == UInt8(ascii: "\\") {
        if byte(1) == UInt8(ascii: "(") {
          give(segment, start)
          let holeStart = offset
          offset += 2
          emit(.holeStart, holeStart)
          holes.append(OpenHole(range: SourceRange(holeStart, offset)))
          return
        }
        readEscape(into: &segment, of: text)
      } else if next == UInt8(ascii: "\n") || next == UInt8(ascii: "\r") {
        guard text.isMultiline else {
          give(segment, start)
          closeTexts(atEnd: false)
          return
        }
        passLineEnd()
        segment.bytes.append(UInt8(ascii: "\n"))
        segment.lineStarts.append(segment.bytes.count)
        segment.lastLineStart = offset
      } else if let length = closingLength(of: text) {
        give(segment, start)
        let contentEnd = offset
        if next >= 0x80 {
          reportFullWidth(
            offset, offset + length,
            meant: FullWidthPunctuation.meant(by: scalar(at: offset).scalar) ?? "\"")
        }
        if let closed = texts.last { finish(closed, contentEnd: contentEnd) }
        texts.removeLast()
        offset += length
        emit(.textEnd, contentEnd)
        return
      } else {
        segment.bytes.append(next)
        offset += 1
      }
    }
    give(segment, start)
  }

  /// The length of the closing quote here, or `nil` where there is none.
  private func closingLength(of text: OpenText) -> Int? {
    let next = bytes[offset]
    if text.opener.isASCII {
      guard next == UInt8(truncatingIfNeeded: text.opener.value) else { return nil }
      guard text.isMultiline else { return 1 }
      return byte(1) == next && byte(2) == next ? 3 : nil
    }
    guard next >= 0x80 || next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") else {
      return nil
    }
    guard next < 0x80 || next & 0xC0 == 0xC0 else { return nil }
    let (scalar, length) = scalar(at: offset)
    return FullWidthPunctuation.closesText(scalar, openedBy: text.opener) ? length : nil
  }

  /// Gives a segment's token; a text of many lines gets its characters when its end is known.
  private mutating func give(_ segment: Segment, _ start: Int) {
    guard !segment.bytes.isEmpty else {
      if texts.last?.isMultiline == true, offset > start {
        // An escaped line end leaves no characters.
        texts[texts.count - 1].segments.append(segment)
        emit(.textLiteral(""), start)
      }
      return
    }
    let isMultiline = texts.last?.isMultiline == true
    if isMultiline { texts[texts.count - 1].segments.append(segment) }
    emit(.textLiteral(isMultiline ? "" : String(decoding: segment.bytes, as: UTF8.self)), start)
  }

  /// Fills in the characters of a text of many lines.
  ///
  /// Where the closing quotes stand on a line of their own, what indents them is taken from every
  /// line, and the line ends next to the quotes don't count.
  mutating func finish(_ text: OpenText, contentEnd: Int) {
    guard text.isMultiline else { return }
    var indentation: ArraySlice<UInt8>?
    if let last = text.segments.last, last.token == tokens.count - 1,
      let start = last.lastLineStart, contentEnd < bytes.count
    {
      let candidate = bytes[start..<contentEnd]
      if candidate.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
        indentation = candidate
      }
    }
    for (index, segment) in text.segments.enumerated() {
      var content = segment.bytes
      if let indentation {
        content = Self.stripping(indentation, from: segment)
        if index == text.segments.count - 1 { content.removeLast() }
        if index == 0, segment.token > 0, tokens[segment.token - 1].kind == .textStart,
          content.first == UInt8(ascii: "\n")
        {
          content.removeFirst()
        }
      }
      tokens[segment.token].kind = .textLiteral(String(decoding: content, as: UTF8.self))
    }
  }

  private static func stripping(_ indentation: ArraySlice<UInt8>, from segment: Segment)
    -> [UInt8]
  {
    var result: [UInt8] = []
    result.reserveCapacity(segment.bytes.count)
    var position = 0
    for lineStart in segment.lineStarts {
      result += segment.bytes[position..<lineStart]
      position = lineStart
      for expected in indentation {
        guard position < segment.bytes.count, segment.bytes[position] == expected else { break }
        position += 1
      }
    }
    return result + segment.bytes[position...]
  }

  // MARK: Escapes

  private mutating func readEscape(into segment: inout Segment, of text: OpenText) {
    let start = offset
    let kind = byte(1)
    if offset + 1 >= bytes.count {
      offset += 1
      return
    }
    offset += 2
    switch kind {
    case UInt8(ascii: "n"): segment.bytes.append(0x0A)
    case UInt8(ascii: "t"): segment.bytes.append(0x09)
    case UInt8(ascii: "r"): segment.bytes.append(0x0D)
    case UInt8(ascii: "0"): segment.bytes.append(0x00)
    case UInt8(ascii: "a"): segment.bytes.append(0x07)
    case UInt8(ascii: "b"): segment.bytes.append(0x08)
    case UInt8(ascii: "f"): segment.bytes.append(0x0C)
    case UInt8(ascii: "v"): segment.bytes.append(0x0B)
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      segment.bytes.append(kind)
    case UInt8(ascii: "x"):
      appendScalar(hexadecimal(exactly: 2), start, text, into: &segment)
    case UInt8(ascii: "u"):
      appendScalar(unicodeEscape(), start, text, into: &segment)
    case UInt8(ascii: "U"):
      appendScalar(hexadecimal(exactly: 8), start, text, into: &segment)
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      // In a text of many lines it joins two lines; in a text of one line the end is reported there.
      offset = start + 1
      if text.isMultiline { passLineEnd() }
    default:
      let length = scalar(at: start + 1).length
      offset = start + 1 + length
      let written = Array(bytes[start..<offset])
      segment.bytes += written
      if !text.ignoresEscapeProblems {
        report(.unknownEscape(String(decoding: written, as: UTF8.self)), start, offset)
      }
    }
  }

  private mutating func appendScalar(
    _ value: UInt32?, _ start: Int, _ text: OpenText, into segment: inout Segment
  ) {
    if let scalar = value.flatMap({ Unicode.Scalar($0) }) {
      segment.bytes += Array(String(Character(scalar)).utf8)
    } else if !text.ignoresEscapeProblems {
      let written = String(decoding: bytes[start..<offset], as: UTF8.self)
      report(.invalidUnicodeEscape(written), start, offset)
    }
  }

  /// The number after `\x` or `\U`.
  private mutating func hexadecimal(exactly count: Int) -> UInt32? {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = hexadecimalDigit() else { return nil }
      value = value << 4 | digit
    }
    return value
  }

  private mutating func hexadecimalDigit() -> UInt32? {
    guard let digit = Character(Unicode.Scalar(byte())).hexDigitValue else { return nil }
    offset += 1
    return UInt32(digit)
  }

  /// The character after `\u`: `{1F600}`, or four digits, or two surrogates as JSON writes them.
  private mutating func unicodeEscape() -> UInt32? {
    guard byte() == UInt8(ascii: "{") else {
      guard let first = hexadecimal(exactly: 4) else { return nil }
      guard first & 0xFC00 == 0xD800 else { return first }
      guard byte() == UInt8(ascii: "\\"), byte(1) == UInt8(ascii: "u") else { return nil }
      let mark = offset
      offset += 2
      guard let second = hexadecimal(exactly: 4), second & 0xFC00 == 0xDC00 else {
        offset = mark
        return nil
      }
      return 0x10000 + (first & 0x3FF) << 10 + second & 0x3FF
    }
    offset += 1
    var value: UInt32 = 0
    var count = 0
    while count < 8, let digit = hexadecimalDigit() {
      value = value << 4 | digit
      count += 1
    }
    guard count > 0, byte() == UInt8(ascii: "}") else { return nil }
    offset += 1
    return value
  }
}
