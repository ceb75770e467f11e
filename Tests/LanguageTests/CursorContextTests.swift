import Testing

@testable import Language

/// What is found at a cursor, which the samples mark with `‸`.
@Suite struct CursorContextTests {
  private func context(_ marked: String) -> CursorContext {
    let parts = marked.components(at: "‸")
    return CursorContext.at(parts[0].utf8.count, in: parts.joined())
  }

  private func summary(_ marked: String) -> String {
    let context = context(marked)
    var result: String
    switch context.place {
    case .name: result = "name"
    case .member(_, let text): result = "member of \(text)"
    case .newName: result = "new name"
    case .text: result = "text"
    case .comment: result = "comment"
    case .nothing: result = "nothing"
    }
    result += " '\(context.prefix)' \(context.replacement.lower)-\(context.replacement.upper)"
    guard let call = context.call else { return result }
    result += " in \(call.function)"
    switch call.receiver {
    case .pipe(_, let text): result += " of piped \(text)"
    case .member(_, let text): result += " of \(text)"
    case nil: break
    }
    switch call.argument {
    case .label(let label): result += " value of \(label)"
    case .position(let position): result += " position \(position)"
    }
    if call.acceptsLabel { result += " or label" }
    if !call.labels.isEmpty { result += " given \(call.labels.joined(separator: ","))" }
    return result
  }

  static let samples: [(String, String)] = [
    ("‸", "name '' 0-0"),
    ("att‸", "name 'att' 0-3"),
    ("att‸ention(x)", "name 'att' 0-9"),
    ("词‸", "name '词' 0-3"),
    ("x = att‸\ny = 2", "name 'att' 4-7"),
    ("m.‸", "member of m '' 2-2"),
    ("m.la‸", "member of m 'la' 2-4"),
    ("f(a)[0].b.c‸ + 1", "member of f(a)[0].b 'c' 10-11"),
    ("x = \"a b\".si‸", "member of \"a b\" 'si' 10-12"),
    ("x |> f().g‸", "member of f() 'g' 9-10"),
    ("1 + (a + b).c‸", "member of (a + b) 'c' 12-13"),
    ("# not‸e", "comment '' 5-5"),
    ("x = 12‸", "nothing '' 6-6"),
    ("def sh‸", "new name 'sh' 4-6"),
    ("param to‸", "new name 'to' 6-8"),
    ("for te‸", "new name 'te' 4-6"),
    ("for t in te‸", "name 'te' 9-11"),
    ("attention(‸", "name '' 10-10 in attention position 0 or label"),
    ("attention(text, ‸)", "name '' 16-16 in attention position 1 or label"),
    ("attention(text, la‸)", "name 'la' 16-18 in attention position 1 or label"),
    ("attention(text, layer: ‸)", "name '' 23-23 in attention value of layer given layer"),
    (
      "attention(text, layer: al‸, head: 1)",
      "name 'al' 23-25 in attention value of layer given layer,head"
    ),
    ("attention(text, la‸yer: 1)", "name 'la' 16-21 in attention position 1 or label given layer"),
    ("attention(a + ‸)", "name '' 14-14 in attention position 0"),
    ("attention(a + b‸)", "name 'b' 14-15 in attention position 0"),
    ("attention(text)‸", "name '' 15-15"),
    ("f(g(1, ‸), 2)", "name '' 7-7 in g position 1 or label"),
    ("f(g(1), ‸", "name '' 8-8 in f position 1 or label"),
    ("f([1, ‸", "name '' 6-6 in f position 0"),
    ("f({a: ‸", "name '' 6-6 in f position 0"),
    ("text |> attribute(‸", "name '' 18-18 in attribute of piped text position 0 or label"),
    ("y = a.b |> f() |> g(1, me‸)", "name 'me' 23-25 in g of piped a.b |> f() position 1 or label"),
    ("text\n  |> attribute(ta‸", "name 'ta' 20-22 in attribute of piped text position 0 or label"),
    ("x = 1\ntext |> f(‸", "name '' 16-16 in f of piped text position 0 or label"),
    ("words.project(‸", "name '' 14-14 in project of words position 0 or label"),
    ("load(\"deep‸", "text 'deep' 6-10 in load position 0"),
    ("load(\"deep‸seek\")", "text 'deep' 6-10 in load position 0"),
    ("p(x, method: \"ts‸\")", "text 'ts' 14-16 in p value of method given method"),
    ("\"‸\"", "text '' 1-1"),
    ("\"a\"‸", "name '' 3-3"),
    ("\"a \\(na‸) b\"", "name 'na' 5-7"),
    ("\"a \\(na‸", "name 'na' 5-7"),
    ("f(\"a \\(g(‸", "name '' 9-9 in g position 0 or label"),
    ("f(\"a \\(‸", "name '' 7-7"),
    ("\"a \\(b) c‸\"", "text ' c' 7-9"),
    ("f(a\nx = ‸", "name '' 8-8"),
    ("f(a,\n  ‸", "name '' 7-7 in f position 1 or label"),
    ("def f(a) = g(‸", "name '' 13-13 in g position 0 or label"),
    ("for x in xs { show(x, ‸) }", "name '' 22-22 in show position 1 or label"),
    ("attention（text，‸", "name '' 19-19 in attention position 1 or label"),
  ]

  @Test(arguments: samples) func finds(_ marked: String, _ expected: String) {
    #expect(summary(marked) == expected)
  }

  @Test func acceptsAnyOffset() {
    let source = "词 |> f(\"好\\(x)\", a: [1])\n# é"
    for offset in -3...source.utf8.count + 3 {
      let context = CursorContext.at(offset, in: source)
      #expect(context.replacement.lower <= context.replacement.upper)
      #expect(context.replacement.upper <= source.utf8.count)
    }
    #expect(CursorContext.at(codePoint: 1, in: source).prefix == "词")
  }
}

extension String {
  /// The pieces between a mark.
  func components(at mark: Character) -> [String] {
    split(separator: mark, omittingEmptySubsequences: false).map(String.init)
  }
}
