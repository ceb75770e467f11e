public import DataFormats

extension GGUFFile {
  /// What `tokenizer.json` and `tokenizer_config.json` would say of this file's vocabulary.
  ///
  /// `nil` where the file has none, or none of byte pairs with a known way of cutting texts
  /// (`tokenizer.ggml.pre` of llama-bpe, qwen2, deepseek-r1-qwen, deepseek-v3, deepseek-coder, gpt-2).
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
        sequence(
          [
            #"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#,
            "[\u{4e00}-\u{9fa5}\u{0800}-\u{4e00}\u{ac00}-\u{d7ff}]+",
          ], then: [["type": "Digits", "individual_digits": true]]), false
      )
    case "gpt-2":
      return (byteLevel(usesPattern: true), false)
    default: return nil
    }
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
