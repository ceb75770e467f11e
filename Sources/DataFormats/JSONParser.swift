/// Why a text is not JSON, and at which byte.
public struct JSONError: Error, Sendable, Equatable {
  /// What is wrong.
  public enum Reason: Sendable, Equatable {
    case unexpectedEnd
    case unexpectedByte(UInt8)
    case invalidNumber
    case numberTooLarge
    case invalidEscape
    case invalidUTF8
    case controlCharacterInString
    case tooDeep(limit: Int)
    case textAfterValue
  }
  /// What is wrong.
  public var reason: Reason
  /// The offset of the offending byte.
  public var offset: Int

  /// Makes an error.
  public init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }
}

extension JSON {
  /// Parses a UTF-8 text that holds exactly one JSON value (RFC 8259).
  ///
  /// - Parameters:
  ///   - bytes: the text.
  ///   - maximumDepth: how many arrays and objects may be open at once; more is an error, so that
  ///     a hostile text cannot exhaust the stack.
  /// - Throws: `JSONError` with the place.
  public init(parsing bytes: [UInt8], maximumDepth: Int = 256) throws(JSONError) {
    var parser = JSONParser(bytes: bytes, maximumDepth: maximumDepth)
    self = try parser.parseDocument()
  }

  /// Parses a text that holds exactly one JSON value.
  ///
  /// - Throws: `JSONError` with the place, as an offset into the text's UTF-8.
  public init(parsing text: String, maximumDepth: Int = 256) throws(JSONError) {
    try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
  }
}

/// A recursive-descent reader over the bytes of one JSON text.
private struct JSONParser {
  let bytes: [UInt8]
  let maximumDepth: Int
  var position = 0
  var depth = 0

  init(bytes: [UInt8], maximumDepth: Int) {
    self.bytes = bytes
    self.maximumDepth = maximumDepth
  }

  mutating func parseDocument() throws(JSONError) -> JSON {
    skipWhitespace()
    let value = try parseValue()
    skipWhitespace()
    guard position == bytes.count else { throw JSONError(.textAfterValue, at: position) }
    return value
  }

