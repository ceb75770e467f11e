public import DataFormats

/// The outputs of one cell as a notebook keeps them (nbformat 4), built from what the cell sends.
public struct CellOutputRecord: Sendable, Equatable {
  private enum Output: Sendable, Equatable {
    case stream(StreamContent)
    case display(MIMEBundle, identifier: String?)
    case result(MIMEBundle, identifier: String?, executionCount: Int)
    case error(ErrorContent)
  }

  private var items: [Output] = []
  private var clearsNext = false

  /// No outputs.
  public init() {}

  /// Whether there is nothing.
  public var isEmpty: Bool { items.isEmpty }

  /// Adds text; to the last output where that is of the same stream.
  public mutating func stream(_ name: StreamName, _ text: String) {
    guard !text.isEmpty else { return }
    clearIfAsked()
    if case .stream(var last) = items.last, last.name == name {
      items.removeLast()
      last.text += text
      items.append(.stream(last))
    } else {
      items.append(.stream(StreamContent(name: name, text: text)))
    }
  }

  /// Adds something shown.
  public mutating func display(_ bundle: MIMEBundle, identifier: String? = nil) {
    clearIfAsked()
    items.append(.display(bundle, identifier: identifier))
  }

  /// Adds the cell's value.
  public mutating func result(
    _ bundle: MIMEBundle, identifier: String? = nil, executionCount: Int
  ) {
    clearIfAsked()
    items.append(.result(bundle, identifier: identifier, executionCount: executionCount))
  }

  /// Adds why the cell failed.
  public mutating func error(_ error: ErrorContent) {
    clearIfAsked()
    items.append(.error(error))
  }

  /// Replaces what was shown under an identifier; true where there was something.
  @discardableResult
  public mutating func update(_ bundle: MIMEBundle, identifier: String) -> Bool {
    var isFound = false
    for (index, item) in items.enumerated() {
      switch item {
      case .display(_, identifier):
        items[index] = .display(bundle, identifier: identifier)
        isFound = true
      case .result(_, identifier, let count):
        items[index] = .result(bundle, identifier: identifier, executionCount: count)
        isFound = true
      default: break
      }
    }
    return isFound
  }

  /// Removes all outputs, at once or when the next comes.
  public mutating func clear(wait: Bool) {
    if wait {
      clearsNext = true
    } else {
      items = []
      clearsNext = false
    }
  }

  /// Takes what a broadcast says; messages that aren't outputs change nothing.
  public mutating func apply(type: String, content: JSONObject) throws(ContentError) {
    switch type {
    case "stream":
      let content = try StreamContent(content)
      stream(content.name, content.text)
    case "display_data":
      let content = try DisplayContent(content)
      display(content.bundle, identifier: content.displayIdentifier)
    case "execute_result":
      let content = try DisplayContent(content)
      result(
        content.bundle, identifier: content.displayIdentifier,
        executionCount: content.executionCount ?? 0)
    case "update_display_data":
      let content = try DisplayContent(content)
      if let identifier = content.displayIdentifier {
        update(content.bundle, identifier: identifier)
      }
    case "error": error(try ErrorContent(content))
    case "clear_output": clear(wait: try ClearOutput(content).wait)
    default: break
    }
  }

  /// The outputs in nbformat's form.
  public var outputs: [JSONObject] {
    items.map { item in
      switch item {
      case .stream(let stream):
        [
          "name": .string(stream.name.rawValue), "output_type": "stream",
          "text": MultilineText.split(stream.text),
        ]
      case .display(let bundle, _):
        [
          "data": Self.data(bundle), "metadata": .object(bundle.metadata),
          "output_type": "display_data",
        ]
      case .result(let bundle, _, let count):
        [
          "data": Self.data(bundle), "execution_count": .integer(count),
          "metadata": .object(bundle.metadata), "output_type": "execute_result",
        ]
      case .error(let error):
        JSONObject(
          members: error.content.members + [.init(key: "output_type", value: "error")])
      }
    }
  }

  /// The outputs as plain text, one after the other: what a terminal shows.
  public var plainText: String {
    var text = ""
    for item in items {
      switch item {
      case .stream(let stream): text += stream.text
      case .display(let bundle, _), .result(let bundle, _, _):
        if let plain = bundle.plainText { text += plain + "\n" }
      case .error(let error):
        for line in error.traceback { text += line + "\n" }
      }
    }
    return text
  }

  private mutating func clearIfAsked() {
    if clearsNext { items = [] }
    clearsNext = false
  }

  /// Texts become lists of lines, which a diff can show; JSON and base64 stay as they are.
  private static func data(_ bundle: MIMEBundle) -> JSON {
    let members = bundle.data.members.map { member -> JSONObject.Member in
      let isText =
        member.key.hasPrefix("text/") || member.key == "image/svg+xml"
        || member.key == "application/javascript"
      guard isText, let text = member.value.string else { return member }
      return .init(key: member.key, value: MultilineText.split(text))
    }
    return .object(JSONObject(members: members))
  }
}
