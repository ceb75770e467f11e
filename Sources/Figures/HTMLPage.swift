public import DataFormats

/// A stretch of source code in one colour.
public struct CodeSpan: Sendable, Hashable {
  /// What the stretch is.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A word of the language.
    case keyword
    /// A text literal.
    case string
    /// A number.
    case number
    /// A comment.
    case comment
    /// The name of a function.
    case function
    /// An argument's label.
    case label
  }

  /// The stretch as offsets into the source's UTF-8.
  public var range: Range<Int>
  /// What it is.
  public var kind: Kind

  /// Makes a span.
  public init(range: Range<Int>, kind: Kind) {
    self.range = range
    self.kind = kind
  }
}

/// A self-contained page: prose, cells with their outputs, figures; light, dark and in print.
public struct HTMLPage: Sendable {
  /// One part of the page.
  public enum Item: Sendable {
    /// Prose in Markdown.
    case markdown(String)
    /// A cell's source with the stretches to colour, in order and apart from each other.
    case code(String, [CodeSpan])
    /// An output in its best representation.
    case bundle(MIMEBundle)
    /// What was printed.
    case stream(String, isError: Bool)
    /// A failure's message.
    case error(String)
  }

  /// The page's title.
  public var title: String
  /// The language of the prose, such as `en`, where it is known.
  public var language: String?
  /// The parts in order.
  public var items: [Item]

  /// Makes a page.
  public init(title: String, language: String? = nil, items: [Item]) {
    self.title = title
    self.language = language
    self.items = items
  }

  /// The page's bytes as text.
  public func html() -> String {
    let tag = language.map { " lang=\"\(Markup.escape($0))\"" } ?? ""
    return "<!DOCTYPE html>\n<html\(tag)>\n<head>\n<meta charset=\"utf-8\">\n"
      + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      + "<meta name=\"color-scheme\" content=\"light dark\">\n"
      + "<title>\(Markup.escape(VisibleText.line(title)))</title>\n"
      + "<style>\n\(Self.sheet)\n</style>\n</head>\n<body>\n<main>\n"
      + items.map(Self.html).joined(separator: "\n")
      + "\n</main>\n</body>\n</html>\n"
  }

  private static func html(_ item: Item) -> String {
    switch item {
    case .markdown(let text): return "<section class=\"prose\">\n\(Markdown.html(text))</section>"
    case .code(let source, let spans):
      return "<pre class=\"code\"><code>\(highlighted(source, spans))</code></pre>"
    case .bundle(let bundle): return "<div class=\"output\">\(representation(bundle))</div>"
    case .stream(let text, let isError):
      let name = isError ? "stream warning" : "stream"
      return "<pre class=\"\(name)\">\(Markup.escape(withoutEscapes(text)))</pre>"
    case .error(let text):
      return "<pre class=\"failure\">\(Markup.escape(withoutEscapes(text)))</pre>"
    }
  }

  private static func representation(_ bundle: MIMEBundle) -> String {
    if let html = bundle.html { return html }
    if let svg = bundle.data["image/svg+xml"]?.string {
      let alt = Markup.escape(bundle.plainText ?? "Figure")
      return "<img alt=\"\(alt)\" src=\"data:image/svg+xml;base64,"
        + "\(Base64.encode(Array(svg.utf8)))\">"
    }
    if let png = bundle.data["image/png"]?.string {
      let alt = Markup.escape(bundle.plainText ?? "Figure")
      let digits = png.unicodeScalars.filter { $0 != "\n" && $0 != "\r" }.map { String($0) }
        .joined()
      return "<img alt=\"\(alt)\" src=\"data:image/png;base64,\(Markup.escape(digits))\">"
    }
    if let text = bundle.data["text/markdown"]?.string {
      return "<section class=\"prose\">\(Markdown.html(text))</section>"
    }
    return "<pre>\(Markup.escape(withoutEscapes(bundle.plainText ?? "")))</pre>"
  }

