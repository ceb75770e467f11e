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

  @Test func aReaderWritesWhatItFindsLikeliest() throws {
    let bench = try Self.bench()
    let output = try bench.run("g = generate(\"The cat sat on the mat.\", tokens: 6)")
    #expect(output.progress.contains("Writing"))
    try bench.run("p = next(\"The cat sat on the mat.\", top: 3)")
    #expect(try bench.json("g.ids[0] == p.ids[0]") == true)
    #expect(try bench.number("abs(g.probabilities[0] - p.probabilities[0])") < 1e-6)
    try bench.run("q = next(\"The cat sat on the mat.\", target_ids: [0] + g.ids[0..<3], top: 3)")
    #expect(try bench.json("g.ids[3] == q.ids[0]") == true)
    #expect(try bench.number("abs(g.logits[3] - q.logits[0])") < 1e-4)
    try bench.run(
      "r = next(\"The cat sat on the mat.\", target_ids: [0] + g.ids[0..<3], top: 3, position: 1)")
    #expect(try bench.json("g.ids[1] == r.ids[0]") == true)
    try bench.run("s = next(\"The cat sat on the mat.\", target: \"The mat\", top: 2)")
    let row = try bench.tensor(
      "trace(\"The cat sat on the mat.\", target: \"The mat\").logits[-1]"
    ).floats
    #expect(try bench.number("s.logits[0]") == Double(row.max() ?? 0))
    #expect(try bench.text("g.prompt") == "The cat sat on the mat.")
    #expect(try bench.text("g.all") == "The cat sat on the mat.\n" + bench.text("g.text"))
    #expect(try bench.shown("g").contains("ended by"))
    #expect(try bench.shown("p").contains("token 0"))
    #expect(
      try bench.json("generate(trace(\"The cat sat on the mat.\"), tokens: 6).ids == g.ids") == true
    )
    #expect(
      try bench.failure("next(\"a\", target: \"b\", using: m)").code == "no-decoder")
  }

  @Test func whatIsReadIsExplained() throws {
    let bench = try Self.bench()
    try bench.run("t = trace(\"The cat sat on the mat.\")")
    for method in [
      "gradient_norm", "input_x_gradient", "smoothgrad", "occlusion", "shapley", "attn_lrp",
      "conserving_lrp", "deeplift",
    ] {
      try bench.run(
        "a = attribute(\"The cat sat on the mat.\", target: \"mat\", method: \"\(method)\", samples: 4)"
      )
      #expect(try bench.json("len(a.scores) == len(t.ids)") == true)
    }
    try bench.run("a = attribute(t, target: \"The mat\", steps: 8, check: true)")
    #expect(try bench.number("a.steps") == 8)
    #expect(try bench.shown("a").contains("Integrated gradients"))
    #expect(try bench.number("abs(a[\"cat\"].sum())") >= 0)
    try bench.run("faithfulness(a)")
    try bench.run("b = attribute(t, method: \"occlusion\")")
    #expect(try bench.number("b.probability - next(t, top: 1).probabilities[0]") == 0)
    for call in ["explain_answer(\"The cat sat.\")", "conductance(\"The cat sat.\")"] {
      let failure = try bench.failure(call)
      #expect(failure.message.hasSuffix("reads one text and writes another."))
      #expect(failure.hint == "`attribute` explains a token that it writes.")
    }
    let failure = try bench.failure("attribute(t, method: \"attention_relevance\")")
    #expect(failure.code == "no-gradient")
    #expect(
      failure.message
        == "Attention relevance follows one stack of layers, and \"own\" has two: it reads one text and writes another."
    )
  }

  @Test(arguments: [
    ("patch(\"The cat\", \"The dog\", using: t)", "patch"),
    ("ablate(\"The cat\", using: t)", "ablate"),
    ("contributions(\"The cat\", using: t)", "contributions"),
  ]) func whatNeedsADecoderSaysSo(call: String, function: String) throws {
    let bench = try Self.bench()
    let failure = try bench.failure(call)
    #expect(
      failure.message
        == "`\(function)` needs a decoder, which says what follows a text: \"own\" is an encoder-decoder, which reads one "
        + "text and writes another.")
    #expect(
      failure.hint
        == "Models of Llama's, Qwen's, GPT-2's and DeepSeek's architectures are decoders.")
    #expect(failure.code == "not-causal")
  }

  @Test func whatCannotBeTrainedSaysSo() throws {
    let bench = try Self.bench()
    let failure = try bench.failure("train(t, [\"The cat sat.\"], steps: 1)")
    #expect(
      failure.message
        == "`train` trains decoders of the model types llama, qwen2, qwen3 and deepseek_v3: \"own\" is of the type t5."
    )
    #expect(
      failure.hint == "load(\"specimen\") gives one of them." && failure.code == "not-trainable")
  }

  @Test func aGapOfATextIsExplained() throws {
    let bench = try Bench("bert-masked")
    let folder = bench.folder + "/models/own"
    try copyModel("bert-masked", to: folder)
    let file = try JSON(parsing: try bytes("\(fixtures)/../Tokenizers/word-piece.json"))
    try write(
      try #require(file["tokenizer"]).serializedBytes(), to: folder + "/tokenizer.json")
    try write(
      try #require(file["configuration"]).serializedBytes(), to: folder + "/tokenizer_config.json")
    // As many pieces as the model has vectors.
    try edit(folder + "/tokenizer.json") { tokenizer in
      var model = tokenizer["model"]?.object ?? JSONObject()
      let pieces = model["vocab"]?.object?.members ?? []
      model["vocab"] = .object(JSONObject(members: pieces.filter { ($0.value.integer ?? 0) < 120 }))
      tokenizer["model"] = .object(model)
    }
    try edit(folder + "/tokenizer_config.json") { $0["mask_token"] = "[MASK]" }
    try bench.run("load(\"own\")")
    try bench.run("a = attribute(\"the cat [MASK] on the mat\", target: \"a\", steps: 4)")
    #expect(
      try bench.json("len(a.scores) == len(tokens(\"the cat [MASK] on the mat\").ids)") == true)
    for method in [
      "gradient_norm", "attn_lrp", "conserving_lrp", "attention_relevance", "deeplift",
    ] {
      try bench.run("b = attribute(\"the [MASK] sat\", method: \"\(method)\")")
    }
    #expect(
      try bench.failure("attribute(\"the cat sat\")").message
        == "own says what stands in a gap, and the text has none.")
    #expect(
      try bench.failure("attribute(\"[MASK] cat [MASK]\")").message
        == "own says what stands in a gap, and the text has 2.")
  }

  @Test func manyHeadsOfADecoderAreAGrid() throws {
    let bench = try Self.bench()
    let call = "attention(\"The cat sat on the mat.\", target: \"The mat\""
    try bench.run("p = trace(\"The cat sat on the mat.\", target: \"The mat\")")
    for (kind, name) in [("cross", "cross"), ("decoder", "decoder")] {
      try bench.run("g = \(call), kind: \"\(kind)\", layer: all, head: all)")
      #expect(try bench.json("len(g.maps)") == 2)
      #expect(
        try bench.tensor("g.maps[1][0].weights").floats
          == bench.tensor("p.\(name)_attentions[1][0]").floats)
      #expect(try bench.tensor("g[0][1].weights").shape.count == 2)
      let bundle = try #require(try bench.run("g").results.first)
      #expect(bundle.plainText?.contains("2 × 2 maps") == true || bundle.html != nil)
    }
    try bench.run("h = \(call), kind: \"cross\", layer: \"mean\", head: 0)")
    let (mean, first, second) = (
      try bench.tensor("h.weights").floats, try bench.tensor("p.cross_attentions[0][0]").floats,
      try bench.tensor("p.cross_attentions[1][0]").floats
    )
    for (index, number) in mean.enumerated() {
      #expect(abs(number - (first[index] + second[index]) / 2) < 1e-6)
    }
    try bench.run("\(call), kind: \"cross\", layer: all, head: all, special: false)")
    try bench.run("attention(\"The cat sat on the mat.\", layer: all, head: all)")
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
