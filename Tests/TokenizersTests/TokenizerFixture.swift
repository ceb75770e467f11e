import DataFormats
import Glibc
import Testing
import Tokenizers

/// A tokenizer with texts and what the reference library made of them.
struct TokenizerFixture: Sendable {
  struct Case: Sendable {
    let text: String
    let ids: [Int]
    /// The tokens' bytes of the text, where they are known.
    let ranges: [Range<Int>?]?
    let decoded: String?
  }

  let json: JSON
  let configuration: JSON
  let cases: [Case]

  static let families = [
    "deepseek-llm", "deepseek-coder", "deepseek-v3", "qwen2", "llama3", "gpt2", "stripping",
    "word-piece", "unigram", "character-pairs",
  ]
  /// Those whose tokens aren't bytes.
  static let characterFamilies = ["stripping", "word-piece", "unigram", "character-pairs"]
  static let byteLevelFamilies = families.filter { !characterFamilies.contains($0) }

  init(_ family: String, file: String = #filePath) throws {
    let tests = file.split(separator: "/").dropLast(2).joined(separator: "/")
    let bytes = try #require(
      Self.read("/\(tests)/Fixtures/Tokenizers/\(family).json"), "the fixture of \(family)")
    let root = try JSON(parsing: bytes)
    json = try #require(root["tokenizer"])
    configuration = try #require(root["configuration"])
    cases = try #require(root["cases"]?.array).map { item in
      Case(
        text: try #require(item[0]?.string),
        ids: try #require(item[1]?.array).compactMap(\.integer),
        ranges: item[2]?.array?.map { range in
          range[0]?.integer.flatMap { lower in range[1]?.integer.map { lower..<$0 } }
        }, decoded: item[3]?.string)
    }
  }

  static func tokenizer(_ family: String) throws -> Tokenizer {
    let fixture = try TokenizerFixture(family)
    return try Tokenizer(json: fixture.json, configuration: fixture.configuration)
  }

  static func read(_ path: String) -> [UInt8]? {
    guard let stream = fopen(path, "rb") else { return nil }
    defer { fclose(stream) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = fread(&buffer, 1, buffer.count, stream)
      guard count > 0 else { return result }
      result += buffer[..<count]
    }
  }
}

/// A text of anything: letters of many scripts, marks, emoji, spaces, control characters, words of
/// the fixtures' vocabularies and their special tokens.
func randomText(using generator: inout SeededGenerator) -> String {
  let blocks: [ClosedRange<UInt32>] = [
    0x20...0x7E, 0x20...0x7E, 0x20...0x7E, 0x30...0x39, 0x09...0x20, 0x00...0x1F, 0xA0...0x24F,
    0x300...0x36F, 0x370...0x6FF, 0x900...0xDFF, 0x1100...0x11FF, 0x1E00...0x206F, 0x3000...0x30FF,
    0x4E00...0x9FFF, 0xAC00...0xD7A3, 0xF900...0xFFFF, 0x10000...0x1FFFF, 0x20000...0x10FFFF,
  ]
  let words = [
    " the", "token", "don't", "'LL", "\r\n", "    ", "注意力", "ü", "e\u{301}", "👨‍👩‍👧", "2024", "<think>",
    "<｜end▁of▁sentence｜>", "<|endoftext|>", "[MASK]", "<mask>", "zzz", "▁", "</s>", "ﬁ", "Ａ\u{301}",
  ]
  var text = ""
  for _ in 0..<Int.random(in: 0...12, using: &generator) {
    if Bool.random(using: &generator) {
      text += words.randomElement(using: &generator) ?? ""
    } else if let block = blocks.randomElement(using: &generator) {
      for _ in 0..<Int.random(in: 1...5, using: &generator) {
        if let scalar = Unicode.Scalar(UInt32.random(in: block, using: &generator)) {
          text.unicodeScalars.append(scalar)
        }
      }
    }
  }
  return text
}

/// The bytes of a recorded file.
func fixtureBytes(_ name: String, file: String = #filePath) throws -> [UInt8] {
  let tests = file.split(separator: "/").dropLast(2).joined(separator: "/")
  return try #require(TokenizerFixture.read("/\(tests)/Fixtures/Tokenizers/\(name)"), "\(name)")
}
