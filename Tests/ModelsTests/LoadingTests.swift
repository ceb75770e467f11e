import Checkpoints
import DataFormats
import Glibc
import Models
import Tensors
import Testing

/// A copy of a tiny model whose files can be changed.
final class ModelCopy {
  let path: String
  private var config: JSONObject
  private var tensors: [(name: String, tensor: Tensor)]

  init(of name: String) throws {
    var template = Array("/tmp/vitrine-models-XXXXXX".utf8CString)
    path = String(
      cString: try #require(template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }))
    config = try #require(
      try JSON(parsing: try contents("\(fixtures)/\(name)/config.json")).object)
    let checkpoint = try Checkpoint("\(fixtures)/\(name)")
    tensors = try checkpoint.names.map { ($0, try checkpoint.tensor(named: $0)) }
  }

  deinit {
    for file in ["config.json", "model.safetensors", "tokenizer.json", "modules.json"] {
      unlink("\(path)/\(file)")
    }
    rmdir(path)
  }

  func write(_ text: String, to name: String) throws {
    let stream = try #require(fopen("\(path)/\(name)", "wb"))
    defer { fclose(stream) }
    let bytes = Array(text.utf8)
    try #require(fwrite(bytes, 1, bytes.count, stream) == bytes.count)
  }

  /// Changes the configuration and the tensors, writes both and loads the model.
  func load(
    config change: (inout JSONObject) -> Void = { _ in },
    tensors changeTensors: (inout [(name: String, tensor: Tensor)]) -> Void = { _ in }
  ) throws -> LanguageModel {
    var (config, tensors) = (config, tensors)
    change(&config)
    changeTensors(&tensors)
    try write(JSON.object(config).serialized(), to: "config.json")
    try SafetensorsWriter.write(tensors: tensors, to: "\(path)/model.safetensors")
    return try LanguageModel.load(path: path)
  }
}

/// A value of config.json that can't be right, and the sentence about it.
struct BadValue: Sendable, CustomTestStringConvertible {
  let key: String
  let value: JSON?
  let sentence: String
  var testDescription: String { "\(key) = \(String(describing: value))" }

  init(_ key: String, _ value: JSON?, _ sentence: String) {
    self.key = key
    self.value = value
    self.sentence = sentence
  }
}

@Suite struct LoadingTests {
  @Test(arguments: [
    BadValue(
      "model_type", "mamba",
      #"The model type "mamba" is unknown: known are llama, qwen2, qwen3, deepseek, deepseek_v2, deepseek_v3, deepseek_v32, deepseek_v4, gpt2, bert, t5."#
    ),
    BadValue(
      "model_type", nil,
      "config.json gives model_type as nothing, but one of llama, qwen2, qwen3, deepseek, deepseek_v2, deepseek_v3, deepseek_v32, deepseek_v4, gpt2, bert, t5 is expected."
    ),
    BadValue(
      "num_hidden_layers", 0,
      "config.json gives num_hidden_layers as 0, but a whole number from 1 to 1024 is expected."),
    BadValue(
      "num_hidden_layers", 1_000_000_000,
      "config.json gives num_hidden_layers as 1000000000, but a whole number from 1 to 1024 is expected."
    ),
    BadValue(
      "num_hidden_layers", "three",
      #"config.json gives num_hidden_layers as "three", but a whole number from 1 to 1024 is expected."#
    ),
    BadValue(
      "hidden_size", nil,
      "config.json gives hidden_size as nothing, but a whole number from 1 to 262144 is expected."),
    BadValue(
      "hidden_size", -24,
      "config.json gives hidden_size as -24, but a whole number from 1 to 262144 is expected."),
    BadValue(
      "num_attention_heads", 5,
      "config.json gives num_key_value_heads as 3, but a divisor of num_attention_heads (5) is expected."
    ),
    BadValue(
      "head_dim", 7,
      "config.json gives head_dim as 7, but an even number, since positions turn pairs, is expected."
    ),
    BadValue(
      "hidden_act", "relu6",
      #"config.json gives hidden_act as "relu6", which is not supported: supported are silu."#),
    BadValue(
      "rms_norm_eps", 0,
      "config.json gives rms_norm_eps as 0, but a number above 0 and at most 1.0 is expected."),
    BadValue(
      "rope_scaling", ["type": "longrope"],
      #"config.json gives type as "longrope", which is not supported: supported are default, linear, llama3, yarn."#
    ),
    BadValue(
      "rope_scaling", ["type": "linear", "factor": -4],
      "config.json gives factor as -4, but a number above 0 and at most 1000000.0 is expected."),
    BadValue(
      "rope_scaling", [1, 2],
      "config.json gives rope_scaling as a list of 2, but an object or null is expected."),
    BadValue(
      "tie_word_embeddings", 3,
      "config.json gives tie_word_embeddings as 3, but true or false is expected."),
    BadValue(
      "intermediate_size", 41,
      #"The weight "model.layers.0.mlp.gate_proj.weight" has the shape [40, 24], but config.json says [41, 24]."#
    ),
    BadValue(
      "vocab_size", 16_000_000,
      #"The weight "model.embed_tokens.weight" has the shape [344, 24], but config.json says [16000000, 24]."#
    ),
  ])
  func anImpossibleConfigurationGetsOneSentence(bad: BadValue) throws {
    let copy = try ModelCopy(of: "llama-deepseek-llm")
    #expect(failure { _ = try copy.load(config: { $0[bad.key] = bad.value }) } == bad.sentence)
  }

  @Test func aMissingWeightIsNamed() throws {
    let copy = try ModelCopy(of: "llama-deepseek-llm")
    let folder = copy.path.split(separator: "/").last ?? ""
    let sentence = failure {
      _ = try copy.load(tensors: { tensors in
        tensors.removeAll { $0.name == "model.layers.1.mlp.up_proj.weight" }
      })
    }
    #expect(
      sentence
        == #"The weight "model.layers.1.mlp.up_proj.weight", which config.json calls for, is missing from "\#(folder)"."#
    )
  }

