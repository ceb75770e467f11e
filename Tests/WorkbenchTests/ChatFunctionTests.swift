import DataFormats
import Testing
import Workbench

@Suite struct ChatFunctionTests {
  private static let talk =
    "[{role: \"system\", content: \"Be brief.\"}, {role: \"user\", content: \"你好\"}]"

  @Test func aConversationIsOneTextWhoseBeginningIsNotDoubled() throws {
    let bench = try Bench("llama-deepseek-llm")
    try bench.run("m = load(\"llama-deepseek-llm\")\nc = chat(\(Self.talk))")
    let begin = "<｜begin▁of▁sentence｜>"
    #expect(
      try bench.json("c") == .string(begin + "Be brief.\n\nUser: 你好\n\nAssistant:"))
    #expect(
      try bench.json("chat(\(Self.talk), prompt: false)")
        == .string(begin + "Be brief.\n\nUser: 你好\n\n"))
    #expect(try bench.json("chat(\"你好\")") == .string(begin + "User: 你好\n\nAssistant:"))
    let ids = try #require(try bench.json("tokens(c).ids").array)
    let beginning = try bench.json("tokens(\"\").ids[0]")
    #expect(ids.filter { $0 == beginning }.count == 1 && ids.first == beginning)
    #expect(try bench.json("trace(c).ids") == .array(ids))
    try bench.run("next(c)\nattention(c)\ngenerate(c, tokens: 2)")
  }

  @Test func aBeginningOfAPostProcessorIsNotDoubledEither() throws {
    let bench = try Bench()
    let folder = bench.folder + "/models/own"
    try copyModel("llama-deepseek-llm", to: folder)
    try edit(folder + "/tokenizer_config.json") {
      $0["add_bos_token"] = false
      $0["bos_token"] = "<｜begin▁of▁sentence｜>"
    }
    try edit(folder + "/tokenizer.json") { file in
      let token = file["added_tokens"]?.array?.first {
        $0["content"]?.string == "<｜begin▁of▁sentence｜>"
      }
      let id = token?["id"]?.integer ?? 0
      file["post_processor"] = [
        "type": "TemplateProcessing",
        "single": [["SpecialToken": ["id": "B"]], ["Sequence": ["id": "A"]]],
        "special_tokens": ["B": ["id": "B", "ids": [.integer(id)], "tokens": ["B"]]],
      ]
    }
    try bench.run("m = load(\"own\")")
    #expect(
      try bench.json("tokens(chat(\"a\")).ids")
        == bench.json("tokens(\"User: a\\n\\nAssistant:\").ids"))
  }

  @Test func whatCannotBeRenderedIsSaid() throws {
    let bench = try Bench("llama-grouped", "llama-deepseek-llm")
    try bench.run("g = load(\"llama-grouped\")\nm = load(\"llama-deepseek-llm\")")
    let missing = try bench.failure("chat(\(Self.talk), using: g)")
    #expect(missing.code == "chat-template")
    #expect(
      missing.message
        == "The model \"llama-grouped\" comes without a chat template, so it has no format of its own "
        + "for conversations.")
    #expect(
      try bench.failure("chat(\(Self.talk), thinking: true)").message
        == "The chat format of llama-deepseek-llm leaves no choice whether to think.")
    #expect(try bench.failure("chat([])").message == "A conversation has at least one message.")
    #expect(
      try bench.failure("chat([{content: \"a\"}])").message
        == "Message 0 has no text as its `role`.")
    #expect(
      try bench.failure("chat([{role: \"robot\", content: \"a\"}])").message
        == "The chat template refuses this conversation: The role robot is unknown.")
    #expect(try bench.failure("chat([{role: \"user\"}])").code == "chat-template")
  }

  @Test func thinkingReachesTheTemplateInItsOwnWords() throws {
    let bench = try Bench()
    let folder = bench.folder + "/models/own"
    try copyModel("llama-deepseek-llm", to: folder)
    try remove(folder + "/chat_template.jinja")
    try edit(folder + "/tokenizer_config.json") {
      $0["chat_template"] = [
        ["name": "tool_use", "template": "no"],
        [
          "name": "default",
          "template": """
          {{ bos_token }}{{ messages[-1].content }}\
          {%- if enable_thinking is defined %}{{ '<think>' if enable_thinking else '</think>' }}{% endif %}
          """,
        ],
      ]
    }
    try bench.run("m = load(\"own\")")
    let begin = "<｜begin▁of▁sentence｜>"
    #expect(try bench.json("chat(\"a\")") == .string(begin + "a"))
    #expect(try bench.json("chat(\"a\", thinking: true)") == .string(begin + "a<think>"))
    #expect(try bench.json("chat(\"a\", thinking: false)") == .string(begin + "a</think>"))
    try edit(folder + "/tokenizer_config.json") { $0["chat_template"] = "{% macro f() %}" }
    #expect(
      try bench.failure("chat(\"a\")").message
        == "The chat template uses the statement `macro` in line 1, which is not supported.")
  }
}
