import Testing

@testable import Language

/// Diagnostics as plain text, and the places in texts that they rest on.
@Suite struct DiagnosticRendererTests {
  private func marked(_ source: String, _ lower: Int, _ upper: Int) -> [String] {
    DiagnosticRenderer.marked(SourceRange(lower, upper), in: SourceText(source))
  }

  @Test func marksWideCharacters() {
    // Each Chinese character and each full-width sign takes two columns and three bytes.
    #expect(marked("词 = \"高血压\" x", 18, 19) == [" 1 | 词 = \"高血压\" x", "   |               ^"])
    #expect(marked("a，b", 1, 4) == [" 1 | a，b", "   |  ^^"])
    #expect(marked("高血压", 3, 9) == [" 1 | 高血压", "   |   ^^^^"])
    #expect(marked("한글 x", 7, 8) == [" 1 | 한글 x", "   |      ^"])
    #expect(marked("😀 x", 5, 6) == [" 1 | 😀 x", "   |    ^"])
  }

  @Test func marksAfterCombiningMarksAndTabs() {
    #expect(marked("e\u{301} x", 4, 5) == [" 1 | e\u{301} x", "   |   ^"])
    #expect(marked("\tx\ty", 3, 4) == [" 1 |     x   y", "   |         ^"])
    #expect(marked("\u{200B}x", 3, 4) == [" 1 | \u{200B}x", "   | ^"])
  }

  @Test func hidesCharactersThatSteer() {
    #expect(
      marked("a\u{1B}[31m\u{202E}b", 9, 10) == [" 1 | a\u{FFFD}[31m\u{FFFD}b", "   |        ^"])
  }

  @Test func marksOneLineAndPlacesWithoutWidth() {
    #expect(marked("ab\ncd\r\nef", 3, 9) == [" 2 | cd", "   | ^^"])
    #expect(marked("ab", 2, 2) == [" 1 | ab", "   |   ^"])
    #expect(marked("", 0, 0) == [" 1 |", "   | ^"])
    #expect(marked("ab", 90, -4) == [" 1 | ab", "   |   ^"])
  }

  @Test func cutsLongLines() throws {
    let source = String(repeating: "a", count: 5000) + "高" + String(repeating: "b", count: 5000)
    let lines = marked(source, 5000, 5003)
    #expect(lines[0].count < DiagnosticRenderer.lineWidth + 10)
    let line = lines[0].dropFirst(5)
    let column = lines[1].dropFirst(5).prefix { $0 == " " }.count
    #expect(lines[1].hasSuffix(" ^^"))
    #expect(line.hasPrefix("…a"))
    #expect(line.hasSuffix("b…"))
    #expect(line[line.index(line.startIndex, offsetBy: column)] == "高")
  }

  @Test func showsMessageHintAndNotes() {
    let diagnostic = Diagnostic(
      code: "unknown-name", severity: .warning, message: "No `x`.", hint: "Did you mean `y`?",
      range: SourceRange(0, 1), notes: [.init(message: "Here.", range: SourceRange(4, 5))])
    #expect(
      DiagnosticRenderer.render(diagnostic, source: "x = y") == """
        Warning: No `x`.
         1 | x = y
           | ^
        Did you mean `y`?
        Here.
         1 | x = y
           |     ^
        """)
    let placeless = Diagnostic(code: "a", message: "Too large.")
    #expect(DiagnosticRenderer.render(placeless, source: "") == "Too large.")
  }

  @Test func findsLinesAndCodePoints() {
    let text = SourceText("a词\r\nb\rc\n😀d")
    #expect(text.lineCount == 4)
    #expect(text.position(at: 4) == .init(line: 1, column: 3))
    #expect(text.position(at: 6) == .init(line: 2, column: 1))
    #expect(text.position(at: 14) == .init(line: 4, column: 2))
    #expect(text.position(at: 12) == .init(line: 4, column: 1))
    #expect(text.position(at: 999) == .init(line: 4, column: 3))
    #expect(text.position(at: -9) == .init(line: 1, column: 1))
    #expect(text.lineRange(0) == 0..<4)
    for point in 0...10 {
      #expect(text.codePointOffset(ofByte: text.byteOffset(ofCodePoint: point)) == point)
    }
    #expect(text.byteOffset(ofCodePoint: 99) == 15)
    #expect(text.byteOffset(ofCodePoint: -1) == 0)
  }

  @Test func tellsPiecesApart() {
    let source = "x = f(a: \"b\\(c)\") # d"
    let pieces = Highlighter.spans(source).map { span in
      "\(span.kind.rawValue) \(SourceText(source).text(in: span.range))"
    }
    #expect(
      pieces == [
        "name x", "operator =", "function f", "punctuation (", "label a", "punctuation :",
        "text \"b", "punctuation \\(", "name c", "punctuation )", "text \"", "punctuation )",
        "comment # d",
      ])
  }
}
