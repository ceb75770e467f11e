/// Shows diagnostics as plain text: the message, the line with the place marked under it, the hint.
///
/// ```
/// A `,` or `)` is missing here.
///  2 | attention(text layer: 3)
///    |                ^^^^^
/// Put `,` between the values, or `)` after the last one.
/// ```
///
/// The marks stand under the place in a fixed-width font in which East Asian characters take two
/// columns. Tabs are shown as spaces, characters that would steer a terminal or turn the direction of
/// the text as `�`. Of a long line the part around the place is shown.
public enum DiagnosticRenderer {
  /// The most columns of the cell's text in a line.
  static let lineWidth = 92
  /// The columns kept before the place in a line that is cut.
  static let leadingWidth = 40
  /// The columns between tab stops.
  static let tabWidth = 4

  /// Shows one diagnostic about a cell.
  public static func render(_ diagnostic: Diagnostic, source: String) -> String {
    render(diagnostic, in: SourceText(source))
  }

  /// Shows several diagnostics about a cell, with an empty line between them.
  public static func render(_ diagnostics: [Diagnostic], source: String) -> String {
    let text = SourceText(source)
    return diagnostics.map { render($0, in: text) }.joined(separator: "\n\n")
  }

  /// Shows one diagnostic about a cell.
  public static func render(_ diagnostic: Diagnostic, in text: SourceText) -> String {
    var lines = [
      (diagnostic.severity == .warning ? "Warning: " : "") + harmless(diagnostic.message)
    ]
    if let range = diagnostic.range { lines += marked(range, in: text) }
    if let hint = diagnostic.hint { lines.append(harmless(hint)) }
    for note in diagnostic.notes.prefix(3) {
      lines.append(harmless(note.message))
      lines += marked(note.range, in: text)
    }
    if diagnostic.notes.count > 3 {
      let rest = diagnostic.notes.count - 3
      lines.append("The same at \(rest) more \(rest == 1 ? "place" : "places").")
    }
    return lines.joined(separator: "\n")
  }

  /// The line of a place and the marks under it, each with the line's number or room for it.
  static func marked(_ range: SourceRange, in text: SourceText) -> [String] {
    let start = text.clamped(range.lower)
    let line = text.lineIndex(at: start)
    let (shown, column, width) = excerpt(
      text, line: text.lineRange(line), start: start, end: text.clamped(range.upper))
    let number = String(line + 1)
    let label = String(repeating: " ", count: max(0, 2 - number.count)) + number + " | "
    let room = String(repeating: " ", count: label.count - 2) + "| "
    return [
      (label + shown).trimmingTrailingSpaces(),
      room + String(repeating: " ", count: column) + String(repeating: "^", count: width),
    ]
  }

  /// A character as it is shown, with its columns and its place in the cell.
  private struct Cell {
    var shown: String
    var columns: Int
    var offset: Int
  }

  /// The part of a line around a place, the column at which the place begins and its width.
  private static func excerpt(
    _ text: SourceText, line: Range<Int>, start: Int, end: Int
  ) -> (shown: String, column: Int, width: Int) {
    let start = min(max(start, line.lowerBound), line.upperBound)
    let end = min(max(end, start), line.upperBound)
    // Four bytes a character and a mark on each bound what can be of interest.
    let near = max(line.lowerBound, start - 16 * lineWidth)
    let far = min(line.upperBound, start + 16 * lineWidth)
    let before = cells(text, from: text.clamped(near), to: start)
    let after = cells(
      text, from: start, to: max(start, text.clamped(far)),
      column: before.reduce(0) { $0 + $1.columns })
    let widthBefore = before.reduce(0) { $0 + $1.columns }
    let widthAfter = after.reduce(0) { $0 + $1.columns }
    var isCutBefore = near > line.lowerBound
    var isCutAfter = far < line.upperBound

    var keptBefore = before[...]
    var keptAfter = after[...]
    if widthBefore + widthAfter > lineWidth || isCutBefore || isCutAfter {
      let allowed = max(leadingWidth, lineWidth - widthAfter)
      var width = widthBefore
      while width > allowed, let first = keptBefore.popFirst() {
        width -= first.columns
        isCutBefore = true
      }
      var total = widthAfter
      while total > lineWidth - width, let last = keptAfter.popLast() {
        total -= last.columns
        isCutAfter = true
      }
    }
    let prefix = isCutBefore ? "…" : ""
    let column = (isCutBefore ? 1 : 0) + keptBefore.reduce(0) { $0 + $1.columns }
    let marked = keptAfter.prefix { $0.offset < end }.reduce(0) { $0 + $1.columns }
    let shown =
      prefix + (keptBefore + keptAfter).map(\.shown).joined() + (isCutAfter ? "…" : "")
    return (shown, column, max(1, marked))
  }

  private static func cells(_ text: SourceText, from lower: Int, to upper: Int, column: Int = 0)
    -> [Cell]
  {
    var result: [Cell] = []
    var offset = lower
    var column = column
    for scalar in text.text(in: lower..<upper).unicodeScalars {
      var cell = Cell(shown: String(Character(scalar)), columns: 1, offset: offset)
      if scalar == "\t" {
        cell.columns = tabWidth - column % tabWidth
        cell.shown = String(repeating: " ", count: cell.columns)
      } else if isHarmful(scalar) {
        cell.shown = "\u{FFFD}"
      } else {
        cell.columns = DisplayWidth.columns(of: scalar)
      }
      column += cell.columns
      offset += scalar.utf8.count
      result.append(cell)
    }
    return result
  }

  /// Whether a character would steer a terminal or turn the direction of the text around it.
  static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2028, 0x2029, 0x2066...0x2069:
      true
    default: false
    }
  }

  private static func harmless(_ sentence: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in sentence.unicodeScalars {
      result.append(scalar != "\n" && isHarmful(scalar) ? "\u{FFFD}" : scalar)
    }
    return String(result)
  }
}

extension String {
  fileprivate func trimmingTrailingSpaces() -> String {
    var result = self[...]
    while result.last == " " { result.removeLast() }
    return String(result)
  }
}
