public import DataFormats

/// The header of a Jupyter message: who sent what, when.
public struct Header: Sendable, Hashable {
  /// The version of the messaging protocol that Vitrine speaks.
  public static let protocolVersion = "5.5"

  /// The message's own id (`msg_id`).
  public var identifier: String
  /// The sender's session.
  public var session: String
  /// The user's name; may be empty.
  public var username: String
  /// When the message was made: ISO 8601, UTC, microseconds.
  public var date: String
  /// The kind of message (`msg_type`), such as `execute_request`.
  public var type: String
  /// The protocol version the sender speaks.
  public var version: String
  /// The subshell a request is for (JEP 91), `nil` for the main shell.
  public var subshell: String?

  /// Makes a header.
  public init(
    type: String, session: String, identifier: String, username: String = "",
    date: String = Timestamp.now().iso8601, version: String = Header.protocolVersion,
    subshell: String? = nil
  ) {
    self.identifier = identifier
    self.session = session
    self.username = username
    self.date = date
    self.type = type
    self.version = version
    self.subshell = subshell
  }

  /// Reads a header; fields that old clients leave out may be missing, `msg_id` and `msg_type` not.
  public init?(_ object: JSONObject) {
    var identifier: String?
    var type: String?
    self.init(type: "", session: "", identifier: "", date: "", version: "")
    for member in object.members {
      switch member.key {
      case "msg_id": identifier = member.value.string
      case "msg_type": type = member.value.string
      case "session": session = member.value.string ?? ""
      case "username": username = member.value.string ?? ""
      case "date": date = member.value.string ?? ""
      case "version": version = member.value.string ?? ""
      case "subshell_id": subshell = member.value.string
      default: break
      }
    }
    guard let identifier, let type else { return nil }
    self.identifier = identifier
    self.type = type
  }

  /// The header as a JSON object.
  public var object: JSONObject {
    var object: JSONObject = [
      "msg_id": .string(identifier), "session": .string(session), "username": .string(username),
      "date": .string(date), "msg_type": .string(type), "version": .string(version),
    ]
    if let subshell { object["subshell_id"] = .string(subshell) }
    return object
  }
}
