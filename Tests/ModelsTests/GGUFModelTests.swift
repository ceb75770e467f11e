import Checkpoints
import DataFormats
import Models
import Tensors
import Testing

/// Models of GGUF files, compared with the same weights as the reference widens them.
@Suite struct GGUFModelTests {
  private let folder = fixtures.replacing("/Models", with: "/Checkpoints")

  @Test func computesWhatTheWidenedWeightsDo() throws {
    let quantised = try LanguageModel.load(path: "\(folder)/llama.gguf")
    #expect(quantised.tokenizer == nil)
    #expect(quantised.name == "llama")
    #expect(quantised.configuration.heads == 4)
    #expect(quantised.configuration.keyValueHeads == 2)
    #expect(quantised.configuration.headDimension == 8)
    let expected = try SafetensorsFile(path: "\(folder)/llama-expected.safetensors")
    #expect(quantised.weights.map(\.name).sorted() == expected.names.sorted())
    #expect(
      quantised.weights.reduce(0) { $0 + $1.byteCount } < expected.byteCount / 2)

    let copy = try ModelCopy(of: "llama-deepseek-llm")
    let widened = try copy.load(
      config: { config in
        config = [
          "model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1,
          "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
          "intermediate_size": 64, "rms_norm_eps": 1e-5, "max_position_embeddings": 64,
          "vocab_size": 40, "hidden_act": "silu", "tie_word_embeddings": true,
          "rope_theta": 10000.0,
        ]
      },
      tensors: { tensors in
        tensors = expected.names.compactMap { name in
          (try? expected.tensor(named: name)).map { (name, $0) }
        }
      })
    for count in [1, 7, 20, 40] {
      let ids = (0..<count).map { ($0 * 17 + 3) % 40 }
      let (left, right) = (try quantised.run(ids: ids), try widened.run(ids: ids))
      for position in [0, count - 1] {
        let (found, wanted) = (
          try left.logits(at: position), try right.logits(at: position)
        )
        // The same numbers, which may be summed in another order: only the last bits differ.
        #expect(try largestDifference(found, wanted) <= 5e-5)
      }
      #expect(
        try largestDifference(
          left.attentionMap(layer: 0, head: 3), right.attentionMap(layer: 0, head: 3)) <= 1e-5)
    }
  }

  @Test func aFileThatCannotBeConfiguredSaysWhy() throws {
    let error = #expect(throws: ModelError.self) {
      try LanguageModel.load(path: "\(folder)/blocks.gguf")
    }
    #expect(
      error?.description
        == #""blocks.gguf" holds a model of the architecture "test", of which no configuration can be made (known are llama, qwen2, qwen3, deepseek, deepseek2), and no config.json lies beside it."#
    )
  }
}
