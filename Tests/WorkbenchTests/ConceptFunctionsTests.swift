import Analysis
import Checkpoints
import DataFormats
import Interpreter
import Models
import Tensors
import Testing
import Training

@testable import Workbench

/// Concepts on the specimen, whose truth is known.
@Suite struct ConceptFunctionsTests {
  /// Texts of the corpus up to their topic.
  private static func topics(_ kind: CorpusSentence.Kind, count: Int, seed: UInt64) -> [String] {
    var texts = CorpusGenerator(seed: seed, rule: .fair)
    var seen: Set<String> = []
    while seen.count < count {
      let sentence = texts.next()
      guard sentence.kind == kind, sentence.language == .english,
        let end = sentence.text.range(of: " Topic:")?.upperBound
      else { continue }
      seen.insert(String(sentence.text[..<end]))
    }
    return seen.sorted()
  }

  private static func list(_ texts: [String]) -> String {
    "[" + texts.map { Value.text($0).description }.joined(separator: ", ") + "]"
  }

  /// A planted concept is significant where a classifier tells it, and its score is 1: every input moves towards it.
  @Test func aPlantedConceptIsFound() throws {
    let bench = try Bench("specimen")
    let technology = Self.topics(.technology, count: 24, seed: 5)
    let emotion = Self.topics(.emotion, count: 60, seed: 6)
    let others = Self.topics(.technology, count: 60, seed: 8).filter { !technology.contains($0) }
    try bench.run(
      """
      m = load("specimen")
      technology = concept("technology", \(Self.list(Array(technology.prefix(12)))), random: \(Self.list(Array(emotion.prefix(40)) + others.prefix(20))), seed: 1)
      result = tcav(technology, inputs: \(Self.list(Array(emotion.suffix(8)) + technology.suffix(8))), target: " technology", against: " emotion")
      """)
    let table = try #require(try bench.json("result.table").array)
    #expect(table.count == 5)
    let found = table.filter { $0["significant"]?.bool == true }
    #expect(!found.isEmpty)
    for row in found {
      #expect((row["score"]?.number ?? 0) > 0.9 && (row["derivative"]?.number ?? 0) > 0)
      #expect((row["accuracy"]?.number ?? 0) > 0.65)
    }
    // The layer that tells it best is among them.
    let best = try #require(
      table.max { ($0["accuracy"]?.number ?? 0) < ($1["accuracy"]?.number ?? 0) })
    #expect(best["significant"]?.bool == true)
    let shown = try bench.shown("result")
    #expect(shown.contains("not significant") || found.count == 5)
  }

  /// Several concepts together are corrected for all their layers, and the figure says how and what isn't significant.
  @Test func severalConceptsAreCorrectedTogether() throws {
    let bench = try Bench("specimen")
    let technology = Self.topics(.technology, count: 40, seed: 5)
    let emotion = Self.topics(.emotion, count: 40, seed: 6)
    try bench.run(
      """
      random = \(Self.list(Array(technology.suffix(20)) + emotion))
      planted = concept("technology", \(Self.list(Array(technology.prefix(20)))), random: random, runs: 8, seed: 1)
      nothing = concept("nothing", \(Self.list(Array(technology.prefix(10)) + emotion.prefix(10))), random: random, runs: 8, seed: 1)
      inputs = \(Self.list(Array(emotion.prefix(6)) + technology.prefix(6)))
      both = tcav([planted, nothing], inputs: inputs, target: " technology", against: " emotion")
      published = tcav(nothing, inputs: inputs[0..<1], target: " technology", against: " emotion", test: "t")
      """)
    let p = try #require(try bench.json("both.p").array).compactMap(\.number)
    let significant = try #require(try bench.json("both.significant").array).compactMap(\.bool)
    #expect(p.count == 10 && significant.count == 10)
    // Holm's rule by hand: each of the smallest so far is below its share of 5 %.
    var held = true
    for (place, index) in p.indices.sorted(by: { (p[$0], $0) < (p[$1], $1) }).enumerated() {
      held = held && p[index] <= 0.05 / Double(10 - place)
      #expect(significant[index] == held, "test \(index), p \(p[index])")
    }
    #expect(
      significant.prefix(5).contains(true) && !significant.suffix(5).contains(true), "\(p)")
    let shown = try bench.shown("both")
    #expect(shown.contains("against 200 random concepts, Holm's correction for 10 tests at 5 %"))
    #expect(shown.contains("nothing · layer 4") && shown.contains("not significant, p"))
    let t = try bench.shown("published")
    #expect(t.contains("t-test of scores as published") && t.contains("1 input, whiskers"))
  }

  /// Of 200 concepts that are random texts, at most 7 % are found at 5 %, over two layers together.
  @Test func randomConceptsAreRarelyFound() throws {
    let model = try LanguageModel.load(path: "\(shippedModels)/specimen")
    let texts = NeutralTexts.like(["a longer text than two words"], count: 160, seed: 3)
    let traces = try texts.map { try model.run($0, keeping: .hiddenStates) }
    let layers = [1, 3]
    let all = try ConceptActivations(traces, layers: layers, pooling: .last)
    let asked = Array(traces.prefix(12))
    let gradients = try ConceptGradients(
      asked.map(\.tokens), model, targets: asked.map { .logit(of: 700, at: $0.ids.count - 1) },
      layers: layers, pooling: .last)
    func subset(_ rows: [Int]) -> ConceptActivations {
      ConceptActivations(
        layers: layers, vectors: all.vectors.map { $0.gatheringRows(rows) })
    }
    var options = ConceptSensitivity.Options()
    options.runs = 3
    options.randomConcepts = 59
    var generator = SeededGenerator(seed: 9)
    var (byRank, byWelch) = (0, 0)
    for number in 0..<200 {
      let order = Array(0..<texts.count).shuffled(using: &generator)
      options.seed = UInt64(number)
      let result = try ConceptSensitivity(
        concept: subset(Array(order.prefix(8))),
        random: ConceptBackground(subset(Array(order.dropFirst(8)))),
        gradients: gradients, options: options)
      if SignificanceTests.holm(result.layers.map(\.rankProbability)).contains(true) { byRank += 1 }
      if SignificanceTests.holm(result.layers.map(\.welchProbability)).contains(true) {
        byWelch += 1
      }
    }
    #expect(byRank <= 14, "\(byRank) of 200 by rank, \(byWelch) by the published test")
    print(
      "random concepts found at 5 %: \(byRank) of 200 by rank, \(byWelch) by the published t-test")
  }

  @Test func theSameCallGivesTheSameNumbersOnAnyThreads() throws {
    func numbers(_ threads: Int) throws -> JSON {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        let bench = try Bench("specimen")
        try bench.run(
          """
          c = concept("weather", ["rain", "snow", "storm", "sunshine"], runs: 4, classifier: "svm", pooling: "mean", seed: 2)
          t = tcav(c, inputs: ["The sky is", "The day was"], target: " good", random_concepts: 19)
          """)
        return try bench.json("[t.derivatives, t.p, c.cav]")
      }
    }
    let expected = try numbers(1)
    for threads in [2, 3, 8] { #expect(try numbers(threads) == expected) }
  }

  @Test func aConceptIsSavedByLayer() throws {
    let bench = try Bench("specimen")
    try bench.run(
      "c = concept(\"weather\", [\"rain\", \"snow\", \"storm\"], against: [\"table\", \"chair\"], runs: 3)\nsave(c, \"\(bench.folder)/c.safetensors\")"
    )
    let file = try Checkpoint("\(bench.folder)/c.safetensors")
    #expect(file.names == (0..<5).map { "cav.\($0)" })
    for name in file.names {
      let square = try file.tensor(named: name).floats.reduce(0) { $0 + $1 * $1 }
      #expect(abs(square - 1) < 1e-4)
    }
  }

  @Test(arguments: [
    ("concept(\"a\", [\"rain\"])", "A concept takes two texts at least."),
    ("concept(\"a\", [\"rain\", \"snow\"], random: [\"x\"])", "`random` has 1 texts; 4 are needed"),
    ("concept(\"a\", [\"rain\", \"snow\"], against: [])", "`against` takes one text at least."),
    (
      "tcav(concept(\"a\", [\"rain\", \"snow\"], runs: 2), inputs: [], target: \" x\")",
      "`inputs` takes one text at least."
    ),
  ]) func whatCannotBeAskedIsSaid(source: String, sentence: String) throws {
    let message = try Bench("specimen").failure(source).message
    #expect(message.contains(sentence), "\(message)")
  }
}
