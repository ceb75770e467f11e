import DataFormats
import Figures
import JupyterProtocol
import Language

/// In which form the results of a run are written.
enum ResultFormat {
  case notebook
  case page
  case markdown
  case json

  /// The form that a file's extension asks for.
  init(path: String) throws(UsageError) {
    switch path.split(separator: ".").last?.lowercased() {
    case "ipynb": self = .notebook
    case "html", "htm": self = .page
    case "md": self = .markdown
    case "json": self = .json
    default:
      throw UsageError("“\(path)” must end in .ipynb, .html, .md or .json, which says its form.")
    }
  }

  /// The bytes of the file.
  func bytes(of experiment: Experiment) -> [UInt8] {
    switch self {
    case .notebook: experiment.notebook.serializedBytes()
    case .page: Array(Self.page(experiment).html().utf8)
    case .markdown: Array(Self.markdown(experiment).utf8)
    case .json: Self.json(experiment).serializedBytes(indentation: 1) + [0x0A]
    }
  }

  private static func page(_ experiment: Experiment) -> HTMLPage {
    var items: [HTMLPage.Item] = []
    for cell in experiment.notebook.cells {
      switch cell.kind {
      case .markdown: items.append(.markdown(cell.source))
      case .raw: continue
      case .code:
        items.append(.code(cell.source, spans(cell.source)))
        items += cell.outputs.compactMap(item)
      }
    }
    return HTMLPage(title: title(experiment), items: items)
  }

  /// The first heading of the prose, else the file's name.
  private static func title(_ experiment: Experiment) -> String {
    for cell in experiment.notebook.cells where cell.kind == .markdown {
      for line in cell.source.split(whereSeparator: \.isNewline) where line.hasPrefix("# ") {
        return String(line.dropFirst(2))
      }
    }
    return experiment.name
  }

  private static func spans(_ source: String) -> [CodeSpan] {
    Highlighter.spans(source).compactMap { span in
      let kind: CodeSpan.Kind? =
        switch span.kind {
        case .keyword, .constant: .keyword
        case .text: .string
        case .number: .number
        case .comment: .comment
        case .function: .function
        case .label: .label
        case .name, .operator, .punctuation: nil
        }
      return kind.map { CodeSpan(range: span.range.lower..<span.range.upper, kind: $0) }
    }
  }

  private static func item(_ output: JSONObject) -> HTMLPage.Item? {
    switch output["output_type"]?.string {
    case "stream":
      return .stream(text(output["text"]), isError: output["name"]?.string == "stderr")
    case "error":
      let lines = (output["traceback"]?.array ?? []).compactMap(\.string)
      return .error(lines.joined(separator: "\n"))
    case "display_data", "execute_result": return .bundle(bundle(output))
    default: return nil
    }
  }

  /// The representations of an output, texts joined again.
  private static func bundle(_ output: JSONObject) -> MIMEBundle {
    var data = JSONObject()
    for member in output["data"]?.object?.members ?? [] {
      data[member.key] =
        member.value.array == nil ? member.value : .string(text(member.value))
    }
    return MIMEBundle(data: data, metadata: output["metadata"]?.object ?? [:])
  }

  /// A text that nbformat keeps whole or as a list of lines.
  private static func text(_ value: JSON?) -> String {
    value?.string ?? (value?.array ?? []).compactMap(\.string).joined()
  }

  /// Prose as it is, cells and results as fenced blocks; pictures as images with their data inside.
  private static func markdown(_ experiment: Experiment) -> String {
    var parts: [String] = []
    for cell in experiment.notebook.cells {
      switch cell.kind {
      case .markdown: parts.append(cell.source)
      case .raw: continue
      case .code:
        parts.append(fenced(cell.source, "python"))
        for output in cell.outputs {
          switch output["output_type"]?.string {
          case "stream": parts.append(fenced(text(output["text"]), ""))
          case "error":
            let lines = (output["traceback"]?.array ?? []).compactMap(\.string)
            parts.append(fenced(lines.joined(separator: "\n"), ""))
          default:
            let bundle = bundle(output)
            parts.append(
              bundle.data["text/markdown"]?.string ?? fenced(bundle.plainText ?? "", ""))
          }
        }
      }
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// A fenced block whose fence is longer than any run of backticks inside.
  private static func fenced(_ text: String, _ language: String) -> String {
    var longest = 0
    var run = 0
    for byte in text.utf8 {
      run = byte == UInt8(ascii: "`") ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: max(3, longest + 1))
    var body = text
    while body.hasSuffix("\n") { body.removeLast() }
    return "\(fence)\(language)\n\(body)\n\(fence)"
  }

  /// A list of cells, each with its source and nbformat outputs.
  private static func json(_ experiment: Experiment) -> JSON {
    .array(
      experiment.notebook.cells.map { cell in
        var object: JSONObject = [
          "cell_type": .string(cell.kind.rawValue), "source": .string(cell.source),
        ]
        if cell.kind == .code {
          object["execution_count"] = cell.executionCount.map { .integer($0) } ?? .null
          object["outputs"] = .array(cell.outputs.map { .object($0) })
        }
        return .object(object)
      })
  }
}
