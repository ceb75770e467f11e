import DataFormats
import Testing

@testable import Tokenizers

@Suite struct BytePairTrainerTests {
  private struct Recorded {
    let preTokenizer: JSON
    let texts: [String]
    let units: Int
    let first: [String]
    let merges: [String]

    init() throws {
      let document = try JSON(parsing: try fixtureBytes("merges.json"))
      preTokenizer = try #require(document["pre_tokenizer"])
      texts = try #require(document["texts"]?.array).compactMap(\.string)
      units = try #require(document["units"]?.integer)
      first = try #require(document["first"]?.array).compactMap(\.string)
      merges = try #require(document["merges"]?.array).compactMap(\.string)
    }
  }

  private func learned(_ recorded: Recorded, texts: [String]) throws -> BytePairTrainer.Vocabulary {
    var trainer = try BytePairTrainer(preTokenizer: recorded.preTokenizer)
    for text in texts { trainer.add(text) }
    return trainer.train(units: recorded.units)
  }

  @Test func learnsTheReferencesMerges() throws {
    let recorded = try Recorded()
    let vocabulary = try learned(recorded, texts: recorded.texts)
    let document = vocabulary.tokenizerJSON(preTokenizer: recorded.preTokenizer, specials: [])
    #expect(document["model"]?["merges"]?.array?.compactMap(\.string) == recorded.merges)
    let names = document["model"]?["vocab"]?.object?.members.map(\.key) ?? []
    #expect(Array(names.prefix(256)) == recorded.first)
    #expect(names.count == vocabulary.units.count)
  }

  @Test func theOrderOfTextsDoesNotMatter() throws {
    let recorded = try Recorded()
    #expect(
      try learned(recorded, texts: recorded.texts)
        == learned(recorded, texts: recorded.texts.reversed()))
  }

  @Test func aLearnedTokenizerGivesTextsBack() throws {
    let recorded = try Recorded()
    var trainer = try BytePairTrainer(preTokenizer: DeepSeekPreTokenizer.json)
    for text in recorded.texts { trainer.add(text) }
    let vocabulary = trainer.train(units: 400)
    let tokenizer = try Tokenizer(
      json: vocabulary.tokenizerJSON(
        preTokenizer: DeepSeekPreTokenizer.json, specials: ["<s>", "</s>"]),
      configuration: ["bos_token": "<s>", "add_bos_token": true])
    for text in recorded.texts + ["", "\u{0}\r\n ü 한국어 🧑‍⚕️"] {
      let ids = tokenizer.ids(of: text)
      #expect(ids.first == vocabulary.units.count)
      #expect(tokenizer.decode(Array(ids.dropFirst())) == text)
    }
  }

  @Test func stopsWhereNothingIsLeftToMerge() throws {
    var trainer = try BytePairTrainer(preTokenizer: DeepSeekPreTokenizer.json)
    #expect(trainer.train(units: 1_000).units.count == 256)
    trainer.add("aaaa")
    #expect(trainer.train(units: 1_000).units.count == 258)
    #expect(trainer.train(units: 1_000, minimumFrequency: 2).units.count == 257)
  }
}
