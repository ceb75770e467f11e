import DataFormats
import Tensors
import Testing
import Workbench

/// Two texts through an encoder-decoder with a tokenizer.
@Suite struct PairFunctionsTests {
  /// The tiny gated T5 with the tokenizer of its family.
  private static func bench() throws -> Bench {
    let bench = try Bench("llama-deepseek-llm")
    let folder = bench.folder + "/models/own"
    try copyModel("t5-gated", to: folder)
    let file = try JSON(parsing: try bytes("\(fixtures)/../Tokenizers/unigram.json"))
    try write(
      try #require(file["tokenizer"]).serializedBytes(), to: folder + "/tokenizer.json")
    try write(
      try #require(file["configuration"]).serializedBytes(), to: folder + "/tokenizer_config.json")
    try bench.run("m = load(\"llama-deepseek-llm\")\nt = load(\"own\")")
    return bench
  }

  @Test func aTraceOfTwoTextsHasTheAttentionOfBothStacks() throws {
    let bench = try Self.bench()
    try bench.run("p = trace(\"The cat sat on the mat.\", target: \"The mat\")")
    let sources = Int(try bench.number("len(p.source.ids)"))
    let targets = Int(try bench.number("len(p.target_ids)"))
    #expect(try bench.json("p.target_ids[0]") == 0)
    #expect(try bench.json("p.source.ids[-1]") == 1)
    #expect(try bench.tensor("p.encoder_attentions[2]").shape == [2, sources, sources])
    #expect(try bench.tensor("p.decoder_attentions[1]").shape == [2, targets, targets])
    #expect(try bench.tensor("p.cross_attentions[1]").shape == [2, targets, sources])
    #expect(try bench.tensor("p.logits").shape == [targets, 768])
    #expect(try bench.tensor("p.decoder_hidden_states[2]").shape == [targets, 12])
    #expect(try bench.tensor("p.encoder_hidden_states[3]").shape == [sources, 12])
    #expect(try bench.shown("p").contains("mat"))
    try bench.run("q = trace(ids: p.source.ids, target_ids: p.target_ids)")
    #expect(try bench.tensor("q.logits").floats == bench.tensor("p.logits").floats)
    #expect(
      try bench.failure("trace(\"a\", target: \"b\", target_ids: [0])").message
        == "Give either a target or `target_ids`, not both.")
    try bench.run("save(p, \"\(bench.folder)/p.safetensors\")")
  }

  @Test func crossAttentionIsDrawnFromTargetToSource() throws {
    let bench = try Self.bench()
    let call = "attention(\"The cat sat on the mat.\", target: \"The mat\""
    try bench.run("p = trace(\"The cat sat on the mat.\", target: \"The mat\")")
    try bench.run("a = \(call), kind: \"cross\", layer: 0, head: 1)")
    #expect(try bench.tensor("a.weights").floats == bench.tensor("p.cross_attentions[0][1]").floats)
    #expect(try bench.json("len(a.keys)") == bench.json("len(p.source.ids)"))
    #expect(try bench.shown("a").contains("Cross attention"))
    #expect(try bench.tensor("\(call), kind: \"decoder\").weights").shape[0] > 1)
    try bench.run("\(call), kind: \"cross\", head: \"max\")")
    #expect(
      try bench.failure("\(call))").message
        == "The attention of kind \"weights\" is that of one text, so it takes no target.")
    #expect(try bench.failure("\(call), kind: \"cross\", layer: 2)").code == "out-of-range")
    #expect(
      try bench.failure("attention(\"a\", kind: \"cross\")").code == "missing-argument")
    #expect(
      try bench.failure("trace(\"a\", target: \"b\", using: m)").message
        == "The model \"llama-deepseek-llm\" is one stack of layers: it doesn't read one text and "
        + "write another.")
  }
}
