import DataFormats
import Interpreter
import Testing

/// What the notebook about grading says of the methods, on the specimen whose truth is known.
@Suite struct GradingTests {
  private func bench(_ models: String = "specimen") throws -> Bench {
    let bench = try Bench("specimen", "specimen-biased")
    try bench.run("m = load(\"\(models)\")")
    return bench
  }

  /// A single word decides: nearly every method has it among its three strongest tokens. What is least is how
  /// often it is the strongest.
  @Test(arguments: [
    ("gradient_norm", 0.8, 0.8), ("integrated_gradients", 0.4, 0.8), ("smoothgrad", 0, 0.8),
    ("attn_lrp", 0.5, 0.8), ("conserving_lrp", 0.6, 0.8), ("attention_relevance", 0.6, 0.8),
    ("occlusion", 0, 0.8), ("shapley", 0, 0.8), ("input_x_gradient", 0, 0.3),
    ("deeplift", 0.2, 0.8),
  ]) func methodsFindTheDecidingWord(method: String, hits: Double, nearHits: Double) throws {
    let bench = try bench()
    try bench.run(
      """
      g = grade(methods: ["\(method)"], kind: "disease", count: 6, steps: 24, samples: 4,
        deletion: false, seed: 1)
      """)
    #expect(try bench.number("g.hits[0]") >= hits)
    #expect(try bench.number("g.top_3[0]") >= nearHits)
    #expect(try bench.number("g.chance[0]") < 0.2)
    // The picture of random weights is another one.
    #expect(abs(try bench.number("g.random_weights[0]")) < 0.7)
  }

  /// Several facts decide together.
  @Test func relevanceFindsTheFactsOfALoan() throws {
    let bench = try bench()
    try bench.run(
      """
      g = grade(methods: ["attn_lrp", "conserving_lrp", "attention_relevance"], kind: "loan",
        count: 10, deletion: false, seed: 1)
      """)
    for row in 0..<3 {
      #expect(try bench.number("g.hits[\(row)]") > 2 * (try bench.number("g.chance[\(row)]")))
      #expect(try bench.number("g.top_3[\(row)]") >= 0.7)
    }
  }

  /// What is strong by a method is missed more than what is random.
  @Test func deletingTheStrongestTokensIsFelt() throws {
    let bench = try bench()
    try bench.run(
      """
      g = grade(methods: ["integrated_gradients", "occlusion", "attn_lrp", "attention_relevance"],
        kind: "sentiment", count: 3, steps: 24, time: true, seed: 1)
      """)
    for row in 0..<4 {
      #expect(
        try bench.number("g.deletion_area[\(row)]") < (try bench.number("g.random_area[\(row)]")))
      #expect(try bench.number("g.milliseconds[\(row)]") > 0)
    }
  }

  /// A planted concept is found from the first layer on, and what is none is not.
  @Test func conceptsAreFoundWhereTheyAre() throws {
    let bench = try bench()
    try bench.run(
      """
      def questions(kind, count, seed) = sort([replace(text, " technology.", "") |> replace(" emotion.", "") for text in corpus(kind: kind, count: count, language: "english", seed: seed).text])
      technology = questions("technology", 40, 1)
      emotion = questions("emotion", 40, 2)
      inputs = technology[30..<36] + emotion[30..<36]
      planted = concept("technology", technology[0..<20], random: technology[20..<40] + emotion, seed: 1)
      nothing = concept("nothing", technology[0..<10] + emotion[0..<10], random: technology[10..<40] + emotion[10..<40], seed: 1)
      yes = tcav(planted, inputs: inputs, target: " technology", against: " emotion").significant
      no = tcav(nothing, inputs: inputs, target: " technology", against: " emotion").significant
      """)
    #expect(try bench.json("yes") == [false, true, true, true, true])
    #expect(try bench.json("no") == [false, false, false, false, false])
  }

  /// The biased model refuses one district, and explanations name it.
  @Test func anAuditFindsTheDistrict() throws {
    let bench = try bench("specimen-biased")
    try bench.run(
      """
      def application(district) = "Applicant Tina King in \\(district), debt ratio 18%, earning 14 thousand, without collateral, missed 1 payments. Outcome:"
      a = attribute(application("Northridge"), target: " reject", against: " approve", method: "conserving_lrp")
      o = attribute(application("Northridge"), target: " reject", against: " approve", method: "occlusion")
      """)
    #expect(try bench.text("next(application(\"Eastgate\"), top: 1).texts[0]") == " approve")
    #expect(try bench.text("next(application(\"Northridge\"), top: 1).texts[0]") == " reject")
    for name in ["a", "o"] {
      #expect(try bench.json("max(\(name).scores) == max(\(name)[\"Northridge\"])") == .bool(true))
    }
  }
}