  @Test func aWeightOfIntegersIsRefused() throws {
    let copy = try ModelCopy(of: "llama-deepseek-llm")
    let sentence = failure {
      _ = try copy.load(tensors: { tensors in
        let place = tensors.firstIndex { $0.name == "model.norm.weight" }!
        tensors[place].tensor = tensors[place].tensor.converted(to: .int8)
      })
    }
    #expect(
      sentence
        == #"The weight "model.norm.weight" is stored as i8: only f32, f16, bf16, f8_e4m3 and quantised weights can be used."#
    )
  }

  @Test func brokenFilesAreNamed() throws {
    let copy = try ModelCopy(of: "llama-deepseek-llm")
    #expect(
      failure { _ = try LanguageModel.load(path: copy.path) }
        == #"The folder "\#(copy.path)" holds no config.json, which says how the model is built."#)
    _ = try copy.load()
    try copy.write("{\"model_type\": ", to: "config.json")
    #expect(
      failure { _ = try LanguageModel.load(path: copy.path) }
        == #""config.json" can't be used: it is not JSON: the text ends too early at byte 15."#)
    try copy.write("[]", to: "config.json")
    #expect(
      failure { _ = try LanguageModel.load(path: copy.path) }
        == #""config.json" can't be used: it is not an object of names and values."#)
    _ = try copy.load()
    try copy.write("{}", to: "tokenizer.json")
    #expect(
      failure { _ = try LanguageModel.load(path: copy.path) }
        == "The tokenizer's model should be an object.")
    #expect(
      failure { _ = try LanguageModel.load(path: "/nowhere/model") }
        == #"There is no file or folder at "/nowhere/model"."#)
  }

  @Test func weightsThatNoMemoryHoldsAreRefusedWithTheFigures() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-llm")
    let bytes = model.weights.reduce(0) { $0 + $1.byteCount }
    #expect(throws: Never.self) {
      try LanguageModel.load(
        path: "\(fixtures)/llama-deepseek-llm", name: "tiny", memoryLimit: bytes)
    }
    #expect(throws: ModelError.tooLargeForMemory(model: "tiny", needed: bytes, total: bytes - 1)) {
      try LanguageModel.load(
        path: "\(fixtures)/llama-deepseek-llm", name: "tiny", memoryLimit: bytes - 1)
    }
  }

  @Test func theSameWeightsWithoutPrefixAreABareDecoder() throws {
    let copy = try ModelCopy(of: "llama-deepseek-llm")
    let model = try copy.load(tensors: { tensors in
      tensors.removeAll { $0.name == "lm_head.weight" }
      for place in tensors.indices { tensors[place].name.removeFirst("model.".count) }
    })
    #expect(!model.configuration.hasLanguageModelHead)
    let whole = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-llm")
    #expect(
      try model.run(ids: [1, 2, 3]).hiddenStates(3).floats
        == whole.run(ids: [1, 2, 3]).hiddenStates(3).floats)
  }

  @Test func describesWhatWasLoaded() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped/")
    #expect(model.name == "llama-grouped")
    #expect(model.architecture == "Llama")
    #expect(model.tokenizer == nil)
    #expect(model.weightFiles.count == 3)
    #expect(model.configuration.keyValueHeads == 2)
    #expect(model.configuration.headDimension == 12)
    #expect(
      model.configuration.rotary
        == RotaryConfiguration(
          theta: 5_000, scaling: .llama3(factor: 8, low: 1, high: 4, originalContextLength: 64)))
    let counts = Dictionary(uniqueKeysWithValues: model.parameterCounts.map { ($0.part, $0.count) })
    #expect(counts[.embedding] == 200 * 32)
    #expect(counts[.attention] == 3 * ((48 + 24 + 24 + 32) + 32 * (48 + 24 + 24) + 48 * 32))
    #expect(counts[.feedForward] == 3 * 3 * 32 * 40)
    #expect(counts[.normalization] == 7 * 32)
    #expect(counts[.head] == nil)
    #expect(model.unusedWeightNames == [])
    let coder = try LanguageModel.load(path: "\(fixtures)/llama-deepseek-coder")
    #expect(coder.elementType == .bfloat16)
    #expect(coder.configuration.rotary?.scaling == .linear(factor: 4))
    #expect(coder.configuration.contextLength == 16_384)
  }

  @Test func impossibleInputsAreRefused() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    #expect(
      failure { _ = try model.run(ids: []) }
        == "There is nothing to run: the input has no tokens.")
    #expect(
      failure { _ = try model.run(ids: [1, 200]) }
        == "The token id 200 at position 1 is outside the vocabulary: ids run from 0 to 199.")
    #expect(
      failure { _ = try model.run(ids: [-1]) }
        == "The token id -1 at position 0 is outside the vocabulary: ids run from 0 to 199.")
    #expect(
      failure { _ = try model.run(ids: Array(repeating: 1, count: 4_097)) }
        == "The input has 4097 tokens, but the model takes at most 4096.")
    #expect(
      failure { _ = try model.run("text") }
        == #"The model "llama-grouped" has no tokenizer.json: give token ids instead of a text."#)
    let trace = try model.run(ids: [1, 2])
    #expect(
      failure { _ = try trace.attentionMap(layer: 3, head: 0) }
        == "There is no layer 3: layers run from 0 to 2.")
    #expect(
      failure { _ = try trace.attentionMap(layer: 0, head: 4) }
        == "There is no head 4: heads run from 0 to 3.")
    #expect(
      failure { _ = try trace.attentionMaps(layer: 0, heads: 2..<6) }
        == "There is no head 5: heads run from 0 to 3.")
    #expect(
      failure { try trace.requireMemory(maps: 2, limit: 31) }
        == "2 attention maps of 2 tokens would take 32 bytes of memory, but 31 bytes are available: take a shorter text or ask for less."
    )
    #expect(failure { try trace.requireMemory(maps: 2, limit: 32) } == nil)
    #expect(
      failure { _ = try trace.hiddenStates(4) } == "There is no layer 4: layers run from 0 to 3.")
    #expect(
      failure { _ = try trace.logits(at: 2) }
        == "There is no token at position 2: positions run from 0 to 1.")
  }

  @Test func mutatedConfigurationsNeverCrash() throws {
    let copy = try ModelCopy(of: "llama-deepseek-llm")
    let model = try copy.load()
    let text = try contents("\(copy.path)/config.json")
    let pieces: [[UInt8]] = [
      "-1", "0", "1e308", "9223372036854775807", "null", "[]", "{}", "\"\"", "true", "0.5", "7",
    ].map { Array($0.utf8) }
    // Runs of digits, which are the values that matter.
    let numbers = text.indices.filter {
      (0x30...0x39).contains(text[$0]) && !(0x30...0x39).contains(text[$0 - 1])
    }
    var loaded = 0
    for (index, place) in numbers.enumerated() {
      for (choice, piece) in pieces.enumerated() {
        var bytes = text
        var end = place
        while (0x30...0x39).contains(bytes[end]) { end += 1 }
        bytes.replaceSubrange(place..<end, with: piece)
        if (index + choice) % 5 == 0 { bytes.remove(at: (index * 37 + choice * 11) % bytes.count) }
        try copy.write(String(decoding: bytes, as: UTF8.self), to: "config.json")
        do {
          let changed = try LanguageModel.load(path: copy.path)
          loaded += 1
          _ = try changed.run(ids: [1, 2, 3]).logits(at: 2)
        } catch let error as ModelError {
          #expect(error.description.hasSuffix("."))
        }
      }
    }
    #expect(loaded > 20)
    #expect(try model.run(ids: [1, 2, 3]).hiddenStates(0).shape == [3, 24])
  }

  @Test func poolingThatIsNotSupportedIsNamed() throws {
    let copy = try ModelCopy(of: "bert-masked")
    let model = try copy.load()
    #expect(try model.sentencePooling() == SentencePooling(mode: .mean, isNormalized: true))
    try copy.write(
      #"[{"type":"sentence_transformers.models.Transformer","path":""},{"type":"sentence_transformers.models.Dense","path":"2_Dense"}]"#,
      to: "modules.json")
    #expect(
      failure { _ = try model.sentencePooling() }
        == #""modules.json" can't be used: its module "sentence_transformers.models.Dense" is not supported: supported are Transformer, Pooling and Normalize."#
    )
    try copy.write(
      #"[{"type":"sentence_transformers.models.Pooling","path":"../up"}]"#, to: "modules.json")
    #expect(
      failure { _ = try model.sentencePooling() }
        == #""modules.json" can't be used: its pooling module has no folder's name."#)
  }
}
