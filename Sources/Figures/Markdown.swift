/// The part of Markdown that notebooks' prose is written in, as HTML; everything else is text.
///
/// Headings, paragraphs, emphasis, code, lists, quotations, rules, tables, and links to `http`,
/// `https` and places in the page. HTML in the source is shown, not obeyed.
public enum Markdown {
  /// The HTML of a text.
  public static func html(_ text: String) -> String {
    // Split by bytes: Swift takes a `\r\n` for one character.
    let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
    }
    var blocks = MarkdownBlocks(lines: lines, depth: 0, isTight: false)
    return blocks.html()
  }
}

/// Lines to blocks.
struct MarkdownBlocks {
  private let lines: [String]
  private let depth: Int
  /// Whether paragraphs go without an element of their own, as in lists without blank lines.
  private let isTight: Bool
  private var at = 0

  init(lines: [String], depth: Int, isTight: Bool) {
    self.lines = lines
    self.depth = depth
    self.isTight = isTight
  }

  mutating func html() -> String {
    var html = ""
    while at < lines.count { html += block() }
    return html
  }

  private mutating func block() -> String {
    let line = lines[at]
    let text = Self.trimmed(line)
    if text.isEmpty {
      at += 1
      return ""
    }
    if let fence = Self.fence(text) { return code(fence) }
    if let level = Self.headingLevel(text) {
      at += 1
      var words = Self.trimmed(String(text.dropFirst(level)))
      while words.last == "#" { words.removeLast() }
      return "<h\(level)>\(MarkdownInline.html(Self.trimmed(words)))</h\(level)>\n"
    }
    if Self.isRule(text) {
      at += 1
      return "<hr>\n"
    }
    if text.first == ">", depth < 8 { return quotation() }
    if Self.listMarker(line) != nil, depth < 8 { return list() }
    if at + 1 < lines.count, text.contains("|"), let aligns = Self.tableRule(lines[at + 1]) {
      return table(aligns)
    }
    return paragraph()
  }

  private mutating func code(_ fence: Character) -> String {
    at += 1
    var content: [String] = []
    while at < lines.count, Self.fence(Self.trimmed(lines[at])) != fence {
      content.append(lines[at])
      at += 1
    }
    at += 1
    return "<pre><code>\(Markup.escape(content.joined(separator: "\n")))</code></pre>\n"
  }

  private mutating func quotation() -> String {
    var content: [String] = []
    while at < lines.count {
      let text = Self.trimmed(lines[at])
      guard text.first == ">" else { break }
      content.append(String(text.dropFirst().drop { $0 == " " }))
      at += 1
    }
    var inner = MarkdownBlocks(lines: content, depth: depth + 1, isTight: false)
    return "<blockquote>\n\(inner.html())</blockquote>\n"
  }

  private mutating func list() -> String {
    guard let first = Self.listMarker(lines[at]) else { return "" }
    let tag = first.isOrdered ? "ol" : "ul"
    var html = "<\(tag)>\n"
    while at < lines.count, let marker = Self.listMarker(lines[at]),
      marker.isOrdered == first.isOrdered, marker.indent < first.indent + 2
    {
      var content = [String(lines[at].dropFirst(marker.width))]
      at += 1
      while at < lines.count {
        let line = lines[at]
        let indent = line.prefix { $0 == " " }.count
        if Self.trimmed(line).isEmpty {
          guard at + 1 < lines.count,
            lines[at + 1].prefix(while: { $0 == " " }).count > first.indent
          else { break }
        } else if indent <= first.indent {
          break
        }
        content.append(String(line.dropFirst(min(indent, marker.width))))
        at += 1
      }
      var inner = MarkdownBlocks(
        lines: content, depth: depth + 1, isTight: !content.contains { Self.trimmed($0).isEmpty })
      html += "<li>\(inner.html())</li>\n"
    }
    return html + "</\(tag)>\n"
  }

