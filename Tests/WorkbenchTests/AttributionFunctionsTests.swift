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

  /// Where another text is the baseline, tokens that both have did nothing, and the rest is the texts' difference.
  @Test(arguments: ["integrated_gradients", "deeplift", "occlusion", "shapley"])
  func anotherTextIsABaseline(method: String) throws {
    let bench = try Self.bench()
    try bench.run("other = attribute(\"1294\", target: \"7\", method: \"gradient_norm\").value")
    try bench.run(
      "a = attribute(\"1234\", target: \"7\", method: \"\(method)\", baseline: \"1294\", steps: 32, samples: 2)"
    )
    for place in [-4, -3, -1] {
      // The text by itself and batches of changed texts are summed in different orders.
      #expect(abs(try bench.number("a.scores[\(place)]")) < 5e-6)
    }
    let delta = try bench.json("a.delta == none") == true ? 0 : try bench.number("a.delta")
    let difference = try bench.number("a.value - other")
    #expect(abs(difference) > 1e-3)
    #expect(abs(try bench.number("a.scores[-2]") - difference - delta) < 1e-5)
    if method == "integrated_gradients" || method == "deeplift" {
      #expect(abs(try bench.number("a.baseline_value - other")) < 1e-5)
      // Without this the delta would make good for whatever the score is.
      #expect(abs(delta) < 0.01 * abs(difference))
    }
    try bench.run("c = conductance(\"1234\", target: \"7\", baseline: \"1294\", steps: 4)")
    #expect(try bench.number("c.scores[0][-1]") == 0)
  }

  @Test func paddingIsABaseline() throws {
    let bench = try Self.bench()
    func scores(_ baseline: String) throws -> JSON {
      try bench.json(
        "attribute(\"1234\", target: \"7\", method: \"occlusion\", baseline: \"\(baseline)\").scores"
      )
    }
    // The token that this model's configuration names for padding.
    #expect(try scores("padding") == scores("<｜end▁of▁sentence｜>"))
    #expect(try scores("padding") != scores("zero"))
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

  @Test func aWholeAnswerIsExplained() throws {
    let bench = try Self.bench()
    try bench.run(
      "e = explain_answer(\"Once upon a time\", tokens: 3, method: \"input_x_gradient\")")
    let scores = try bench.tensor("e.scores")
    let columns = try #require(try bench.json("e.tokens").array).count
    let rows = try #require(try bench.json("e.rows").array).count
    #expect(scores.shape == [rows, columns])
    // Nothing after a token explains it.
    #expect(scores.row(0)[(columns - rows + 1)...].allSatisfy { $0 == 0 })
    let bundle = try #require(try bench.run("e").results.first)
    #expect(bundle.plainText?.contains("answer") == true)
    #expect(bundle.html?.contains("<img") == true)
    #expect(try bench.json("len(e.table)").integer ?? 0 > 0)
    let path = bench.folder + "/e.safetensors"
    try bench.run("save(e, \"\(path)\")")
    #expect(try Checkpoint(path).names == ["tensor"])
  }

  @Test func conductanceOfEveryLayerAddsUp() throws {
    let bench = try Self.bench()
    try bench.run(
      """
      c = conductance("Once upon a time", steps: 30)
      a = attribute("Once upon a time", steps: 30)
      """)
    #expect(
      try bench.number(
        "max([abs(c.values[i] - (a.value - a.baseline_value) - c.deltas[i]) for i in 0..<len(c.values)])"
      )
        < 1e-4)
    #expect(try bench.run("c").results.first?.html?.contains("layer 0") == true)
  }

  @Test func randomWeightsAreExplainedBeside() throws {
    let bench = try Self.bench()
    try bench.run("a = attribute(\"Once upon a time\", method: \"attn_lrp\", check: true, seed: 3)")
    #expect(abs(try bench.number("a.random_weights")) <= 1)
    let page = try #require(try bench.run("a").results.first?.html)
    #expect(page.contains("Random weights") && page.contains("deletion area"))
    try bench.run("f = faithfulness(a)")
    for name in ["deletion_area", "insertion_area"] {
      #expect(try bench.number("a.faithfulness.\(name)") == bench.number("f.\(name)"))
    }
    #expect(
      try bench.json(
        "attribute(\"Once upon a time\", method: \"attn_lrp\", check: true, seed: 3).random_weights == a.random_weights"
      ) == true)
    #expect(
      try bench.json("attribute(\"Once\", method: \"occlusion\").random_weights == none") == true)
    #expect(
      try bench.json("attribute(\"Once\", method: \"occlusion\").faithfulness == none") == true)
  }

  @Test func whatCannotBeExplainedSaysSo() throws {
    let bench = try Self.bench()
    #expect(try bench.failure("attribute(\"a\", method: \"magic\")").message.contains("magic"))
    let specimen = try Bench("specimen")
    let unpadded = try specimen.failure("attribute(\"a\", baseline: \"padding\")")
    #expect(unpadded.message.contains("names no token for padding"))
    let unequal = try bench.failure("attribute(\"12\", baseline: \"123\", method: \"occlusion\")")
    #expect(unequal.message.contains("are explained"))
    #expect(unequal.code == "wrong-value")
    #expect(try bench.failure("attribute(\"a\", target: \"\")").message.contains("character"))
    let encoder = try Bench("all-MiniLM-L6-v2")
    try encoder.run("load(\"all-MiniLM-L6-v2\")")
    #expect(try encoder.failure("attribute(\"a\")").code == "not-causal")
  }
}
