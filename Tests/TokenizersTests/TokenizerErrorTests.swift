import DataFormats
import Testing
import Tokenizers

@Suite struct TokenizerErrorTests {
  /// A whole small tokenizer that the tests damage.
  static let whole = """
    {"added_tokens": [{"id": 4, "content": "<end>", "special": true, "normalized": false,
      "lstrip": false, "rstrip": true, "single_word": false}],
     "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
     "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
       {"type": "Split", "pattern": {"Regex": "\\\\p{N}{1,3}|(?i:'s)|\\\\s+(?!\\\\S)|[^a-c]+"},
        "behavior": "Isolated", "invert": false},
       {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
     "post_processor": {"type": "TemplateProcessing",
       "single": [{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "<end>"}}],
       "special_tokens": {"<end>": {"id": "<end>", "ids": [4], "tokens": ["<end>"]}}},
     "decoder": {"type": "ByteLevel"},
     "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3},
       "merges": ["a b"], "ignore_merges": false}}
    """

  @Test func theWholeOneWorks() throws {
    let tokenizer = try Tokenizer(json: JSON(parsing: Self.whole))
    #expect(tokenizer.ids(of: "cab<end>  BA") == [3, 2, 4, 1, 0, 4])
  }

  static let damages: [(String, String, TokenizerError)] = [
    ("\"model\": {", "\"model_\": {", .wrongMember(place: "model", expected: "an object")),
    ("\"BPE\"", "\"WordLevel\"", .unknownType(part: "model", type: "WordLevel")),
    ("\"BPE\"", "7", .wrongMember(place: "model.type", expected: "a text")),
    ("\"vocab\"", "\"vocab_\"", .wrongMember(place: "model.vocab", expected: "an object")),
    ("{\"a\": 0, \"b\": 1, \"ab\": 2, \"c\": 3}", "{}", .emptyVocabulary),
    ("\"merges\"", "\"merges_\"", .wrongMember(place: "model.merges", expected: "a list")),
    ("\"a b\"", "\"a x\"", .mergeOutsideVocabulary(index: 0, piece: "x")),
    ("\"a b\"", "\"b a\"", .mergeOutsideVocabulary(index: 0, piece: "ba")),
    ("\"a b\"", "\"ab\"", .malformedMerge(index: 0)),
    ("\"a b\"", "[\"a\"]", .malformedMerge(index: 0)),
    ("\"a b\"", "\"a b c\"", .malformedMerge(index: 0)),
    ("\"a b\"", "3", .malformedMerge(index: 0)),
    ("\"c\": 3", "\"c\": 2", .duplicateID(2, first: "ab", second: "c")),
    ("\"c\": 3", "\"c\": -3", .idOutOfRange(piece: "c", id: -3)),
    ("\"c\": 3", "\"c\": 3000000000", .idOutOfRange(piece: "c", id: 3_000_000_000)),
    ("\"c\": 3", "\"c\": \"3\"", .wrongMember(place: "model.vocab.c", expected: "a whole number")),
    ("\"id\": 4", "\"id\": 1", .duplicateID(1, first: "b", second: "<end>")),
    ("\"NFC\"", "\"NFKC\"", .unknownType(part: "normalizer.normalizers[0]", type: "NFKC")),
    (
      "\"Split\"", "\"Delimiter\"",
      .unknownType(part: "pre_tokenizer.pretokenizers[0]", type: "Delimiter")
    ),
    (
      "\"Isolated\"", "\"Sideways\"",
      .wrongMember(
        place: "pre_tokenizer.pretokenizers[0].behavior", expected: "the name of a split behavior")
    ),
    ("\"ids\": [4]", "\"ids\": [5]", .unknownSpecialToken(role: "post_processor", token: "<end>")),
    (
      "\"decoder\": {\"type\": \"ByteLevel\"}", "\"decoder\": {\"type\": \"BPEDecoder\"}",
      .unknownType(part: "decoder", type: "BPEDecoder")
    ),
    (
      "\"special\": true", "\"special\": 1",
      .wrongMember(place: "added_tokens[0].special", expected: "true or false")
    ),
    (
      "\"ignore_merges\": false", "\"dropout\": 0.1",
      .unsupportedOption(part: "model", option: "dropout")
    ),
  ]

  @Test(arguments: damages.indices)
  func damagedFiles(index: Int) throws {
    let (old, new, error) = Self.damages[index]
    let place = try #require(Self.whole.range(of: old))
    let json = try JSON(parsing: Self.whole.replacingSubrange(place, with: new))
    #expect(throws: error) { try Tokenizer(json: json) }
    #expect(error.description.hasSuffix(".") && !error.description.contains("\n"))
  }

  @Test func patternsThatAreNotSupportedAreNamed() throws {
    for (pattern, construct) in [
      ("(?<=a)b", "a lookbehind"), ("[a[b]]", "a class inside a class"), ("\\\\1", "\\1"),
      ("\\\\p{Han}", "\\p{Han}"), ("(a", "an unclosed ("),
      ("a{2000}", "a repetition of more than 1000 times"),
    ] {
      let text = Self.whole.split(separator: "\\\\p{N}{1,3}").joined(separator: pattern)
      let json = try JSON(parsing: String(text))
      let written = pattern.split(separator: "\\\\", omittingEmptySubsequences: false).joined(
        separator: "\\")
      #expect(
        throws: TokenizerError.unsupportedPattern(
          pattern: written + "|(?i:'s)|\\s+(?!\\S)|[^a-c]+", construct: construct)
      ) { try Tokenizer(json: json) }
    }
  }

  @Test func specialTokensOfTheConfiguration() throws {
    let json = try JSON(parsing: Self.whole)
    #expect(throws: TokenizerError.unknownSpecialToken(role: "bos_token", token: "<s>")) {
      try Tokenizer(json: json, configuration: ["bos_token": "<s>"])
    }
    let tokenizer = try Tokenizer(
      json: json, configuration: ["bos_token": ["content": "<end>"], "add_bos_token": true])
    #expect(tokenizer.ids(of: "a") == [4, 0, 4])
  }

  @Test func filesThatCannotBeRead() {
    #expect(throws: TokenizerError.unreadableFile(path: "/nowhere/tokenizer.json")) {
      try Tokenizer(folder: "/nowhere")
    }
  }

  @Test(arguments: [77, 78, 79]) func mutatedFilesNeverCrash(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let bytes = Array(Self.whole.utf8)
    let marks = Array("{}[]\",:0123456789-null true\\pLs+*?|(){}.$^ÿ".utf8)
    var made = 0
    for _ in 0..<7_000 {
      var mutated = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: mutated.indices, using: &generator)
        let byte = marks.randomElement(using: &generator) ?? 0
        switch Int.random(in: 0...3, using: &generator) {
        case 0: mutated[place] = byte
        case 1: mutated.insert(byte, at: place)
        case 2: mutated.remove(at: place)
        default:
          let length = min(Int.random(in: 1...30, using: &generator), mutated.count - place)
          mutated.removeSubrange(place..<place + length)
        }
      }
      guard let json = try? JSON(parsing: mutated), let tokenizer = try? Tokenizer(json: json)
      else { continue }
      made += 1
      let text = randomText(using: &generator) + "cab<end> 12's"
      let encoding = tokenizer.encode(text)
      #expect(encoding.tokens.allSatisfy { ($0.byteRange?.upperBound ?? 0) <= text.utf8.count })
      _ = tokenizer.decode(encoding.ids)
    }
    #expect(made > 300)
  }
}

extension String {
  /// The place of a text inside this one.
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }

  fileprivate func replacingSubrange(_ range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
