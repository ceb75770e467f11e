import Figures
import Testing

@Suite("Markdown")
struct MarkdownTests {
  @Test(
    "blocks and spans",
    arguments: [
      ("# A *b*", "<h1>A <em>b</em></h1>\n"),
      ("one\ntwo\r\n\r\nthree", "<p>one\ntwo</p>\n<p>three</p>\n"),
      (
        "a **b** `c*d*` __e__ _f_",
        "<p>a <strong>b</strong> <code>c*d*</code> <strong>e</strong> <em>f</em></p>\n"
      ),
      ("snake_case_name 2 * 3 * 4", "<p>snake_case_name 2 * 3 * 4</p>\n"),
      ("- a\n- b\n  - c", "<ul>\n<li>a\n</li>\n<li>b\n<ul>\n<li>c\n</li>\n</ul>\n</li>\n</ul>\n"),
      ("1. a\n2. b", "<ol>\n<li>a\n</li>\n<li>b\n</li>\n</ol>\n"),
      ("```swift\n<a> *b*\n```", "<pre><code>&lt;a&gt; *b*</code></pre>\n"),
      ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>\n"),
      ("---", "<hr>\n"),
      ("[x](https://e.org/?a=1&b)", "<p><a href=\"https://e.org/?a=1&amp;b\">x</a></p>\n"),
      ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
      ("[x](#part)", "<p><a href=\"#part\">x</a></p>\n"),
      ("<b>bold</b> \\*plain\\*", "<p>&lt;b&gt;bold&lt;/b&gt; *plain*</p>\n"),
      (
        "| a | b |\n|---|--:|\n| 1 | `x\\|y` |",
        "<table><thead><tr><th>a</th><th style=\"text-align:right\">b</th></tr>\n</thead><tbody>\n"
          + "<tr><td>1</td><td style=\"text-align:right\"><code>x|y</code></td></tr>\n</tbody></table>\n"
      ),
      ("", ""),
    ])
  func renders(source: String, html: String) {
    #expect(Markdown.html(source) == html)
  }

  @Test("deep nesting ends in text, not in a crash")
  func deep() throws {
    for source in [
      String(repeating: ">", count: 5000) + "x", String(repeating: "[", count: 2000),
      String(repeating: "*a ", count: 1000), String(repeating: "`", count: 999),
      (0..<500).map { String(repeating: "  ", count: $0) + "- x" }.joined(separator: "\n"),
    ] {
      _ = try StrictXML("<div>\(Markdown.html(source))</div>", isHTML: true)
    }
  }

  @Test("a page colours code and drops the terminal's colours")
  func page() {
    let page = HTMLPage(
      title: "T", language: "en",
      items: [
        .code("let x = \"<é>\"", [CodeSpan(range: 8..<14, kind: .string)]),
        .error("\u{1B}[31mred\u{1B}[0m"),
      ])
    let html = page.html()
    #expect(html.contains("let x = <span class=\"string\">&quot;&lt;é&gt;&quot;</span>"))
    #expect(html.contains("<pre class=\"failure\">red</pre>"))
    #expect(html.contains("<html lang=\"en\">"))
  }
}
