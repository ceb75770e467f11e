import DataFormats
import Testing

@Suite struct CSVTests {
  @Test(arguments: [
    ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
    ("a,b\r\n1,2", [["a", "b"], ["1", "2"]]),
    ("a,b\r1,2\r", [["a", "b"], ["1", "2"]]),
    ("\u{FEFF}a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
    ("a,b\n\n1,2\n\n\n", [["a", "b"], ["1", "2"]]),
    ("a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", [["a", "b"], ["x, y", "say \"hi\""]]),
    ("a,b\n\"two\r\nlines\",\n", [["a", "b"], ["two\r\nlines", ""]]),
    ("a,b\n5\" disk,2\n", [["a", "b"], ["5\" disk", "2"]]),
    ("text\n注意力\n\"\"\n", [["text"], ["注意力"], [""]]),
    ("a,b,c\n,,\n", [["a", "b", "c"], ["", "", ""]]),
  ])
  func records(text: String, expected: [[String]]) throws {
    let table = try CSV.parse(text)
    let found = [table.header] + table.rows
    #expect(found.count == expected.count)
    // By scalars: as characters, CRLF and its like could be taken for one another.
    for (left, right) in zip(found.joined(), expected.joined()) {
      #expect(Array(left.utf8) == Array(right.utf8))
    }
  }

  @Test(arguments: [
    ("a;b\n1,5;2\n", CSV.Delimiter.semicolon), ("a\tb\n1,2\t3\n", .tab), ("a,b\n1;2,3\n", .comma),
    ("\"a;x\",\"b;y\"\n1,2\n", .comma), ("a;b,c;d\n1;2,3;4\n", .semicolon),
    ("text\nhello\n", .comma),
  ])
  func detectedDelimiter(text: String, delimiter: CSV.Delimiter) throws {
    #expect(try CSV.parse(text).delimiter == delimiter)
  }

  @Test(arguments: [
    ("", CSVError.empty), ("\n\n", .empty),
    ("a,b\n1,2\n3\n", .wrongFieldCount(row: 2, line: 3, expected: 2, found: 1)),
    ("a,b\n\"1\n1\",2\n\n3,4,5\n", .wrongFieldCount(row: 2, line: 5, expected: 2, found: 3)),
    ("a,b\n1,\"2\n3", .unterminatedQuote(line: 2)), ("a,b\n\"1\"x,2\n", .textAfterQuote(line: 2)),
  ])
  func wrongTables(text: String, error: CSVError) {
    #expect(throws: error) { try CSV.parse(text, delimiter: .comma) }
  }

  @Test func bytesThatAreNotText() {
    #expect(throws: CSVError.invalidUTF8(line: 2)) {
      try CSV.parse([0x61, 0x0A, 0xFF, 0x0A])
    }
  }

  @Test func whatIsWrittenReturns() throws {
    var generator = SeededGenerator(seed: 5)
    let alphabet = ["a", ",", ";", "\t", "\"", "\n", "\r", "\r\n", "é", "注", "\u{FEFF}", ""]
    for _ in 0..<500 {
      let width = Int.random(in: 1...4, using: &generator)
      let records = (0..<3).map { _ in
        (0..<width).map { _ in
          (0..<4).map { _ in alphabet.randomElement(using: &generator) ?? "" }.joined()
        }
      }
      for delimiter in CSV.Delimiter.allCases {
        let text = CSV.write(
          header: records[0], rows: Array(records[1...]), delimiter: delimiter)
        let table = try CSV.parse(text, delimiter: delimiter)
        let found = ([table.header] + table.rows).joined().map { Array($0.utf8) }
        #expect(found == records.joined().map { Array($0.utf8) })
      }
    }
  }
}
