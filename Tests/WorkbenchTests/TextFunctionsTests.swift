import DataFormats
import Glibc
import Interpreter
import Models
import Tensors
import Testing
import Workbench

@Suite struct TextFunctionsTests {
  @Test(arguments: ["llama-deepseek-llm", "llama-deepseek-coder"])
  func tokensAreTheReferencesWithTheirByteRanges(name: String) throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/\(name)\")")
    for text in try Golden(name).texts {
      try bench.run("t = tokens(\(literal(try #require(text.text))))")
      #expect(try bench.json("t.ids") == .array(text.ids.map { .integer($0) }))
      let spans = try #require(text.byteSpans)
      #expect(
        try bench.json("t.starts")
          == .array(spans.map { $0.map { .integer($0.lowerBound) } ?? .null }))
      #expect(
        try bench.json("t.ends")
          == .array(spans.map { $0.map { .integer($0.upperBound) } ?? .null }))
      #expect(
        try bench.json("tokens(trace(\(literal(text.text ?? "")))).ids") == bench.json("t.ids"))
    }
  }

  @Test func theTrainedEncodersTokensAreTheReferences() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    for text in try Golden("minilm").texts {
      try bench.run("t = tokens(\(literal(try #require(text.text))))")
      #expect(try bench.json("t.ids") == .array(text.ids.map { .integer($0) }))
    }
    // "é" takes two bytes, "你" three, "👋" four.
    try bench.run("t = tokens(\"Hi 👋 你好, café 2024!\")")
    #expect(
      try bench.json("t.texts")
        == ["", "Hi", "👋", "你", "好", ",", "café", "202", "4", "!", ""])
    #expect(try bench.json("t.pieces[0...4]") == ["[CLS]", "hi", "[UNK]", "[UNK]", "[UNK]"])
    #expect(
      try bench.json("t.starts") == [nil, 0, 3, 8, 11, 14, 16, 22, 25, 26, nil])
    #expect(try bench.json("t.ends") == [nil, 2, 7, 11, 14, 15, 21, 25, 26, 27, nil])
    #expect(
      try bench.json("t.special")
        == [true, false, true, true, true, false, false, false, false, false, true])
    #expect(try bench.shown("t").contains("café"))
  }

  @Test func tokensThatArePartsOfACharacterSayWhichPart() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")\nt = tokens(\"a👋\")")
    #expect(try bench.json("t.texts[-4...-1]") == ["👋", "👋", "👋", "👋"])
    #expect(try bench.json("t.parts[-5...-1]") == [nil, "1/4", "2/4", "3/4", "4/4"])
    #expect(try bench.json("[t[-1].part, t[-1].start, t[-1].end]") == ["4/4", 4, 5])
    #expect(try bench.shown("t").contains("👋(2/4)"))
  }

  @Test func aTraceHasTheReferencesHiddenStatesAndLogits() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")")
    let golden = try Golden("llama-deepseek-llm")
    for text in golden.texts {
      try bench.run("t = trace(\(literal(try #require(text.text))))")
      #expect(try bench.text("t.text").utf8.elementsEqual((text.text ?? "").utf8))
      #expect(try bench.json("t.ids") == .array(text.ids.map { .integer($0) }))
      #expect(try bench.number("len(t)") == Double(text.ids.count))
      #expect(try bench.number("len(t.hidden_states)") == 4)
      for layer in 0...3 {
        let expected = try golden.tensor("\(text.name).hidden_states.\(layer)")
        let found = try bench.tensor("t.hidden_states[\(layer)]")
        #expect(found.shape == expected.shape)
        #expect(
          try largestDifference(found.floats, expected.floats) <= 1e-4 * magnitude(expected))
      }
      let expected = try golden.tensor("\(text.name).logits")
      let logits = try bench.tensor("t.logits")
      #expect(logits.shape == expected.shape)
      #expect(try largestDifference(logits.floats, expected.floats) <= 1e-4 * magnitude(expected))
    }
    let last = try bench.tensor("t.hidden_states[last]")
    #expect(try bench.tensor("t.hidden_states[-1]").floats == last.floats)
    #expect(try bench.tensor("t.hidden_states[3]").floats == last.floats)
    #expect(try bench.number("len(t.hidden_states[1...2])") == 2)
  }

  @Test func attentionsOfATraceAreIndexedByLayerAndHead() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-grouped\")")
    let golden = try Golden("llama-grouped")
    let text = try golden.text("english")
    try bench.run("t = trace(ids: \(text.ids))")
    #expect(try bench.number("len(t.attentions)") == 3)
    #expect(try bench.number("len(t.attentions[0])") == 4)
    for layer in 0..<3 {
      for head in 0..<4 {
        let map = try bench.tensor("t.attentions[\(layer)][\(head)]")
        #expect(map.shape == [20, 20])
        #expect(
          try largestDifference(map.floats, golden.map("english", layer: layer, head: head)) <= 1e-5
        )
      }
    }
    #expect(
      try bench.tensor("t.attentions[last][-1]").floats == bench.tensor("t.attentions[2][3]").floats
    )
    #expect(try bench.number("len(t.attentions[0...1])") == 2)
    #expect(try bench.number("len(t.attentions[0][1...3])") == 3)
    #expect(try bench.failure("t.attentions[3]").code == "out-of-range")
    #expect(try bench.failure("t.attentions[0][4]").message.contains("0…3"))
    #expect(try bench.failure("t.attentions[\"one\"]").code == "wrong-type")
  }

  @Test func nextGivesTheProbabilitiesOfTheReferencesLogits() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")")
    let golden = try Golden("llama-deepseek-llm")
    for text in golden.texts {
      let logits = try golden.tensor("\(text.name).logits")
      try bench.run("t = trace(\(literal(try #require(text.text))))")
      for position in [0, text.ids.count / 2, text.ids.count - 1] {
        let row = logits.row(position).map(Double.init)
        let largest = row.max() ?? 0
        let sum = row.reduce(0) { $0 + exp($1 - largest) }
        try bench.run("n = next(t, top: 344, position: \(position))")
        guard case .list(let ids) = try bench.value("n.ids"),
          case .list(let probabilities) = try bench.value("n.probabilities")
        else {
          Issue.record("no lists")
          return
        }
        #expect(ids.count == 344)
        var total = 0.0
        for (id, probability) in zip(ids, probabilities) {
          guard let id = id.integer, case .number(let probability) = probability else { continue }
          total += probability
          // Logits may differ by 1e-4 of the largest, and probabilities by that factor.
          #expect(abs(probability - exp(row[id] - largest) / sum) < 1e-5)
        }
        #expect(abs(total - 1) < 1e-9)
        let expectedFirst = row.firstIndex(of: largest)
        #expect(ids.first?.integer == expectedFirst)
      }
      try bench.run("n = next(t)")
      #expect(try bench.number("len(n)") == 10)
      let last = try bench.json("next(t, top: 3, position: \(text.ids.count - 1)).ids")
      #expect(try bench.json("n.ids[0...2]") == last)
      #expect(try bench.json("n[0].id") == last[0])
      #expect(try bench.json("n[0].token") == bench.json("n.texts[0]"))
    }
  }

  @Test func aSecondQuestionAboutATextRunsNothing() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")")
    #expect(
      try bench.run("t = trace(\"The model\")").progress.count { $0.hasPrefix("Running") } == 3)
    let second = try bench.run(
      "u = trace(\"The model\")\na = attention(\"The model\")\nnext(\"The model\")")
    #expect(second.progress.count { $0.hasPrefix("Running") } == 0)
    let first: TraceValue = try bench.object("t")
    #expect(first === (try bench.object("u", TraceValue.self)))
    #expect(first === (try bench.object("a.trace", TraceValue.self)))
    #expect(first === (try bench.object("trace(t)", TraceValue.self)))
    #expect(try bench.run("trace(\"The model \")").progress.contains { $0.hasPrefix("Running") })
    // Another model's trace is another trace, and so is one of ids.
    try bench.run("b = load(\"\(fixtures)/llama-deepseek-coder\")")
    #expect(first !== (try bench.object("trace(\"The model\")", TraceValue.self)))
    #expect(first === (try bench.object("trace(\"The model\", using: m)", TraceValue.self)))
    let ids: TraceValue = try bench.object("trace(ids: t.ids, using: m)")
    #expect(ids !== first)
    #expect(ids === (try bench.object("trace(ids: t.ids, using: m)", TraceValue.self)))
    #expect(
      try bench.tensor("trace(ids: t.ids, using: m).logits").floats
        == bench.tensor("t.logits").floats)
  }

  @Test func textsThatDifferOnlyInTheirNormalFormHaveTracesOfTheirOwn() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")")
    try bench.run("one = trace(\"caf\u{E9}\")\ntwo = trace(\"cafe\u{301}\")")
    #expect(try bench.json("one.ids") != bench.json("two.ids"))
  }

  @Test func aModelWithoutATokenizerTakesIds() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-grouped\")")
    let text = try Golden("llama-grouped").text("english")
    try bench.run("t = trace(ids: \(text.ids))")
    #expect(try bench.json("tokens(ids: [5, 6]).texts") == ["5", "6"])
    #expect(try bench.json("t.text") == nil)
    #expect(try bench.number("len(attention(ids: [5, 6, 7], layer: 0, head: 0))") == 3)
    #expect(try bench.number("len(next(ids: [5, 6], top: 4))") == 4)
    #expect(try bench.json("embed(ids: [5, 6]).labels") == ["ids 5, 6"])
    #expect(try bench.tensor("embed(t).vectors").shape == [1, 32])
    let failure = try bench.failure("trace(\"text\")")
    #expect(failure.code == "no-tokenizer")
    #expect(failure.hint == "For example: ids: [1, 2, 3].")
    #expect(try bench.failure("tokens(\"text\")").message == failure.message)
  }

  private func magnitude(_ tensor: Tensor) -> Float {
    tensor.floats.reduce(0) { max($0, abs($1)) }
  }
}
