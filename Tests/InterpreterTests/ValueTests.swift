import DataFormats
import Interpreter
import Testing

@Suite struct ValueTests {
  @Test(
    "Numbers read as people write them",
    arguments: [
      (3.0, "3"), (0.1, "0.1"), (-2.5, "-2.5"), (0.1 + 0.2, "0.3"), (1e15, "1e15"),
      (123_456_789_012_345, "123456789012345"), (1e-4, "0.0001"), (1e-5, "1e-5"),
      (1.5e300, "1.5e300"), (2.0 / 3, "0.666666666666667"), (0.99999999999999999, "1"),
      (9.9999999999999995e22, "1e23"), (.infinity, "inf"), (-0.0, "0"), (100, "100"),
    ])
  func numbers(number: Double, expected: String) {
    #expect(NumberFormat.text(number) == expected)
  }

  @Test("Every text of a number reads back within 15 digits")
  func numbersReadBack() throws {
    var state: UInt64 = 42
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let number = Double(bitPattern: state)
      guard number.isFinite else { continue }
      let read = try #require(Double(NumberFormat.text(number)))
      if number.magnitude > 1e-290, number.magnitude < 1e290 {
        #expect(abs(read - number) <= number.magnitude * 1e-14)
      }
    }
  }

  @Test("Long values are shortened to a useful line")
  func shortened() {
    let list = Value.list((0..<1000).map { .integer($0) })
    #expect(list.description.hasSuffix("… 976 more]"))
    #expect(Value.text(String(repeating: "a", count: 10_000)).description.count < 400)
    #expect(Value.text("a\"\n\u{1}").description == "\"a\\\"\\n\\u{1}\"")
    let nested = Value.list(Array(repeating: list, count: 1000))
    #expect(nested.description.count < 1000)
  }

  @Test("Texts are equal by their bytes, records whatever the order")
  func equality() {
    #expect(!Value.text("e\u{301}").equals(.text("é")))
    let record = Record([(name: "e\u{301}", value: .number(1)), (name: "é", value: .number(2))])
    #expect(record.count == 2)
    #expect(record["é"]?.integer == 2)
    #expect(Value.list([.number(1)]).equals(.list([.number(1)])))
    #expect(!Value.bool(true).equals(.number(1)))
  }

  @Test("Values become JSON and come back")
  func json() {
    let value = Value.record(
      Record([
        (name: "a", value: .list([.number(1), .number(0.5), .none])),
        (name: "b", value: .text("文")),
      ]))
    #expect(value.json == ["a": [1, 0.5, nil], "b": "文"])
    #expect(Value(json: value.json).equals(value))
    #expect(Value.range(RangeValue(0..<3)).json == [0, 1, 2])
  }
}
