/// Emphasis, code and links within a line of Markdown.
struct MarkdownInline {
  private let scalars: [Unicode.Scalar]
  private let depth: Int

  private init(_ scalars: [Unicode.Scalar], depth: Int) {
    self.scalars = scalars
    self.depth = depth
  }

  /// The HTML of a text.
  static func html(_ text: String) -> String {
    MarkdownInline(Array(text.unicodeScalars), depth: 0).html()
  }

  private func html() -> String {
    var html = ""
    var plain = String.UnicodeScalarView()
    var at = 0
    func flush() {
      html += Markup.escape(String(plain))
      plain = String.UnicodeScalarView()
    }
    while at < scalars.count {
      let scalar = scalars[at]
      if scalar == "\\", at + 1 < scalars.count, Self.isPunctuation(scalars[at + 1]) {
        plain.append(scalars[at + 1])
        at += 2
      } else if let (markup, end) = special(at) {
        flush()
        html += markup
        at = end
      } else {
        plain.append(scalar)
        at += 1
      }
    }
    flush()
    return html
  }

  /// The markup that begins at a place, with where it ends.
  private func special(_ at: Int) -> (String, Int)? {
    switch scalars[at] {
    case "`": return code(at)
    case "*", "_": return depth < 8 ? emphasis(at) : nil
    case "[": return depth < 8 ? link(at) : nil
    default: return nil
    }
  }

  private func run(_ scalar: Unicode.Scalar, from at: Int) -> Int {
    var end = at
    while end < scalars.count, scalars[end] == scalar { end += 1 }
    return end - at
  }

  private func code(_ at: Int) -> (String, Int)? {
    let length = run("`", from: at)
    var end = at + length
    while end < scalars.count {
      let closing = run("`", from: end)
      if closing == length {
        return (
          "<code>\(Markup.escape(Self.text(scalars[(at + length)..<end])))</code>", end + length
        )
      }
      end += max(1, closing)
    }
    return nil
  }

  private func emphasis(_ at: Int) -> (String, Int)? {
    let mark = scalars[at]
    let length = min(2, run(mark, from: at))
    let start = at + length
    guard start < scalars.count, scalars[start] != " " else { return nil }
    // Underscores inside a word are part of a name.
    if mark == "_", at > 0, Self.isWord(scalars[at - 1]) { return nil }
    var end = start
    while end < scalars.count {
      if scalars[end] == "`", let (_, after) = code(end) {
        end = after
        continue
      }
      if scalars[end] == "\\" {
        end += 2
        continue
      }
      let closing = run(mark, from: end)
      if closing >= length, end > start, scalars[end - 1] != " ",
        mark == "*" || end + closing >= scalars.count || !Self.isWord(scalars[end + closing])
      {
        let tag = length == 2 ? "strong" : "em"
        let inner = MarkdownInline(Array(scalars[start..<end]), depth: depth + 1).html()
        return ("<\(tag)>\(inner)</\(tag)>", end + length)
      }
      end += max(1, closing)
    }
    return nil
  }

  private func link(_ at: Int) -> (String, Int)? {
    var end = at + 1
    var open = 1
    while end < scalars.count, open > 0 {
      if scalars[end] == "[" { open += 1 }
      if scalars[end] == "]" { open -= 1 }
      end += 1
    }
    guard open == 0, end < scalars.count, scalars[end] == "(",
      let close = scalars[end...].firstIndex(of: ")")
    else { return nil }
    let target = Self.text(scalars[(end + 1)..<close])
    let isAllowed =
      ["http://", "https://", "#"].contains { target.lowercased().hasPrefix($0) }
      && !target.unicodeScalars.contains { $0.value <= 0x20 }
    guard isAllowed else { return nil }
    let inner = MarkdownInline(Array(scalars[(at + 1)..<(end - 1)]), depth: depth + 1).html()
    return ("<a href=\"\(Markup.escape(target))\">\(inner)</a>", close + 1)
  }

  private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
  }

  private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && !isWord(scalar) && scalar.value > 0x20
  }
}
