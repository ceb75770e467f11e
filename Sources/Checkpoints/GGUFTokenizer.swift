public import DataFormats

extension GGUFFile {
  /// What `tokenizer.json` and `tokenizer_config.json` would say of this file's vocabulary.
  ///
  /// `nil` where the file has none, or none of byte pairs with a known way of cutting texts
  /// (`tokenizer.ggml.pre` of llama-bpe, qwen2, deepseek-r1-qwen, deepseek-llm, deepseek-coder, deepseek-v3, gpt-2).
  public func tokenizerDocuments() -> (tokenizer: JSON, configuration: JSON)? {
    guard values["tokenizer.ggml.model"]?.string == "gpt2",
      let tokens = values["tokenizer.ggml.tokens"]?.strings,
      let merges = values["tokenizer.ggml.merges"]?.strings,
      let kind = values["tokenizer.ggml.pre"]?.string, let cutting = Self.cutting(kind)
    else { return nil }
    let types = values["tokenizer.ggml.token_type"]?.integers ?? []
    var vocabulary: [JSONObject.Member] = []
    var added: [JSON] = []
    var seen = Set<[UInt8]>()
    for (id, token) in tokens.enumerated() {
      // 2 unknown, 3 control, 4 user-defined; 5 fills up the vocabulary and stands for nothing.
      let type = id < types.count ? types[id] : 1
      guard type != 5, seen.insert(Array(token.utf8)).inserted else { continue }
      if type == 3 || type == 4 {
        added.append([
          "id": .integer(id), "content": .string(token), "special": .bool(type == 3),
          "normalized": false, "lstrip": false, "rstrip": false, "single_word": false,
        ])
      } else {
        vocabulary.append(.init(key: token, value: .integer(id)))
      }
    }
    let model: JSON = [
      "type": "BPE", "vocab": .object(JSONObject(members: vocabulary)),
      "merges": .array(merges.map { .string($0) }), "ignore_merges": .bool(kind == "llama-bpe"),
    ]
    let document: JSON = [
      "added_tokens": .array(added),
      "normalizer": cutting.isComposed ? ["type": "NFC"] : .null,
      "pre_tokenizer": cutting.preTokenizer, "post_processor": .null,
      "decoder": ["type": "ByteLevel"], "model": model,
    ]
    var configuration: JSONObject = [
      "add_bos_token": .bool(values["tokenizer.ggml.add_bos_token"]?.bool ?? false),
      "add_eos_token": .bool(values["tokenizer.ggml.add_eos_token"]?.bool ?? false),
    ]
    for role in ["bos", "eos"] {
      if let id = values["tokenizer.ggml.\(role)_token_id"]?.integer, tokens.indices.contains(id) {
        configuration["\(role)_token"] = .string(tokens[id])
      }
    }
    if let template = values["tokenizer.chat_template"]?.string {
      configuration["chat_template"] = .string(template)
    }
    return (document, .object(configuration))
  }

  /// How texts are cut before the byte pairs are joined, and whether they are put in composed form first.
  private static func cutting(_ kind: String) -> (preTokenizer: JSON, isComposed: Bool)? {
    let joined = #"[^\r\n\p{L}\p{N}]?\p{L}+"#
    let ends = #" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    let contractions = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)"#
    switch kind {
    case "llama-bpe":
      return (sequence(["\(contractions)|\(joined)|\\p{N}{1,3}|\(ends)"]), false)
    case "qwen2", "deepseek-r1-qwen":
      return (sequence(["\(contractions)|\(joined)|\\p{N}|\(ends)"]), true)
    case "deepseek-v3":
      let main =
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"##
        + #" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
      return (
        sequence([#"\p{N}{1,3}"#, "[\u{4e00}-\u{9fa5}\u{3040}-\u{309f}\u{30a0}-\u{30ff}]+", main]),
        false
      )
    case "deepseek-coder":
      return (
        sequence([#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, oldChinese], then: [digits]), false
      )
    case "deepseek-llm":
      let marks = "!-/:-~\u{ff01}-\u{ff0f}\u{ff1a}-\u{ff5e}\u{2018}-\u{201f}\u{3000}-\u{3002}"
      return (
        sequence(
          [
            #"[\r\n]"#, #"\s?["# + letterClass + "]+", #"\s?["# + marks + "]+", #"\s+$"#,
            oldChinese,
          ], then: [digits]), false
      )
    case "gpt-2":
      return (byteLevel(usesPattern: true), false)
    default: return nil
    }
  }

  private static let digits: JSON = ["type": "Digits", "individual_digits": true]
  private static let oldChinese = "[\u{4e00}-\u{9fa5}\u{0800}-\u{4e00}\u{ac00}-\u{d7ff}]+"

  /// The letters that DeepSeek-LLM's published `tokenizer.json` lists, which are fewer than Unicode's.
  private static let letterRanges = """
    41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f
    386 388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd
    1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45
    1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4
    1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115
    2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183 2184
    2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3 a640-a66d a680-a69b a722-a76f a771-a787
    a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f 104b0-104d3
    104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943
    """

  /// The letters as the inside of a class of a regular expression.
  private static var letterClass: String {
    var result = ""
    for range in letterRanges.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      let ends = range.split(separator: "-").compactMap { UInt32($0, radix: 16) }
      result += ends.compactMap { Unicode.Scalar($0).map(String.init) }.joined(separator: "-")
    }
    return result
  }

  private static func sequence(_ patterns: [String], then others: [JSON] = []) -> JSON {
    let splits: [JSON] = patterns.map {
      [
        "type": "Split", "pattern": ["Regex": .string($0)], "behavior": "Isolated", "invert": false,
      ]
    }
    return [
      "type": "Sequence",
      "pretokenizers": .array(splits + others + [byteLevel(usesPattern: false)]),
    ]
  }

  private static func byteLevel(usesPattern: Bool) -> JSON {
    [
      "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
      "use_regex": .bool(usesPattern),
    ]
  }
}
