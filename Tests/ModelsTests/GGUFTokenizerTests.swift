import Checkpoints
import DataFormats
import Testing
import Tokenizers

/// Vocabularies in GGUF files cut and join texts as the `tokenizers` library does.
@Suite struct GGUFTokenizerTests {
  private let folder = fixtures.replacing("/Models", with: "/Checkpoints")

  @Test(
    arguments: ["llama-bpe", "qwen2", "deepseek-v3", "deepseek-coder", "deepseek-llm", "gpt-2"])
  func encodesAsTheReferenceDoes(kind: String) throws {
    let file = try GGUFFile(path: "\(folder)/vocabulary-\(kind).gguf")
    let documents = try #require(file.tokenizerDocuments())
    let tokenizer = try Tokenizer(
      json: documents.tokenizer, configuration: documents.configuration)
    let cases = try #require(
      try JSON(parsing: try contents("\(folder)/vocabularies.json"))[kind]?.array)
    #expect(cases.count == 14)
    for example in cases {
      let text = try #require(example["text"]?.string)
      let ids = try #require(example["ids"]?.array).compactMap(\.integer)
      #expect(tokenizer.encode(text, addSpecialTokens: false).ids == ids, "\(text)")
      let beginning = try #require(tokenizer.beginOfSequenceID)
      // A text that begins with the token, as chat templates give, doesn't get it twice.
      #expect(
        tokenizer.encode(text).ids == (ids.first == beginning ? ids : [beginning] + ids), "\(text)")
    }
    #expect(tokenizer.piece(of: try #require(tokenizer.endOfSequenceID)) == "</s>")
    // The last token only fills up the vocabulary.
    #expect(tokenizer.id(of: "[PAD]") == nil)
  }

  @Test func filesWithoutAKnownVocabularyHaveNone() throws {
    #expect(try GGUFFile(path: "\(folder)/blocks.gguf").tokenizerDocuments() == nil)
  }
}
