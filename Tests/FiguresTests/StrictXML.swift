/// A small strict reader of XML: it says where a text isn't well-formed, and keeps what it read.
struct StrictXML {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  struct Element {
    let name: String
    let attributes: [(String, String)]
  }

  private(set) var elements: [Element] = []
  private(set) var texts: [String] = []

  private let scalars: [Unicode.Scalar]
  private var at = 0
  private let isHTML: Bool

  private static let void: Set<String> = ["img", "meta", "br", "hr"]

  /// Reads a document; as HTML, elements without content needn't be closed, and scripts and style
  /// sheets end at their end tag alone.
  init(_ text: String, isHTML: Bool = false) throws {
    scalars = Array(text.unicodeScalars)
    self.isHTML = isHTML
    try read()
  }

  private func fail(_ what: String) -> Failure {
    let from = max(0, at - 40)
    let near = String(String.UnicodeScalarView(scalars[from..<min(scalars.count, at + 40)]))
    return Failure(description: "\(what) at \(at): …\(near)…")
  }

  private mutating func read() throws {
    for (index, scalar) in scalars.enumerated() {
      let value = scalar.value
      if value < 0x20 && value != 9 && value != 10 && value != 13 || value == 0xFFFE
        || value == 0xFFFF
      {
        at = index
        throw fail("forbidden character \(value)")
      }
    }
    if isHTML { skip("<!DOCTYPE html>\n") }
    var open: [String] = []
    var text = ""
    while at < scalars.count {
      if scalars[at] == "<" {
        if !text.isEmpty { texts.append(text) }
        text = ""
        if skip("</") {
          let name = try readName()
          guard open.popLast() == name else { throw fail("</\(name)> closes nothing") }
          guard skip(">") else { throw fail("end tag without >") }
        } else {
          at += 1
          let (element, isClosed) = try readTag()
          elements.append(element)
          if isClosed || isHTML && Self.void.contains(element.name) { continue }
          if isHTML, element.name == "script" || element.name == "style" {
            let end = "</\(element.name)>"
            while at < scalars.count, scalars[at] != "<" || !looksAt(end) {
              if scalars[at] == "<", looksAt("</script") || looksAt("<!--") {
                throw fail("script ends early")
              }
              at += 1
            }
            guard skip(end) else { throw fail("unended \(element.name)") }
            continue
          }
          open.append(element.name)
        }
      } else if scalars[at] == "&" {
        text += try readReference()
      } else {
        if scalars[at] == ">" { throw fail("bare >") }
        text.unicodeScalars.append(scalars[at])
        at += 1
      }
    }
    guard open.isEmpty else { throw fail("unclosed \(open)") }
  }

  private mutating func readTag() throws -> (Element, Bool) {
    let name = try readName()
    var attributes: [(String, String)] = []
    while true {
      let hadSpace = skipSpace()
      if skip("/>") { return (Element(name: name, attributes: attributes), true) }
      if skip(">") { return (Element(name: name, attributes: attributes), false) }
      guard hadSpace else { throw fail("no space before an attribute") }
      let key = try readName()
      guard !attributes.contains(where: { $0.0 == key }) else { throw fail("\(key) given twice") }
      guard skip("=\"") else {
        guard isHTML else { throw fail("attribute without a value") }
        attributes.append((key, ""))
        continue
      }
      var value = ""
      while at < scalars.count, scalars[at] != "\"" {
        if scalars[at] == "<" { throw fail("< in an attribute") }
        if scalars[at] == "&" {
          value += try readReference()
        } else {
          value.unicodeScalars.append(scalars[at])
          at += 1
        }
      }
      guard skip("\"") else { throw fail("unended attribute") }
      attributes.append((key, value))
    }
  }

  private mutating func readName() throws -> String {
    var name = ""
    while at < scalars.count,
      scalars[at].properties.isAlphabetic || "0123456789-:_".unicodeScalars.contains(scalars[at])
    {
      name.unicodeScalars.append(scalars[at])
      at += 1
    }
    guard !name.isEmpty else { throw fail("no name") }
    return name
  }

  private mutating func readReference() throws -> String {
    let known = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'")]
    for (reference, text) in known where skip(reference) { return text }
    throw fail("unknown reference")
  }

  private func looksAt(_ text: String) -> Bool {
    var place = at
    for scalar in text.unicodeScalars {
      guard place < scalars.count, scalars[place] == scalar else { return false }
      place += 1
    }
    return true
  }

  @discardableResult
  private mutating func skip(_ text: String) -> Bool {
    guard looksAt(text) else { return false }
    at += text.unicodeScalars.count
    return true
  }

  private mutating func skipSpace() -> Bool {
    let start = at
    while at < scalars.count, scalars[at] == " " || scalars[at] == "\n" { at += 1 }
    return at > start
  }
}
