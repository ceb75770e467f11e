import Interpreter
import Language
import Testing

@Suite struct EvaluatorTests {
  @Test(
    "Expressions give the values that people expect",
    arguments: [
      ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("2 ^ 10", "1024"), ("7 % 3", "1"),
      ("-7 % 3", "2"), ("0.1 + 0.2", "0.3"), ("10 / 4", "2.5"), ("-2 ^ 2", "-4"),
      ("1e20", "1e20"), ("1 / 3", "0.333333333333333"), ("123456789", "123456789"),
      ("\"a\" + \"b\"", "\"ab\""), ("\"ab\" * 2", "\"abab\""), ("[1, 2] + [3]", "[1, 2, 3]"),
      ("[0] * 3", "[0, 0, 0]"), ("{a: 1}.a", "1"), ("{a: 1, \"b c\": 2}[\"b c\"]", "2"),
      ("{a: 1} + {a: 2, b: 3}", "{a: 2, b: 3}"),
      ("1 < 2 and not false", "true"), ("1 == 1.0", "true"), ("\"a\" < \"b\"", "true"),
      ("[1, 2] == [1, 2]", "true"), ("{a: 1, b: 2} == {b: 2, a: 1}", "true"),
      ("2 in [1, 2]", "true"), ("\"b\" in \"abc\"", "true"), ("3 in 0..<3", "false"),
      ("\"a\" in {a: 1}", "true"), ("not (1 in [2])", "true"),
      ("[1, 2, 3][-1]", "3"), ("[1, 2, 3][0..<2]", "[1, 2]"), ("[1, 2, 3][1...9]", "[2, 3]"),
      ("[1, 2, 3, 4][1..<-1]", "[2, 3]"), ("[1, 2, 3][-2...-1]", "[2, 3]"),
      ("\"高血压\"[0]", "\"高\""), ("\"高血压\"[-1]", "\"压\""),
      ("split(\"aabaab\", \"aab\")", "[\"\", \"\", \"\"]"),
      ("join(split(\"a--b\", \"--\"), \"+\")", "\"a+b\""), ("\"高血压\"[1...2]", "\"血压\""),
      ("(5..<9)[1]", "6"),
      ("0..<3", "0...2"), ("3..<3", "3..<3"), ("[x * x for x in 1...3]", "[1, 4, 9]"),
      ("[x for x in 0..<10 if x % 2 == 0]", "[0, 2, 4, 6, 8]"),
      ("[a + b for a, b in zip([1, 2], [10, 20])]", "[11, 22]"),
      ("for x in [1, 2] { x + 1 }", "[2, 3]"), ("if 1 > 2 { 1 } else { 2 }", "2"),
      ("(x -> x + 1)(2)", "3"), ("((x, y) -> x * y)(2, 3)", "6"),
      ("[3, 1, 2] |> sort |> reverse", "[3, 2, 1]"), ("[3, 1, 2].sort().first()", "1"),
      ("[1, 2] |> map(x -> x * 2)", "[2, 4]"), ("\"n = \\(1 + 1)\"", "\"n = 2\""),
      ("True and not False", "true"), ("True == true", "true"), ("None == none", "true"),
      ("all", "all"), ("max([1, 5, 2])", "5"), ("mean([1, 2])", "1.5"),
      ("{\"a\": {\"b\": [1, 2]}}.a.b[1]", "2"),
      ("[1, \"a\", none, true]", "[1, \"a\", none, true]"),
      ("{f: x -> x + 1}.f(2)", "3"), ("1 == \"1\"", "false"),
    ])
  func expressions(source: String, expected: String) {
    #expect(result(source) == expected)
  }

