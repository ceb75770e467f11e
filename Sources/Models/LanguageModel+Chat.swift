import Checkpoints
public import DataFormats
public import Tokenizers

extension LanguageModel {
  /// The model's chat format: `chat_template.jinja` in its folder, else the `chat_template` of
  /// `tokenizer_config.json` or of the GGUF file.
  ///
  /// - Throws: `ModelError.noChatTemplate`, `ChatTemplateError`, or `ModelError` for files that can't
  ///   be read.
  public func chatTemplate() throws -> ChatTemplate {
    if folder.contains("chat_template.jinja") {
      let bytes = try folder.read("chat_template.jinja", limit: 10_000_000)
      return try ChatTemplate(String(decoding: bytes, as: UTF8.self))
    }
    let settings = try tokenizerSettings()
    if let source = settings["chat_template"]?.string { return try ChatTemplate(source) }
    // Several templates by their names: the one for ordinary conversations counts.
    let named = settings["chat_template"]?.array ?? []
    if let source = (named.first { $0["name"]?.string == "default" })?["template"]?.string {
      return try ChatTemplate(source)
    }
    if let source = checkpoint.gguf?.values["tokenizer.chat_template"]?.string {
      return try ChatTemplate(source)
    }
    throw ModelError.noChatTemplate(model: name)
  }

  /// The text of a conversation in the model's chat format.
  ///
  /// It begins with the beginning of a sequence where the format has one; `encode` doesn't double it.
  ///
  /// - Parameters:
  ///   - messages: each with its `role` and `content`, and what else the format knows; members that
  ///     are null don't count.
  ///   - template: the format, by default the model's own.
  ///   - thinking: whether the model is to think before it answers, for formats that ask; `nil` leaves
  ///     it to the format.
  ///   - asksForAnswer: whether the text ends where the model's answer begins.
  /// - Throws: `ChatTemplateError`, or what `chatTemplate()` throws.
  public func chatText(
    _ messages: [JSONObject], template: ChatTemplate? = nil, thinking: Bool? = nil,
    asksForAnswer: Bool = true
  ) throws -> String {
    let template = try template ?? chatTemplate()
    var variables = JSONObject()
    variables["messages"] = .array(
      messages.map { .object(JSONObject(members: $0.members.filter { !$0.value.isNull })) })
    variables["tools"] = .null
    variables["documents"] = .null
    variables["add_generation_prompt"] = .bool(asksForAnswer)
    if let thinking {
      for name in Self.thinkingNames { variables[name] = .bool(thinking) }
    }
    for member in try tokenizerSettings().members where member.key.hasSuffix("_token") {
      if let token = member.value.string ?? member.value["content"]?.string {
        variables[member.key] = .string(token)
      }
    }
    for (key, id) in [
      ("bos_token", tokenizer?.beginOfSequenceID), ("eos_token", tokenizer?.endOfSequenceID),
    ] where variables[key] == nil {
      if let id, let piece = tokenizer?.piece(of: id) { variables[key] = .string(piece) }
    }
    return try template.render(variables)
  }

  /// What the families' formats call the choice whether to think.
  public static var thinkingNames: [String] { ["thinking", "enable_thinking"] }

  private func tokenizerSettings() throws -> JSONObject {
    guard folder.contains("tokenizer_config.json") else { return JSONObject() }
    return try Self.readObject("tokenizer_config.json", in: folder)
  }
}
