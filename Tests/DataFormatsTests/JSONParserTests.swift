import DataFormats
import Testing

@Suite struct JSONParserTests {
  static let texts: [(String, JSON)] = [
    ("null", JSON.null), (" true ", true), ("false", false), ("0", 0), ("-1", -1), ("[]", []),
    ("{}", [:]), ("\"\"", ""), ("[1,[2,{\"a\":[]}],null]", [1, [2, ["a": []]], nil]),
    ("\t\r\n[ 1 ,\n2 ]", [1, 2]), ("1.5", 1.5), ("1e2", 100.0), ("1E+2", 100.0), ("1e-2", 0.01),
    ("0e1", 0.0), ("-0.0", .number(-0.0)), ("-0", .number(-0.0)),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", 9223372036854775808.0),
    ("-9223372036854775809", .number(-9223372036854775808.0)),
    ("123456789012345678901234567890", 123456789012345678901234567890.0),
    ("1e-400", 0.0), ("5e-324", .number(.leastNonzeroMagnitude)),
    ("1.7976931348623157e308", 1.7976931348623157e308),
    ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\u{8}\u{C}\n\r\t"),
    ("\"\\u0041\\u00e9\\u4E2d\"", "Aé中"),
    ("\"\\ud83d\\ude00\"", "😀"), ("\"a\\u0000b\"", "a\u{0}b"),
    ("\"\u{7F}\u{FFFE}\"", "\u{7F}\u{FFFE}"),
    ("\"\\ud800\"", "\u{FFFD}"), ("\"\\udc00x\"", "\u{FFFD}x"), ("\"\\ud800\\u0041\"", "\u{FFFD}A"),
    ("\"\\ud800\\ud83d\\ude00\"", "\u{FFFD}😀"), ("\"\\uD800\\n\"", "\u{FFFD}\n"),
    (
      "{\"a\":1,\"a\":2}",
      .object(JSONObject(members: [.init(key: "a", value: 1), .init(key: "a", value: 2)]))
    ),
  ]