  private static func highlighted(_ source: String, _ spans: [CodeSpan]) -> String {
    let bytes = Array(source.utf8)
    var html = ""
    var offset = 0
    func piece(_ range: Range<Int>) -> String {
      Markup.escape(String(decoding: bytes[range], as: UTF8.self))
    }
    for span in spans where span.range.lowerBound >= offset && span.range.upperBound <= bytes.count
    {
      html += piece(offset..<span.range.lowerBound)
      html += "<span class=\"\(span.kind.rawValue)\">\(piece(span.range))</span>"
      offset = span.range.upperBound
    }
    return html + piece(offset..<bytes.count)
  }

  /// A text without the sequences that colour a terminal.
  static func withoutEscapes(_ text: String) -> String {
    guard text.utf8.contains(0x1B) else { return text }
    var result = String.UnicodeScalarView()
    var scalars = text.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar.value == 0x1B else {
        result.append(scalar)
        continue
      }
      guard let next = scalars.next() else { break }
      guard next == "[" else { continue }
      while let part = scalars.next(), !(0x40...0x7E).contains(part.value) {}
    }
    return String(result)
  }

  private static let sheet = """
    :root { color-scheme: light dark; --bg: #fff; --ink: #1b1f24; --muted: #5b636d; --line: #dfe3e8;
      --panel: #f5f6f8; --accent: #2f6bb3; --keyword: #8a3ea8; --string: #23733b; --number: #a14a12;
      --comment: #6a737d; --warning: #fdf5e3; --failure: #fdecea; --failure-ink: #9c1c10 }
    @media (prefers-color-scheme: dark) { :root { --bg: #111; --ink: #e8eaed; --muted: #a3abb5;
      --line: #2c3138; --panel: #1a1d21; --accent: #6ea8e8; --keyword: #d19be8; --string: #8fd19e;
      --number: #f0a878; --comment: #8d96a0; --warning: #2e2813; --failure: #341715;
      --failure-ink: #ffb4ab } }
    * { box-sizing: border-box }
    body { margin: 0; background: var(--bg); color: var(--ink); line-height: 1.55;
      font: 16px/1.55 \(Style.sans) }
    main { max-width: 900px; margin: 0 auto; padding: 32px 24px 64px }
    h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 1.5em 0 .5em }
    h1 { font-size: 1.8em; margin-top: 0 } h2 { font-size: 1.35em } h3 { font-size: 1.12em }
    p, ul, ol { margin: .6em 0 } a { color: var(--accent) }
    blockquote { margin: .8em 0; padding: 0 1em; border-left: 3px solid var(--line); color: var(--muted) }
    code, pre { font-family: \(Style.mono); font-size: 13.5px }
    p code, li code, td code, h1 code, h2 code, h3 code { background: var(--panel); padding: .1em .3em;
      border-radius: 3px }
    pre { margin: .8em 0; padding: 10px 14px; overflow-x: auto; white-space: pre-wrap;
      overflow-wrap: anywhere; line-height: 1.5 }
    pre.code, .prose pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px }
    pre.code { margin-top: 1.6em }
    pre.warning { background: var(--warning) }
    pre.failure { background: var(--failure); color: var(--failure-ink); border-radius: 6px }
    .keyword { color: var(--keyword) } .string { color: var(--string) } .number { color: var(--number) }
    .comment { color: var(--comment); font-style: italic } .function { color: var(--accent) }
    .label { color: var(--muted) }
    .output { margin: .8em 0; overflow-x: auto } .output > pre { margin: 0 }
    img { max-width: 100%; height: auto }
    table { border-collapse: collapse; font-size: 14px; margin: .6em 0;
      font-variant-numeric: tabular-nums; display: block; overflow-x: auto; max-width: 100% }
    th, td { padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line); text-align: left;
      vertical-align: top }
    th { font-weight: 600 }
    details { margin: .3em 0 0 16px; font-size: 13px; color: var(--muted) }
    summary { cursor: pointer }
    hr { border: 0; border-top: 1px solid var(--line); margin: 2em 0 }
    @media print { main { max-width: none; padding: 0 } details { display: none }
      .output, img, table, pre { break-inside: avoid } h1, h2, h3 { break-after: avoid } }
    """
}