  private mutating func skipWhitespace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func parseValue() throws(JSONError) -> JSON {
    guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try parseObject()
    case UInt8(ascii: "["): return try parseArray()
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    case let byte: throw JSONError(.unexpectedByte(byte), at: position)
    }
  }

  private mutating func parseWord(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
    for byte in word.utf8 {
      guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
      guard bytes[position] == byte else {
        throw JSONError(.unexpectedByte(bytes[position]), at: position)
      }
      position += 1
    }
    return value
  }

  private mutating func enter() throws(JSONError) {
    depth += 1
    guard depth <= maximumDepth else {
      throw JSONError(.tooDeep(limit: maximumDepth), at: position)
    }
    position += 1
    skipWhitespace()
  }

  private mutating func parseObject() throws(JSONError) -> JSON {
    try enter()
    var members: [JSONObject.Member] = []
    if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
      position += 1
      depth -= 1
      return .object(JSONObject())
    }
    while true {
      skipWhitespace()
      guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
      guard bytes[position] == UInt8(ascii: "\"") else {
        throw JSONError(.unexpectedByte(bytes[position]), at: position)
      }
      let key = try parseString()
      skipWhitespace()
      try expect(UInt8(ascii: ":"))
      skipWhitespace()
      members.append(JSONObject.Member(key: key, value: try parseValue()))
      if try continues(until: UInt8(ascii: "}")) == false {
        depth -= 1
        return .object(JSONObject(members: members))
      }
    }
  }

  private mutating func parseArray() throws(JSONError) -> JSON {
    try enter()
    var elements: [JSON] = []
    if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
      position += 1
      depth -= 1
      return .array([])
    }
    while true {
      skipWhitespace()
      elements.append(try parseValue())
      if try continues(until: UInt8(ascii: "]")) == false {
        depth -= 1
        return .array(elements)
      }
    }
  }

  private mutating func expect(_ byte: UInt8) throws(JSONError) {
    guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
    guard bytes[position] == byte else {
      throw JSONError(.unexpectedByte(bytes[position]), at: position)
    }
    position += 1
  }

  /// Reads a comma (true) or the closing byte (false).
  private mutating func continues(until close: UInt8) throws(JSONError) -> Bool {
    skipWhitespace()
    guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
    let byte = bytes[position]
    guard byte == close || byte == UInt8(ascii: ",") else {
      throw JSONError(.unexpectedByte(byte), at: position)
    }
    position += 1
    return byte != close
  }

  private mutating func parseNumber() throws(JSONError) -> JSON {
    let start = position
    var isInteger = true
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
    if bytes[position] == UInt8(ascii: "0") {
      position += 1
    } else if skipDigits() == 0 {
      throw JSONError(.invalidNumber, at: position)
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard skipDigits() > 0 else { throw JSONError(.invalidNumber, at: position) }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if position < bytes.count,
        bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      guard skipDigits() > 0 else { throw JSONError(.invalidNumber, at: position) }
    }
    if isInteger, let value = integer(start..<position) { return .integer(value) }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text) else { throw JSONError(.invalidNumber, at: start) }
    guard value.isFinite else { throw JSONError(.numberTooLarge, at: start) }
    return .number(value)
  }

  /// The integer that the bytes write, or `nil` where it doesn't fit; -0 is left to `Double`, which
  /// keeps its sign.
  private func integer(_ range: Range<Int>) -> Int? {
    let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
    var value = 0
    for place in range.dropFirst(isNegative ? 1 : 0) {
      let digit = Int(bytes[place] &- UInt8(ascii: "0"))
      let (shifted, overflows) = value.multipliedReportingOverflow(by: 10)
      // Negative from the start, as the least integer has no positive counterpart.
      let (next, exceeds) = shifted.subtractingReportingOverflow(digit)
      guard !overflows, !exceeds else { return nil }
      value = next
    }
    if isNegative { return value == 0 ? nil : value }
    return value == .min ? nil : -value
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
    return position - start
  }

  private mutating func parseString() throws(JSONError) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        let text = try decode(bytes[start..<position], at: start)
        position += 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try parseEscapedString(from: start) }
      guard byte >= 0x20 else { throw JSONError(.controlCharacterInString, at: position) }
      position += 1
    }
    throw JSONError(.unexpectedEnd, at: position)
  }

  private func decode(_ slice: ArraySlice<UInt8>, at start: Int) throws(JSONError) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw JSONError(.invalidUTF8, at: start)
    }
    return text
  }

  /// Goes on from the first backslash, collecting the unescaped bytes.
  private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
    var result = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return try decode(result[...], at: start)
      case UInt8(ascii: "\\"):
        position += 1
        try parseEscape(into: &result)
      case 0..<0x20:
        throw JSONError(.controlCharacterInString, at: position)
      default:
        result.append(byte)
        position += 1
      }
    }
    throw JSONError(.unexpectedEnd, at: position)
  }

  private mutating func parseEscape(into result: inout [UInt8]) throws(JSONError) {
    guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"):
      result.append(contentsOf: UTF8.encode(try parseUnicode()).map(Array.init) ?? [])
    default: throw JSONError(.invalidEscape, at: position - 1)
    }
  }

  /// A `\u` escape or a surrogate pair of them; a lone surrogate becomes U+FFFD, as Jupyter's
  /// JavaScript clients may send one.
  private mutating func parseUnicode() throws(JSONError) -> Unicode.Scalar {
    let first = try parseFourHexDigits()
    if (0xD800..<0xDC00).contains(first), position + 1 < bytes.count,
      bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
    {
      let before = position
      position += 2
      let second = try parseFourHexDigits()
      if (0xDC00..<0xE000).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      {
        return scalar
      }
      position = before
    }
    return Unicode.Scalar(first) ?? "\u{FFFD}"
  }

  private mutating func parseFourHexDigits() throws(JSONError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Hexadecimal.value(ofDigit: bytes[position]) else {
        throw JSONError(.invalidEscape, at: position)
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
