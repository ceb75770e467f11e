import DataFormats
import Interpreter
import Tensors
import Testing
import Workbench

@Suite struct EmbeddingFunctionsTests {
  @Test func vectorsAreTheSentenceEncodersReference() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let golden = try Golden("minilm")
    let texts = golden.texts.map { literal($0.text ?? "") }.joined(separator: ", ")
    try bench.run("p = embed([\(texts)])")
    let vectors = try bench.tensor("p.vectors")
    #expect(vectors.shape == [3, 384])
    for (row, text) in golden.texts.enumerated() {
      let expected = try golden.tensor("\(text.name).embedding").floats
      #expect(try largestDifference(vectors.row(row), expected) <= 1e-5)
      #expect(
        try bench.tensor("embed(trace(\(literal(text.text ?? "")))).vectors").floats
          == vectors.row(row))
    }
    #expect(try bench.json("p.labels") == .array(golden.texts.map { .string($0.text ?? "") }))
    #expect(try bench.tensor("p[1]").floats == vectors.row(1))
    #expect(try bench.tensor("p[\"The bank refused her loan.\"]").floats == vectors.row(0))
    #expect(try bench.number("len(p[0...1])") == 2)
  }

  @Test func poolingIsWhatItsNameSays() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let golden = try Golden("minilm")
    let hidden = try golden.tensor("english.hidden_states.2")
    let rows = (0..<hidden.shape[0]).map { hidden.row($0) }
    let own = rows.dropFirst().dropLast()
    let mean = (0..<384).map { column in
      Float(own.reduce(0) { $0 + Double($1[column]) } / Double(own.count))
    }
    let largest = (0..<384).map { column in own.map { $0[column] }.max() ?? 0 }
    try bench.run("text = \"The bank refused her loan.\"")
    for (call, expected) in [
      ("embed(text, layer: 2)", mean), ("embed(text, layer: 2, pool: \"mean\")", mean),
      ("embed(text, layer: 2, pool: \"max\")", largest),
      ("embed(text, layer: 2, pool: \"first\")", rows[0]),
      ("embed(text, layer: -5, pool: \"last\")", rows[rows.count - 1]),
    ] {
      let found = try bench.tensor("\(call).vectors").floats
      #expect(try largestDifference(found, expected) <= 2e-5, "\(call)")
    }
    #expect(try bench.text("embed(text, layer: 2).pool") == "mean")
    #expect(try bench.text("embed(text).pool") == "model")
  }

  @Test func similarityIsTheCosine() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let golden = try Golden("minilm")
    let vectors = try golden.texts.map { try golden.tensor("\($0.name).embedding").floats }
    let texts = golden.texts.map { literal($0.text ?? "") }.joined(separator: ", ")
    try bench.run("s = embed([\(texts)]) |> similarity()")
    let values = try bench.tensor("s.values")
    #expect(values.shape == [3, 3])
    for (row, left) in vectors.enumerated() {
      for (column, right) in vectors.enumerated() {
        // The reference's vectors have length 1.
        let cosine = zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(Double(values.row(row)[column]) - cosine) <= 1e-5)
      }
    }
    #expect(
      try bench.tensor("similarity(embed(\"a cat\"), embed([\"a cat\", \"a loan\"])).values").shape
        == [1, 2])
    #expect(
      try bench.number("similarity(embed(\"a cat\"), embed([\"a cat\", \"a loan\"]))[0][0]")
        > 0.9999)
    #expect(try bench.run("s").results[0].html?.contains("<img") == true)
  }

  @Test func whatCannotBeEmbeddedIsSaid() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    #expect(try bench.failure("embed([])").message == "`embed` needs at least one text.")
    let source = "embed(\"a\", layer: 7)"
    let failure = try bench.failure(source)
    #expect(bench.place(failure, in: source) == "7")
    #expect(failure.message.contains("0…6"))
    #expect(try bench.failure("embed(\"a\", layer: 0...2)").message.contains("one layer"))
    #expect(try bench.failure("embed(\"a\", pool: \"median\")").message.contains("\"mean\""))
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")\np = embed(\"a\")")
    try bench.run("t = trace(\"a\")\nload(\"all-MiniLM-L6-v2\");")
    #expect(try bench.tensor("embed([t, \"b\"]).vectors").shape == [2, 24])
    #expect(
      try bench.failure("embed([t, trace(\"a\")])").message
        == "The traces were made with llama-deepseek-llm and with all-MiniLM-L6-v2; "
        + "points of two models can't be compared.")
    #expect(
      try bench.failure("similarity(p, embed(\"a\"))").message
        == "The points have 24 dimensions and the others 384; they can't be compared.")
  }
}
