import Glibc
import Testing

@testable import Language

/// Trees and diagnostics of whole cells against recorded ones.
@Suite struct ParserTests {
  /// The files as they were before the first test, which `record` writes over.
  static let files = GoldenFile.names.map { (name: $0, file: GoldenFile(name: $0)) }
  static let cases = files.flatMap(\.file.cases)

  static func sections(of source: String) -> (tree: String, diagnostics: String) {
    let result = Parser.parse(source)
    let shown = result.diagnostics.map {
      "[\($0.code)] " + DiagnosticRenderer.render($0, source: source)
    }
    return (TreeDumper.dump(result.program), shown.joined(separator: "\n\n"))
  }

  /// Writes trees and diagnostics anew. The other tests still compare with what was recorded before,
  /// so that a recording run fails for every case that it changes.
  @Test(
    .enabled(
      if: GoldenFile.isRecording, "writes over the recorded files, which VITRINE_RECORD=1 asks for")
  )
  func record() throws {
    for (name, file) in Self.files {
      var file = file
      for index in file.cases.indices {
        let source = try #require(file.cases[index].sections["SOURCE"])
        let (tree, diagnostics) = Self.sections(of: source)
        file.cases[index].sections["TREE"] = tree
        file.cases[index].sections["DIAGNOSTICS"] = diagnostics
      }
      try file.write(name: name)
    }
  }

  @Test func everyFileHasCases() {
    #expect(Set(Self.cases.map(\.file)) == Set(GoldenFile.names))
  }

  @Test(arguments: cases)
  func matchesTheRecord(_ entry: GoldenFile.Case) throws {
    let source = try #require(entry.sections["SOURCE"])
    let (tree, diagnostics) = Self.sections(of: source)
    #expect(tree == entry.sections["TREE"])
    #expect(diagnostics == entry.sections["DIAGNOSTICS"])
  }

  /// Each operator with a stronger one on either side, by rising strength.
  static let levels = [
    ["|>"], ["or"], ["and"], ["==", "!=", "<", "<=", ">", ">=", "in"], ["..<", "..."],
    ["+", "-"], ["*", "/", "%"], ["^"],
  ]

  @Test func strongerOperatorsBindFirst() {
    func flat(_ source: String) -> String {
      TreeDumper.dump(Parser.parse(source).program)
    }
    for (index, level) in Self.levels.enumerated() {
      for weak in level {
        for strong in Self.levels[(index + 1)...].joined() {
          #expect(flat("a \(weak) b \(strong) c") == flat("a \(weak) (b \(strong) c)"))
          #expect(flat("a \(strong) b \(weak) c") == flat("(a \(strong) b) \(weak) c"))
        }
      }
    }
    for left in ["|>", "or", "and", "+", "-", "*", "/", "%"] {
      #expect(flat("a \(left) b \(left) c") == flat("(a \(left) b) \(left) c"))
    }
    #expect(flat("a ^ b ^ c") == flat("a ^ (b ^ c)"))
    #expect(flat("a ** b") == flat("a ^ b"))
    #expect(flat("-a ^ b") == flat("-(a ^ b)"))
    #expect(flat("-a * b") == flat("(-a) * b"))
    #expect(flat("not a == b and c") == flat("(not (a == b)) and c"))
  }

  @Test func rangesCoverWhatWasWritten() throws {
    let source = "词 = f(a + 1)"
    let statement = try #require(Parser.parse(source).program.statements.first)
    #expect(statement.range == SourceRange(0, source.utf8.count))
    guard case .binding(let name, let value) = statement.kind,
      case .call(let callee, let arguments) = value.kind
    else {
      Issue.record("not a binding of a call")
      return
    }
    #expect(name.range == SourceRange(0, 3))
    #expect(value.range == SourceRange(6, 14))
    #expect(callee.range == SourceRange(6, 7))
    #expect(arguments[0].value.range == SourceRange(8, 13))
  }

  @Test func nestingIsBounded() {
    let deep = String(repeating: "(", count: 80) + "1" + String(repeating: ")", count: 80)
    #expect(Parser.parse(deep).diagnostics.isEmpty)
    for source in [
      String(repeating: "(", count: 1 << 20), String(repeating: "\"\\(", count: 1 << 18),
      String(repeating: "[", count: 1 << 18) + String(repeating: "]", count: 1 << 18),
      String(repeating: "-", count: 1 << 18) + "1", "1" + String(repeating: "+1", count: 1 << 18),
      "f" + String(repeating: "()", count: 1 << 18), "x" + String(repeating: ".y", count: 1 << 18),
      String(repeating: "x -> ", count: 1 << 16) + "1", String(repeating: "not ", count: 1 << 16),
      "1" + String(repeating: "^1", count: 1 << 16),
      String(repeating: "if a {} else ", count: 1 << 16) + "{}",
      String(repeating: "for x in ", count: 1 << 16), String(repeating: "if a {", count: 1 << 16),
    ] {
      let result = Parser.parse(source)
      #expect(result.diagnostics.contains { $0.code == "too-deep" }, "\(source.prefix(20))")
    }
  }

  /// A thread with a megabyte of stack is enough for any cell.
  @Test func deepestTreesFitAMegabyteOfStack() {
    final class Outcome: @unchecked Sendable {  // written by one thread, read after it was joined
      var codes: [String] = []
    }
    let outcome = Outcome()
    onThread(stackSize: 1 << 20) {
      let depth = Parser.nestingLimit / 2 - 1
      for (open, close) in [
        ("f(-[", "])"), ("if a { ", " }"), ("for x in [", "] { x }"), ("\"\\(", ")\""),
        ("a |> b or c and not d == 0..<1 + 2 * -3 ^ (", ")"), ("x -> {a: ", "}"),
        ("def f() { ", " }"),
      ] {
        let source =
          String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        let result = Parser.parse(source)
        outcome.codes += result.diagnostics.map { "\(open) \($0.code)" }
        // Comparing and hashing walk the whole tree.
        if Parser.parse(source) != result || result.hashValue != result.hashValue {
          outcome.codes.append("not repeatable")
        }
      }
      for piece in ["+1", "()", ".y", "[0]", " |> f"] {
        _ = Parser.parse("x" + String(repeating: piece, count: Parser.heightLimit - 2)).hashValue
      }
    }
    let expected = outcome.codes.filter { !$0.hasSuffix("too-deep") }
    #expect(expected == [])
  }

  private func onThread(stackSize: Int, _ body: @escaping @Sendable () -> Void) {
    final class Box {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, stackSize)
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, Unmanaged.passRetained(Box(body)).toOpaque())
    #expect(status == 0)
    pthread_join(thread, nil)
    pthread_attr_destroy(&attributes)
  }

  @Test func longInputTakesLinearTime() {
    for piece in [
      "a, ", "f(x\n", "\"abc\n", "）", "$", "(\n x = 1\n", "]", "{", "a b ", "a\n", "\"\"\"",
      "a(b,\n", "é ",
    ] {
      let source = String(repeating: piece, count: (1 << 20) / piece.utf8.count)
      let result = Parser.parse(source)
      #expect(result.diagnostics.count <= Lexer.diagnosticLimit)
    }
  }

  @Test func hugeCellsAreRefused() {
    let result = Parser.parse(String(repeating: " ", count: Lexer.sizeLimit + 1))
    #expect(result.diagnostics.map(\.code) == ["cell-too-large"])
  }
}
