import Checkpoints
import DataFormats
import Testing

/// Why a decoder says what it says, through the language.
@Suite struct AttributionFunctionsTests {
  private static func bench() throws -> Bench {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run("load(\"llama-deepseek-llm\")")
    return bench
  }

  @Test func namesTheScoresOfAPieceOfTheText() throws {
    let bench = try Self.bench()
    try bench.run("a = attribute(\"患者患有高血压，需要\", method: \"occlusion\")")
    #expect(try bench.json("len(a.scores) == len(a.tokens)") == true)
    #expect(
      try bench.json(
        "abs(a[\"高血压\"].sum() - attribute(\"患者患有高血压，需要\", method: \"occlusion\")[\"高血压\"].sum()) < 1e-9"
      )
        == true)
    #expect(try bench.json("a.delta == none") == true)
  }

  @Test func integratedGradientsTellHowCompleteTheyAre() throws {
    let bench = try Self.bench()
    try bench.run("a = attribute(\"Once upon a time\", steps: 20)")
    #expect(
      try bench.number("abs(a.scores.sum() - (a.value - a.baseline_value) - a.delta)") < 1e-6)
    #expect(try bench.json("a.steps") == 20)
    let bundle = try #require(try bench.run("a").results.first)
    #expect(bundle.plainText?.contains("delta") == true)
    #expect(bundle.html?.contains("depends on the baseline") == true)
  }

  @Test func wordsAndTokensAddUpToTheSame() throws {
    let bench = try Self.bench()
    try bench.run(
      "a = attribute(\"Once upon a time\", method: \"shapley\", by: \"word\", samples: 2)")
    #expect(try bench.number("abs(a.words.score.sum() - a.scores.sum())") < 1e-9)
  }

  @Test func isSavedUnderItsNames() throws {
    let bench = try Self.bench()
    let path = bench.folder + "/a.safetensors"
    try bench.run("save(attribute(\"Once upon a time\", steps: 4), \"\(path)\")")
    let file = try Checkpoint(path)
    #expect(Set(file.names) == ["scores", "gradient", "delta"])
  }

  @Test func contrastsAndFaithfulness() throws {
    let bench = try Self.bench()
    try bench.run(
      "a = attribute(\"Once upon a\", target: \"t\", against: \"s\", method: \"occlusion\")")
    try bench.run("f = faithfulness(a)")
    #expect(try bench.json("len(f.deletion) == len(a.scores) + 1") == true)
    #expect(try bench.run("f").results.first?.html?.contains("<img") == true)
  }

  @Test func whatCannotBeExplainedSaysSo() throws {
    let bench = try Self.bench()
    #expect(try bench.failure("attribute(\"a\", method: \"magic\")").message.contains("magic"))
    #expect(try bench.failure("attribute(\"a\", baseline: \"one two\")").message.contains("tokens"))
    #expect(try bench.failure("attribute(\"a\", target: \"\")").message.contains("character"))
    let encoder = try Bench("all-MiniLM-L6-v2")
    try encoder.run("load(\"all-MiniLM-L6-v2\")")
    #expect(try encoder.failure("attribute(\"a\")").code == "not-causal")
  }
}
