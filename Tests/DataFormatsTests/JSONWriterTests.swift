import DataFormats
import Testing

@Suite struct JSONWriterTests {
  static let values: [(JSON, String)] = [
    (JSON.null, "null"), (true, "true"), (-5, "-5"), (1.0, "1.0"), (1e300, "1e+300"),
    (.number(.nan), "null"), (.number(.infinity), "null"), (.number(-0.0), "-0.0"),
    ("a\"\\/\n\r\t\u{8}\u{0}é😀", "\"a\\\"\\\\/\\n\\r\\t\\u0008\\u0000é😀\""), ([], "[]"),
    ([:], "{}"),
    ([1, ["b": 2, "a": nil]], "[1,{\"b\":2,\"a\":null}]"),
  ]

  @Test(arguments: values)
  func oneLine(value: JSON, text: String) {
    #expect(value.serialized() == text)
  }

  @Test func indented() {
    let value: JSON = ["a": [1, 2], "b": [:], "c": ["d": "e"]]
    let text = """
      {
        "a": [
          1,
          2
        ],
        "b": {},
        "c": {
          "d": "e"
        }
      }
      """
    #expect(value.serialized(indentation: 2) == text)
  }

  @Test func whatIsWrittenReturns() throws {
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<2000 {
      let value = Self.randomValue(depth: 4, using: &generator)
      #expect(try JSON(parsing: value.serializedBytes()) == value)
      #expect(try JSON(parsing: value.serializedBytes(indentation: 1)) == value)
    }
  }

  static func randomValue(depth: Int, using generator: inout SeededGenerator) -> JSON {
    func text() -> String {
      var text = ""
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        let top: UInt32 = Bool.random(using: &generator) ? 0x80 : 0x11_0000
        if let scalar = Unicode.Scalar(UInt32.random(in: 0..<top, using: &generator)) {
          text.unicodeScalars.append(scalar)
        }
      }
      return text
    }
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &generator) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &generator))
    case 2: return .integer(Int.random(in: .min ... .max, using: &generator))
    case 3: return .integer(Int.random(in: -9...9, using: &generator))
    case 4:
      let number = Double(bitPattern: generator.next())
      return .number(number.isFinite ? number : 0.5)
    case 5: return .string(text())
    case 6:
      return .array(
        (0..<Int.random(in: 0...4, using: &generator)).map { _ in
          randomValue(depth: depth - 1, using: &generator)
        })
    default:
      var members: [JSONObject.Member] = []
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        members.append(
          JSONObject.Member(
            key: text(), value: randomValue(depth: depth - 1, using: &generator)))
      }
      return .object(JSONObject(members: members))
    }
  }

  @Test func accessors() {
    let value: JSON = ["n": 3.0, "i": 4, "half": 0.5, "huge": 1e300, "list": [1], "text": "t"]
    #expect(value["n"]?.integer == 3)
    #expect(value["i"]?.number == 4)
    #expect(value["half"]?.integer == nil)
    #expect(value["huge"]?.integer == nil)
    #expect(JSON.number(-0x1p63).integer == .min)
    #expect(JSON.number(0x1p63).integer == nil)
    #expect(JSON.number(.nan).integer == nil)
    #expect(value["list"]?[0] == 1)
    #expect(value["list"]?[1] == nil)
    #expect(value["text"]?["x"] == nil)
    var object: JSONObject = ["a": 1, "b": 2]
    object["c"] = 3
    object["a"] = nil
    object["b"] = 5
    #expect(object.keys == ["b", "c"])
    #expect(object["b"] == 5)
  }
}
