import Interpreter
import Language
import Testing

@Suite struct DiagnosticsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var source: String
    var code: String
    var place: String
    var words: [String]
    var testDescription: String { source }
    init(_ source: String, _ code: String, at place: String, _ words: String...) {
      self.source = source
      self.code = code
      self.place = place
      self.words = words
    }
  }

  @Test(
    "Each mistake is told at its place with what would be right",
    arguments: [
      Case("foo = 1\nfop", "unknown-name", at: "fop", "There is no `fop`", "Did you mean `foo`?"),
      Case(
        "sort([1], desending: true)", "unknown-label", at: "desending",
        "Did you mean `descending`?", "`items`, `by` and `descending`"),
      Case("sort()", "missing-argument", at: "sort()", "needs `items`"),
      Case("lower(\"a\", \"b\")", "too-many-arguments", at: "\"b\"", "takes one argument"),
      Case("lower(3)", "wrong-type", at: "3", "`text` of `lower` takes a text, not the number 3"),
      Case("round(1.5, \"a\")", "wrong-type", at: "\"a\"", "takes a whole number in -300…300"),
      Case("round(1.5, 999)", "out-of-range", at: "999", "in -300…300"),
      Case("round(1, digits: 0.5)", "wrong-type", at: "0.5", "a whole number"),
      Case("show(1, as: \"svgg\")", "unknown-choice", at: "\"svgg\"", "Did you mean \"svg\"?"),
      Case("show(1, as: \"svg\")", "no-figure", at: "1", "has no picture"),
      Case("[1, 2][5]", "out-of-range", at: "5", "0…1"),
      Case("{alpha: 1}.alhpa", "unknown-field", at: "alhpa", "Did you mean `alpha`?"),
      Case("[1].len", "unknown-field", at: "len", ".len()"),
      Case("1 / 0", "division-by-zero", at: "1 / 0", "is 0"),
      Case("1 + \"a\"", "wrong-type", at: "1 + \"a\"", "`+` doesn't work on"),
      Case("if 1 { 2 }", "wrong-type", at: "1", "takes true or false, not the number 1"),
      Case("for x in 5 { x }", "wrong-type", at: "5", "0..<5"),
      Case("x = 3\nx(1)", "not-a-function", at: "x", "is not a function"),
      Case("\"a\".nosuch()", "unknown-name", at: "nosuch", "no field `nosuch`"),
      Case("sort([1, \"a\"])", "wrong-type", at: "[1, \"a\"]", "a Text and a Number", "order"),
      Case("sqrt(-1)", "wrong-value", at: "-1", "square root"),
      Case("def f(a) = a\nf()", "missing-argument", at: "f()", "`f` needs `a`"),
      Case("def f(a) = a\nf(1, 2)", "too-many-arguments", at: "2", "one argument", "1 argument"),
      Case("def f(a) = a\nf(b: 2)", "unknown-label", at: "b", "It takes `a`"),
      Case("zip([1], 3)", "wrong-type", at: "3", "takes a list"),
      Case("tensor([[1, 2], [3]])", "shape-mismatch", at: "tensor([[1, 2], [3]])", "one length"),
      Case(
        "tensor([1, 2]) + tensor([1, 2, 3])", "shape-mismatch",
        at: "tensor([1, 2]) + tensor([1, 2, 3])", "[2] and [3]"),
      Case("table(\"no/such.csv\")", "missing-file", at: "\"no/such.csv\"", "There is no file"),
      Case("for a, b in [[1, 2, 3]] { a }", "wrong-value", at: "a, b", "2 parts"),
      Case("mean([])", "empty", at: "[]", "mean of nothing"),
      Case("[1, 2] < 3", "wrong-type", at: "[1, 2] < 3", "no order"),
      Case("save([1], \"a.xyz\")", "wrong-extension", at: "\"a.xyz\"", ".json"),
    ])
  func mistakes(test: Case) {
    let run = Session(version: "test").run(test.source)
    let diagnostic = run.diagnostics.first
    #expect(diagnostic?.code == test.code, "\(run.message)")
    #expect(place(diagnostic, in: test.source) == test.place)
    let told = "\(diagnostic?.message ?? "") \(diagnostic?.hint ?? "")"
    #expect(test.words.contains { told.contains($0) }, "\(told)")
  }

  @Test("An error in a function of an earlier cell is told at the call, with the function's line")
  func earlierCell() {
    let session = Session(version: "test")
    session.run("def half(x) {\n  y = x / 0\n  y\n}", executionCount: 4)
    let source = "1 + half(3)"
    let run = session.run(source, executionCount: 5)
    #expect(place(run.diagnostics.first, in: source) == "half(3)")
    #expect(run.message.contains("In `half`, line 2 of cell [4]"))
    #expect(run.diagnostics.first?.hint?.contains("y = x / 0") == true)
  }

  @Test("An error in a function of the same cell has a note of the call")
  func sameCell() {
    let source = "def half(x) = x / 0\n1 + half(3)"
    let run = Session(version: "test").run(source)
    #expect(place(run.diagnostics.first, in: source) == "x / 0")
    let note = run.diagnostics.first?.notes.first
    #expect(note.map { SourceText(source).text(in: $0.range) } == "half(3)")
  }
}
