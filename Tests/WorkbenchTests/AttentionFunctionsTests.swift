import DataFormats
import Interpreter
import Tensors
import Testing
import Workbench

@Suite struct AttentionFunctionsTests {
  @Test(arguments: ["english", "chinese", "mixed"])
  func mapsAreTheReferences(name: String) throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let golden = try Golden("minilm")
    let text = try golden.text(name)
    try bench.run("text = \(literal(try #require(text.text)))")
    let count = text.ids.count
    let map = try bench.tensor("attention(text, layer: 3, head: 1).weights")
    #expect(map.shape == [count, count])
    #expect(try largestDifference(map.floats, golden.map(name, layer: 3, head: 1)) <= 1e-5)

    // Means and largest values, in Double, of the reference's maps.
    func combined(
      layers: Range<Int>, heads: Range<Int>, _ combine: ([Double]) -> Double
    ) throws -> [Float] {
      let maps = try layers.flatMap { layer in
        try heads.map { try golden.map(name, layer: layer, head: $0).map(Double.init) }
      }
      return (0..<count * count).map { place in Float(combine(maps.map { $0[place] })) }
    }
    let mean: ([Double]) -> Double = { $0.reduce(0, +) / Double($0.count) }
    let largest: ([Double]) -> Double = { $0.max() ?? 0 }
    for (call, expected) in [
      ("attention(text)", try combined(layers: 5..<6, heads: 0..<12, mean)),
      ("attention(text, layer: 2)", try combined(layers: 2..<3, heads: 0..<12, mean)),
      ("attention(text, layer: 2, head: max)", try combined(layers: 2..<3, heads: 0..<12, largest)),
      ("attention(text, layer: mean, head: 4)", try combined(layers: 0..<6, heads: 4..<5, mean)),
      ("attention(text, layer: max, head: 4)", try combined(layers: 0..<6, heads: 4..<5, largest)),
      ("attention(text, layer: mean)", try combined(layers: 0..<6, heads: 0..<12, mean)),
      (
        "attention(text, layer: max, head: \"max\")",
        try combined(layers: 0..<6, heads: 0..<12, largest)
      ),
      ("attention(text, layer: -6, head: last)", try golden.map(name, layer: 0, head: 11)),
    ] {
      let found = try bench.tensor("\(call).weights").floats
      #expect(try largestDifference(found, expected) <= 1e-5, "\(call)")
    }
  }

  @Test func gridsHoldTheMapsOfTheirLayersAndHeads() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run("g = attention(\"The bank refused her loan.\", layer: 1...3, head: [11, 0])")
    #expect(try bench.json("g.layers") == [1, 2, 3])
    #expect(try bench.json("g.heads") == [11, 0])
    #expect(try bench.number("len(g)") == 3)
    let golden = try Golden("minilm")
    for (row, layer) in [1, 2, 3].enumerated() {
      for (column, head) in [11, 0].enumerated() {
        let expected = try golden.map("english", layer: layer, head: head)
        let found = try bench.tensor("g[\(row)][\(column)].weights").floats
        #expect(try largestDifference(found, expected) <= 1e-5)
      }
    }
    let shown = try bench.run("g").results.first
    #expect(shown?.html?.contains("<img") == true)
    #expect(shown?.plainText?.contains("layer 2") == true)
    #expect(
      try bench.json("attention(\"The bank refused her loan.\", layer: all, head: mean).layers")
        == [0, 1, 2, 3, 4, 5])
    #expect(
      try bench.tensor(
        "attention(\"The bank refused her loan.\", layer: all, head: all)[5][11].weights"
      )
      .floats == bench.tensor("trace(\"The bank refused her loan.\").attentions[5][11]").floats)
  }

  @Test func aWordOfSeveralTokensLooksWithTheirMeanAndIsLookedAtWithTheirSum() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let golden = try Golden("minilm")
    try bench.run("a = attention(\"Hi 👋 你好, café 2024!\", layer: 3, head: 1)")
    let map = try golden.map("mixed", layer: 3, head: 1).map(Double.init)
    // The positions in the reference's tokens: 你 3, 好 4, café 6, 202 7, ##4 8, [SEP] 10; of 11.
    func weight(_ queries: [Int], _ keys: [Int]) -> Double {
      queries.reduce(0) { sum, query in sum + keys.reduce(0) { $0 + map[query * 11 + $1] } }
        / Double(queries.count)
    }
    #expect(abs(try bench.number("a[\"2024\"][\"你好\"]") - weight([7, 8], [3, 4])) <= 1e-5)
    #expect(abs(try bench.number("a[\"café\"][\"2024\"]") - weight([6], [7, 8])) <= 1e-5)
    #expect(abs(try bench.number("a[\"好\"][\"[SEP]\"]") - weight([4], [10])) <= 1e-5)
    #expect(abs(try bench.number("a[\"你好, café\"][-1]") - weight([3, 4, 5, 6], [10])) <= 1e-5)
    #expect(abs(try bench.number("a[7][\"👋\"]") - weight([7], [2])) <= 1e-5)
    #expect(abs(try bench.number("sum(a[\"2024\"].weights)") - 1) <= 1e-5)
    #expect(try bench.number("len(a[1...3])") == 3)
    #expect(try bench.json("a[\"2024\"].weights[0...1]") == bench.json("a[\"2024\"][0...1]"))
  }

  @Test func aWordThatOccursTwiceIsItsFirstPlaceAndNotAPartOfAnotherWord() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    // [CLS] the kitten bit the cat and it bit the cat [SEP]
    try bench.run("a = attention(\"The kitten bit the cat and it bit the cat\", layer: 0, head: 0)")
    #expect(try bench.json("a.tokens.texts")[2] == "kitten")
    #expect(try bench.json("a[\"cat\"].weights") == bench.json("a[5].weights"))
    #expect(try bench.json("a[\"it\"].weights") == bench.json("a[7].weights"))
    #expect(try bench.json("a[\"bit the\"].weights") != bench.json("a[3].weights"))
    #expect(try bench.json("a[\"kit\"].weights") == bench.json("a[2].weights"))
  }

  @Test func aWordThatTheTextDoesNotHaveGetsTheNearest() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run("a = attention(\"The kitten sat.\")")
    let failure = try bench.failure("a[\"kiten\"]")
    #expect(failure.code == "no-such-token")
    #expect(failure.message == "The text has no \"kiten\".")
    #expect(failure.hint == "Did you mean \"kitten\"?")
    #expect(try bench.failure("a[\"kitten\"][\"\"]").code == "no-such-token")
    #expect(try bench.failure("a[40]").message.contains("0…"))
  }

  @Test func theModelsOwnMarksCanBeLeftOutOfThePicture() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let all = try #require(try bench.run("a = attention(\"The cat sat.\")\na").results.first)
    let own = try #require(
      try bench.run("b = attention(\"The cat sat.\", special: false)\nb").results.first)
    #expect(all.plainText?.contains("[CLS]") == true)
    #expect(own.plainText?.contains("[CLS]") == false)
    #expect(own.html?.contains("[CLS]") == false)
    #expect(try bench.tensor("b.weights").floats == bench.tensor("a.weights").floats)
    #expect(
      try bench.run("attention(\"你好 cat\", special: false)").results[0].plainText?.contains("你")
        == true)
    #expect(
      try bench.run("attention(\"The cat sat.\", layer: 0...1, special: false)").results[0]
        .html?.contains("[CLS]") == false)
  }

  @Test func aFigureSaysWhereItComesFrom() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    let bundle = try #require(
      try bench.run("attention(\"The cat sat.\", layer: 3, head: 1)").results.first)
    let origin = bundle.metadata["vitrine"]
    #expect(origin?["model"] == "all-MiniLM-L6-v2")
    #expect(origin?["version"]?.string == Workbench.version)
    #expect(origin?["call"] == "attention(\"The cat sat.\", layer: 3, head: 1)")
    #expect(
      origin?["model_sha256"]?.string == (try bench.text("load(\"all-MiniLM-L6-v2\").sha256")))
    #expect(bundle.plainText?.contains("layer 3 · head 1") == true)
  }

  @Test func aDecodersMapIsCausal() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")")
    let map = try bench.tensor("attention(\"The model\", layer: 1, head: 2).weights")
    for query in 0..<map.shape[0] {
      #expect(map.row(query)[(query + 1)...].allSatisfy { $0 == 0 })
      #expect(abs(map.row(query).reduce(0) { $0 + Double($1) } - 1) < 1e-5)
    }
    #expect(try bench.run("attention(\"The model\")").results[0].html != nil)
  }

  @Test func aGridOfMoreThan64MillionNumbersIsKeptAsTilesOfItsMaps() throws {
    let bench = try Bench()
    try bench.run("m = load(\"\(fixtures)/llama-deepseek-llm\")")
    let maps = try Int(bench.number("m.layers * m.heads"))
    let count = Int((Double(65 << 20) / Double(maps)).squareRoot()) + 1
    try bench.run("ids = [i * 7 % 50 + 3 for i in 0..<\(count)]")
    let shown = try bench.run("g = attention(ids: ids, layer: all, head: all); g")
    let html = try #require(shown.results.first?.html)
    let block = try Int(bench.number("g.block"))
    #expect(block > 1 && html.contains("each point the largest of \(block) × \(block)"))
    let tiles = try bench.tensor("g.tiles[1][0]")
    let whole = try bench.tensor("attention(ids: ids, layer: 1, head: 0).weights")
    let side = (count + block - 1) / block
    #expect(tiles.shape == [side, side])
    for (row, column) in [(0, 0), (side / 2, side / 3), (side - 1, 2), (side - 1, side - 1)] {
      var largest: Float = 0
      for query in row * block..<min(count, (row + 1) * block) {
        largest = max(
          largest, whole.row(query)[column * block..<min(count, (column + 1) * block)].max() ?? 0)
      }
      #expect(tiles.row(row)[column] == largest)
    }
    #expect(tiles.row(0)[side - 1].isNaN, "what causality hides is no number")
    #expect(try bench.failure("g[0]").code == "too-large")
  }
}
