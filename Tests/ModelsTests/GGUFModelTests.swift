import Checkpoints
import DataFormats
import Glibc
import Models
import Tensors
import Testing

/// A folder that goes with this value, with all that was put in it.
private final class ModelFiles {
  let path: String
  private var names: Set<String> = []

  init() {
    var template = Array("/tmp/vitrine-models-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    names.insert(name)
    let stream = try #require(fopen("\(path)/\(name)", "wb"))
    defer { fclose(stream) }
    try #require(fwrite(bytes, 1, bytes.count, stream) == bytes.count)
  }

  func copy(_ original: String, as name: String) throws { try write(contents(original), to: name) }

  func remove(_ name: String) throws { try #require(unlink("\(path)/\(name)") == 0) }
}

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

  /// Queries and keys are computed from rows in the file's order, gradients too.
  @Test func gradientsAreThoseOfTheSameWeightsInThePublishedOrder() throws {
    let stored = try LanguageModel.load(path: "\(fixtures)/deepseek-moe.gguf")
    let published = try LanguageModel.load(path: "\(fixtures)/deepseek-moe")
    let ids = (0..<23).map { ($0 * 17 + 3) % 60 }
    let target = GradientTarget.logits(.difference(of: 3, from: 4, at: 22))
    for layer in 0..<2 {
      #expect(
        try largestDifference(
          stored.run(ids: ids).attentionMaps(layer: layer),
          published.run(ids: ids).attentionMaps(layer: layer)) <= 1e-6)
    }
    let (found, wanted) = (
      try stored.gradient(of: target, ids: ids).embeddings,
      try published.gradient(of: target, ids: ids).embeddings
    )
    #expect(try largestDifference(found, wanted) <= 1e-5 * largestMagnitude(wanted))
    // Read one token after the other, with turned keys kept.
    var (one, other) = (
      try Continuation(of: stored, capacity: 23), try Continuation(of: published, capacity: 23)
    )
    for id in ids {
      let (left, right) = (try one.read([id]), try other.read([id]))
      #expect(try largestDifference(left, right) <= 1e-5 * largestMagnitude(right))
    }
  }

  @Test func queriesAndKeysStayInTheFile() throws {
    let checkpoint = try LanguageModel.load(path: "\(fixtures)/deepseek-moe.gguf").checkpoint
    let published = try Checkpoint("\(fixtures)/deepseek-moe")
    for name in ["q_proj", "k_proj"] {
      let name = "model.layers.1.self_attn.\(name).weight"
      #expect(checkpoint.storesPairs(name) && !published.storesPairs(name))
      let stored = try checkpoint.storedTensor(named: name)
      #expect(stored.isMapped)
      let tensor = try published.tensor(named: name)
      #expect(try checkpoint.tensor(named: name).floats == tensor.floats)
      // Heads of 4 rows: the rows 0, 2, 1, 3 of the published order.
      for head in 0..<4 {
        let rows = [0, 2, 1, 3].map { tensor.row(4 * head + $0) }
        #expect((0..<4).map { stored.row(4 * head + $0) } == rows)
      }
    }
    let value = "model.layers.1.self_attn.v_proj.weight"
    #expect(!checkpoint.storesPairs(value))
    #expect(
      try checkpoint.storedTensor(named: value).floats == published.tensor(named: value).floats)
  }

  @Test(arguments: ["deepseek-moe", "deepseek-v3"])
  func oneThatNoMemoryHoldsIsRefusedWithTheFigures(name: String) throws {
    let path = "\(fixtures)/\(name).gguf"
    let bytes = try LanguageModel.load(path: path).weights.reduce(0) { $0 + $1.byteCount }
    #expect(throws: Never.self) {
      try LanguageModel.load(path: path, name: "tiny", memoryLimit: bytes)
    }
    #expect(throws: ModelError.tooLargeForMemory(model: "tiny", needed: bytes, total: bytes - 1)) {
      try LanguageModel.load(path: path, name: "tiny", memoryLimit: bytes - 1)
    }
  }

  @Test func aFolderOfGGUFFilesIsAModelOrSaysWhyNot() throws {
    let folder = ModelFiles()
    try folder.copy("\(fixtures)/qwen2.gguf", as: "qwen2-Q8_0.gguf")
    #expect(try LanguageModel.load(path: folder.path).architecture == "Qwen2")
    try folder.copy("\(fixtures)/deepseek-moe.gguf", as: "qwen2-F32.gguf")
    #expect(
      failure { _ = try LanguageModel.load(path: folder.path) }
        == #""\#(folder.path)" holds several models: give the path of "qwen2-F32.gguf" or "qwen2-Q8_0.gguf"."#
    )
    try folder.remove("qwen2-Q8_0.gguf")
    try folder.write([0x47, 0x47, 0x55, 0x46, 9], to: "qwen2-F32.gguf")
    #expect(
      failure { _ = try LanguageModel.load(path: folder.path) }
        == #""qwen2-F32.gguf" ends too early, at byte 5 of its header."#)
    try folder.remove("qwen2-F32.gguf")
    #expect(
      failure { _ = try LanguageModel.load(path: folder.path) }
        == #"The folder "\#(folder.path)" holds no config.json, which says how the model is built."#
    )
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
