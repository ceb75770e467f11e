import DataFormats

/// Puts a figure's parts together so that it is right in every viewer.
///
/// The picture is an `<img>` with a data URI and a description, which survives sanitisers; the
/// numbers are a table in `<details>`; where scripts run, one finds its hosts by a class of their own
/// and turns the data into the interactive view inside a shadow root. There are no ids, no styles
/// that reach the page, and nothing is fetched.
enum BundleAssembly {
  static func bundle(plainText: String, html: String, provenance: Provenance?) -> MIMEBundle {
    var metadata = JSONObject()
    if let provenance { metadata["vitrine"] = provenance.json }
    return MIMEBundle(
      data: ["text/plain": .string(plainText), "text/html": .string(html)], metadata: metadata)
  }

  static func fragment(for figure: any Figure) -> String {
    let picture = Base64.encode(Array(figure.svg(.automatic).utf8))
    var inner =
      "<img alt=\"\(Markup.escape(figure.alternativeText))\" style=\"max-width:100%;height:auto\""
      + " src=\"data:image/svg+xml;base64,\(picture)\">\n"
    if let table = figure.dataTable { inner += details(table, provenance: figure.provenance) }
    if let view = figure.interactiveView {
      inner += "<script type=\"application/json\">\(Markup.scriptJSON(view.data))</script>\n"
      return host(inner, script: view.script)
    }
    return host(inner, script: nil)
  }

  /// The outer element with a class made of the contents' hash, so that the same contents give the
  /// same bytes.
  static func host(_ inner: String, script: String?) -> String {
    let name = "vitrine-" + fingerprint(inner)
    var html =
      "<div class=\"vitrine-figure \(name) mathjax_ignore tex2jax_ignore\">\n\(inner)"
    if let script {
      html += "<script>\(InteractiveHost.script(name: name, view: script))</script>\n"
    }
    return html + "</div>"
  }

  /// The 64-bit FNV-1a hash of a text, as sixteen hexadecimal digits.
  static func fingerprint(_ text: String) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func details(_ table: DataTable, provenance: Provenance?) -> String {
    var html = "<details><summary>Data</summary>\n\(HTMLTable.html(table))"
    if !table.note.isEmpty { html += "<p>\(Markup.escape(table.note))</p>\n" }
    if let provenance { html += "<p><small>\(Markup.escape(provenance.line))</small></p>\n" }
    return html + "</details>\n"
  }
}

/// A table as HTML that needs no style sheet.
enum HTMLTable {
  static func html(_ table: DataTable, rightAligned: Set<Int>? = nil) -> String {
    var html = "<table><thead><tr>"
    for (index, column) in table.columns.enumerated() {
      html += cell(
        "th", column, right: rightAligned?.contains(index) ?? false, scope: " scope=\"col\"")
    }
    html += "</tr></thead><tbody>\n"
    for row in table.rows {
      html += "<tr>"
      for (index, text) in row.enumerated() {
        let right = rightAligned.map { $0.contains(index) } ?? isNumber(text)
        if index < table.rowHeadings {
          html += cell("th", text, right: right, scope: " scope=\"row\"")
        } else {
          html += cell("td", text, right: right, scope: "")
        }
      }
      html += "</tr>\n"
    }
    return html + "</tbody></table>\n"
  }

  private static func cell(_ tag: String, _ text: String, right: Bool, scope: String) -> String {
    let align = right ? " style=\"text-align:right\"" : " style=\"text-align:left\""
    return "<\(tag)\(scope)\(align)><bdi>\(Markup.escape(text))</bdi></\(tag)>"
  }

  /// Whether a text is written like a number.
  static func isNumber(_ text: String) -> Bool {
    let signs: Set<Unicode.Scalar> = ["-", "\u{2212}"]
    guard let first = text.unicodeScalars.first else { return false }
    let digits: ClosedRange<Unicode.Scalar> = "0"..."9"
    let second = text.unicodeScalars.dropFirst().first
    if digits.contains(first) || signs.contains(first) && second.map(digits.contains) ?? false {
      return text.unicodeScalars.allSatisfy { scalar in
        digits.contains(scalar) || signs.contains(scalar)
          || ".,+eE% <".unicodeScalars.contains(scalar)
      }
    }
    return ["NaN", "∞", "-∞", "\u{2212}∞"].contains(text)
  }
}
