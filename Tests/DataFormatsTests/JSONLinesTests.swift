import DataFormats
import Testing

@Suite struct JSONLinesTests {
  @Test func values() throws {
    let lines = "{\"text\": \"a\"}\r\n\n  \n[1]\n\"x\""
    let values = try JSONLines.parse(Array(lines.utf8))
    #expect(values == [["text": "a"], [1], "x"])
    #expect(JSONLines.write(values) == "{\"text\":\"a\"}\n[1]\n\"x\"\n")
    #expect(try JSONLines.parse([]).isEmpty)
  }

  @Test func theLineOfAnErrorIsNamed() {
    #expect(
      throws: JSONLines.Failure(line: 3, error: JSONError(.textAfterValue, at: 2))
    ) { try JSONLines.parse(Array("1\n\n[]]\n".utf8)) }
  }
}
