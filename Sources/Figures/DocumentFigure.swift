public import DataFormats

/// A short text with headings, paragraphs, code and tables, such as a function's help page.
///
/// Backticks in paragraphs, list items and table cells mark code; everything else is taken as it is.
public struct DocumentFigure: Figure {
  /// One part of the text.
  public enum Block: Sendable, Hashable {
    /// A heading of a level from 1 to 6.
    case heading(String, level: Int)
    /// Running text.
    case paragraph(String)
    /// Source code, kept line by line.
    case code(String)
    /// Points beneath each other.
    case list([String])
    /// A table of texts.
    case table(columns: [String], rows: [[String]])
  }

  /// The parts in order.
  public let blocks: [Block]
  /// Where the text comes from.
  public var provenance: Provenance?

  /// Makes a document.
  public init(blocks: [Block], provenance: Provenance? = nil) {
    self.blocks = blocks
    self.provenance = provenance
  }

  /// The first heading.
  public var title: String {
    for case .heading(let text, _) in blocks { return text }
    return ""
  }

  /// The text for a terminal: headings underlined, code indented, tables in columns.
  public var plainText: String {
    blocks.map { block -> String in
      switch block {
      case .heading(let text, let level):
        let line = VisibleText.line(text)
        let rule = String(repeating: level == 1 ? "═" : "─", count: TextMetrics.columns(line))
        return level <= 2 ? "\(line)\n\(rule)" : line
      case .paragraph(let text): return Self.lines(text).joined(separator: "\n")
      case .code(let text):
        return Self.lines(text).map { "    " + $0 }.joined(separator: "\n")
      case .list(let items):
        return items.map { "• " + VisibleText.line($0) }.joined(separator: "\n")
      case .table(let columns, let rows): return Self.table(columns, rows)
      }
    }.joined(separator: "\n\n")
  }

  private static func table(_ columns: [String], _ rows: [[String]]) -> String {
    let cells = ([columns] + rows).map { row in
      columns.indices.map { $0 < row.count ? VisibleText.line(row[$0]) : "" }
    }
    let widths = columns.indices.map { column in
      cells.map { TextMetrics.columns($0[column]) }.max() ?? 0
    }
    return cells.map { row in
      var line = row.enumerated().map { column, text in
        text + String(repeating: " ", count: widths[column] - TextMetrics.columns(text))
      }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return "  " + line
    }.joined(separator: "\n")
  }

  /// The lines of a text, with what can't be seen made visible.
  private static func lines(_ text: String) -> [String] {
    text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map {
      VisibleText.line(String(decoding: $0, as: UTF8.self))
    }
  }

  /// `{kind, blocks}`, each block with its type and contents.
  public var json: JSON {
    let parts = blocks.map { block -> JSON in
      switch block {
      case .heading(let text, let level):
        ["type": "heading", "level": .integer(level), "text": .string(text)]
      case .paragraph(let text): ["type": "paragraph", "text": .string(text)]
      case .code(let text): ["type": "code", "text": .string(text)]
      case .list(let items): ["type": "list", "items": .array(items.map { .string($0) })]
      case .table(let columns, let rows):
        [
          "type": "table", "columns": .array(columns.map { .string($0) }),
          "rows": .array(rows.map { .array($0.map { .string($0) }) }),
        ]
      }
    }
    return ["kind": "document", "blocks": .array(parts)]
  }

  /// The text as HTML elements without styles of their own.
  public func htmlFragment() -> String {
    var inner = ""
    for block in blocks {
      switch block {
      case .heading(let text, let level):
        let tag = "h\(min(6, max(1, level)))"
        inner += "<\(tag)>\(Self.inline(text))</\(tag)>\n"
      case .paragraph(let text): inner += "<p>\(Self.inline(text))</p>\n"
      case .code(let text):
        let shown = Self.lines(text).joined(separator: "\n")
        inner += "<pre><code>\(Markup.escape(shown))</code></pre>\n"
      case .list(let items):
        inner += "<ul>\n" + items.map { "<li>\(Self.inline($0))</li>\n" }.joined() + "</ul>\n"
      case .table(let columns, let rows):
        func row(_ cells: [String], _ tag: String) -> String {
          "<tr>"
            + columns.indices.map { index in
              let text = index < cells.count ? cells[index] : ""
              return "<\(tag) style=\"text-align:left\">\(Self.inline(text))</\(tag)>"
            }.joined() + "</tr>\n"
        }
        inner +=
          "<table><thead>\(row(columns, "th"))</thead><tbody>\n"
          + rows.map { row($0, "td") }.joined() + "</tbody></table>\n"
      }
    }
    if let provenance { inner += "<p><small>\(Markup.escape(provenance.line))</small></p>\n" }
    return BundleAssembly.host(inner, script: nil)
  }

  /// `text/plain`, `text/html` and `text/markdown`.
  public func mimeBundle() -> MIMEBundle {
    var bundle = BundleAssembly.bundle(
      plainText: plainText, html: htmlFragment(), provenance: provenance)
    bundle.data["text/markdown"] = .string(markdown)
    return bundle
  }

  /// The text as Markdown in which nothing but its own structure is markup.
  public var markdown: String {
    blocks.map { block -> String in
      switch block {
      case .heading(let text, let level):
        return String(repeating: "#", count: min(6, max(1, level))) + " " + Self.markdown(text)
      case .paragraph(let text): return Self.markdown(text)
      case .code(let text):
        let shown = Self.lines(text).joined(separator: "\n")
        var fence = "```"
        while shown.contains(fence) { fence += "`" }
        return "\(fence)\n\(shown)\n\(fence)"
      case .list(let items): return items.map { "- " + Self.markdown($0) }.joined(separator: "\n")
      case .table(let columns, let rows):
        let lines = ([columns] + rows).map { row in
          "| "
            + columns.indices.map { $0 < row.count ? Self.markdown(row[$0]) : "" }
            .joined(separator: " | ") + " |"
        }
        let rule = "|" + columns.map { _ in " --- |" }.joined()
        return ([lines[0], rule] + lines.dropFirst()).joined(separator: "\n")
      }
    }.joined(separator: "\n\n") + "\n"
  }

  /// A text in pieces between backticks: every second one is code.
  private static func pieces(_ text: String) -> [(text: String, isCode: Bool)] {
    let shown = VisibleText.line(text.replacingNewlines)
    let parts = shown.unicodeScalars.split(separator: "`", omittingEmptySubsequences: false)
    // A backtick without a partner is a character like any other.
    guard !parts.count.isMultiple(of: 2) else { return [(shown, false)] }
    return parts.enumerated().map { (String($1), !$0.isMultiple(of: 2)) }
  }

  private static func inline(_ text: String) -> String {
    pieces(text).map { piece in
      piece.isCode ? "<code>\(Markup.escape(piece.text))</code>" : Markup.escape(piece.text)
    }.joined()
  }

  private static func markdown(_ text: String) -> String {
    pieces(text).map { piece in
      guard piece.isCode, !piece.text.isEmpty else { return Markup.escapeMarkdown(piece.text) }
      // In a table even code may not hold a bare bar.
      return "`"
        + piece.text.split(separator: "|", omittingEmptySubsequences: false)
        .joined(separator: "\\|") + "`"
    }.joined()
  }
}

extension String {
  /// The text with its line ends as spaces.
  fileprivate var replacingNewlines: String {
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars where scalar != "\r" {
      result.append(scalar == "\n" ? " " : scalar)
    }
    return String(result)
  }
}
