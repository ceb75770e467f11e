/// A word of a template.
enum TemplateToken: Equatable {
  case data(String)
  case blockBegin
  case blockEnd
  case outputBegin
  case outputEnd
  case name(String)
  case text(String)
  case integer(Int)
  case number(Double)
  case mark(String)
  case end

  /// The word as messages name it.
  var words: String {
    switch self {
    case .data: "plain text"
    case .blockBegin: "{%"
    case .blockEnd: "%}"
    case .outputBegin: "{{"
    case .outputEnd: "}}"
    case .name(let name): "`\(name)`"
    case .text: "a text"
    case .integer, .number: "a number"
    case .mark(let mark): "`\(mark)`"
    case .end: "the end"
    }
  }
}

/// Cuts a template into words, white space around its tags removed as the tags ask.
struct TemplateLexer {
  private let scalars: [Unicode.Scalar]
  private var place = 0
  private var line = 1
  private var result: [(token: TemplateToken, line: Int)] = []
  /// Whether what was read last ended a line.
  private var startsLine = true

  init(_ source: String) {
    // Lines end with one line feed, and that of the last line doesn't count.
    var scalars: [Unicode.Scalar] = []
    var follows: Unicode.Scalar?
    for scalar in source.unicodeScalars {
      if scalar == "\r" {
        scalars.append("\n")
      } else if !(scalar == "\n" && follows == "\r") {
        scalars.append(scalar)
      }
      follows = scalar
    }
    if scalars.last == "\n" { scalars.removeLast() }
    self.scalars = scalars
  }

  mutating func tokens() throws(ChatTemplateError) -> [(token: TemplateToken, line: Int)] {
    while place < scalars.count {
      guard let tag = nextTag() else {
        append(.data(text(place..<scalars.count)))
        place = scalars.count
        break
      }
      try read(tagAt: tag)
    }
    append(.end)
    return result
  }

  private mutating func append(_ token: TemplateToken) { result.append((token, line)) }

  private func text(_ range: Range<Int>) -> String { TemplateText.text(scalars[range]) }

  private func scalar(_ index: Int) -> Unicode.Scalar? {
    index < scalars.count ? scalars[index] : nil
  }

  private func has(_ mark: String, at index: Int) -> Bool {
    var index = index
    for scalar in mark.unicodeScalars {
      guard self.scalar(index) == scalar else { return false }
      index += 1
    }
    return true
  }

  private func nextTag() -> Int? {
    var index = place
    while index + 1 < scalars.count {
      if scalars[index] == "{", ["{", "%", "#"].contains(scalars[index + 1]) { return index }
      index += 1
    }
    return nil
  }

  /// Moves on, counting lines.
  private mutating func move(to end: Int) {
    for index in place..<end where scalars[index] == "\n" { line += 1 }
    place = end
  }

  private mutating func read(tagAt start: Int) throws(ChatTemplateError) {
    let kind = scalars[start + 1]
    let sign = scalar(start + 2).flatMap { ["-", "+"].contains($0) ? $0 : nil }
    var end = start
    if sign == "-" {
      while end > place, TemplateText.isSpace(scalars[end - 1]) { end -= 1 }
    } else if sign == nil, kind != "{" {
      var head = end
      while head > place, scalars[head - 1] != "\n" { head -= 1 }
      let beginsLine = head > place || startsLine
      if beginsLine, scalars[head..<end].allSatisfy(TemplateText.isSpace) { end = head }
    }
    if end > place { append(.data(text(place..<end))) }
    move(to: start + (sign == nil ? 2 : 3))
    switch kind {
    case "#": try skipComment()
    case "{": try readTag(.outputBegin, .outputEnd, "}}")
    default: try readTag(.blockBegin, .blockEnd, "%}")
    }
  }

  private mutating func skipComment() throws(ChatTemplateError) {
    let first = line
    let start = place
    var index = place
    while index < scalars.count, !has("#}", at: index) { index += 1 }
    guard index < scalars.count else {
      throw .malformed(line: first, found: "an open comment", expected: "its end #}")
    }
    let sign = index > start ? scalars[index - 1] : nil
    leave(at: index + 2, sign: sign == "-" || sign == "+" ? sign : nil, trimsLine: true)
  }

  /// Ends a tag: takes white space behind it away as its sign asks.
  private mutating func leave(at end: Int, sign: Unicode.Scalar?, trimsLine: Bool) {
    var end = end
    let tag = end
    if sign == "-" {
      while let scalar = scalar(end), TemplateText.isSpace(scalar) { end += 1 }
    } else if sign == nil, trimsLine, scalar(end) == "\n" {
      end += 1
    }
    startsLine = end > tag && scalars[end - 1] == "\n"
    move(to: end)
  }

