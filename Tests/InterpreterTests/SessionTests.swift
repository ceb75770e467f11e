import DataFormats
import Figures
import Interpreter
import Language
import Testing

/// A thing with fields, as lower layers bring them.
private final class Probe: ObjectValue {
  let typeName = "Probe"
  let summary = "Probe of 3 layers"
  let fieldNames = ["layers", "scores"]
  func field(_ name: String) throws -> Value? {
    switch name {
    case "layers": .number(3)
    case "scores": .numbers([0.5, 0.25])
    default: nil
    }
  }
  func fieldSummary(_ name: String) -> String? { name == "layers" ? "how many layers" : nil }
  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    if case .text(let word) = index { return .number(Double(word.count)) }
    guard let number = index.integer, (0..<2).contains(number) else { return nil }
    return .number(Double(number) * 10)
  }
  var count: Int? { 2 }
  func defaultFigure() throws -> (any Figure)? {
    TableFigure(columns: ["layer"], rows: [[.integer(3)]])
  }
}

@Suite struct SessionTests {
  private func texts(_ session: Session, _ source: String) -> [String] {
    session.complete(source, codePoint: source.unicodeScalars.count).matches.map(\.text)
  }

  @Test("Completion knows names, functions, fields, labels, choices and words of a selection")
  func completion() throws {
    let session = Session(version: "test")
    session.run(
      "record = {alpha: 1, beta: {gamma: 2}}\n文本 = \"x\"\ndef mine(first, second) = first")
    session.bind("probe", to: .object(Probe()))
    #expect(texts(session, "rec").first == "record")
    #expect(texts(session, "so").first == "sort")
    #expect(texts(session, "SOR").contains("sort"))
    #expect(texts(session, "ort").contains("sort"))
    #expect(texts(session, "文").first == "文本")
    #expect(texts(session, "record.").prefix(2) == ["alpha", "beta"])
    #expect(texts(session, "record.beta.g").first == "gamma")
    #expect(texts(session, "probe.").prefix(2) == ["layers", "scores"])
    #expect(texts(session, "sort([1], d").first == "descending: ")
    #expect(texts(session, "sort([1], descending: ").prefix(2) == ["true", "false"])
    #expect(texts(session, "show(1, as: \"s").first == "svg")
    #expect(texts(session, "mine(1, sec").first == "second: ")
    #expect(!texts(session, "sort(items: [1], it").contains("items: "))
    #expect(texts(session, "# so").isEmpty)
    #expect(texts(session, "\"so").isEmpty)
    let completions = session.complete("x = \"😀\" + rec", codePoint: 13)
    #expect(completions.codePoints == 10..<13)
    let match = try #require(session.complete("so", codePoint: 2).matches.first)
    #expect(match.kind == "function")
    #expect(match.detail.hasPrefix("sort(items"))
  }

  @Test("Completion of a path lists the folder")
  func paths() throws {
    let folder = try TemporaryFolder()
    let session = Session(version: "test")
    session.run("save([1], \"\(folder.path)/Numbers.json\")")
    #expect(texts(session, "table(\"\(folder.path)/num") == ["\(folder.path)/Numbers.json"])
  }

  @Test("Inspection shows the page of a function, a value, a field and the call around")
  func inspection() {
    let session = Session(version: "test")
    session.bind("probe", to: .object(Probe()))
    session.run("r = {alpha: [1, 2]}")
    #expect(session.inspect("sort", codePoint: 2)?.plainText?.contains("descending") == true)
    #expect(session.inspect("sort([1], ", codePoint: 10)?.plainText?.contains("descending") == true)
    #expect(session.inspect("probe", codePoint: 5)?.plainText?.contains("how many layers") == true)
    #expect(session.inspect("r.alpha", codePoint: 5)?.plainText?.contains("[1, 2]") == true)
    #expect(session.inspect("probe.layers", codePoint: 9)?.plainText?.contains("how many") == true)
    #expect(session.inspect("nosuch", codePoint: 3) == nil)
    #expect(session.inspect("# sort", codePoint: 4) == nil)
  }

  @Test("Completion and inspection answer at every place of a broken cell")
  func everyPlace() {
    let session = Session(version: "test")
    let source = "x = sort([1, 2.]., by: \"a\\(b\" |> f(\"路径/\", 😀: {a: (}"
    for place in -1...(source.unicodeScalars.count + 1) {
      let found = session.complete(source, codePoint: place)
      #expect(found.codePoints.upperBound <= source.unicodeScalars.count)
      _ = session.inspect(source, codePoint: place)
    }
  }

  @Test("Objects have fields, elements, a figure and help for wrong names")
  func objects() {
    let session = Session(version: "test")
    session.bind("probe", to: .object(Probe()))
    #expect(session.run("probe.layers + 1").result == "4")
    #expect(session.run("probe[\"高血压\"]").result == "3")
    #expect(session.run("probe[1]").result == "10")
    #expect(session.run("[x for x in probe]").result == "[0, 10]")
    #expect(session.run("len(probe)").result == "2")
    #expect(session.run("probe.scores.sum()").result == "0.75")
    #expect(session.run("probe.layer").diagnostics.first?.hint == "Did you mean `layers`?")
    #expect(session.run("probe").result?.contains("layer") == true)
    #expect(session.run("\"\\(probe)\"").result == "\"Probe of 3 layers\"")
  }

  @Test("An expression that a client asks for gives its representations")
  func expressions() throws {
    let session = Session(version: "test")
    session.run("a = 20")
    guard case .value(let bundle) = session.evaluateExpression("a + 1", output: Recorder()) else {
      Issue.record("no value")
      return
    }
    #expect(bundle.plainText == "21")
    guard case .failed(let problems) = session.evaluateExpression("b", output: Recorder()) else {
      Issue.record("no failure")
      return
    }
    #expect(problems.first?.code == "unknown-name")
  }

  @Test("Lower layers' errors are told in their own words")
  func adaptedErrors() {
    struct Broken: Error {}
    let failing = FunctionDefinition(
      "fail", group: "Test", summary: "Fails.", parameters: [], result: "nothing"
    ) { _, _ in throw Broken() }
    let catalogue = Catalogue([failing]) { error in
      error is Broken ? FunctionError("It broke.", hint: "Mend it.", code: "broken") : nil
    }
    let run = Session(catalogue: catalogue, version: "test").run("fail()")
    #expect(run.code == "broken")
    #expect(run.message == "It broke.")
    #expect(run.diagnostics.first?.hint == "Mend it.")
  }
}
