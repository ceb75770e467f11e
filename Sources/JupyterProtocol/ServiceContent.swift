public import DataFormats

/// The content of `history_request`.
public enum HistoryRequest: MessageContent, Equatable {
  /// The last entries.
  case tail(count: Int, output: Bool)
  /// The lines `start..<stop` of a session; 0 is the current session, -1 the one before.
  case range(session: Int, start: Int, stop: Int?, output: Bool)
  /// The last entries that match a pattern of `*`, `?` and `[…]`.
  case search(pattern: String, count: Int?, unique: Bool, output: Bool)

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    let output = try content.flag("output", default: false)
    switch try content.text("hist_access_type") {
    case "tail":
      self = .tail(count: max(0, try content.optionalWhole("n") ?? 10), output: output)
    case "range":
      self = .range(
        session: try content.optionalWhole("session") ?? 0,
        start: try content.optionalWhole("start") ?? 1,
        stop: try content.optionalWhole("stop"), output: output)
    case "search":
      self = .search(
        pattern: try content.text("pattern", default: "*"),
        count: try content.optionalWhole("n").map { max(0, $0) },
        unique: try content.flag("unique", default: false), output: output)
    default: throw ContentError(key: "hist_access_type", expected: "tail, range or search")
    }
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    switch self {
    case .tail(let count, let output):
      return [
        "hist_access_type": "tail", "raw": true, "output": .bool(output), "n": .integer(count),
      ]
    case .range(let session, let start, let stop, let output):
      var object: JSONObject = [
        "hist_access_type": "range", "raw": true, "output": .bool(output),
        "session": .integer(session), "start": .integer(start),
      ]
      if let stop { object["stop"] = .integer(stop) }
      return object
    case .search(let pattern, let count, let unique, let output):
      var object: JSONObject = [
        "hist_access_type": "search", "raw": true, "output": .bool(output),
        "pattern": .string(pattern), "unique": .bool(unique),
      ]
      if let count { object["n"] = .integer(count) }
      return object
    }
  }
}

/// The content of `history_reply`.
public struct HistoryReply: MessageContent, Equatable {
  /// One cell of the past.
  public struct Entry: Sendable, Equatable {
    /// The session's number.
    public var session: Int
    /// The number of the cell in its session.
    public var line: Int
    /// The cell's text.
    public var input: String
    /// The plain text of its value, where there was one.
    public var output: String?

    /// Makes an entry.
    public init(session: Int, line: Int, input: String, output: String? = nil) {
      self.session = session
      self.line = line
      self.input = input
      self.output = output
    }
  }

  /// The cells, oldest first.
  public var entries: [Entry]
  /// Whether the values are given too.
  public var output: Bool

  /// Makes a reply.
  public init(entries: [Entry], output: Bool) {
    self.entries = entries
    self.output = output
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    entries = []
    output = false
    for element in try content.elements("history") {
      guard let session = element[0]?.integer, let line = element[1]?.integer,
        let input = element[2]?.string ?? element[2]?[0]?.string
      else { throw ContentError(key: "history", expected: "a list of triples") }
      if element[2]?.array != nil { output = true }
      entries.append(
        Entry(session: session, line: line, input: input, output: element[2]?[1]?.string))
    }
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    let history = entries.map { entry -> JSON in
      let input = JSON.string(entry.input)
      let third = output ? [input, entry.output.map { .string($0) } ?? .null] : input
      return [.integer(entry.session), .integer(entry.line), third]
    }
    return ["status": "ok", "history": .array(history)]
  }
}

/// The content of `comm_info_request`.
public struct CommInfoRequest: MessageContent, Equatable {
  /// The target to list, `nil` for all.
  public var target: String?

  /// Makes a request.
  public init(target: String? = nil) { self.target = target }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    let name = try content.text("target_name", default: "")
    target = name.isEmpty ? nil : name
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    target.map { ["target_name": .string($0)] } ?? JSONObject()
  }
}

/// The content of `comm_info_reply`: the open comms.
public struct CommInfoReply: MessageContent, Equatable {
  /// A comm and its target.
  public struct Comm: Sendable, Equatable {
    /// The comm's id.
    public var identifier: String
    /// What it is for.
    public var target: String

    /// Makes a comm.
    public init(identifier: String, target: String) {
      self.identifier = identifier
      self.target = target
    }
  }

