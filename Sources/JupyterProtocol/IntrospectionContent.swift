public import DataFormats

/// The content of `complete_request`.
public struct CompleteRequest: MessageContent, Equatable {
  /// The text.
  public var code: String
  /// Where the cursor stands, in Unicode scalars.
  public var cursor: Int

  /// Makes a request; without a place the cursor stands at the end.
  public init(code: String, cursor: Int? = nil) {
    self.code = code
    let length = code.unicodeScalars.count
    self.cursor = min(max(cursor ?? length, 0), length)
  }

  /// Reads the content; a cursor outside the text is moved to its nearer end.
  public init(_ content: JSONObject) throws(ContentError) {
    self.init(
      code: try content.text("code"), cursor: try content.optionalWhole("cursor_pos"))
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    ["code": .string(code), "cursor_pos": .integer(cursor)]
  }
}

/// The content of `complete_reply`, with JupyterLab's types of the matches.
public struct CompleteReply: MessageContent, Equatable {
  /// One thing that could be written.
  public struct Match: Sendable, Equatable {
    /// The text that replaces what stands between start and end.
    public var text: String
    /// What it is, such as `function` or `keyword`: a word that JupyterLab has an icon for.
    public var type: String?
    /// The parameters, for a function.
    public var signature: String?

    /// Makes a match.
    public init(text: String, type: String? = nil, signature: String? = nil) {
      self.text = text
      self.type = type
      self.signature = signature
    }
  }

  /// What could be written, best first.
  public var matches: [Match]
  /// Where the text that a match replaces begins, in Unicode scalars.
  public var start: Int
  /// Where it ends.
  public var end: Int

  /// Makes a reply.
  public init(matches: [Match], start: Int, end: Int) {
    self.matches = matches
    self.start = start
    self.end = end
  }

  private static let typesKey = "_jupyter_types_experimental"

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    start = try content.whole("cursor_start")
    end = try content.whole("cursor_end")
    matches = try content.texts("matches").map { Match(text: $0) }
    let types = try content.members("metadata").objects(Self.typesKey)
    if types.count == matches.count {
      for (index, type) in types.enumerated() {
        matches[index].type = type["type"]?.string
        matches[index].signature = type["signature"]?.string
      }
    }
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    let types = matches.map { match -> JSON in
      var object: JSONObject = [
        "start": .integer(start), "end": .integer(end), "text": .string(match.text),
        "type": .string(match.type ?? ""),
      ]
      if let signature = match.signature { object["signature"] = .string(signature) }
      return .object(object)
    }
    return [
      "status": "ok", "matches": .array(matches.map { .string($0.text) }),
      "cursor_start": .integer(start), "cursor_end": .integer(end),
      "metadata": .object([Self.typesKey: .array(types)]),
    ]
  }
}

/// The content of `inspect_request`.
public struct InspectRequest: MessageContent, Equatable {
  /// The text.
  public var code: String
  /// Where the cursor stands, in Unicode scalars.
  public var cursor: Int
  /// How much to say: 0 usually, 1 for all there is.
  public var detailLevel: Int

  /// Makes a request; without a place the cursor stands at the end.
  public init(code: String, cursor: Int? = nil, detailLevel: Int = 0) {
    self.code = code
    let length = code.unicodeScalars.count
    self.cursor = min(max(cursor ?? length, 0), length)
    self.detailLevel = detailLevel
  }

  /// Reads the content; a cursor outside the text is moved to its nearer end.
  public init(_ content: JSONObject) throws(ContentError) {
    self.init(
      code: try content.text("code"), cursor: try content.optionalWhole("cursor_pos"),
      detailLevel: try content.optionalWhole("detail_level") ?? 0)
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    [
      "code": .string(code), "cursor_pos": .integer(cursor),
      "detail_level": .integer(detailLevel),
    ]
  }
}

/// The content of `inspect_reply`: an explanation, or that nothing was found.
public struct InspectReply: MessageContent, Equatable {
  /// The explanation; `nil` where there is nothing to explain.
  public var bundle: MIMEBundle?

  /// Makes a reply.
  public init(bundle: MIMEBundle?) { self.bundle = bundle }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    let isFound = try content.flag("found", default: false)
    bundle =
      isFound
      ? MIMEBundle(data: try content.members("data"), metadata: try content.members("metadata"))
      : nil
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    [
      "status": "ok", "found": .bool(bundle != nil), "data": .object(bundle?.data ?? [:]),
      "metadata": .object(bundle?.metadata ?? [:]),
    ]
  }
}

/// The content of `is_complete_request`.
public struct IsCompleteRequest: MessageContent, Equatable {
  /// The text.
  public var code: String

  /// Makes a request.
  public init(code: String) { self.code = code }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) { code = try content.text("code") }

  /// The content as a JSON object.
  public var content: JSONObject { ["code": .string(code)] }
}

/// The content of `is_complete_reply`.
public enum IsCompleteReply: MessageContent, Equatable {
  case complete
  /// Another line is wanted; it should begin with `indent`.
  case incomplete(indent: String)
  case invalid
  case unknown

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    switch try content.text("status") {
    case "complete": self = .complete
    case "incomplete": self = .incomplete(indent: try content.text("indent", default: ""))
    case "invalid": self = .invalid
    case "unknown": self = .unknown
    default:
      throw ContentError(key: "status", expected: "complete, incomplete, invalid or unknown")
    }
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    switch self {
    case .complete: ["status": "complete"]
    case .incomplete(let indent): ["status": "incomplete", "indent": .string(indent)]
    case .invalid: ["status": "invalid"]
    case .unknown: ["status": "unknown"]
    }
  }
}
