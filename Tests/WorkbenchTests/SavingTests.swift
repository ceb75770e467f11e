import Checkpoints
import DataFormats
import FoundationEssentials
import Interpreter
import Testing
import Workbench

@Suite struct SavingTests {
  private func path(_ bench: Bench, _ name: String) -> String { bench.folder + "/" + name }

  @Test func aTraceIsSavedUnderTheNamesOfTransformers() throws {
    let bench = try Bench()
    let golden = try Golden("llama-deepseek-llm")
    let text = try golden.text("chinese")
    let path = path(bench, "trace.safetensors")
    try bench.run(
      """
      m = load("\(fixtures)/llama-deepseek-llm")
      save(trace(\(literal(text.text ?? ""))), "\(path)")
      """)
    let file = try SafetensorsFile(path: path)
    #expect(
      Set(file.names)
        == Set(
          ["input_ids", "logits"] + (0...3).map { "hidden_states.\($0)" }
            + (0...2).map { "attentions.\($0)" }))
    let ids = try file.tensor(named: "input_ids")
    #expect(ids.elementType == .int64)
    #expect(ids.floats.map { Int($0) } == text.ids)
    for name in file.names where name != "input_ids" {
      let expected = try golden.tensor("chinese.\(name)")
      let found = try file.tensor(named: name)
      #expect(found.shape == expected.shape)
      let largest = expected.floats.reduce(0) { max($0, abs($1)) }
      let allowed = name.hasPrefix("attentions") ? 1e-5 : 1e-4 * largest
      #expect(try largestDifference(found.floats, expected.floats) <= allowed, "\(name)")
    }
  }

  @Test func aTraceOfExpertsIsSavedWithTheirChoices() throws {
    let bench = try Bench("deepseek-v3")
    let path = path(bench, "trace.safetensors")
    try bench.run("load(\"deepseek-v3\")\nt = trace(ids: [5, 6, 7, 8])\nsave(t, \"\(path)\")")
    let file = try SafetensorsFile(path: path)
    let layers = file.names.compactMap { name in
      name.hasPrefix("expert_choices.") ? name.split(separator: ".").last.map(String.init) : nil
    }
    #expect(!layers.isEmpty)
    for layer in layers {
      let choices = try file.tensor(named: "expert_choices.\(layer)")
      let weights = try file.tensor(named: "router_weights.\(layer)")
      #expect(choices.elementType == .int64 && choices.shape == weights.shape)
      #expect(choices.shape[0] == 4)
    }
  }

  @Test func anEncodersTraceHasNoLogits() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let path = path(bench, "trace.safetensors")
    try bench.run("save(trace(\"The cat sat.\"), \"\(path)\")")
    let names = try SafetensorsFile(path: path).names
    #expect(names.count == 1 + 7 + 6)
    #expect(!names.contains("logits"))
  }

  @Test func aMapIsSavedAsNumbersAndAsAPicture() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run("a = attention(\"The bank refused her loan.\", layer: 3, head: 1)")
    for name in ["a.npy", "a.csv", "a.json", "a.svg", "a.html", "a.safetensors", "a.txt"] {
      try bench.run("save(a, \"\(path(bench, name))\")")
    }
    let golden = try Golden("minilm").map("english", layer: 3, head: 1)

    let numbers = try NPY.decode(try bytes(path(bench, "a.npy")))
    #expect(numbers.shape == [8, 8])
    guard case .float32(let floats) = numbers.values else {
      Issue.record("not float32")
      return
    }
    #expect(try largestDifference(floats, golden) <= 1e-5)

    let table = try CSV.parse(try bytes(path(bench, "a.csv")))
    #expect(table.header == ["query_position", "query", "key_position", "key", "weight"])
    #expect(table.rows.count == 64)
    #expect(table.rows[10].dropLast() == ["1", "The", "2", "bank"])
    #expect(table.rows[0][1] == "[CLS]")
    #expect(try largestDifference(table.rows.compactMap { Float($0[4]) }, golden) <= 1e-5)

    let document = try JSON(parsing: try bytes(path(bench, "a.json")))
    #expect(document["model"] == "all-MiniLM-L6-v2")
    #expect(document["layer"] == 3)
    #expect(document["head"] == 1)
    #expect(document["tokens"]?.array?.count == 8)
    let rows = document["weights"]?.array?.flatMap { $0.array ?? [] }.compactMap(\.number) ?? []
    #expect(try largestDifference(rows.map { Float($0) }, golden) <= 1e-5)

    let picture = String(decoding: try bytes(path(bench, "a.svg")), as: UTF8.self)
    #expect(picture.hasPrefix("<svg ") || picture.hasPrefix("<?xml"))
    #expect(picture.contains("layer 3 · head 1"))
    let page = String(decoding: try bytes(path(bench, "a.html")), as: UTF8.self)
    #expect(page.lowercased().hasPrefix("<!doctype html>"))
    #expect(page.contains("refused"))
    let file = try SafetensorsFile(path: path(bench, "a.safetensors"))
    #expect(file.names == ["attention"])
    #expect(try file.tensor(named: "attention").floats == floats)
  }

  @Test func otherValuesAreSavedToo() throws {
    let bench = try Bench()
    try bench.run(
      """
      m = load("\(fixtures)/llama-deepseek-llm")
      t = trace("The model")
      save(t.tokens, "\(path(bench, "tokens.csv"))")
      save(embed(["a", "b"]), "\(path(bench, "points.npy"))")
      save(embed(["a", "b"]), "\(path(bench, "points.csv"))")
      save({first: t.hidden_states[0], last: t.hidden_states[last]}, "\(path(bench, "two.safetensors"))")
      save(attention(t, layer: all, head: all), "\(path(bench, "grid.npy"))")
      save(attention(t, layer: all, head: all), "\(path(bench, "grid.html"))")
      save(next(t), "\(path(bench, "next.csv"))")
      save(m, "\(path(bench, "model.json"))")
      save(info(), "\(path(bench, "model.svg"))")
      save(attention(t)[1], "\(path(bench, "row.csv"))")
      """)
    let tokens = try CSV.parse(try bytes(path(bench, "tokens.csv")))
    #expect(
      tokens.header == ["position", "id", "text", "piece", "start", "end", "part", "special"])
    #expect(tokens.rows[1][2] == "The")
    #expect(try NPY.decode(try bytes(path(bench, "points.npy"))).shape == [2, 24])
    #expect(try CSV.parse(try bytes(path(bench, "points.csv"))).header.count == 25)
    #expect(
      try SafetensorsFile(path: path(bench, "two.safetensors")).names.sorted() == ["first", "last"])
    let count = tokens.rows.count
    #expect(try NPY.decode(try bytes(path(bench, "grid.npy"))).shape == [3, 3, count, count])
    #expect(try CSV.parse(try bytes(path(bench, "next.csv"))).rows.count == 10)
    #expect(try JSON(parsing: try bytes(path(bench, "model.json")))["layers"] == 3)
    #expect(try CSV.parse(try bytes(path(bench, "row.csv"))).rows.count == count)
    // Whole, or not at all: no other file is left behind.
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder).count == 11)
  }

  @Test func whatAFileCannotHoldIsSaid() throws {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run("m = load(\"llama-deepseek-llm\")")
    for (source, code) in [
      ("save(m, \"\(bench.folder)/a.safetensors\")", "wrong-extension"),
      ("save(trace(\"a\"), \"\(bench.folder)/a.xyz\")", "wrong-extension"),
      ("save(trace(\"a\"), \"\(bench.folder)/no/a.csv\")", "unwritable-file"),
      ("save(\"text\", \"\(bench.folder)/a.svg\")", "no-figure"),
    ] {
      let failure = try bench.failure(source)
      #expect(failure.code == code, "\(failure.message)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder) == ["models"])
  }
}
