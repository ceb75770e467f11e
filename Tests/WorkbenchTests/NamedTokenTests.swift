import Interpreter
import Testing

@testable import Workbench

/// Concepts at a named piece of every text.
@Suite struct NamedTokenTests {
  @Test func aConceptIsTakenWhereItIsNamed() throws {
    let bench = try Bench("specimen")
    try bench.run(
      """
      m = load("specimen")
      names = ["Grace Adams", "Ivan Moore", "Paul Clark", "Rosa Hill", "Adam King", "Olga Baker"]
      skin = ["Patient \\(n), 40 years, has eczema. Department:" for n in names]
      lungs = ["Patient \\(n), 40 years, has asthma. Department:" for n in names]
      end = concept("skin", skin, against: lungs, random: skin + lungs, runs: 4, seed: 1, at: "Department:")
      early = concept("skin", skin, against: lungs, random: skin + lungs, runs: 4, seed: 1, at: "years")
      """)
    // Before the disease is said nothing tells them.
    #expect(try bench.json("end.accuracy[4] > 0.9") == .bool(true))
    #expect(try bench.json("early.accuracy[4] <= 0.6") == .bool(true))
    let rows = try bench.json(
      "len(tcav(end, inputs: lungs, target: \" dermatology\", layers: 4, runs: 3, random_concepts: 19).scores)"
    )
    #expect(rows == .integer(1))
    let message = try bench.failure("concept(\"x\", skin, at: \"Department:\")").message
    #expect(message.contains("`random` must be given"))
  }
}
