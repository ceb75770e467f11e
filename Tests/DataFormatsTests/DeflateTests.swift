import DataFormats
import Testing

@Suite struct DeflateTests {
  /// Texts of every kind: what one compresses well, badly, and with each kind of block.
  static let texts: [(name: String, bytes: [UInt8])] = {
    var generator = SeededGenerator(seed: 3)
    var texts: [(String, [UInt8])] = [
      ("empty", []), ("one byte", [7]), ("two bytes", [7, 7]), ("three bytes", [1, 2, 3]),
      ("run", [UInt8](repeating: 9, count: 70_000)),
      ("all bytes", Array(0...255) + Array(0...255)),
      ("random", (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &generator) }),
      ("two symbols", (0..<50_000).map { _ in UInt8.random(in: 0...1, using: &generator) }),
    ]
    // Counts that double from symbol to symbol ask for longer words than the format has.
    var skewed: [UInt8] = []
    for symbol in 0..<20 as Range<UInt8> {
      skewed += [UInt8](repeating: symbol, count: 1 << Int(symbol) / 2)
    }
    skewed.shuffle(using: &generator)
    texts.append(("skewed", skewed))
    var far = (0..<32_768).map { _ in UInt8.random(in: 0...255, using: &generator) }
    far += far
    far += far.prefix(40_000)
    texts.append(("repeats at the window's end", far))
    var words: [UInt8] = []
    let vocabulary = "alpha beta gamma 注意 delta epsilon zeta".split(separator: " ")
    while words.count < 300_000 {
      words += Array((vocabulary.randomElement(using: &generator) ?? "").utf8) + [32]
    }
    texts.append(("words", words))
    return texts
  }()

  @Test(arguments: texts.indices)
  func whatIsCompressedReturns(index: Int) throws {
    let text = Self.texts[index].bytes
    let stream = Deflate.compress(text)
    #expect(try Inflate.decompress(stream, limit: text.count) == text)
    #expect(try Zlib.decompress(Zlib.compress(text), limit: text.count) == text)
    // Never much longer than the text itself.
    #expect(stream.count <= text.count + 8 + text.count / 1000)
  }

  @Test func repetitionsAreFound() {
    let run = [UInt8](repeating: 0, count: 1_000_000)
    #expect(Deflate.compress(run).count < 1_100)
    let doubled = Self.texts[6].bytes.prefix(20_000)
    #expect(Deflate.compress(Array(doubled + doubled)).count < 20_300)
  }
}
