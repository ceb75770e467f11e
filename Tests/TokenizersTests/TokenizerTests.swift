import DataFormats
import Glibc
import Testing
import Tokenizers

@Suite struct TokenizerTests {
  @Test(arguments: TokenizerFixture.families)
  func sameAsTheReference(family: String) throws {
    let fixture = try TokenizerFixture(family)
    let tokenizer = try Tokenizer(json: fixture.json, configuration: fixture.configuration)
    #expect(fixture.cases.count > 60)
    for item in fixture.cases {
      let encoding = tokenizer.encode(item.text)
      #expect(encoding.ids == item.ids, "\(item.text.debugDescription)")
      #expect(tokenizer.ids(of: item.text) == item.ids)
      #expect(encoding.tokens.map(\.id) == item.ids)
      if let ranges = item.ranges { expectRanges(encoding.tokens, ranges, item.text, family) }
      // The reference loses the letters that stand for bytes UTF-8 doesn't have, and the markers
      // that only the configuration asks for aren't in what it decoded.
      let plain = tokenizer.encode(item.text, addSpecialTokens: false).ids
      if TokenizerFixture.characterFamilies.contains(family) {
        #expect(tokenizer.decode(encoding.ids) == item.decoded ?? item.text)
      } else if let decoded = item.decoded, family == "qwen2" {
        #expect(Array(tokenizer.decode(plain).utf8) == Array(decoded.utf8))
      } else {
        #expect(Array(tokenizer.decode(plain).utf8) == Array(item.text.utf8))
      }
    }
  }

  /// Compares the tokens' bytes; where the family's recorded ranges are those of whole characters,
  /// the characters.
  private func expectRanges(
    _ tokens: [Token], _ ranges: [Range<Int>?], _ text: String, _ family: String
  ) {
    let bytes = Array(text.utf8)
    for (token, range) in zip(tokens, ranges) {
      guard TokenizerFixture.characterFamilies.contains(family), family != "word-piece" else {
        #expect(token.byteRange == range, "\(token) in \(text.debugDescription)")
        continue
      }
      // A space that the tokenizer puts in front stands for nothing of the text.
      guard let own = token.byteRange, !own.isEmpty, let range else { continue }
      var lower = own.lowerBound
      while lower > 0, bytes[lower] & 0xC0 == 0x80 { lower -= 1 }
      var upper = own.upperBound
      while upper < bytes.count, bytes[upper] & 0xC0 == 0x80 { upper += 1 }
      #expect(lower..<upper == range, "\(token) in \(text.debugDescription)")
    }
  }

  @Test(arguments: TokenizerFixture.byteLevelFamilies)
  func randomTextsReturnAndAreCovered(family: String) throws {
    let tokenizer = try TokenizerFixture.tokenizer(family)
    var generator = SeededGenerator(seed: 31)
    for _ in 0..<300 {
      let text = randomText(using: &generator)
      let encoding = tokenizer.encode(text, addSpecialTokens: false)
      if family != "qwen2" {
        #expect(Array(tokenizer.decode(encoding.ids).utf8) == Array(text.utf8))
        // The tokens' bytes follow each other without gaps.
        var place = 0
        for token in encoding.tokens {
          #expect(token.byteRange?.lowerBound == place)
          place = token.byteRange?.upperBound ?? -1
        }
        #expect(place == text.utf8.count)
      }
      for token in encoding.tokens {
        let range = try #require(token.byteRange)
        #expect(range.upperBound <= text.utf8.count)
        #expect(!token.text.isEmpty)
        // A character that isn't in the text shows that a slice was cut.
        #expect(text.contains("\u{FFFD}") || !token.text.contains("\u{FFFD}"))
      }
    }
  }

  /// Merges as the method is defined: again and again the first pair of the lowest rank.
  @Test func longPiecesAreMergedLikeShortOnes() throws {
    let fixture = try TokenizerFixture("gpt2")
    let tokenizer = try Tokenizer(json: fixture.json)
    var ranks: [[String]: Int] = [:]
    for (rank, merge) in try #require(fixture.json["model"]?["merges"]?.array).enumerated() {
      ranks[try #require(merge.string).split(separator: " ").map(String.init)] = rank
    }
    var generator = SeededGenerator(seed: 13)
    for length in [1, 2, 30, 47, 48, 49, 50, 100, 300] {
      for letters in ["th", "the", "atoken", "modelrsinq"] {
        let text = String((0..<length).compactMap { _ in letters.randomElement(using: &generator) })
        var parts = text.map { String($0) }
        while true {
          let pairs = (0..<max(0, parts.count - 1)).compactMap { place in
            ranks[[parts[place], parts[place + 1]]].map { (rank: $0, place: place) }
          }
          guard let best = pairs.min(by: { $0 < $1 }) else { break }
          parts[best.place] += parts.remove(at: best.place + 1)
        }
        #expect(tokenizer.encode(text).tokens.map(\.piece) == parts)
      }
    }
  }

