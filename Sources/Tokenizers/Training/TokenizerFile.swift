public import DataFormats

extension BytePairTrainer.Vocabulary {
  /// A `tokenizer.json` of these units, as the `tokenizers` library and `Tokenizer` read it.
  ///
  /// - Parameters:
  ///   - preTokenizer: the `pre_tokenizer` that the merges were learned with.
  ///   - specials: texts that are one token each; their ids follow the units'.
  ///   - beginning: the one of them that every text begins with, or `nil`.
  public func tokenizerJSON(
    preTokenizer: JSON, specials: [String], beginning: String? = nil
  ) -> JSON {
    func face(_ unit: [UInt8]) -> String {
      String(String.UnicodeScalarView(unit.map { ByteAlphabet.scalars[Int($0)] }))
    }
    let faces = units.map(face)
    let added = specials.enumerated().map { index, text -> JSON in
      [
        "id": .integer(units.count + index), "content": .string(text), "single_word": false,
        "lstrip": false, "rstrip": false, "normalized": false, "special": true,
      ]
    }
    var postProcessor: JSON = [
      "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true,
    ]
    if let beginning,
      let place = specials.firstIndex(where: { $0.utf8.elementsEqual(beginning.utf8) })
    {
      postProcessor = Self.template(beginning, id: units.count + place)
    }
    return [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(added),
      "normalizer": nil, "pre_tokenizer": preTokenizer,
      "post_processor": postProcessor,
      "decoder": [
        "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true,
      ],
      "model": [
        "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
        "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false,
        "ignore_merges": false,
        "vocab": .object(
          JSONObject(
            members: faces.enumerated().map { .init(key: $0.element, value: .integer($0.offset)) })),
        "merges": .array(merges.map { .string("\(faces[$0.left]) \(faces[$0.right])") }),
      ],
    ]
  }

  /// Puts a token before every text.
  private static func template(_ token: String, id: Int) -> JSON {
    let special: JSON = ["SpecialToken": ["id": .string(token), "type_id": 0]]
    return [
      "type": "TemplateProcessing",
      "single": [special, ["Sequence": ["id": "A", "type_id": 0]]],
      "pair": [
        special, ["Sequence": ["id": "A", "type_id": 0]],
        ["SpecialToken": ["id": .string(token), "type_id": 1]],
        ["Sequence": ["id": "B", "type_id": 1]],
      ],
      "special_tokens": .object(
        JSONObject(members: [
          .init(
            key: token,
            value: ["id": .string(token), "ids": [.integer(id)], "tokens": [.string(token)]])
        ])),
    ]
  }
}

/// The pre-tokenizer that DeepSeek-LLM was published with.
public enum DeepSeekPreTokenizer {
  /// The letters of its pattern: an explicit list of code points, not a category of Unicode.
  private static let letters: [ClosedRange<UInt32>] = [
    0x41...0x5A, 0x61...0x7A, 0xB5...0xB5, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x1BA, 0x1BC...0x1BF,
    0x1C4...0x293, 0x295...0x2AF, 0x370...0x373, 0x376...0x376, 0x377...0x377, 0x37B...0x37D,
    0x37F...0x37F, 0x386...0x386, 0x388...0x38A, 0x38C...0x38C, 0x38E...0x3A1, 0x3A3...0x3F5,
    0x3F7...0x481, 0x48A...0x52F, 0x531...0x556, 0x10A0...0x10C5, 0x13A0...0x13F5,
    0x13F8...0x13FD, 0x1C90...0x1CBA, 0x1CBD...0x1CBF, 0x1D00...0x1D2B, 0x1D6B...0x1D77,
    0x1D79...0x1D9A, 0x1E00...0x1F15, 0x1F18...0x1F1D, 0x1F20...0x1F45, 0x1F48...0x1F4D,
    0x1F50...0x1F57, 0x1F59...0x1F59, 0x1F5B...0x1F5B, 0x1F5D...0x1F5D, 0x1F5F...0x1F7D,
    0x1F80...0x1FB4, 0x1FB6...0x1FBC, 0x1FBE...0x1FBE, 0x1FC2...0x1FC4, 0x1FC6...0x1FCC,
    0x1FD0...0x1FD3, 0x1FD6...0x1FDB, 0x1FE0...0x1FEC, 0x1FF2...0x1FF4, 0x1FF6...0x1FFC,
    0x2102...0x2102, 0x2107...0x2107, 0x210A...0x2113, 0x2115...0x2115, 0x2119...0x211D,
    0x2124...0x2124, 0x2126...0x2126, 0x2128...0x2128, 0x212A...0x212D, 0x212F...0x2134,
    0x2139...0x2139, 0x213C...0x213F, 0x2145...0x2149, 0x214E...0x214E, 0x2183...0x2183,
    0x2184...0x2184, 0x2C00...0x2C7B, 0x2C7E...0x2CE4, 0x2CEB...0x2CEE, 0x2CF2...0x2CF2,
    0x2CF3...0x2CF3, 0xA640...0xA66D, 0xA680...0xA69B, 0xA722...0xA76F, 0xA771...0xA787,
    0xA78B...0xA78E, 0xAB70...0xABBF, 0xFB00...0xFB06, 0xFB13...0xFB17, 0xFF21...0xFF3A,
    0xFF41...0xFF5A, 0x10400...0x1044F, 0x104B0...0x104D3, 0x104D8...0x104FB, 0x10C80...0x10CB2,
    0x10CC0...0x10CF2, 0x118A0...0x118DF, 0x1E900...0x1E943,
  ]

  private static func characters(_ ranges: [ClosedRange<UInt32>]) -> String {
    var text = String.UnicodeScalarView()
    for range in ranges {
      guard let low = Unicode.Scalar(range.lowerBound), let high = Unicode.Scalar(range.upperBound)
      else { continue }
      text.append(low)
      if low != high { text.append(contentsOf: ["-", high]) }
    }
    return String(text)
  }

  /// Line ends, words with a space before them, punctuation, space at the end, Chinese characters and their
  /// neighbours, single digits; then bytes.
  public static var json: JSON {
    func split(_ pattern: String) -> JSON {
      [
        "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
        "invert": false,
      ]
    }
    return [
      "type": "Sequence",
      "pretokenizers": [
        split("[\r\n]"), split("\\s?[" + characters(letters) + "]+"),
        split(
          "\\s?[!-/:-~"
            + characters([0xFF01...0xFF0F, 0xFF1A...0xFF5E, 0x2018...0x201F, 0x3000...0x3002])
            + "]+"), split("\\s+$"),
        split("[" + characters([0x4E00...0x9FA5, 0x800...0x4E00, 0xAC00...0xD7FF]) + "]+"),
        ["type": "Digits", "individual_digits": true],
        ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false],
      ],
    ]
  }
}
