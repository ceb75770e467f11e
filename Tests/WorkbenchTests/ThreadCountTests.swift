import Analysis
import DataFormats
import Models
import Tensors
import Testing

@testable import Workbench

/// Every way of looking gives the same bits on any number of threads.
@Suite struct ThreadCountTests {
  private static let cells = [
    "attention(text, layer: all, head: all)",
    "heads(text, sort: \"entropy\").table",
    "rollout(text).weights",
    "flow(text).weights",
    "compare(attention(text, layer: 0, head: 0), attention(text, layer: 3, head: 1)).differences",
    "lens(text).probabilities",
    "attribute(text, method: \"smoothgrad\", samples: 4, seed: 2).scores",
    "attribute(text, method: \"shapley\", samples: 4, seed: 2).scores",
    "attribute(text, method: \"attention_relevance\").scores",
    "faithfulness(attribute(text, method: \"input_x_gradient\")).deletion_area",
    "explain_answer(text, tokens: 3, method: \"attn_lrp\").scores",
    "patch(text, other, target: \" pulmonology\", against: \" dermatology\").values",
    "ablate(text, target: \" pulmonology\").values",
    "contributions(text, target: \" pulmonology\").table",
    "neurons([text, other], layer: 2, top: 5).table",
    "next(text, top: 9).probabilities",
    "generate(text, tokens: 6, temperature: 0.9, seed: 3).probabilities",
    """
    probe(["rain", "snow", "storm", "sunshine", "table", "chair", "lamp", "shelf"],
      ["weather", "weather", "weather", "weather", "thing", "thing", "thing", "thing"],
      folds: 4, controls: 5).accuracy
    """,
    "embed(vocabulary: true)[0..<300] |> project(method: \"tsne\", seed: 1)",
    "embed(vocabulary: true)[0..<300] |> project(method: \"umap\", seed: 1)",
    "embed(vocabulary: true)[0..<300] |> project(dims: 3)",
  ]

  @Test(arguments: cells) func theSameBitsOnAnyNumberOfThreads(cell: String) throws {
    func numbers(_ threads: Int) throws -> JSON {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        let bench = try Bench("specimen")
        try bench.run(
          """
          text = "Patient Hugo Lee, 31 years, has asthma. Department:"
          other = "Patient Hugo Lee, 31 years, has eczema. Department:"
          """)
        return try bench.json(cell)
      }
    }
    let expected = try numbers(1)
    for threads in [2, 5] { #expect(try numbers(threads) == expected) }
  }

  /// The runs and the random concepts of a test are divided among threads, too.
  @Test func conceptsAreTestedAlikeOnAnyNumberOfThreads() throws {
    let model = try LanguageModel.load(path: "\(shippedModels)/specimen")
    let texts = NeutralTexts.like(["a longer text than two words"], count: 40, seed: 3)
    let traces = try texts.map { try model.run($0, keeping: .hiddenStates) }
    let layers = [1, 3]
    let all = try ConceptActivations(traces, layers: layers, pooling: .last)
    let asked = Array(traces.prefix(5))
    let gradients = try ConceptGradients(
      asked.map(\.tokens), model, targets: asked.map { .logit(of: 700, at: $0.ids.count - 1) },
      layers: layers, pooling: .last)
    func subset(_ rows: Range<Int>) -> ConceptActivations {
      ConceptActivations(
        layers: layers, vectors: all.vectors.map { $0.gatheringRows(Array(rows)) })
    }
    var options = ConceptSensitivity.Options()
    options.runs = 7
    options.randomConcepts = 23
    func tested(_ threads: Int) throws -> [ConceptSensitivity.Layer] {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        try ConceptSensitivity(
          concept: subset(0..<8), random: ConceptBackground(subset(8..<40)), gradients: gradients,
          options: options
        ).layers
      }
    }
    let expected = try tested(1)
    #expect(expected.allSatisfy { $0.randomDerivatives.count == 23 && $0.derivatives.count == 7 })
    for threads in [2, 5] { #expect(try tested(threads) == expected) }
  }
}