  private mutating func readTag(
    _ begin: TemplateToken, _ end: TemplateToken, _ mark: String
  ) throws(ChatTemplateError) {
    append(begin)
    let first = line
    var brackets: [Unicode.Scalar] = []
    while let scalar = scalar(place) {
      if brackets.isEmpty {
        for sign in ["-", "+", ""] where has(sign + mark, at: place) {
          if sign == "+", mark == "}}" { continue }
          append(end)
          return leave(
            at: place + (sign + mark).unicodeScalars.count, sign: sign.unicodeScalars.first,
            trimsLine: mark == "%}")
        }
      }
      if TemplateText.isSpace(scalar) {
        move(to: place + 1)
      } else if TemplateText.beginsName(scalar) {
        readName()
        if begin == .blockBegin, result.last?.token == .name("raw"),
          result[result.count - 2].token == .blockBegin
        {
          throw .unsupported(line: line, construct: "the statement `raw`")
        }
      } else if TemplateText.isDigit(scalar) {
        try readNumber()
      } else if scalar == "\"" || scalar == "'" {
        try readText(scalar)
      } else {
        try readMark(&brackets)
      }
    }
    throw .malformed(line: first, found: "an open tag", expected: "its end \(mark)")
  }

  private mutating func readName() {
    var end = place
    while let scalar = scalar(end), TemplateText.beginsName(scalar) || TemplateText.isDigit(scalar)
    {
      end += 1
    }
    append(.name(text(place..<end)))
    place = end
  }

  private mutating func readNumber() throws(ChatTemplateError) {
    var end = place
    var isWhole = true
    func digits(from start: Int) -> Int {
      var index = start
      while let scalar = scalar(index), TemplateText.isDigit(scalar) || scalar == "_" { index += 1 }
      return index
    }
    end = digits(from: end)
    if scalar(end) == ".", let next = scalar(end + 1), TemplateText.isDigit(next) {
      isWhole = false
      end = digits(from: end + 1)
    }
    if scalar(end) == "e" || scalar(end) == "E" {
      let signed = ["+", "-"].contains(scalar(end + 1)) ? end + 2 : end + 1
      if let next = scalar(signed), TemplateText.isDigit(next) {
        isWhole = false
        end = digits(from: signed)
      }
    }
    let written = text(place..<end).filter { $0 != "_" }
    if isWhole, let integer = Int(written) {
      append(.integer(integer))
    } else if let number = Double(written), number.isFinite {
      append(.number(number))
    } else {
      throw .malformed(line: line, found: "the number \(written)", expected: "a smaller one")
    }
    place = end
  }

  private mutating func readText(_ quote: Unicode.Scalar) throws(ChatTemplateError) {
    let first = line
    var content: [Unicode.Scalar] = []
    var index = place + 1
    while let scalar = scalar(index), scalar != quote {
      index += 1
      guard scalar == "\\", let escaped = self.scalar(index) else {
        content.append(scalar)
        continue
      }
      index += 1
      switch escaped {
      case "n": content.append("\n")
      case "t": content.append("\t")
      case "r": content.append("\r")
      case "\\", "'", "\"": content.append(escaped)
      case "\n": break
      case "x", "u", "U":
        let length = escaped == "x" ? 2 : escaped == "u" ? 4 : 8
        guard index + length <= scalars.count,
          let value = UInt32(text(index..<index + length), radix: 16),
          let scalar = Unicode.Scalar(value)
        else {
          throw .malformed(
            line: first, found: "the escape \\\(escaped)", expected: "a character's number")
        }
        content.append(scalar)
        index += length
      case "a", "b", "f", "v", "N", "0"..."7":
        throw .unsupported(line: first, construct: "the escape \\\(escaped)")
      default: content += ["\\", escaped]
      }
    }
    guard index < scalars.count else {
      throw .malformed(line: first, found: "an open text", expected: "its end \(quote)")
    }
    append(.text(TemplateText.text(content[...])))
    move(to: index + 1)
  }

  private mutating func readMark(
    _ brackets: inout [Unicode.Scalar]
  ) throws(ChatTemplateError) {
    for mark in ["//", "**", "==", "!=", "<=", ">="] where has(mark, at: place) {
      append(.mark(mark))
      place += 2
      return
    }
    let scalar = scalars[place]
    guard "+-*/%~[](){}.,:|=<>".unicodeScalars.contains(scalar) else {
      throw .malformed(line: line, found: "the character \(scalar)", expected: "an expression")
    }
    switch scalar {
    case "(": brackets.append(")")
    case "[": brackets.append("]")
    case "{": brackets.append("}")
    case ")", "]", "}":
      guard brackets.popLast() == scalar else {
        throw .malformed(line: line, found: "`\(scalar)`", expected: "the bracket that was opened")
      }
    default: break
    }
    append(.mark(String(scalar)))
    place += 1
  }
}
