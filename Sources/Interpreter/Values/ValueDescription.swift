import Figures
import Tensors

extension Value: CustomStringConvertible {
  /// One useful line of plain text; long lists and texts are shortened.
  public var description: String { describe(limit: 200, itemLimit: 24) }

  /// The value in a sentence: `the text "abc"`, `the number 3`, `a List of 5`.
  public var phrase: String {
    switch self {
    case .none: "none"
    case .bool(let flag): flag ? "true" : "false"
    case .number(let number): "the number \(NumberFormat.text(number))"
    case .text(let text): "the text \(Self.quoted(text, limit: 40))"
    case .list(let list): list.isEmpty ? "an empty List" : "a List of \(list.count)"
    case .record: "a Record"
    case .range: "the range \(describe(limit: 40, itemLimit: 4))"
    case .function(let function): "the function `\(function.name)`"
    case .table: "a Table"
    case .tensor(let tensor): "a Tensor of shape \(tensor.shape)"
    case .figure: "a Figure"
    case .object: typeWithArticle
    case .selector(let selector): "`\(selector.rawValue)`"
    }
  }

  /// The value as text without quotes: what `print` writes and what a hole in a text becomes.
  public var printed: String {
    switch self {
    case .text(let text): text
    case .figure(let figure): figure.plainText
    default: describe(limit: 20_000, itemLimit: 1_000)
    }
  }

  /// One line of at most about `limit` characters with at most `itemLimit` elements of a list.
  func describe(limit: Int, itemLimit: Int) -> String {
    switch self {
    case .none: return "none"
    case .bool(let flag): return flag ? "true" : "false"
    case .number(let number): return NumberFormat.text(number)
    case .text(let text): return Self.quoted(text, limit: max(limit, 20))
    case .list(let list):
      return Self.enclosed("[", "]", list.count, limit, itemLimit) { index, left in
        list[index].describe(limit: left, itemLimit: itemLimit)
      }
    case .record(let record):
      return Self.enclosed("{", "}", record.count, limit, itemLimit) { index, left in
        Self.label(record.names[index]) + ": "
          + record.values[index].describe(limit: left, itemLimit: itemLimit)
      }
    case .range(let range):
      if range.count == 0 { return "\(range.first)..<\(range.first)" }
      if let last = range.last, range.step == 1 { return "\(range.first)...\(last)" }
      return "range(\(range.first), \(range.first + range.count * range.step), step: \(range.step))"
    case .function(.builtin(let definition)): return definition.signature
    case .function(.user(let function)): return function.signature
    case .table(let table):
      return "Table of \(Self.count(table.rowCount, "row")): \(table.names.joined(separator: ", "))"
    case .tensor(let tensor): return TensorText.line(tensor)
    case .figure(let figure): return figure.title.isEmpty ? "Figure" : "Figure: \(figure.title)"
    case .object(let object): return object.summary
    case .selector(let selector): return selector.rawValue
    }
  }

  private static func enclosed(
    _ open: String, _ close: String, _ count: Int, _ limit: Int, _ itemLimit: Int,
    item: (Int, Int) -> String
  ) -> String {
    var result = open
    for index in 0..<count {
      if index > 0 { result += ", " }
      let used = result.utf8.count
      if (index >= itemLimit && count > itemLimit + 1) || (used > limit && index > 0) {
        return result + "… \(count - index) more" + close
      }
      result += item(index, max(limit - used, 20))
    }
    return result + close
  }

  static func count(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  /// A field's name as it is written in a record: quoted unless it is a plain word.
  private static func label(_ name: String) -> String {
    let isWord =
      name.unicodeScalars.first.map { !("0"..."9").contains($0) } == true
      && name.unicodeScalars.allSatisfy {
        $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0)
      }
    return isWord ? name : quoted(name, limit: 80)
  }

  /// The text in quotes with escapes, shortened in the middle.
  static func quoted(_ text: String, limit: Int) -> String {
    var shown = text
    if text.utf8.count > limit, text.count > limit {
      let head = text.prefix(limit * 2 / 3)
      let tail = text.suffix(limit / 4)
      shown = head + "…" + tail
    }
    var result = "\""
    for scalar in shown.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if scalar.properties.generalCategory == .control {
          result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}

/// A tensor as one line.
enum TensorText {
  /// `Tensor [2, 3] f32: 0.1, 0.2, … `; a tensor of rank 0 or of few elements is shown whole.
  static func line(_ tensor: Tensor) -> String {
    let shape = "[" + tensor.shape.map(String.init).joined(separator: ", ") + "]"
    let head = "Tensor \(shape) \(tensor.elementType.name)"
    guard tensor.count > 0 else { return head }
    let shown = min(tensor.count, 6)
    let numbers = TensorAccess.firstElements(tensor, count: shown)
      .map { NumberFormat.text($0, digits: 5) }
    let rest = tensor.count > shown ? ", …" : ""
    return "\(head): \(numbers.joined(separator: ", "))\(rest)"
  }
}