  @Test(arguments: texts)
  func accepted(text: String, value: JSON) throws {
    let found = try JSON(parsing: text)
    #expect(found == value)
    if case .number(let number) = found { #expect(number.sign == value.number?.sign) }
  }

  @Test(arguments: [
    ("", JSONError(.unexpectedEnd, at: 0)), (" ", .init(.unexpectedEnd, at: 1)),
    ("[", .init(.unexpectedEnd, at: 1)), ("[1", .init(.unexpectedEnd, at: 2)),
    ("[1,", .init(.unexpectedEnd, at: 3)), ("[1,]", .init(.unexpectedByte(0x5D), at: 3)),
    ("[,1]", .init(.unexpectedByte(0x2C), at: 1)), ("[1 2]", .init(.unexpectedByte(0x32), at: 3)),
    ("{", .init(.unexpectedEnd, at: 1)), ("{1:2}", .init(.unexpectedByte(0x31), at: 1)),
    ("{\"a\"}", .init(.unexpectedByte(0x7D), at: 4)),
    ("{\"a\":}", .init(.unexpectedByte(0x7D), at: 5)),
    ("{\"a\":1,}", .init(.unexpectedByte(0x7D), at: 7)),
    ("[}", .init(.unexpectedByte(0x7D), at: 1)),
    ("nul", .init(.unexpectedEnd, at: 3)), ("nulx", .init(.unexpectedByte(0x78), at: 3)),
    ("True", .init(.unexpectedByte(0x54), at: 0)), ("NaN", .init(.unexpectedByte(0x4E), at: 0)),
    ("-", .init(.unexpectedEnd, at: 1)), ("-x", .init(.invalidNumber, at: 1)),
    ("+1", .init(.unexpectedByte(0x2B), at: 0)), (".5", .init(.unexpectedByte(0x2E), at: 0)),
    ("1.", .init(.invalidNumber, at: 2)), ("1.e1", .init(.invalidNumber, at: 2)),
    ("1e", .init(.invalidNumber, at: 2)), ("1e+", .init(.invalidNumber, at: 3)),
    ("01", .init(.textAfterValue, at: 1)), ("-01", .init(.textAfterValue, at: 2)),
    ("0x1", .init(.textAfterValue, at: 1)), ("1e400", .init(.numberTooLarge, at: 0)),
    ("\"", .init(.unexpectedEnd, at: 1)), ("\"\\", .init(.unexpectedEnd, at: 2)),
    ("\"\\x\"", .init(.invalidEscape, at: 2)), ("\"\\u12\"", .init(.unexpectedEnd, at: 6)),
    ("\"\\u12g4\"", .init(.invalidEscape, at: 5)),
    ("\"a\nb\"", .init(.controlCharacterInString, at: 2)),
    ("\"\\n\u{1}\"", .init(.controlCharacterInString, at: 3)),
    ("1 1", .init(.textAfterValue, at: 2)),
    ("\u{FEFF}1", .init(.unexpectedByte(0xEF), at: 0)),
    ("'a'", .init(.unexpectedByte(0x27), at: 0)),
  ])
  func refused(text: String, error: JSONError) {
    #expect(throws: error) { try JSON(parsing: text) }
  }

  @Test(
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xE4, 0xBD, 0x22],
      [0x22, 0x5C, 0x6E, 0xFF, 0x22],
    ] as [[UInt8]])
  func textsThatAreNotUTF8(bytes: [UInt8]) {
    #expect(throws: JSONError(.invalidUTF8, at: 1)) { try JSON(parsing: bytes) }
  }

  @Test func depthIsLimited() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSON(parsing: nested(256))
    #expect(throws: JSONError(.tooDeep(limit: 256), at: 256)) { try JSON(parsing: nested(257)) }
    #expect(throws: JSONError(.tooDeep(limit: 256), at: 256)) {
      try JSON(parsing: String(repeating: "[", count: 1_000_000))
    }
    #expect(throws: JSONError(.tooDeep(limit: 2), at: 10)) {
      try JSON(parsing: "{\"a\":{\"b\":{}}}", maximumDepth: 2)
    }
    // Depth, not the number of values.
    _ = try JSON(parsing: "[[],[],[[]]]", maximumDepth: 3)
  }

  @Test func keysAreTheirBytes() throws {
    let object = try JSON(parsing: "{\"K\":1,\"\u{212A}\":2,\"é\":3,\"e\u{301}\":4}")
    #expect(object["K"]?.integer == 1)
    #expect(object["\u{212A}"]?.integer == 2)
    #expect(object["é"]?.integer == 3)
    #expect(object["e\u{301}"]?.integer == 4)
    #expect(object["x"] == nil)
    #expect(JSON.string("é") != JSON.string("e\u{301}"))
    #expect(JSON.string("\r\n") == JSON.string("\r\n"))
  }

  @Test func damagedTextsEndInAnErrorOrAValue() throws {
    var generator = SeededGenerator(seed: 21)
    let text = Array(
      "{\"a\": [1, -2.5e3, true, null, \"x\\n\\ud83d\\ude00 é\"], \"b\": {\"c\": [[], {}]}}".utf8)
    let marks = Array("{}[]\",:\\u0-.eE \u{0}ÿ".utf8)
    var accepted = 0
    for _ in 0..<20_000 {
      var damaged = text
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: damaged.indices, using: &generator)
        let byte = marks.randomElement(using: &generator) ?? 0
        switch Int.random(in: 0...2, using: &generator) {
        case 0: damaged[place] = byte
        case 1: damaged.insert(byte, at: place)
        default: damaged.remove(at: place)
        }
      }
      guard let value = try? JSON(parsing: damaged) else { continue }
      accepted += 1
      #expect(try JSON(parsing: value.serializedBytes()) == value)
    }
    #expect(accepted > 100)
  }
}
