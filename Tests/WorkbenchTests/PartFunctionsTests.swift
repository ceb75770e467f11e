import DataFormats
import Interpreter
import Testing

@testable import Workbench

/// Contributions, neurons and probes on the specimen, whose truth is known, and the parts of DeepSeek's architectures.
@Suite struct PartFunctionsTests {
  private func bench() throws -> Bench {
    let bench = try Bench("specimen", "specimen-moe", "deepseek-v32")
    try bench.run(
      """
      m = load("specimen")
      clean = "Patient Hugo Lee, 31 years, has asthma. Department:"
      """)
    return bench
  }

  @Test func contributionsSumToTheLogit() throws {
    let bench = try bench()
    try bench.run("c = contributions(clean, target: \" pulmonology\", against: \" dermatology\")")
    let logit = try bench.number("c.logit")
    #expect(logit > 1)
    #expect(abs(try bench.number("c.sum") - logit) < 1e-4)
    #expect(try bench.tensor("c.heads").shape == [5, 5])
    #expect(try bench.json("len(c.table)") == .integer(31))
    let shown = try bench.shown("c")
    #expect(shown.contains("Contributions") && shown.contains("strongest"), "\(shown)")
    // Without names it is the likeliest token, and ids do as well as a text.
    #expect(try bench.number("contributions(ids: c.trace.ids).logit") > 1)
  }

  @Test func expertsAreShownWithLoadsAndCorrections() throws {
    let bench = try bench()
    try bench.run("e = experts(clean, using: load(\"specimen-moe\"))")
    let weights = try bench.tensor("e.weights")
    #expect(weights.shape[0] == 3 && weights.shape[2] == 8)
    let load = try bench.tensor("e.load")
    for layer in 0..<3 {
      #expect(abs(load.row(layer).reduce(0, +) - 8) < 1e-4)
    }
    #expect(try bench.tensor("e.corrections").shape == [3, 8])
    #expect(try bench.shown("e").contains("choices were made by the corrections"))
    let one = try bench.shown("experts(clean, layer: 2, using: load(\"specimen-moe\"))")
    #expect(one.contains("Groups") && one.contains("Load"), "\(one)")
    #expect(try bench.failure("experts(clean, using: m)").message.contains("no experts"))
    #expect(
      try bench.failure("experts(clean, layer: 0, using: load(\"specimen-moe\"))").message
        .contains("layers with experts are 1, 2, 3"))
  }

  @Test func attentionIsSplitIntoContentAndPosition() throws {
    let bench = try bench()
    try bench.run("l = load(\"specimen-moe\")")
    #expect(try bench.tensor("content_position(clean, using: l).shares").shape == [4, 4])
    try bench.run("s = content_position(clean, layer: 1, head: 2, using: l)")
    let map = try bench.tensor("s.attention")
    let attention = try bench.tensor("attention(clean, layer: 1, head: 2, using: l).weights")
    for (left, right) in zip(map.floats, attention.floats) { #expect(abs(left - right) <= 1e-5) }
    #expect(try bench.shown("s").contains("Content and position"))
    #expect(
      try bench.failure("content_position(clean, using: m)").message.contains(
        "has no latent attention"))
  }

  @Test func whatAnIndexerMissesIsShown() throws {
    let bench = try bench()
    try bench.run("v = load(\"deepseek-v32\")")
    try bench.run("s = selection(ids: [7, 50, 3, 3, 21, 41, 10, 11, 9], using: v)")
    #expect(try bench.shown("s").contains("see less than all"))
    #expect(try bench.tensor("s.missed").shape == [4, 9])
    let mean = try #require(try bench.json("s.mean").array).compactMap(\.number)
    let least = try #require(try bench.json("s.least").array).compactMap(\.number)
    #expect(mean.count == 9 && mean.prefix(5).allSatisfy { $0 == 0 })
    #expect(zip(mean, least).allSatisfy { $0 >= $1 - 1e-6 })
    #expect(
      try bench.shown("selection(ids: [7, 50, 3], using: v)").contains("sees all keys"))
    #expect(try bench.failure("selection(clean, using: m)").message.contains("selects no keys"))
  }

  /// The disease is said before the end of the text: late layers carry it there, the embedding of the last token can't.
  @Test func aProbeReadsTheDiseaseLate() throws {
    let bench = try bench()
    try bench.run(
      """
      names = ["Grace Adams", "Ivan Moore", "Paul Clark", "Rosa Hill", "Adam King", "Olga Baker", "Hugo Lee", "Leo Cole"]
      texts = ["Patient \\(n), 40 years, has eczema. Department:" for n in names] + ["Patient \\(n), 40 years, has asthma. Department:" for n in names]
      labels = ["skin" for n in names] + ["lungs" for n in names]
      p = probe(texts, labels, folds: 4, seed: 1)
      """)
    let accuracy = try #require(try bench.json("p.accuracy").array).compactMap(\.number)
    #expect(accuracy.count == 6)
    #expect(accuracy[4] > 0.9 && accuracy[0] <= 0.5)
    #expect(try bench.number("p.chance") == 0.5)
    let p = try #require(try bench.json("p.p").array).compactMap(\.number)
    #expect(p[4] <= 0.05 && p[0] > 0.05)
    let shown = try bench.shown("p")
    #expect(shown.contains("not significant") && shown.contains("Selectivity"), "\(shown)")
    // The mean of the embeddings says it, that of one named piece before the disease doesn't.
    #expect(
      try bench.json(
        "probe(texts, labels, folds: 4, layer: 0, pooling: \"mean\").accuracy[0] > 0.9")
        == .bool(true))
    #expect(
      try bench.json("probe(texts, labels, folds: 4, layer: 0, at: \"years\").accuracy[0] <= 0.5")
        == .bool(true))
    #expect(
      try bench.failure("probe(texts, labels, at: \"weather\")").message.contains("has no"))
    #expect(try bench.json("len(p.predictions)") == .integer(16))
    #expect(
      try bench.json("probe(texts, labels, folds: 4, seed: 1).table == p.table") == .bool(true))
    #expect(
      try bench.failure("probe([\"a\", \"b\"], [1])").message.contains("1 entries for 2 texts"))
    #expect(
      try bench.failure("probe([\"a\", \"b\"], [1, 1])").message.contains("two different labels"))
    #expect(
      try bench.failure("probe([\"a\", \"b\"], [1, 2])").message.contains("stands at one text"))
  }

  @Test func neuronsAreRankedWithWhatTheyWrite() throws {
    let bench = try bench()
    try bench.run("n = neurons([clean, \"The sky is\", \"患者患有高血压\"], layer: 4, top: 6)")
    #expect(try bench.json("len(n.table)") == .integer(6))
    let table = try #require(try bench.json("n.table.strongest").array).compactMap(\.number)
    #expect(table == table.sorted { abs($0) > abs($1) })
    #expect(try bench.shown("n").contains("raises"))
    let first = try bench.number("n.neurons[0]")
    #expect(
      try bench.number("neurons([clean], layer: 4, neuron: \(Int(first))).neurons[0]") == first)
    try bench.run("l = load(\"specimen-moe\")")
    #expect(
      try bench.failure("neurons([clean], layer: 2, using: l)").message.contains("8 experts"))
    #expect(
      try bench.shown("neurons([clean], layer: 2, expert: \"shared\", using: l)").contains(
        "shared experts"))
    #expect(
      try bench.shown("neurons([clean], layer: 2, expert: 1, top: 2, using: l)").contains(
        "expert 1"))
    #expect(
      try bench.failure("neurons([clean], layer: 2, expert: 9, using: l)").message.contains("0…7"))
  }
}
