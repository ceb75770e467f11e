import Checkpoints
import DataFormats
import Testing
import Workbench

/// What the functions tell of a model with several streams and attention to blocks, and what they refuse.
@Suite struct DeepSeekV4FunctionsTests {
  private static let ids =
    "ids: [5, 9, 3, 17, 2, 40, 8, 11, 33, 7, 50, 3, 3, 21, 9, 9, 1, 2, 3, 4]"

  private static func bench() throws -> Bench {
    let bench = try Bench("deepseek-v4")
    try bench.run("m = load(\"deepseek-v4\")\nt = trace(\(ids))")
    return bench
  }

  @Test func picturesSayWhatTheyLeaveOut() throws {
    let bench = try Self.bench()
    let card = try bench.shown("info(m)")
    for fact in [
      "4, mixed in every layer", "the last 5 tokens one by one", "blocks of 4",
      "in 1 layer, 2 selected for each token", "in 1 layer, all seen",
    ] {
      #expect(card.contains(fact), "\(fact)")
    }
    let shares = try bench.tensor("attention(t, layer: 1, head: 2).weights").floats
    let share = shares.reduce(0.0) { $0 + Double($1) } / 20
    let shown = try bench.shown("attention(t, layer: 1, head: 2)")
    #expect(
      shown.contains("single tokens of the last 5 get \((share * 1000).rounded() / 10) %"),
      "\(shown)"
    )
    #expect(try bench.shown("attention(t, layer: 0)").contains("of the attention, sinks take"))
    #expect(try !bench.shown("attention(t, layer: max)").contains("single tokens"))
    #expect(
      try bench.shown("attention(t, layer: all, head: all)").contains("blocks of earlier tokens"))
    #expect(try bench.shown("heads(t)").contains("of what goes to single tokens"))
    #expect(
      try bench.shown("experts(t)").contains("with corrections, in layer 0 by the token alone"))
    #expect(try bench.shown("experts(t, layer: 0)").contains("by the token alone, weighted"))
    #expect(try bench.tensor("experts(t).corrections").shape == [3, 6])
    #expect(try bench.tensor("experts(t).corrections[0]").floats == Array(repeating: 0, count: 6))
  }

  @Test func seenBlocksAreShown() throws {
    let bench = try Self.bench()
    try bench.run("s = selection(t, layer: 1)")
    #expect(try bench.shown("s").contains("blocks of 4 tokens"))
    #expect(try bench.shown("s").contains("see 2 of more and miss"))
    #expect(try bench.json("s.tokens[4]") == [16, 19])
    #expect(try bench.json("s.blocks[2]") == [])
    #expect(try bench.json("s.blocks[3]") == [0])
    #expect(try bench.number("len(s.blocks[19])") == 2)
    #expect(try bench.tensor("s.dense").shape == [20, 5])
    #expect(try bench.number("len(s.table)") == 20)
    #expect(try bench.shown("selection(t)").contains("blocks of 6 tokens"))
    #expect(try !bench.shown("selection(t)").contains("miss"))
    #expect(try bench.shown("selection(ids: [1, 2, 3])").contains("too short for a block"))
    #expect(
      try bench.failure("selection(t, layer: 0)").message
        == "Layer 0 makes no blocks of tokens: it looks at the last tokens alone.")
  }

  @Test func vectorsAndStreamsAreThere() throws {
    let bench = try Self.bench()
    #expect(try bench.number("len(embed(vocabulary: true))") == 60)
    #expect(try bench.tensor("t.hidden_states[1]").shape == [20, 4, 8])
    #expect(try bench.tensor("t.attentions[1][2]").shape == [20, 25])
    let path = bench.folder + "/t.safetensors"
    try bench.run("save(t, \"\(path)\")")
    let file = try SafetensorsFile(path: path)
    #expect(try file.tensor(named: "hidden_states.2").shape == [20, 4, 8])
    #expect(try file.tensor(named: "hidden_states.3").shape == [20, 8])
    #expect(try file.tensor(named: "attentions.1").shape == [4, 20, 25])
    #expect(try file.tensor(named: "expert_choices.0").shape == [20, 2])
  }

  /// Each with what works instead.
  @Test(arguments: [
    ("attribute(t)", "it runs forward alone", "`patch`"),
    ("attribute(t, method: \"occlusion\")", "it runs forward alone", "`ablate`"),
    ("explain_answer(\(ids))", "it runs forward alone", "`lens`"),
    ("conductance(t)", "it runs forward alone", "without gradients"),
    ("rollout(t)", "goes past single tokens", "`attention`"),
    ("flow(t)", "goes past single tokens", "`patch`"),
    ("contributions(t)", "is 4 streams that mix", "`ablate`"),
    ("attention(t, kind: \"values\")", "no single output projection", "kind: \"weights\""),
  ])
  func whatIsRefusedSaysWhatWorks(call: String, reason: String, instead: String) throws {
    let diagnostic = try Self.bench().failure(call)
    #expect(diagnostic.message.contains(reason), "\(diagnostic.message)")
    #expect(diagnostic.hint?.contains(instead) == true, "\(diagnostic.hint ?? "no hint")")
  }
}
