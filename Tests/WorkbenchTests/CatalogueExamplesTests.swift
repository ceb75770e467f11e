import Interpreter
import Testing
import Workbench

@Suite struct CatalogueExamplesTests {
  static let functions = Workbench.catalogue.functions.filter { !$0.examples.isEmpty }

  @Test(arguments: functions.map(\.name))
  func examplesRun(name: String) throws {
    let function = try #require(Workbench.catalogue[name])
    for example in function.examples {
      let bench =
        example.source.contains("load(\"specimen")
        ? try Bench("specimen", "specimen-moe", "specimen-biased") : try Bench("all-MiniLM-L6-v2")
      if ["next", "chat", "lens", "generate", "attribute", "faithfulness"].contains(name) {
        try bench.run("load(\"\(fixtures)/llama-deepseek-llm\")")
      }
      if name == "selection" { try bench.run("load(\"\(fixtures)/deepseek-v32\")") }
      // Files that an example names lie in the bench's folder.
      let source = example.source.replacing(
        #/"(?<file>[a-z]+\.[a-z]+)"/#,
        with: { "\"\(bench.folder)/\($0.output.file)\"" }
      ).replacing("\"logs\"", with: "\"\(fixtures)/../Training\"")
      for file in ["words.csv", "words.jsonl", "table.csv", "sentences.txt"] {
        let text = file.hasSuffix("csv") ? "term,field\ncat,animal\n" : #"{"term": "cat"}"# + "\n"
        try write(Array(text.utf8), to: bench.folder + "/" + file)
      }
      let output = try bench.run(source)
      if let result = example.result {
        let shown = output.results.first?.plainText ?? output.standardOutput
        #expect(shown.trimmed == result.trimmed, "\(example.source)")
      }
    }
  }

  @Test func everyFunctionOfTheWorkbenchHasAnExample() {
    for function in Workbench.catalogue.functions {
      #expect(!function.examples.isEmpty, "\(function.name) has no example")
      #expect(function.summary.hasSuffix("."), "\(function.name)")
      for parameter in function.parameters {
        #expect(parameter.summary.hasSuffix("."), "\(function.name): \(parameter.name)")
      }
    }
  }

  @Test func helpKnowsEveryFunction() throws {
    let bench = try Bench()
    let overview = try bench.run("help()")
    let text =
      overview.displays.compactMap(\.plainText).joined() + overview.standardOutput
      + overview.results.compactMap(\.plainText).joined()
    for function in Workbench.catalogue.functions {
      #expect(text.contains(function.name), "help() lacks \(function.name)")
      try bench.run("help(\(function.name))")
    }
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
