public import DataFormats

/// An expression to evaluate after a cell, under a name of the front end's choice.
public struct UserExpression: Sendable, Equatable {
  /// The name.
  public var name: String
  /// The expression's text.
  public var code: String

  /// Makes an expression.
  public init(name: String, code: String) {
    self.name = name
    self.code = code
  }
}

/// What became of a user expression.
public struct UserExpressionResult: Sendable, Equatable {
  /// A value's representations, or why there is none.
  public enum Outcome: Sendable, Equatable {
    case value(MIMEBundle)
    case error(ErrorContent)
  }
  /// The name under which the front end asked.
  public var name: String
  /// What came of it.
  public var outcome: Outcome

  /// Makes a result.
  public init(name: String, outcome: Outcome) {
    self.name = name
    self.outcome = outcome
  }
}

/// The content of `execute_request`.
public struct ExecuteRequest: MessageContent, Equatable {
  /// The cell's text.
  public var code: String
  /// Whether nothing is shown and nothing counted.
  public var silent: Bool
  /// Whether the cell is counted and kept; never when silent.
  public var storeHistory: Bool
  /// What to evaluate afterwards.
  public var userExpressions: [UserExpression]
  /// Whether the front end answers input requests.
  public var allowStdin: Bool
  /// Whether an error aborts the executions queued behind it.
  public var stopOnError: Bool

  /// Makes a request.
  public init(
    code: String, silent: Bool = false, storeHistory: Bool = true,
    userExpressions: [UserExpression] = [], allowStdin: Bool = false, stopOnError: Bool = true
  ) {
    self.code = code
    self.silent = silent
    self.storeHistory = storeHistory && !silent
    self.userExpressions = userExpressions
    self.allowStdin = allowStdin
    self.stopOnError = stopOnError
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    var expressions: [UserExpression] = []
    for member in try content.members("user_expressions").members {
      guard let code = member.value.string else {
        throw ContentError(key: "user_expressions", expected: "an object of texts")
      }
      expressions.append(UserExpression(name: member.key, code: code))
    }
    let silent = try content.flag("silent", default: false)
    self.init(
      code: try content.text("code"), silent: silent,
      storeHistory: try content.flag("store_history", default: !silent),
      userExpressions: expressions, allowStdin: try content.flag("allow_stdin", default: true),
      stopOnError: try content.flag("stop_on_error", default: true))
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    [
      "code": .string(code), "silent": .bool(silent), "store_history": .bool(storeHistory),
      "user_expressions": .object(
        JSONObject(members: userExpressions.map { .init(key: $0.name, value: .string($0.code)) })),
      "allow_stdin": .bool(allowStdin), "stop_on_error": .bool(stopOnError),
    ]
  }
}

/// The content of `execute_reply`.
public enum ExecuteReply: MessageContent, Equatable {
  case ok(executionCount: Int, payload: [JSONObject], userExpressions: [UserExpressionResult])
  case error(ErrorContent, executionCount: Int)
  case aborted(executionCount: Int)

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    let count = try content.optionalWhole("execution_count") ?? 0
    switch try content.text("status") {
    case "ok":
      var results: [UserExpressionResult] = []
      for member in try content.members("user_expressions").members {
        guard let object = member.value.object else {
          throw ContentError(key: "user_expressions", expected: "an object of objects")
        }
        if object["status"]?.string == "ok" {
          let bundle = MIMEBundle(
            data: try object.members("data"), metadata: try object.members("metadata"))
          results.append(.init(name: member.key, outcome: .value(bundle)))
        } else {
          results.append(.init(name: member.key, outcome: .error(try ErrorContent(object))))
        }
      }
      self = .ok(
        executionCount: count, payload: try content.objects("payload"), userExpressions: results)
    case "error": self = .error(try ErrorContent(content), executionCount: count)
    case "aborted": self = .aborted(executionCount: count)
    default: throw ContentError(key: "status", expected: "ok, error or aborted")
    }
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    switch self {
    case .ok(let count, let payload, let userExpressions):
      return [
        "status": "ok", "execution_count": .integer(count),
        "user_expressions": .object(
          JSONObject(
            members: userExpressions.map { .init(key: $0.name, value: Self.value($0.outcome)) })),
        "payload": .array(payload.map { .object($0) }),
      ]
    case .error(let error, let count):
      var object = error.replyContent
      object["execution_count"] = .integer(count)
      object["user_expressions"] = [:]
      object["payload"] = []
      return object
    case .aborted(let count):
      return ["status": "aborted", "execution_count": .integer(count)]
    }
  }

  private static func value(_ outcome: UserExpressionResult.Outcome) -> JSON {
    switch outcome {
    case .value(let bundle):
      ["status": "ok", "data": .object(bundle.data), "metadata": .object(bundle.metadata)]
    case .error(let error): .object(error.replyContent)
    }
  }
}

/// The content of `error`, and the fields of every reply whose status is `error`.
public struct ErrorContent: MessageContent, Error, Equatable {
  /// The kind of error.
  public var name: String
  /// What happened, in one sentence.
  public var message: String
  /// The lines that the user sees.
  public var traceback: [String]

  /// Makes an error; without lines the message is the only one.
  public init(name: String, message: String, traceback: [String]? = nil) {
    self.name = name
    self.message = message
    self.traceback = traceback ?? [message]
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    name = try content.text("ename")
    message = try content.text("evalue")
    traceback = try content.texts("traceback")
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    [
      "ename": .string(name), "evalue": .string(message),
      "traceback": .array(traceback.map { .string($0) }),
    ]
  }

  /// The content of a reply that failed.
  public var replyContent: JSONObject {
    JSONObject(members: [.init(key: "status", value: "error")] + content.members)
  }
}
