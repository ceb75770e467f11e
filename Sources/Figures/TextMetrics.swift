/// How wide text will be, without knowing the viewer's fonts: a cautious estimate.
///
/// Latin letters take Helvetica's widths and a margin for wider faces, CJK characters a full em,
/// marks nothing. Labels laid out by these widths don't run into each other.
enum TextMetrics {
  /// The margin over Helvetica that covers the faces of the font list.
  private static let margin = 1.1

  /// The height of a line of text, in multiples of the font size.
  static let lineHeight = 1.22

  /// Helvetica's advance widths of U+0020 … U+007E, in thousandths of the font size.
  private static let latin: [Int] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
  ]

  /// The width of a text in pixels at a font size.
  static func width(_ text: String, size: Double) -> Double {
    var total = 0.0
    for character in text { total += em(character) }
    return total * size
  }

  /// The width of a text set in a monospaced face.
  static func monospacedWidth(_ text: String, size: Double) -> Double {
    var cells = 0.0
    for character in text { cells += columns(character) }
    return cells * size * 0.61
  }

  /// How many columns of a terminal a text takes.
  static func columns(_ text: String) -> Int {
    var cells = 0.0
    for character in text { cells += columns(character) }
    return Int(cells)
  }

  private static func columns(_ character: Character) -> Double {
    guard let first = character.unicodeScalars.first else { return 0 }
    if isMark(first), character.unicodeScalars.count == 1 { return 0 }
    return isWide(first) || isEmoji(character) ? 2 : 1
  }

  private static func em(_ character: Character) -> Double {
    guard let first = character.unicodeScalars.first else { return 0 }
    let value = Int(first.value)
    if value >= 0x20, value < 0x7F, character.unicodeScalars.count == 1 {
      return Double(latin[value - 0x20]) / 1000 * margin
    }
    if value == 0x2212 { return 0.584 * margin }
    if isEmoji(character) { return 1.38 }
    if isWide(first) { return 1.0 }
    if isMark(first), character.unicodeScalars.count == 1 { return 0 }
    return 0.64 * margin
  }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: true
    default: false
    }
  }

  private static func isEmoji(_ character: Character) -> Bool {
    guard let first = character.unicodeScalars.first else { return false }
    if first.properties.isEmojiPresentation { return true }
    return first.properties.isEmoji && character.unicodeScalars.contains { $0.value == 0xFE0F }
  }

  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115F, 0x2400...0x2426, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF,
      0x4E00...0x9FFF, 0xA000...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      true
    default: false
    }
  }

  /// A text cut to a width, with an ellipsis where something is left out.
  static func fitted(_ text: String, size: Double, maximum: Double) -> String {
    if width(text, size: size) <= maximum { return text }
    let ellipsis = em("…") * size
    var total = ellipsis
    var result = ""
    for character in text {
      total += em(character) * size
      if total > maximum { break }
      result.append(character)
    }
    while result.last == " " { result.removeLast() }
    return result + "…"
  }

  /// A text broken into lines of at most a width: at spaces, and between CJK characters.
  static func wrapped(_ text: String, size: Double, maximum: Double) -> [String] {
    var lines: [String] = []
    var line = ""
    var lineWidth = 0.0
    for piece in pieces(text) {
      let pieceWidth = width(piece, size: size)
      if lineWidth + pieceWidth > maximum, !line.isEmpty {
        lines.append(trimmed(line))
        line = ""
        lineWidth = 0
        if piece == " " { continue }
      }
      if pieceWidth > maximum {
        line = fitted(piece, size: size, maximum: maximum)
        lineWidth = maximum
      } else {
        line += piece
        lineWidth += pieceWidth
      }
    }
    if !line.isEmpty || lines.isEmpty { lines.append(trimmed(line)) }
    return lines
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }

  private static func pieces(_ text: String) -> [String] {
    var pieces: [String] = []
    var word = ""
    for character in text {
      if character == " " || columns(character) == 2 {
        if !word.isEmpty { pieces.append(word) }
        word = ""
        pieces.append(String(character))
      } else {
        word.append(character)
      }
    }
    if !word.isEmpty { pieces.append(word) }
    return pieces
  }
}