  @Test func tokensThatShareACharacter() throws {
    let tokenizer = try TokenizerFixture.tokenizer("gpt2")
    let tokens = tokenizer.encode("a𝒜b").tokens
    #expect(tokens.map(\.text) == ["a", "𝒜", "𝒜", "𝒜", "𝒜", "b"])
    #expect(tokens.map(\.byteRange) == [0..<1, 1..<2, 2..<3, 3..<4, 4..<5, 5..<6])
    #expect(tokens.map(\.part?.index) == [nil, 1, 2, 3, 4, nil])
    #expect(tokens.map(\.part?.of) == [nil, 4, 4, 4, 4, nil])
    let space = tokenizer.encode(" ").tokens[0]
    #expect(space.piece == "Ġ" && space.text == " " && !space.isSpecial && space.part == nil)
  }

  @Test func addedLatinLettersAreShownAsTheUserWroteThem() throws {
    let tokenizer = try TokenizerFixture.tokenizer("deepseek-llm")
    let tokens = tokenizer.encode("für").tokens
    #expect(tokens.map(\.text) == ["", "f", "ü", "r"])
    #expect(tokens.map(\.byteRange) == [nil, 0..<1, 1..<3, 3..<4])
    #expect(tokens[0].isSpecial && tokens[0].piece == "<｜begin▁of▁sentence｜>")
    #expect(tokenizer.decode(tokens.map(\.id), skippingSpecialTokens: true) == "für")
  }

  @Test func aBeginningIsNotDoubled() throws {
    let tokenizer = try TokenizerFixture.tokenizer("deepseek-v3")
    let begin = try #require(tokenizer.beginOfSequenceID)
    #expect(tokenizer.ids(of: "").elementsEqual([begin]))
    #expect(tokenizer.ids(of: "<｜begin▁of▁sentence｜>a").count == 2)
    #expect(tokenizer.ids(of: "a").first == begin)
    #expect(tokenizer.ids(of: "a", addSpecialTokens: false).first != begin)
  }

  @Test func composedCharactersStandForAllTheyWereMadeOf() throws {
    let tokenizer = try TokenizerFixture.tokenizer("qwen2")
    let text = "xe\u{301}y"
    let tokens = tokenizer.encode(text).tokens
    #expect(
      tokens.map { Array($0.text.utf8) }.contains(Array("e\u{301}".utf8)) || tokens.count == 1)
    #expect(tokens.last?.byteRange?.upperBound == text.utf8.count)
    #expect(tokenizer.ids(of: "\u{212B}") == tokenizer.ids(of: "Å"))
  }

  @Test func wordPiecesAreSlicesOfTheUsersText() throws {
    let tokenizer = try TokenizerFixture.tokenizer("word-piece")
    let encoding = tokenizer.encode("The CÅT, 注意")
    #expect(encoding.tokens.first?.piece == "[CLS]" && encoding.tokens.last?.piece == "[SEP]")
    #expect(encoding.tokens[1].piece == "the" && encoding.tokens[1].text == "The")
    let inner = encoding.tokens.dropFirst().dropLast()
    #expect(inner.map(\.text).joined() == "TheCÅT,注意")
    let long = tokenizer.encode(String(repeating: "a", count: 101), addSpecialTokens: false)
    #expect(long.tokens.map(\.piece) == ["[UNK]"])
    #expect(long.tokens[0].byteRange == 0..<101)
  }

  @Test func piecesAndIDs() throws {
    let tokenizer = try TokenizerFixture.tokenizer("deepseek-v3")
    for id in 0..<tokenizer.vocabularySize {
      let piece = try #require(tokenizer.piece(of: id))
      #expect(tokenizer.id(of: piece) == id)
    }
    #expect(tokenizer.piece(of: -1) == nil)
    #expect(tokenizer.piece(of: tokenizer.vocabularySize) == nil)
    // The Kelvin sign is no K, though Swift's texts count them as equal.
    #expect(tokenizer.id(of: "K") != nil && tokenizer.id(of: "\u{212A}") == nil)
    #expect(tokenizer.decode([-5, 1 << 40]) == "")
  }

  @Test func manyThreadsGetTheSameIDs() async throws {
    let fixture = try TokenizerFixture("deepseek-v3")
    let tokenizer = try Tokenizer(json: fixture.json, configuration: fixture.configuration)
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask { fixture.cases.allSatisfy { tokenizer.ids(of: $0.text) == $0.ids } }
      }
      for await isSame in group { #expect(isSame) }
    }
  }

  /// The tokenizer of all-MiniLM-L6-v2 as it is published.
  private static var miniLM: String {
    let home = getenv("HOME").map { String(cString: $0) } ?? ""
    let folder =
      getenv("VITRINE_MINILM").map { String(cString: $0) }
      ?? "\(home)/.cache/vitrine/models/all-MiniLM-L6-v2"
    return folder + "/tokenizer.json"
  }

  @Test func publishedWordPiece() throws {
    let bytes = try #require(
      TokenizerFixture.read(Self.miniLM),
      "\(Self.miniLM) is missing: Tests/run fetches the model, or VITRINE_MINILM names its folder.")
    let tokenizer = try Tokenizer(json: JSON(parsing: bytes))
    #expect(tokenizer.vocabularySize == 30522)
    #expect(tokenizer.ids(of: "hello world") == [101, 7592, 2088, 102])
    let encoding = tokenizer.encode("Tokenization, naïvely")
    #expect(
      encoding.tokens.map(\.piece)
        == ["[CLS]", "token", "##ization", ",", "naive", "##ly", "[SEP]"])
    #expect(encoding.tokens.map(\.text) == ["", "Token", "ization", ",", "naïve", "ly", ""])
  }
}
