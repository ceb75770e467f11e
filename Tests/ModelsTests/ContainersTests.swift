import Models
import Tensors
import Testing

/// A tiny model in another container than plain safetensors, with what the reference computes of its numbers.
struct ContainedModel: Sendable, CustomTestStringConvertible {
  let path: String
  let golden: String
  let architecture: String
  /// One of its weights and how that is stored.
  let weight: String
  let elementType: ElementType
  let hasExperts: Bool
  var testDescription: String { path }
}

@Suite struct ContainersTests {
  static let models = [
    ContainedModel(
      path: "deepseek-v3-scaled", golden: "deepseek-v3-scaled", architecture: "DeepSeek-V3",
      weight: "model.layers.1.mlp.experts.7.up_proj.weight", elementType: .float8e4m3,
      hasExperts: true),
    ContainedModel(
      path: "deepseek-v3.gguf", golden: "deepseek-v3-gguf", architecture: "DeepSeek-V3",
      weight: "model.layers.1.mlp.experts.7.up_proj.weight", elementType: .q4_0, hasExperts: true),
    ContainedModel(
      path: "qwen2.gguf", golden: "qwen2-gguf", architecture: "Qwen2",
      weight: "model.layers.0.self_attn.k_proj.weight", elementType: .q8_0,
      hasExperts: false),
    ContainedModel(
      path: "deepseek-moe.gguf", golden: "deepseek-moe", architecture: "DeepSeek-MoE",
      weight: "model.layers.1.self_attn.k_proj.weight", elementType: .float32, hasExperts: true),
    ContainedModel(
      path: "gpt2-bin", golden: "gpt2", architecture: "GPT-2",
      weight: "transformer.h.0.mlp.c_fc.weight", elementType: .float16,
      hasExperts: false),
  ]

  /// Hidden states and logits within 1e-4 of their largest magnitude, attention and the experts' weights within 1e-5.
  @Test(arguments: models)
  func aContainersNumbersGiveTheReferences(contained: ContainedModel) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(contained.path)")
    #expect(model.architecture == contained.architecture)
    #expect(
      model.weights.first { $0.name == contained.weight }?.elementType == contained.elementType)
    let golden = try Golden(contained.golden)
    #expect(golden.texts.map(\.ids.count) == [5, 19])
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      let deviation = try deviation(of: trace, from: golden, text: text.name, hasLogits: true)
      expectWithinTolerance(deviation, "\(contained.path) \(text.name)")
      guard contained.hasExperts else { continue }
      let expected = try golden.tensor("\(text.name).router_weights.1")
      var found = [Float](repeating: 0, count: expected.count)
      let (choices, weights) = (try trace.expertChoices(1), try trace.routerWeights(1))
      for token in text.ids.indices {
        for (expert, weight) in zip(choices.row(token), weights.row(token)) {
          found[token * expected.shape[1] + Int(expert)] = weight
        }
      }
      #expect(
        try largestDifference(Tensor(shape: expected.shape, found), expected) <= 1e-5,
        "\(contained.path) \(text.name)")
    }
  }

  @Test func whatIsNotReadIsNamedWithoutItsScales() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/deepseek-v3-scaled")
    let unused = model.unusedWeightNames
    #expect(unused.contains("model.layers.2.self_attn.o_proj.weight"))
    #expect(
      unused.allSatisfy { $0.hasPrefix("model.layers.2.") && !$0.hasSuffix("_scale_inv") })
    #expect(
      try LanguageModel.load(path: "\(fixtures)/gpt2-bin").unusedWeightNames.sorted() == [
        "lm_head.weight", "transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias",
        "transformer.h.1.attn.bias",
      ])
    #expect(
      try LanguageModel.load(path: "\(fixtures)/deepseek-v3.gguf").unusedWeightNames.isEmpty)
  }
}
