import DataFormats
import Figures
import Interpreter
import Tensors
import Testing
import Workbench

@Suite struct HeadFunctionsTests {
  private static let sentence = "The cat sat on the mat because the cat was tired of the dog."

  @Test func headsAreRankedByAScore() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run("h = heads(\(literal(Self.sentence)), sort: \"previous_token\")")
    // Head 2 of layer 0 is known to look at the token before.
    #expect(try bench.json("[h[0].layer, h[0].head]") == [0, 2])
    #expect(try bench.number("h[0].previous_token") > 0.8)
    #expect(try bench.number("len(h)") == 72)
    let scores = try bench.tensor("h.previous_token")
    #expect(scores.shape == [6, 12])
    let ranked = try bench.json("h.table.previous_token").array?.compactMap(\.number) ?? []
    #expect(ranked.count == 72)
    #expect(ranked == ranked.sorted(by: >))
    #expect(ranked.map { Float($0) } == scores.floats.sorted(by: >))
    let shown = try bench.shown("h")
    #expect(shown.contains("Previous token") && shown.contains("Induction"))
    #expect(shown.contains("Heads, ranked by previous_token"))
  }

  @Test func patternsThatATextLacksHaveNoScore() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run("h = heads(\"A cat sat here.\", layer: [3, 1])")
    #expect(try bench.tensor("h.induction").floats.allSatisfy(\.isNaN))
    #expect(try bench.json("h[0].induction") == nil)
    #expect(try bench.json("[h[0].layer, h[0].head, h[12].layer]") == [3, 0, 1])
    #expect(try !bench.shown("h").contains("Induction\n"))
  }

  @Test func overAllIsTheShareOfAllAttention() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run(
      """
      text = \(literal(Self.sentence))
      n = len(tokens(text).ids)
      a = heads(text, layer: 0).previous_token
      b = heads(text, layer: 0, over: "all").previous_token
      """)
    let (mean, share) = (try bench.tensor("a").floats, try bench.tensor("b").floats)
    let tokens = try bench.number("n")
    for (mean, share) in zip(mean, share) {
      #expect(abs(Double(mean) * (tokens - 1) / tokens - Double(share)) < 1e-6)
    }
  }

  @Test func rolloutAndFlowAreMaps() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run("text = \"The cat sat because it was tired.\"")
    let rollout = try bench.tensor("rollout(text).weights")
    for row in 0..<rollout.shape[0] {
      #expect(abs(rollout.row(row).reduce(0, +) - 1) < 1e-5)
    }
    // Of one layer it is the mean of its heads, half and half with the identity.
    let first = try bench.tensor("rollout(text, layer: 0).weights").floats
    let mean = try bench.tensor("attention(text, layer: 0).weights")
    let expected = mean.floats.enumerated().map { index, weight in
      weight / 2 + (index / mean.shape[0] == index % mean.shape[0] ? 0.5 : 0)
    }
    #expect(zip(first, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(try bench.shown("rollout(text, layer: 2)").contains("layers 0…2"))
    let flow = try bench.tensor("flow(text).weights")
    #expect(flow.shape == rollout.shape)
    #expect(abs(flow.row(4).reduce(0, +) - 1) < 1e-5)
    let single = try bench.json("flow(text, position: 4).weights").array?.compactMap(\.number)
    #expect(single?.map { Float($0) } == flow.row(4))
    let long = String(repeating: "cat ", count: 100)
    #expect(try bench.failure("flow(\"\(long)\")").code == "text-too-long")
    #expect(try bench.failure("rollout(text, layer: 6)").code == "out-of-range")
  }

  @Test func valueWeightedMapsAreTheWeightsTimesAKeysLength() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run(
      """
      text = "The cat sat because it was tired."
      a = attention(text, layer: 3, head: 1)
      v = attention(text, layer: 3, head: 1, kind: "values")
      """)
    let (weights, values) = (try bench.tensor("a.weights"), try bench.tensor("v.weights"))
    // Every key has one length, whichever query looks at it.
    let count = weights.shape[0]
    for key in 0..<count {
      let length = values.element(0, key) / weights.element(0, key)
      #expect(length > 0)
      for query in 0..<count {
        let expected = weights.element(query, key) * length
        #expect(abs(values.element(query, key) - expected) < 1e-4 * max(1, expected))
      }
    }
    #expect(try bench.shown("v").contains("Value-weighted attention"))
    #expect(
      try bench.shown("attention(text, layer: 0...1, head: [0, 3], kind: \"values\")")
        .contains("Value-weighted attention"))
    let mean = try bench.tensor("attention(text, layer: mean, kind: \"values\").weights").floats
    #expect(mean.allSatisfy { $0 > 0 })
  }

  @Test func mapsOfOneSizeAreCompared() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run(
      """
      a = attention("The doctor said he was late.", layer: 3, head: 1)
      b = attention("The nurse said she was late.", layer: 3, head: 1)
      d = compare(a, b)
      """)
    let (first, second) = (try bench.tensor("a.weights"), try bench.tensor("b.weights"))
    let difference = try bench.tensor("d.differences").floats
    #expect(difference == zip(first.floats, second.floats).map { $1 - $0 })
    let mean = difference.reduce(0.0) { $0 + Double(abs($1)) } / Double(difference.count)
    #expect(abs(try bench.number("d.mean_magnitude") - mean) < 1e-9)
    #expect(try bench.number("compare(a, a).mean_magnitude") == 0)
    let shown = try bench.shown("d")
    #expect(shown.contains("doctor → nurse") && shown.contains("he → she"))
    // What help says of the colours is what is drawn.
    let (more, less) = (ColorMap.signed.color(at: 1), ColorMap.signed.color(at: 0))
    #expect(more.blue > more.red && less.red > less.blue)
    let help = try bench.shown("help(compare)")
    #expect(help.contains("blue where the second looks more, orange where it looks less"))
    #expect(shown.contains("blue: more in the former, orange: more in the latter"))
    #expect(
      try bench.failure("compare(a, attention(\"A cat.\", layer: 3, head: 1))").code
        == "wrong-shape")
    #expect(
      try bench.failure("compare(a, rollout(\"The nurse said she was late.\"))").code
        == "wrong-value")
  }
}
