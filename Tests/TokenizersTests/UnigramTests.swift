import DataFormats
import Testing
import Tokenizers

@Suite struct UnigramTests {
  private static func damaged(
    _ change: (inout JSONObject) throws -> Void
  ) throws -> JSON {
    var file = try #require(try TokenizerFixture("unigram").json.object)
    try change(&file)
    return .object(file)
  }

  @Test func tokensAreSlicesOfTheUsersText() throws {
    let tokenizer = try TokenizerFixture.tokenizer("unigram")
    let text = "The ﬁne nai\u{308}ve  Ａ"
    let tokens = tokenizer.encode(text).tokens
    #expect(tokens.last?.piece == "</s>" && tokens.last?.byteRange == nil)
    let covered = tokens.compactMap(\.byteRange)
    for (range, next) in zip(covered, covered.dropFirst()) {
      #expect(range.lowerBound <= next.lowerBound)
    }
    #expect(tokens[0].piece == "▁The" && tokens[0].text == "The")
    let last = try #require(tokens.dropLast().last)
    #expect(last.text == "Ａ")
    #expect(tokenizer.decode(tokens.map(\.id), skippingSpecialTokens: true) == "The fine naïve A")
  }

  @Test func runsOfTheUnknownAreOneTokenAndMayBeWrittenInBytes() throws {
    let fixture = try TokenizerFixture("unigram")
    let plain = try Tokenizer(json: fixture.json)
    let tokens = plain.encode("𐐀𐐨𐐀", addSpecialTokens: false).tokens
    #expect(tokens.map(\.id) == [try #require(plain.id(of: "▁")), 2])
    #expect(tokens[1].byteRange == 0..<12 && tokens[1].text == "𐐀𐐨𐐀")
    let json = try Self.damaged { file in
      var model = try #require(file["model"]?.object)
      var pieces = try #require(model["vocab"]?.array)
      let digits = Array("0123456789ABCDEF")
      for byte in 0..<256 {
        pieces.append([.string("<0x\(digits[byte / 16])\(digits[byte % 16])>"), 0])
      }
      model["vocab"] = .array(pieces)
      model["byte_fallback"] = true
      file["model"] = .object(model)
      file["decoder"] = [
        "type": "Sequence",
        "decoders": [["type": "ByteFallback"], ["type": "Metaspace"]],
      ]
    }
    let bytes = try Tokenizer(json: json)
    let encoding = bytes.encode("𐐀", addSpecialTokens: false)
    #expect(
      encoding.tokens.map(\.piece) == ["▁", "<0xF0>", "<0x90>", "<0x90>", "<0x80>"])
    #expect(encoding.tokens.map(\.part?.index) == [nil, 1, 2, 3, 4])
    #expect(bytes.decode(encoding.ids) == "𐐀")
    #expect(bytes.decode(Array(encoding.ids.dropLast())) == "\u{FFFD}\u{FFFD}\u{FFFD}")
  }

  @Test func damagedFilesAreNamed() throws {
    func expect(
      _ error: TokenizerError, _ change: (inout JSONObject) -> Void, inside key: String = "model"
    ) throws {
      let json = try Self.damaged { file in
        var part = try #require(file[key]?.object)
        change(&part)
        file[key] = .object(part)
      }
      #expect(throws: error) { try Tokenizer(json: json) }
    }
    try expect(
      .wrongMember(place: "model.unk_id", expected: "the number of a piece"),
      { $0["unk_id"] = 90_000 })
    try expect(
      .wrongMember(place: "model.vocab[0]", expected: "a piece and its score"),
      { $0["vocab"] = [["a", "b"]] })
    try expect(
      .duplicateID(0, first: "a", second: "a"), { $0["vocab"] = [["a", 0], ["a", 0]] })
    try expect(
      .wrongMember(
        place: "normalizer.precompiled_charsmap", expected: "a map as long as it says"),
      { $0["precompiled_charsmap"] = "/////w==" }, inside: "normalizer")
    try expect(
      .wrongMember(place: "normalizer.precompiled_charsmap", expected: "a map in base 64"),
      { $0["precompiled_charsmap"] = "?" }, inside: "normalizer")
  }

  @Test func hostileMapsAndVocabulariesNeverCrash() throws {
    var generator = SeededGenerator(seed: 91)
    let fixture = try TokenizerFixture("unigram")
    let text = try #require(fixture.json["normalizer"]?["precompiled_charsmap"]?.string)
    let map = try Base64.decode(text)
    for round in 0..<600 {
      var bytes = map
      if round % 3 == 0 {
        let units = Int.random(in: 1...300, using: &generator)
        bytes = (0..<units * 4 + 40).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        bytes.insert(
          contentsOf: (0..<4).map { UInt8(truncatingIfNeeded: units * 4 >> (8 * $0)) }, at: 0)
      } else {
        for _ in 0..<Int.random(in: 1...400, using: &generator) {
          let place = Int.random(in: 4..<bytes.count, using: &generator)
          bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        }
        if round % 3 == 1 {
          bytes.removeLast(Int.random(in: 0...bytes.count - 4 - 4, using: &generator))
        }
      }
      let json = try Self.damaged { file in
        file["normalizer"] = [
          "type": "Precompiled", "precompiled_charsmap": .string(Base64.encode(bytes)),
        ]
        guard round % 5 == 0, var model = file["model"]?.object else { return }
        model["vocab"] = .array(
          (0..<20).map { index in
            [
              .string(index == 0 ? "" : randomText(using: &generator) + "\(index)"),
              .number(Double.random(in: -1e300...1e300, using: &generator)),
            ]
          })
        file["model"] = .object(model)
        file["added_tokens"] = nil
        file["post_processor"] = nil
      }
      guard let tokenizer = try? Tokenizer(json: json) else { continue }
      for _ in 0..<4 {
        let text = randomText(using: &generator)
        let encoding = tokenizer.encode(text)
        #expect(encoding.tokens.allSatisfy { ($0.byteRange?.upperBound ?? 0) <= text.utf8.count })
        _ = tokenizer.decode(encoding.ids)
      }
    }
  }
}
