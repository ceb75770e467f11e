import DataFormats
import Interpreter
import Testing

/// What the notebook about grading says of the methods, on the specimen whose truth is known.
@Suite struct GradingTests {
  private func bench() throws -> Bench {
    let bench = try Bench("specimen")
    try bench.run("m = load(\"specimen\")")
    return bench
  }

  @Test(arguments: [("disease", 0.8), ("sentiment", 0.5)])
  func methodsFindTheDecidingWord(kind: String, least: Double) throws {
    let bench = try bench()
    try bench.run(
      """
      g = grade(methods: ["integrated_gradients", "occlusion", "attn_lrp", "conserving_lrp"],
        kind: "\(kind)", count: 12, deletion: false, seed: 1)
      """)
    for row in 0..<4 {
      let hits = try bench.number("g.hits[\(row)]")
      let method = try bench.text("g.method[\(row)]")
      #expect(hits >= least, "\(kind) \(method): \(hits)")
      #expect(try bench.number("g.chance[\(row)]") < 0.5 * hits)
      #expect(abs(try bench.number("g.random_weights[\(row)]")) < 0.7, "\(method)")
    }
  }

  /// What is strong by the method is missed more than what is random.
  @Test func deletingTheStrongestTokensIsFelt() throws {
    let bench = try bench()
    try bench.run(
      """
      g = grade(methods: ["integrated_gradients", "occlusion", "attn_lrp"], kind: "disease",
        count: 3, time: true, seed: 2)
      """)
    for row in 0..<3 {
      #expect(
        try bench.number("g.deletion_area[\(row)]") < (try bench.number("g.random_area[\(row)]")))
      #expect(try bench.number("g.milliseconds[\(row)]") > 0)
    }
  }
}
