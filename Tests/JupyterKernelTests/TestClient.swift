import CZeroMQ
import DataFormats
import JupyterProtocol

@testable import JupyterKernel

/// A front end: used by one thread.
final class TestClient {
  enum Channel: CaseIterable {
    case shell, control, input, broadcast, heartbeat
  }

  struct TimedOut: Error, CustomStringConvertible {
    var description: String
  }

  let session = Identifier.random()
  var wire: WireFormat
  private let key: [UInt8]
  private var count = 0
  private let shell: ZeroMQSocket
  private let control: ZeroMQSocket
  private let input: ZeroMQSocket
  private let broadcasts: ZeroMQSocket
  private let heartbeat: ZeroMQSocket
  /// How long to wait for a message before a test fails.
  static let patience: Int32 = 20_000

  init(_ connection: ConnectionFile, context: ZeroMQContext, identity: String? = nil) throws {
    key = connection.key
    wire = WireFormat(key: connection.key)
    let ports = connection.ports
    let name = identity ?? session
    func connect(_ type: Int32, _ port: Int) throws -> ZeroMQSocket {
      let socket = try ZeroMQSocket(context, type: type)
      if let keys = connection.curveKeys {
        var publicKey = [CChar](repeating: 0, count: 41)
        var secretKey = [CChar](repeating: 0, count: 41)
        zmq_curve_keypair(&publicKey, &secretKey)
        try socket.setKey(ZMQ_CURVE_SERVERKEY, keys.publicKey)
        try socket.setKey(ZMQ_CURVE_PUBLICKEY, Self.text(publicKey))
        try socket.setKey(ZMQ_CURVE_SECRETKEY, Self.text(secretKey))
      }
      socket.set(ZMQ_RCVTIMEO, Self.patience)
      socket.set(ZMQ_RCVHWM, 0)
      socket.set(ZMQ_LINGER, 0)
      if type == ZMQ_SUB { zmq_setsockopt(socket.handle, ZMQ_SUBSCRIBE, "", 0) }
      if type == ZMQ_DEALER {
        let identity = Array(name.utf8)
        _ = identity.withUnsafeBytes {
          zmq_setsockopt(socket.handle, ZMQ_ROUTING_ID, $0.baseAddress, $0.count)
        }
      }
      try socket.connect(connection.endpoint(port: port))
      return socket
    }
    broadcasts = try connect(ZMQ_SUB, ports.inputOutput)
    shell = try connect(ZMQ_DEALER, ports.shell)
    control = try connect(ZMQ_DEALER, ports.control)
    input = try connect(ZMQ_DEALER, ports.standardInput)
    heartbeat = try connect(ZMQ_REQ, ports.heartbeat)
  }

  private static func text(_ bytes: [CChar]) -> String {
    String(decoding: bytes.prefix(40).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  // MARK: Sending

  func message(
    _ type: String, _ content: JSONObject = [:], subshell: String? = nil,
    metadata: JSONObject = [:], buffers: [[UInt8]] = [], parent: [UInt8] = Message.emptyObject
  ) -> Message {
    count += 1
    return Message(
      header: Header(
        type: type, session: session, identifier: "\(session)-\(count)", username: "tester",
        subshell: subshell), parentHeaderBytes: parent, metadata: metadata, content: content,
      buffers: buffers)
  }

  func send(frames: [[UInt8]], on channel: Channel) {
    switch channel {
    case .shell: shell.send(frames)
    case .control: control.send(frames)
    case .input: input.send(frames)
    case .broadcast: broadcasts.send(frames)
    case .heartbeat: heartbeat.send(frames)
    }
  }

  @discardableResult
  func send(
    _ type: String, _ content: JSONObject = [:], on channel: Channel = .shell,
    subshell: String? = nil, metadata: JSONObject = [:], buffers: [[UInt8]] = [],
    parent: [UInt8] = Message.emptyObject
  ) -> String {
    let message = message(
      type, content, subshell: subshell, metadata: metadata, buffers: buffers, parent: parent)
    send(frames: wire.encode(message), on: channel)
    return message.header.identifier
  }

  @discardableResult
  func execute(
    _ code: String, silent: Bool = false, storeHistory: Bool = true, stopOnError: Bool = true,
    allowStdin: Bool = false, userExpressions: [UserExpression] = [], subshell: String? = nil
  ) -> String {
    send(
      "execute_request",
      ExecuteRequest(
        code: code, silent: silent, storeHistory: storeHistory, userExpressions: userExpressions,
        allowStdin: allowStdin, stopOnError: stopOnError
      ).content, subshell: subshell)
  }

  // MARK: Receiving

  func receiveFrames(_ channel: Channel) throws -> [[UInt8]] {
    let limits = WireFormat.Limits()
    let received =
      switch channel {
      case .shell: shell.receive(limits: limits, waits: true)
      case .control: control.receive(limits: limits, waits: true)
      case .input: input.receive(limits: limits, waits: true)
      case .broadcast: broadcasts.receive(limits: limits, waits: true)
      case .heartbeat: heartbeat.receive(limits: limits, waits: true)
      }
    guard case .frames(let frames) = received else {
      throw TimedOut(description: "nothing came on \(channel)")
    }
    return frames
  }

  func receive(_ channel: Channel) throws -> Message {
    try wire.decode(try receiveFrames(channel))
  }

  /// The reply to a request; replies to others are passed over.
  func reply(to identifier: String, on channel: Channel = .shell) throws -> Message {
    while true {
      let message = try receive(channel)
      if message.parentHeader?.identifier == identifier { return message }
    }
  }

  /// The broadcasts of a request up to its `idle`; those of others are passed over.
  func broadcasts(of identifier: String) throws -> [Message] {
    var messages: [Message] = []
    while true {
      let message = try receive(.broadcast)
      guard message.parentHeader?.identifier == identifier else { continue }
      messages.append(message)
      if message.isIdle { return messages }
    }
  }

  /// All broadcasts but `starting` up to the `idle` of a request.
  func allBroadcasts(untilIdleOf identifier: String) throws -> [Message] {
    var messages: [Message] = []
    while true {
      let message = try receive(.broadcast)
      if message.label == "starting" { continue }
      messages.append(message)
      if message.isIdle, message.parentHeader?.identifier == identifier { return messages }
    }
  }

  /// Waits for the first output of a request.
  func waitForOutput(of identifier: String, type: String) throws {
    while true {
      let message = try receive(.broadcast)
      if message.parentHeader?.identifier == identifier, message.header.type == type { return }
    }
  }

  /// Waits for the welcome, so that no broadcast is missed.
  func waitForWelcome() throws {
    while try receive(.broadcast).header.type != "iopub_welcome" {}
  }
}

extension Message {
  var isIdle: Bool { header.type == "status" && content["execution_state"] == "idle" }

  /// Type and, of a status, state.
  var label: String {
    header.type == "status" ? content["execution_state"]?.string ?? "?" : header.type
  }
}