  /// The comms in the order in which they were opened.
  public var comms: [Comm]

  /// Makes a reply.
  public init(comms: [Comm]) { self.comms = comms }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    comms = []
    for member in try content.members("comms").members {
      guard let target = member.value["target_name"]?.string else {
        throw ContentError(key: "comms", expected: "an object of targets")
      }
      comms.append(Comm(identifier: member.key, target: target))
    }
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    let members = comms.map { comm in
      JSONObject.Member(key: comm.identifier, value: ["target_name": .string(comm.target)])
    }
    return ["status": "ok", "comms": .object(JSONObject(members: members))]
  }
}

/// The content of `comm_open`, `comm_msg` and `comm_close`.
public struct CommContent: MessageContent, Equatable {
  /// The comm's id.
  public var identifier: String
  /// The target, in `comm_open` only.
  public var target: String?
  /// What is said.
  public var data: JSONObject

  /// Makes the content.
  public init(identifier: String, target: String? = nil, data: JSONObject = JSONObject()) {
    self.identifier = identifier
    self.target = target
    self.data = data
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    identifier = try content.text("comm_id")
    target = content["target_name"]?.string
    data = try content.members("data")
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    var object: JSONObject = ["comm_id": .string(identifier), "data": .object(data)]
    if let target { object["target_name"] = .string(target) }
    return object
  }
}

/// The content of `connect_reply`: the ports, for clients of old.
public struct ConnectReply: MessageContent, Equatable {
  /// The five ports.
  public var ports: ConnectionFile.Ports

  /// Makes a reply.
  public init(ports: ConnectionFile.Ports) { self.ports = ports }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    ports = ConnectionFile.Ports(
      shell: try content.whole("shell_port"), control: try content.whole("control_port"),
      inputOutput: try content.whole("iopub_port"), standardInput: try content.whole("stdin_port"),
      heartbeat: try content.whole("hb_port"))
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    [
      "status": "ok", "shell_port": .integer(ports.shell),
      "iopub_port": .integer(ports.inputOutput),
      "stdin_port": .integer(ports.standardInput), "control_port": .integer(ports.control),
      "hb_port": .integer(ports.heartbeat),
    ]
  }
}

/// The content of `shutdown_request`, and with a status that of `shutdown_reply`.
public struct Shutdown: MessageContent, Equatable {
  /// Whether the kernel is started again afterwards.
  public var restart: Bool

  /// Makes the content.
  public init(restart: Bool) { self.restart = restart }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    restart = try content.flag("restart", default: false)
  }

  /// The content as a JSON object.
  public var content: JSONObject { ["status": "ok", "restart": .bool(restart)] }
}

/// The content of `delete_subshell_request`, and with a status that of `create_subshell_reply`.
public struct SubshellContent: MessageContent, Equatable {
  /// The subshell's id.
  public var identifier: String

  /// Makes the content.
  public init(identifier: String) { self.identifier = identifier }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    identifier = try content.text("subshell_id")
  }

  /// The content as a JSON object.
  public var content: JSONObject { ["status": "ok", "subshell_id": .string(identifier)] }
}

/// The content of `list_subshell_reply`.
public struct SubshellList: MessageContent, Equatable {
  /// The subshells' ids in the order in which they were made.
  public var identifiers: [String]

  /// Makes the content.
  public init(identifiers: [String]) { self.identifiers = identifiers }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    identifiers = try content.texts("subshell_id")
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    ["status": "ok", "subshell_id": .array(identifiers.map { .string($0) })]
  }
}

/// The content of `input_request`.
public struct InputRequest: MessageContent, Equatable {
  /// What the user sees beside the field.
  public var prompt: String
  /// Whether what is typed is hidden.
  public var password: Bool

  /// Makes the content.
  public init(prompt: String, password: Bool) {
    self.prompt = prompt
    self.password = password
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    prompt = try content.text("prompt", default: "")
    password = try content.flag("password", default: false)
  }

  /// The content as a JSON object.
  public var content: JSONObject { ["prompt": .string(prompt), "password": .bool(password)] }
}

/// The content of `input_reply`.
public struct InputReply: MessageContent, Equatable {
  /// What the user typed.
  public var value: String

  /// Makes the content.
  public init(value: String) { self.value = value }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) { value = try content.text("value") }

  /// The content as a JSON object.
  public var content: JSONObject { ["status": "ok", "value": .string(value)] }
}
