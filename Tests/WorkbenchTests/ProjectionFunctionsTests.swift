import DataFormats
import FoundationEssentials
import Interpreter
import Tensors
import Testing
import Workbench

@Suite struct ProjectionFunctionsTests {
  private static let texts = """
    texts = ["a cat", "a kitten", "a dog", "a puppy", "a loan", "a bank", "a debt", "a mortgage"]
    """

  @Test func meaningsAreNearEachOtherOnTheMap() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run(Self.texts)
    try bench.run("p = embed(texts)\nq = p |> project()")
    let places = try bench.tensor("q.coordinates")
    #expect(places.shape == [8, 2])
    // The first axis of eight such texts divides animals from money.
    let sides = (0..<8).map { places.row($0)[0] > 0 }
    #expect(sides == Array(repeating: sides[0], count: 4) + Array(repeating: !sides[0], count: 4))
    #expect(try bench.text("q.method") == "pca")
    #expect(try bench.number("sum(q.explained)") < 1)
    #expect(try bench.number("q.trustworthiness") > 0.5)
    #expect(try bench.json("q.kl") == .null)
    let plot = try #require(try bench.run("q").results.first)
    #expect(plot.data["text/html"]?.string?.contains("<script>") == true)
    let near = try bench.run("nearest(p, \"a cat\", k: 2)").results.first
    let text = near?.data["text/plain"]?.string ?? ""
    #expect(text.contains("a kitten") && !text.contains("a cat\""))
    #expect(try bench.text("nearest(p, \"pussycat\", k: 1).text[0]") == "a cat")
    #expect(try bench.number("nearest(p, -1, k: 1).index[0]") == 4)
    #expect(try bench.number("len(embed(\"a very small cat\", pool: \"tokens\"))") == 4)
  }

  @Test func tsneTellsWhatItsMapIsWorth() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run(Self.texts)
    try bench.run("q = embed(texts) |> project(method: \"tsne\", dims: 3, seed: 3)")
    #expect(try bench.tensor("q.coordinates").shape == [8, 3])
    #expect(try bench.number("q.kl") > 0)
    #expect(try bench.json("q.explained") == .null)
    #expect(try bench.number("q.seed") == 3)
    let again = try bench.tensor(
      "project(embed(texts), method: \"tsne\", dims: 3, seed: 3).coordinates")
    #expect(again.floats == (try bench.tensor("q.coordinates")).floats)
    let recorder = try bench.run("project(embed(texts), method: \"tsne\")")
    #expect(recorder.progress.contains("t-SNE"))
  }

  @Test func umapTellsItsNeighbourhoods() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run(Self.texts)
    let recorder = try bench.run(
      "q = embed(texts) |> project(method: \"umap\", neighbors: 4, min_dist: 0.2, dims: 3, seed: 3)\nq"
    )
    #expect(recorder.progress.contains("UMAP"))
    let plain = recorder.results.first?.data["text/plain"]?.string ?? ""
    #expect(plain.contains("neighbourhoods of 4 · least distance 0.2"), "\(plain)")
    #expect(try bench.tensor("q.coordinates").shape == [8, 3])
    #expect(try bench.text("q.method") == "umap")
    #expect(try bench.json("q.kl") == .null)
    let again = try bench.tensor(
      "project(embed(texts), method: \"umap\", neighbors: 4, min_dist: 0.2, dims: 3, seed: 3).coordinates"
    )
    #expect(again.floats == (try bench.tensor("q.coordinates")).floats)
  }

  @Test func theWholeVocabularyIsPoints() throws {
    let bench = try Bench("all-MiniLM-L6-v2")
    try bench.run("p = embed(vocabulary: true, ids: [2000 + i for i in 0..<900])")
    #expect(try bench.number("len(p)") == 900)
    #expect(try bench.text("p.pool") == "vocabulary")
    // A word's vector is that of its token.
    #expect(try bench.number("nearest(p, p.labels[7], k: 1).cosine[0]") < 0.999)
    #expect(try bench.number("nearest(p, 7, k: 3).cosine[0]") > 0.2)
    #expect(
      try bench.text("nearest(embed(vocabulary: true, ids: [2158, 2160, 5000]), 0, k: 1).text[0]")
        .isEmpty == false)
    for (cell, part) in [
      ("embed([\"a\"], vocabulary: true)", "not both"),
      ("embed(vocabulary: true, ids: [999999])", "no token 999999"),
      ("embed(vocabulary: true, layer: 2)", "input vectors only"),
    ] {
      let recorder = Recorder()
      guard
        case .failed(let diagnostics) = bench.session.execute(
          cell, output: recorder, progress: recorder)
      else {
        Issue.record("\(cell) ran")
        continue
      }
      #expect(diagnostics.first?.message.contains(part) == true, "\(diagnostics)")
    }
  }

  @Test func colorsLabelsAndSizesOfOnesOwn() throws {
    let bench = try Bench()
    try bench.run("q = project(tensor([[1, 2, 3], [2, 4, 5], [3, 5, 9], [0, 0, 1]]))")
    let plot = try bench.run(
      "q |> scatter(color: [\"甲\", \"乙\", \"乙\", none], label: [\"a\", \"b\", \"<c>\", 4], size: [1, 2, 3, 4])"
    )
    let text = try #require(plot.results.first?.data["text/plain"]?.string)
    for part in ["a [甲]", "b [乙]", "<c> [乙]", "  4  ("] {
      #expect(text.contains(part), "\(part) in \(text)")
    }
    let numbers = try bench.run("scatter(q, color: [1, 2.5, none, 4], title: \"mine\")")
    let plain = try #require(numbers.results.first?.data["text/plain"]?.string)
    #expect(plain.hasPrefix("mine\n") && plain.contains("2.5"))
  }

  @Test func whatCannotBeProjectedIsSaid() throws {
    let bench = try Bench()
    try bench.run("q = project(tensor([[1, 2, 3], [2, 4, 5], [3, 5, 9]]))")
    for (cell, part) in [
      ("project(tensor([1, 2, 3]))", "[3]"),
      ("project(tensor([[1, 2, 3]]))", "at least 2"),
      ("project(tensor([[1, 2], [2, 1]]), dims: 3)", "2 dimensions"),
      ("project(tensor([[1, 2], [2, 1], [3, 3]]), method: \"tsne\", perplexity: 3)", "perplexity"),
      ("scatter(q, color: [1, 2])", "2 elements for 3 points"),
      ("project(tensor([[1, 2], [2, 1]]), labels: [\"a\"])", "1 elements for 2 points"),
    ] {
      let recorder = Recorder()
      let outcome = bench.session.execute(cell, output: recorder, progress: recorder)
      guard case .failed(let diagnostics) = outcome else {
        Issue.record("\(cell) ran")
        continue
      }
      #expect(diagnostics.first?.message.contains(part) == true, "\(diagnostics)")
    }
  }

  @Test func savedAsNumbersTablesAndTensors() throws {
    let bench = try Bench()
    try bench.run(
      "q = project(tensor([[1, 2, 3], [2, 4, 5], [3, 5, 9]]), labels: [\"a\", \"b\", \"c\"])")
    for name in ["q.npy", "q.csv", "q.json", "q.safetensors", "q.svg", "q.html"] {
      try bench.run("save(q, \"\(bench.folder)/\(name)\")")
      let bytes = try #require(FileManager.default.contents(atPath: "\(bench.folder)/\(name)"))
      #expect(!bytes.isEmpty)
    }
    let csv = try #require(FileManager.default.contents(atPath: bench.folder + "/q.csv"))
    #expect(
      String(decoding: csv, as: UTF8.self).hasPrefix("text,x,y\n")
        || String(decoding: csv, as: UTF8.self).hasPrefix("text,x,y\r\n"))
    let tensors = try #require(
      FileManager.default.contents(atPath: bench.folder + "/q.safetensors"))
    #expect(String(decoding: tensors.prefix(200), as: UTF8.self).contains("\"coordinates\""))
  }
}