  @Test("Statements bind, define and close over names")
  func statements() {
    let session = Session(version: "test")
    #expect(session.run("a = 2").result == nil)
    #expect(session.run("a = 2\nb = a * 3\nb").result == "6")
    #expect(session.run("b;").result == nil)
    #expect(session.run("def f(x, y: a) = x * y").result == nil)
    #expect(session.run("f(5)").result == "10")
    #expect(session.run("f(5, y: 3)").result == "15")
    #expect(session.run("f(y: 3, x: 2)").result == "6")
    #expect(session.run("def adder(n) = x -> x + n\nplus = adder(10)\nplus(1)").result == "11")
    #expect(
      session.run("def fact(n) { if n <= 1 { 1 } else { n * fact(n - 1) } }\nfact(10)").result
        == "3628800")
    #expect(session.run("total = 0\nfor i in 1...4 { total = total + i }\ntotal").result == "10")
    #expect(session.run("if true { inside = 1 }\ninside").result == "1")
    #expect(
      session.run("def local() { hidden = 1\nhidden }\nlocal()\nhidden").code == "unknown-name")
    #expect(session.run("fs = [() -> i for i in 0..<3]\n[f() for f in fs]").result == "[0, 1, 2]")
    #expect(session.run("for i in 0..<3 { print(i) }").result == nil)
  }

  @Test("A turn's own variable is gone after the loop, what its block binds is not")
  func loopScope() {
    let session = Session(version: "test")
    session.run("for item in [1, 2] { found = item }")
    #expect(session.run("found").result == "2")
    #expect(session.run("item").code == "unknown-name")
  }

  @Test("A failing statement leaves what was bound before")
  func bindingsStand() {
    let session = Session(version: "test")
    let run = session.run("a = 1\nb = missing\nc = 3")
    #expect(run.code == "unknown-name")
    #expect(session.run("a").result == "1")
    #expect(session.run("c").code == "unknown-name")
  }

  @Test("A cell with mistakes is not run, and all are told")
  func severalMistakes() {
    let session = Session(version: "test")
    let run = session.run("a = 5\nb = (1 + \nc = [1, 2")
    #expect(!run.diagnostics.isEmpty)
    #expect(session.run("a").code == "unknown-name")
  }

  @Test("Endless recursion is a diagnostic")
  func recursion() {
    let session = Session(version: "test")
    let run = session.run("def f(n) = f(n + 1)\nf(0)")
    #expect(run.code == "recursion-limit")
    #expect(run.diagnostics.first?.notes.count == 1)
    #expect(session.run("g = x -> map([x], g)\ng(1)").code == "recursion-limit")
    #expect(session.run("1 + 1").result == "2")
  }

  @Test(
    "Values can't outgrow memory or the stack",
    arguments: [
      "for i in 0..<1000000000 { i }",
      "list(0..<1000000000000)",
      "[0] * 100000000",
      "x = [1]\nfor i in 0..<60 { x = [x, x]\n}",
      "x = [1]\nfor i in 0..<100000 { x = [x]\n}",
      "x = {a: 1}\nfor i in 0..<100000 { x = {a: x}\n}",
      "s = \"aaaaaaaa\"\nfor i in 0..<60 { s = s + s\n}",
      "[[0] * 1000000 for i in 0..<1000]",
      "map(0..<1000, i -> [0] * 1000000)",
      "sum(0..<1000000000000)",
    ])
  func tooLarge(source: String) {
    let run = Session(version: "test").run(source)
    #expect(run.code == "too-large" || run.code == "too-deep")
  }

  @Test("Long chains of closures are released without harm")
  func closureChain() {
    let session = Session(version: "test")
    let run = session.run(
      "def wrap(f) = x -> f\nf = 0\nfor i in 0..<200000 { f = wrap(f)\n}\nf = 0")
    #expect(run.diagnostics.isEmpty)
    #expect(session.run("f").result == "0")
  }

  @Test(
    "Deep nesting inside of deep recursion stays within the stack",
    arguments: [
      ("[", "]"), ("first([", "])"), ("-(", ")"), ("if true { ", " }"), ("map([1], x -> ", ")"),
      ("{a: ", "}.a"), ("(x -> ", ")(1)"), ("[y for y in ", "]"), ("[1, 2] |> map(y -> ", ")"),
    ])
  func deepNesting(open: String, close: String) {
    for depth in [1, 25] {
      let nested =
        String(repeating: open, count: depth) + "f(n + 1)" + String(repeating: close, count: depth)
      let run = Session(version: "test").run("def f(n) = \(nested)\nf(0)")
      #expect(run.code == "recursion-limit", "\(run.message)")
    }
  }

  @Test("Ranges are lazy")
  func lazyRanges() {
    #expect(result("len(0..<1000000000000)") == "1000000000000")
    #expect(result("(0..<1000000000000)[-1]") == "999999999999")
    #expect(result("500 in 0..<1000000000000") == "true")
  }

  @Test(
    "Tensors compute element by element with broadcasting",
    arguments: [
      ("tensor([1, 2]) + 1", "Tensor [2] f32: 2, 3"),
      ("10 - tensor([1, 2])", "Tensor [2] f32: 9, 8"),
      ("tensor([[1, 2], [3, 4]]) * tensor([10, 100])", "Tensor [2, 2] f32: 10, 200, 30, 400"),
      (
        "tensor([[1], [2]]) + tensor([10, 20, 30])", "Tensor [2, 3] f32: 11, 21, 31, 12, 22, 32"
      ),
      ("-tensor([1, -2])", "Tensor [2] f32: -1, 2"),
      ("tensor([1, 2, 3]) > 1", "Tensor [3] f32: 0, 1, 1"),
      ("tensor([[1, 2], [3, 4]])[1][0]", "3"),
      ("tensor([[1, 2], [3, 4], [5, 6]])[0...1].shape", "[2, 2]"),
      ("tensor([[1, 2], [3, 4]])[-1]", "Tensor [2] f32: 3, 4"),
      ("tensor([1, 2, 3]).sum()", "6"),
      ("sum(tensor([[1, 2], [3, 4]]), axis: 0)", "Tensor [2] f32: 4, 6"),
      ("mean(tensor([[1, 2], [3, 4]]), axis: -1)", "Tensor [2] f32: 1.5, 3.5"),
      ("max(tensor([[1, 2], [3, 4]]), axis: 1)", "Tensor [2] f32: 2, 4"),
      ("tensor([1, 4]) |> sqrt", "Tensor [2] f32: 1, 2"),
      ("tensor([[1, 2], [3, 4]]).dtype", "\"f32\""),
      ("list(tensor([[1, 2], [3, 4]]))", "[[1, 2], [3, 4]]"),
      ("tensor(2) * 3", "Tensor [] f32: 6"),
    ])
  func tensors(source: String, expected: String) {
    let run = Session(version: "test").run(source)
    #expect(run.result == expected, "\(run.message)")
  }

  @Test("An override takes the place of a param's value")
  func parameters() {
    let session = Session(version: "test")
    let overrides = ParameterOverrides(
      texts: [("layer", "3"), ("text", "高血压"), ("names", "[\"a\", 2]"), ("other", "1")])
    let run = session.run(
      "param layer = 0 \"which\"\nparam text = \"x\"\nparam names = []\nparam free = -1\n[layer, text, names, free]",
      parameters: overrides)
    #expect(run.result == "[3, \"高血压\", [\"a\", 2], -1]")
    #expect(overrides.unusedNames == ["other"])
  }

  @Test("A loop is interrupted from another thread, and the session goes on")
  func interrupt() async {
    for source in [
      "kept = 1\nfor i in 0..<1000000000 { x = i\n}",
      "kept = 1\n[i for i in 0..<1000000000 if false]",
      "kept = 1\ndef f(n) { if n > 300 { 0 } else { f(n + 1) + f(n + 1) } }\nf(0)",
      "kept = 1\nfilter(0..<9000000, x -> sum(map(0..<1000, y -> y)) < 0)",
    ] {
      let session = Session(version: "test")
      let run = await withCheckedContinuation { continuation in
        Task.detached {
          continuation.resume(returning: session.run(source))
        }
        Task.detached {
          while session.value(of: "kept") == nil { await Task.yield() }
          session.interrupt()
        }
      }
      #expect(run.isInterrupted)
      #expect(session.run("kept").result == "1")
    }
  }

  @Test("A text's characters are counted as people see them")
  func characters() {
    let session = Session(version: "test")
    #expect(session.run("\"e\u{301}😀x\"[1]").result == "\"😀\"")
    let source = "\"高血压\"[3]"
    let run = session.run(source)
    #expect(run.code == "out-of-range")
    #expect(place(run.diagnostics.first, in: source) == "3")
  }

  @Test("Cells of several threads share the names")
  func subshells() async {
    let session = Session(version: "test")
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<8 {
        group.addTask { session.run("for i in 0..<200 { v\(index) = i\n}") }
      }
    }
    #expect(session.run("v0 + v1 + v2 + v3 + v4 + v5 + v6 + v7").result == "1592")
  }

  @Test("A name that a function's own scope keeps is released after the call")
  func localRecursion() {
    let session = Session(version: "test")
    let source =
      "def outer(n) { def inner(k) { if k == 0 { 0 } else { inner(k - 1) } }\ninner(n) }\nsum([outer(3) for i in 0..<1000])"
    #expect(session.run(source).result == "0")
  }
}
