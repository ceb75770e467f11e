public import DataFormats

/// The two text streams of a cell.
public enum StreamName: String, Sendable, Hashable {
  case standardOutput = "stdout"
  case standardError = "stderr"
}

/// The content of `stream`.
public struct StreamContent: MessageContent, Equatable {
  /// Which stream.
  public var name: StreamName
  /// The text.
  public var text: String

  /// Makes a piece of text.
  public init(name: StreamName, text: String) {
    self.name = name
    self.text = text
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    guard let name = StreamName(rawValue: try content.text("name")) else {
      throw ContentError(key: "name", expected: "stdout or stderr")
    }
    self.name = name
    text = try content.text("text")
  }

  /// The content as a JSON object.
  public var content: JSONObject { ["name": .string(name.rawValue), "text": .string(text)] }
}

/// The content of `display_data`, `update_display_data` and `execute_result`.
public struct DisplayContent: MessageContent, Equatable {
  /// What is shown.
  public var bundle: MIMEBundle
  /// The identifier under which it can be replaced.
  public var displayIdentifier: String?
  /// The number of the cell, in an `execute_result` only.
  public var executionCount: Int?

  /// Makes the content.
  public init(bundle: MIMEBundle, displayIdentifier: String? = nil, executionCount: Int? = nil) {
    self.bundle = bundle
    self.displayIdentifier = displayIdentifier
    self.executionCount = executionCount
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    bundle = MIMEBundle(
      data: try content.members("data"), metadata: try content.members("metadata"))
    displayIdentifier = try content.members("transient")["display_id"]?.string
    executionCount = try content.optionalWhole("execution_count")
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    var transient = JSONObject()
    if let displayIdentifier { transient["display_id"] = .string(displayIdentifier) }
    var object: JSONObject = [
      "data": .object(bundle.data), "metadata": .object(bundle.metadata),
      "transient": .object(transient),
    ]
    if let executionCount { object["execution_count"] = .integer(executionCount) }
    return object
  }
}

/// The content of `execute_input`.
public struct ExecuteInput: MessageContent, Equatable {
  /// The cell's text.
  public var code: String
  /// The number of the cell.
  public var executionCount: Int

  /// Makes the content.
  public init(code: String, executionCount: Int) {
    self.code = code
    self.executionCount = executionCount
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    code = try content.text("code")
    executionCount = try content.whole("execution_count")
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    ["code": .string(code), "execution_count": .integer(executionCount)]
  }
}

/// The content of `clear_output`.
public struct ClearOutput: MessageContent, Equatable {
  /// Whether to wait for the next output before clearing.
  public var wait: Bool

  /// Makes the content.
  public init(wait: Bool) { self.wait = wait }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    wait = try content.flag("wait", default: false)
  }

  /// The content as a JSON object.
  public var content: JSONObject { ["wait": .bool(wait)] }
}

/// The content of `status`.
public enum ExecutionState: String, MessageContent {
  case starting
  case busy
  case idle

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    guard let state = ExecutionState(rawValue: try content.text("execution_state")) else {
      throw ContentError(key: "execution_state", expected: "starting, busy or idle")
    }
    self = state
  }

  /// The content as a JSON object.
  public var content: JSONObject { ["execution_state": .string(rawValue)] }
}

/// The content of `iopub_welcome` (JEP 65).
public struct IOPubWelcome: MessageContent, Equatable {
  /// The topic that the client subscribed to; empty for all.
  public var subscription: String

  /// Makes the content.
  public init(subscription: String) { self.subscription = subscription }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    subscription = try content.text("subscription")
  }

  /// The content as a JSON object.
  public var content: JSONObject { ["subscription": .string(subscription)] }
}
