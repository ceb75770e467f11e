import DataFormats
import Interpreter
import Testing

@testable import Workbench

/// Patching, ablation and steering on the specimen, whose truth is known.
@Suite struct CauseFunctionsTests {
  private func bench() throws -> Bench {
    let bench = try Bench("specimen")
    try bench.run(
      """
      m = load("specimen")
      clean = "Patient Hugo Lee, 31 years, has asthma. Department:"
      other = "Patient Hugo Lee, 31 years, has eczema. Department:"
      """)
    return bench
  }

  /// The disease decides: patching its token in the first layers gives the clean answer, patching the last position in the
  /// last layer does, and no other position does in the first.
  @Test func patchingFindsTheDecidingToken() throws {
    let bench = try bench()
    try bench.run(
      "p = patch(clean, other, target: \" pulmonology\", against: \" dermatology\")")
    let values = try bench.tensor("p.values")
    let places = try #require(try bench.json("p.places").array).compactMap(\.string)
    let disease = try #require(places.firstIndex { $0.contains("→") })
    let first = values.row(0)
    for (place, value) in first.enumerated() {
      // Several tokens of the word may differ; together they are all of it.
      #expect(places[place].contains("→") || abs(value) < 1e-4, "\(places[place]) \(value)")
    }
    #expect(first[disease] > 0.3)
    let last = values.row(values.shape[0] - 1)
    #expect(last[last.count - 1] > 0.9)
    #expect(try bench.shown("p").contains("Patching"))
  }

  @Test func headsAndPartsAreAblated() throws {
    let bench = try bench()
    let values = try bench.tensor("ablate(clean, target: \" pulmonology\").values")
    #expect(values.shape == [5, 7])
    #expect(values.floats.contains { $0 > 1 })
    #expect(try bench.tensor("patch(clean, other, part: \"heads\").values").shape == [5, 5])
  }

  @Test func aConceptSteersWhatIsSaid() throws {
    let bench = try bench()
    try bench.run(
      """
      names = ["Grace Adams", "Ivan Moore", "Paul Clark", "Rosa Hill", "Adam King", "Olga Baker"]
      skin = concept("skin", ["Patient \\(n), 40 years, has eczema. Department:" for n in names],
        against: ["Patient \\(n), 40 years, has asthma. Department:" for n in names], runs: 5, seed: 1)
      s = steer(clean, skin, strength: 1.5, layer: 4, tokens: 1)
      a = ablate("Patient Leo Cole, 33 years, has eczema. Department:", concept: skin, tokens: 1)
      """)
    #expect(try bench.text("s.without").contains("pulmonology"))
    #expect(try bench.text("s.text").contains("dermatology"))
    #expect(try bench.text("a.without").contains("dermatology"))
    #expect(try bench.json("skin.accuracy[4] > 0.9") == .bool(true))
  }

  @Test(arguments: [
    ("patch(clean, \"short\")", "only texts of as many tokens can be patched"),
    ("steer(clean, 3)", "takes"),
  ]) func whatCannotBeAskedIsSaid(source: String, sentence: String) throws {
    let message = try bench().failure(source).message
    #expect(message.contains(sentence), "\(message)")
  }
}
