import Testing

@testable import Language

/// The examples by which the language is described.
@Suite struct LanguagePageTests {
  static let session = """
    m = load("deepseek-llm-7b-base")                # a folder or file
    text = "患者患有高血压，需要"

    attention(text)                                  # last layer, mean over heads: the heatmap
    attention(text, layer: 3, head: 5)
    attention(text, layer: 0...5, head: all)         # a grid of small maps
    text |> attribute(target: "降压", method: "integrated_gradients")
    next(text, top: 10)                              # what the model would say

    tech = concept("科技词汇", ["芯片", "算法", "服务器"])
    mood = concept("情感词汇", ["高兴", "悲伤", "愤怒"])
    tcav(tech, inputs: sentences, target: "好", layers: all, runs: 20)

    words = table("words.csv")
    embed(words.term, layer: 0) |> project(method: "tsne", dims: 3, seed: 7) |> scatter(color: words.field)

    def shift(term) = attribute("患者患有\\(term)，需要")[term].sum()
    for term in ["高血压", "糖尿病", "冠心病"] { shift(term) }
    """

  static let forms = [
    session, "12", "0.5", "1e-4", "1_000", "true", "false", "none", "True", "False", "None",
    #"{"name": value}"#, #""text with \(holes)""#, #""""many lines""""#, "[1, 2]",
    "{name: value}", "0..<6", "0...5", "name = expr", "def f(a, b: 1) = expr",
    "def f(a) { a }", #"param name = expr "what it is""#, "for x in xs { x }",
    "if c { 1 } else { 2 }", "[expr for x in xs if c]", "x -> expr", "x |> f(a)", "x.f(a)",
    "t.attentions[3][5]", "g.scores", "p.coordinates", "print(x)", "warn(x)", "show(x)", "clear()",
    "name?", "?name", "help(name)", #"show(x, as: "svg")"#, #"save(x, "path")"#,
    "next(text, using: m);", "f(a, label=1)", "a not in b", "x\n  |> f()\n  # note\n  .g()",
    "x = 1 +\n  2", "if a { 1 }\nelse if b { 2 }\nelse { 3 }", "(x, y) -> x * y", "() -> 1",
    "2 ** 3", "sum(x for x in xs)", "a = 1; b = 2", "{}", "[]", "[1, 2,]", "f(a,)", "{a: 1,}",
    "for a, b in pairs { a }", "for (a, b) in pairs { a }", "x.in", "f(if: 1)", "{for: 1}",
    "xs |> map(x -> x + 1)", "param", "param = 2", "词 = 1", "-x ^ 2", "# only a comment", "",
    #"'single' + '''many'''"#, #""nested \(f("a \(b("c"))"))""#, "x[0..<3]", "x[-1]",
    "all", "mean", #"{"a": [1, 2, {"b": None}], 'c': True}"#,
  ]

  @Test(arguments: forms) func parsesWithoutDiagnostics(_ source: String) {
    let result = Parser.parse(source)
    #expect(result.diagnostics.map { "\($0.code) \($0.message) \($0.range?.lower ?? -1)" } == [])
  }
}
