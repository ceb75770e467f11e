import DataFormats
import Interpreter
import Tensors
import Testing
import Workbench

@Suite struct LensFunctionsTests {
  @Test func theLastStateIsWhatTheModelSays() throws {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run(
      """
      load("llama-deepseek-llm")
      text = "模型看见了词，你好"
      l = lens(text)
      n = next(text, top: 3)
      """)
    #expect(try bench.json("l.layers") == [0, 1, 2, 3])
    #expect(try bench.number("len(l)") == 4)
    let probabilities = try bench.tensor("l.probabilities")
    let tokens = Int(try bench.number("len(tokens(text).ids)"))
    #expect(probabilities.shape == [4, tokens])
    #expect(try bench.json("l.ids[3][-1]") == bench.json("n.ids[0]"))
    #expect(try bench.json("l.texts[3][-1]") == bench.json("n.texts[0]"))
    #expect(
      abs(
        try Double(probabilities.element(3, tokens - 1)) - bench.number("n.probabilities[0]"))
        < 1e-6)
    let divergences = try bench.tensor("l.divergences")
    #expect(divergences.row(3).allSatisfy { $0 == 0 })
    #expect(divergences.row(0).allSatisfy { $0 > 0 })
    #expect(try bench.shown("l").contains("output"))
    #expect(try bench.shown("l").contains("state 0"))
    #expect(try bench.json("len(lens(text, layer: 1, position: [2, 0], top: 4).table)") == 8)
  }

  @Test func modelsWithoutAHeadAreRefused() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    #expect(try bench.failure("lens(\"A cat.\")").code == "no-language-model-head")
  }

  @Test func statesAndPositionsMustExist() throws {
    let bench = try Bench("llama-grouped")
    try bench.run("load(\"llama-grouped\")")
    #expect(try bench.failure("lens(ids: [5, 6], layer: 4)").code == "out-of-range")
    #expect(try bench.failure("lens(ids: [5, 6], position: 2)").code == "out-of-range")
    #expect(try bench.tensor("lens(ids: [5, 6]).probabilities").shape == [4, 2])
  }
}
