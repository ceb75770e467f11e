/// Texts as a template sees them: by scalars, as the language of the templates counts.
enum TemplateText {
  /// The text of scalars.
  static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// Whether two texts are the same scalars.
  static func isEqual(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
  }

  /// White space, the four separators of ASCII among it.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
  }

  static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  static func beginsName(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
  }

  /// The text without what `removes` says at its ends.
  static func stripped(
    _ text: String, left: Bool = true, right: Bool = true,
    _ removes: (Unicode.Scalar) -> Bool = isSpace
  ) -> String {
    var scalars = Array(text.unicodeScalars)[...]
    if left { scalars = scalars.drop(while: removes) }
    if right { while let last = scalars.last, removes(last) { scalars.removeLast() } }
    return Self.text(scalars)
  }

  /// Where a text first lies in another one at or behind `start`, in scalars.
  static func find(
    _ part: [Unicode.Scalar], in text: [Unicode.Scalar], from start: Int = 0
  ) -> Int? {
    guard part.count <= text.count else { return nil }
    guard let first = part.first else { return start <= text.count ? start : nil }
    var place = start
    while place + part.count <= text.count {
      if text[place] == first, text[place..<place + part.count].elementsEqual(part) { return place }
      place += 1
    }
    return nil
  }

  /// The parts of a text between separators, at most `most` times cut.
  static func split(_ text: String, by separator: String, most: Int = .max) -> [String] {
    let scalars = Array(text.unicodeScalars)
    let separator = Array(separator.unicodeScalars)
    var parts: [String] = []
    var place = 0
    while parts.count < most, let found = find(separator, in: scalars, from: place) {
      parts.append(Self.text(scalars[place..<found]))
      place = found + separator.count
    }
    return parts + [Self.text(scalars[place...])]
  }

  /// The parts of a text between runs of white space, none of them empty.
  static func words(_ text: String) -> [String] {
    text.unicodeScalars.split(whereSeparator: isSpace).map { String($0) }
  }

  /// The text with another one put in place of each appearance.
  static func replacing(_ text: String, _ old: String, by new: String, most: Int = .max) -> String {
    guard old.isEmpty else { return split(text, by: old, most: most).joined(separator: new) }
    let scalars = text.unicodeScalars.map { String($0) }
    var result = ""
    for (index, scalar) in (scalars + [""]).enumerated() {
      if index < most { result += new }
      result += scalar
    }
    return result
  }
}
