import Testing

@testable import Language

/// What a console is told after each line.
@Suite struct CompletenessTests {
  @Test(arguments: [
    "", "a = 1", "f(a)\n", "for x in xs { x }", "\"\"\"a\nb\"\"\"", "# note", "a;", "f?",
    "if a {\n  b\n}\nelse {\n  c\n}",
  ])
  func complete(_ source: String) { #expect(isComplete(source) == .complete) }

  @Test(arguments: [
    ("f(a,", "  "), ("f([1,", "  "), ("for x in xs {", "  "), ("for x in xs {\n  f(x)", "  "),
    ("for x in xs {\n  if x {", "    "), ("  f(a", "    "), ("x = \"\"\"a", ""), ("x =", "  "),
    ("a + b *", "  "), ("if a", "  "), ("def f(x)", "  "), ("def f(x) =", "  "), ("f(\"\"\"a", ""),
    ("x = {a: 1,\n", "  "), ("text |>", "  "), ("f(a)\ng(", "  "), ("def f(a,\n", "  "),
  ])
  func incomplete(_ source: String, _ indent: String) {
    #expect(isComplete(source) == .incomplete(indent: indent))
  }

  @Test(arguments: [
    "f(a))", "x = \"a", "a b", "f(1 2", "1 +* 2", "a.", "%time f()", "for x in xs:", "f(\"a",
    "[1, 2)", "x = 12px",
  ])
  func invalid(_ source: String) { #expect(isComplete(source) == .invalid) }
}
