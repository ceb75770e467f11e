import DataFormats
import Testing

/// Writing on from a text, through the language.
@Suite struct GenerationFunctionsTests {
  private static func bench() throws -> Bench {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run("load(\"llama-deepseek-llm\")")
    return bench
  }

  @Test func writesWhatAGreedyReaderExpects() throws {
    let bench = try Self.bench()
    try bench.run("g = generate(\"Once upon a\", tokens: 5)")
    try bench.run("first = next(\"Once upon a\", top: 1)")
    #expect(try bench.json("len(g.ids)") == 5)
    #expect(try bench.json("g.ids[0] == first.ids[0]") == true)
    #expect(try bench.number("abs(g.probabilities[0] - first.probabilities[0])") < 1e-5)
    #expect(try bench.text("g.ending") == "length")
  }

  @Test func theSeedDecidesWhatIsDrawn() throws {
    let bench = try Self.bench()
    try bench.run(
      "def ids(seed, k) = generate(\"Once\", tokens: 12, temperature: 1.5, top_k: k, seed: seed).ids"
    )
    #expect(try bench.json("ids(3, none) == ids(3, none)") == true)
    #expect(try bench.json("ids(3, none) == ids(4, none)") == false)
    #expect(try bench.json("ids(4, 1) == generate(\"Once\", tokens: 12).ids") == true)
  }

  @Test func theViewTellsProbabilitiesAndAlternatives() throws {
    let bench = try Self.bench()
    let bundle = try #require(
      try bench.run("generate(\"患者患有高血压\", tokens: 3)").results.first)
    #expect(bundle.plainText?.contains("3 tokens, ended by: length") == true)
    #expect(bundle.html?.contains("could be:") == true)
  }

  @Test func whatCannotWriteSaysSo() throws {
    let encoder = try Bench("all-MiniLM-L6-v2")
    try encoder.run("load(\"all-MiniLM-L6-v2\")")
    #expect(try encoder.failure("generate(\"a\")").code == "not-causal")
    let decoder = try Self.bench()
    #expect(try decoder.failure("generate()").code == "missing-argument")
    #expect(try decoder.failure("generate(\"a\", ids: [1])").message.contains("not both"))
  }
}
