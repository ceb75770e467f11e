import DataFormats

/// Escaping for each place where text from outside may land.
enum Markup {
  /// Text for element content and quoted attributes, of XML and of HTML alike.
  ///
  /// What XML 1.0 doesn't allow is shown by its picture, so that the result is always well-formed.
  static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
      default:
        if VisibleText.isForbiddenInXML(scalar) {
          result += VisibleText.picture(of: scalar)
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  /// JSON for a script element: no character in it can end the element or open a comment.
  static func scriptJSON(_ json: JSON) -> String {
    var result = ""
    for scalar in json.serialized().unicodeScalars {
      switch scalar {
      case "<": result += "\\u003c"
      case ">": result += "\\u003e"
      case "&": result += "\\u0026"
      case "\u{2028}": result += "\\u2028"
      case "\u{2029}": result += "\\u2029"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Text for a Markdown table cell or paragraph: nothing in it is taken for markup.
  static func escapeMarkdown(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\", "`", "*", "_", "[", "]", "#", "|", "$", "~", "!":
        result += "\\"
        result.unicodeScalars.append(scalar)
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\n", "\r", "\t": result += " "
      default:
        if VisibleText.isForbiddenInXML(scalar) {
          result += VisibleText.picture(of: scalar)
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }
}
