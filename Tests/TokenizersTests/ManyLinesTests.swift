import DataFormats
import Testing
import Tokenizers

/// Ten thousand lines of words, code, spaces, digits, marks, emoji, control characters and scripts, drawn as
/// make_lines.py draws them, which recorded what the reference library makes of them.
@Suite struct ManyLinesTests {
  private struct Lines {
    let words: [String]
    let spaces: [String]
    let blocks: [(low: UInt32, high: UInt32)]
    var generator: SeededGenerator

    init(_ recorded: JSON) throws {
      words = try #require(recorded["words"]?.array).compactMap(\.string)
      spaces = try #require(recorded["spaces"]?.array).compactMap(\.string)
      blocks = try #require(recorded["blocks"]?.array).map { block in
        (
          UInt32(try #require(block[0]?.integer)), UInt32(try #require(block[1]?.integer))
        )
      }
      generator = SeededGenerator(seed: UInt64(try #require(recorded["seed"]?.integer)))
    }

    private mutating func below(_ limit: Int) -> Int { Int(generator.next() % UInt64(limit)) }

    mutating func next() -> String {
      // Scalars one by one: joined as texts, a mark would be taken for a part of the character before it.
      var line = String.UnicodeScalarView()
      for _ in 0..<1 + below(14) {
        let kind = below(20)
        if kind < 9 {
          line.append(contentsOf: words[below(words.count)].unicodeScalars)
          for _ in 0..<below(3) { line.append(" ") }
        } else if kind < 11 {
          let space = spaces[below(spaces.count)].unicodeScalars
          for _ in 0..<1 + below(5) { line.append(contentsOf: space) }
        } else {
          let block = blocks[below(blocks.count)]
          for _ in 0..<1 + below(5) {
            let value = block.low + UInt32(below(Int(block.high - block.low) + 1))
            if let scalar = Unicode.Scalar(value) { line.append(scalar) }
          }
        }
      }
      return String(line)
    }
  }

  @Test(arguments: TokenizerFixture.families)
  func tenThousandLinesAreEncodedAndDecodedLikeTheReference(family: String) throws {
    let recorded = try JSON(parsing: fixtureBytes("lines.json"))
    let digests = try #require(recorded["families"]?[family])
    let ids = try #require(digests["ids"]?.array).compactMap(\.string)
    let texts = try #require(digests["texts"]?.array).compactMap(\.string)
    let chunk = try #require(recorded["chunk"]?.integer)
    #expect(ids.count * chunk == 10_000 && texts.count == ids.count)
    let tokenizer = try TokenizerFixture.tokenizer(family)
    let isOfCharacters = TokenizerFixture.characterFamilies.contains(family)
    var lines = try Lines(recorded)
    for part in ids.indices {
      var (encoded, decoded) = (SHA256(), SHA256())
      for _ in 0..<chunk {
        let line = lines.next()
        let own = tokenizer.ids(of: line)
        for id in own + [0xFFFF_FFFF] {
          encoded.update((0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) })
        }
        let plain = isOfCharacters ? own : tokenizer.ids(of: line, addSpecialTokens: false)
        decoded.update(Array(tokenizer.decode(plain).utf8) + [0xFF])
      }
      let place = "lines \(part * chunk) to \((part + 1) * chunk - 1)"
      #expect(encoded.hexadecimal.prefix(16) == ids[part], "ids of \(place)")
      #expect(decoded.hexadecimal.prefix(16) == texts[part], "texts of \(place)")
    }
  }
}
