import Interpreter
import Testing

@Suite struct CatalogueTests {
  private static let catalogue = Catalogue(Catalogue.builtins)

  private struct ExampleCase: Sendable {
    var source: String
    var expected: String?
  }

  @Test("Every example runs and gives what it says", arguments: catalogue.functions.map(\.name))
  func examples(name: String) throws {
    let definition = try #require(Self.catalogue[name])
    #expect(!definition.examples.isEmpty)
    #expect(definition.summary.hasSuffix("."))
    for example in definition.examples where !example.needsResources {
      let run = Session(version: "test").run(example.source)
      #expect(run.diagnostics.isEmpty, "\(example.source): \(run.message)")
      if let expected = example.result { #expect(run.result == expected) }
      #expect(example.source.contains(name))
    }
  }

  @Test("A name is described once, and the reference tells all")
  func reference() {
    let names = Catalogue.builtins.map(\.name)
    #expect(Set(names).count == names.count)
    let page = Self.catalogue.referenceMarkdown()
    for function in Self.catalogue.functions {
      #expect(page.contains("### \(function.name)"))
      for parameter in function.parameters { #expect(page.contains("`\(parameter.name)`")) }
    }
  }

  @Test("Help explains functions, names and values; `?` opens the pager")
  func help() {
    let session = Session(version: "test")
    #expect(session.run("help()").result?.contains("sort") == true)
    #expect(session.run("help(sort)").result?.contains("descending") == true)
    #expect(session.run("help(\"sort\")").result?.contains("descending") == true)
    #expect(session.run("help(\"srot\")").code == "unknown-name")
    #expect(session.run("help(last)").result?.contains("last") == true)
    let run = session.run("r = {depth: 3}\nr?")
    #expect(run.result == nil)
    #expect(run.output.pages.first?.plainText?.contains("depth") == true)
  }

  @Test("Output functions reach the sink")
  func output() {
    let session = Session(version: "test")
    let run = session.run(
      "print(1, \"a\", [2])\nwarn(\"careful\")\nshow(5)\nclear()\ninput(\"name? \")", answer: "Ada")
    #expect(run.printed == "1 a [2]\n")
    #expect(run.output.standardError == "careful\n")
    #expect(run.output.displays.first?.plainText == "5")
    #expect(run.output.clears == 1)
    #expect(run.result == "\"Ada\"")
    let picture = session.run("show(table([{a: 1}]), as: \"svg\")").output.displays.first
    #expect(picture?.data["image/svg+xml"]?.string?.hasPrefix("<svg") == true)
  }

  @Test("Results carry their provenance")
  func provenance() {
    let bundle = Session(version: "1.2").run("x = 3\nx + 1").bundle
    #expect(bundle?.metadata["vitrine"]?["call"]?.string == "x + 1")
    #expect(bundle?.metadata["vitrine"]?["version"]?.string == "1.2")
    let table = Session(version: "1.2").run("table([{a: 1}])").bundle
    #expect(table?.metadata["vitrine"]?["call"]?.string == "table([{a: 1}])")
  }

  @Test("Selections choose indices and refuse those outside")
  func selections() throws {
    #expect(try Selection(.number(-1))?.indices(count: 6, parameter: "layer") == [5])
    #expect(
      try Selection(.range(RangeValue(0..<3)))?.indices(count: 6, parameter: "layer") == [0, 1, 2])
    #expect(try Selection(.selector(.all))?.indices(count: 2, parameter: "layer") == [0, 1])
    #expect(try Selection(.selector(.last))?.indices(count: 2, parameter: "layer") == [1])
    #expect(throws: ArgumentError.self) {
      try Selection(.number(6))?.indices(count: 6, parameter: "layer")
    }
    #expect(Selection(.text("abc")) == nil)
    let probe = FunctionDefinition(
      "probe", group: "Test", summary: "Tells its selection.",
      parameters: [
        ParameterDefinition("layer", .selection(), default: .selector(.last), "Which layers."),
        ParameterDefinition("trace", .textOrObject("Trace"), default: .text(""), "A text."),
      ], result: "a Text"
    ) { arguments, _ in
      let selection = try arguments.selection("layer")
      let chosen = try selection?.indices(count: 6, parameter: "layer") ?? []
      return .text(selection?.word ?? "\(chosen)")
    }
    let session = Session(catalogue: Catalogue(Catalogue.builtins + [probe]), version: "test")
    #expect(session.run("probe()").result == "\"last\"")
    #expect(session.run("probe(mean)").result == "\"mean\"")
    #expect(session.run("probe(layer: all)").result == "\"all\"")
    #expect(session.run("probe(0...2)").result == "\"[0, 1, 2]\"")
    let source = "probe(layer: 9)"
    let outside = session.run(source)
    #expect(outside.message.contains("0…5"))
    #expect(place(outside.diagnostics.first, in: source) == "9")
    #expect(
      session.run("probe(\"abc\")").message
        == "`layer` of `probe` takes a whole number, a range, a list of whole numbers, `all`, `last`, `mean` or `max`, not the text \"abc\"."
    )
    #expect(session.run("probe(trace: 3)").message.contains("takes a text or a Trace"))
  }
}