  private mutating func table(_ aligns: [String]) -> String {
    let heads = Self.cells(lines[at])
    at += 2
    func row(_ cells: [String], _ tag: String) -> String {
      var html = "<tr>"
      for (index, align) in aligns.enumerated() {
        let text = index < cells.count ? MarkdownInline.html(cells[index]) : ""
        html += "<\(tag)\(align)>\(text)</\(tag)>"
      }
      return html + "</tr>\n"
    }
    var html = "<table><thead>\(row(heads, "th"))</thead><tbody>\n"
    while at < lines.count, lines[at].contains("|"), !Self.trimmed(lines[at]).isEmpty {
      html += row(Self.cells(lines[at]), "td")
      at += 1
    }
    return html + "</tbody></table>\n"
  }

  private mutating func paragraph() -> String {
    var content: [String] = []
    repeat {
      content.append(Self.trimmed(lines[at]))
      at += 1
    } while at < lines.count && !startsBlock(at)
    let text = MarkdownInline.html(content.joined(separator: "\n"))
    return isTight ? text + "\n" : "<p>\(text)</p>\n"
  }

  private func startsBlock(_ index: Int) -> Bool {
    let text = Self.trimmed(lines[index])
    return text.isEmpty || Self.fence(text) != nil || Self.headingLevel(text) != nil
      || Self.isRule(text) || text.first == ">" || Self.listMarker(lines[index]) != nil
  }

  private static func trimmed(_ line: String) -> String {
    var text = line.drop { $0 == " " || $0 == "\t" }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }

  private static func fence(_ text: String) -> Character? {
    text.hasPrefix("```") ? "`" : text.hasPrefix("~~~") ? "~" : nil
  }

  private static func headingLevel(_ text: String) -> Int? {
    let level = text.prefix { $0 == "#" }.count
    guard (1...6).contains(level) else { return nil }
    let rest = text.dropFirst(level)
    return rest.isEmpty || rest.first == " " ? level : nil
  }

  private static func isRule(_ text: String) -> Bool {
    guard let first = text.first, "-*_".contains(first) else { return false }
    return text.filter { $0 == first }.count >= 3 && text.allSatisfy { $0 == first || $0 == " " }
  }

  private static func listMarker(
    _ line: String
  ) -> (indent: Int, width: Int, isOrdered: Bool)? {
    let indent = line.prefix { $0 == " " }.count
    let rest = line.dropFirst(indent)
    guard let first = rest.first else { return nil }
    if "-*+".contains(first), rest.dropFirst().first == " " { return (indent, indent + 2, false) }
    let digits = rest.prefix { $0.isASCII && $0.isNumber }.count
    guard (1...9).contains(digits) else { return nil }
    let after = rest.dropFirst(digits)
    guard after.first == "." || after.first == ")", after.dropFirst().first == " " else {
      return nil
    }
    return (indent, indent + digits + 2, true)
  }

  /// The alignments of a table's columns, where a line is the rule under its heading.
  private static func tableRule(_ line: String) -> [String]? {
    let parts = cells(line)
    guard line.contains("-"), !parts.isEmpty else { return nil }
    var aligns: [String] = []
    for part in parts {
      guard part.contains("-"), part.allSatisfy({ $0 == "-" || $0 == ":" }) else { return nil }
      let isRight = part.last == ":"
      let isCentred = isRight && part.first == ":"
      aligns.append(
        isCentred
          ? " style=\"text-align:center\"" : isRight ? " style=\"text-align:right\"" : "")
    }
    return aligns
  }

  private static func cells(_ line: String) -> [String] {
    var text = Substring(trimmed(line))
    if text.first == "|" { text.removeFirst() }
    var cells: [String] = []
    var cell = ""
    var isEscaped = false
    for character in text {
      if isEscaped {
        cell += character == "|" ? "|" : "\\\(character)"
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "|" {
        cells.append(trimmed(cell))
        cell = ""
      } else {
        cell.append(character)
      }
    }
    if !trimmed(cell).isEmpty { cells.append(trimmed(cell)) }
    return cells
  }
}
