import DataFormats
import JupyterProtocol
import Synchronization

/// Sends what one task shows to the clients, gathering floods on the way.
///
/// Text waits up to 50 ms for more; updates of one display are at least 100 ms apart. Whatever
/// waits is sent, in order, before anything that came after it is, and at the task's end.
final class CellOutputPublisher: CellOutput {
  /// What is fixed for the task.
  struct Task: Sendable {
    var parent: [UInt8]
    var identities: [[UInt8]]
    var subshell: String?
    var executionCount: Int
    var isSilent: Bool
    var allowsStandardInput: Bool
    var interruption: Interruption
  }

  private struct PendingUpdate {
    var identifier: String
    var bundle: MIMEBundle
  }

  private struct State {
    var pieces: [StreamContent] = []
    var isJoined = false
    var pendingBytes = 0
    var oldestPiece: UInt64 = 0
    var updates: [PendingUpdate] = []
    var lastSent: [String: UInt64] = [:]
    var resultText: String?
    var isFinished = false
  }

  private static let streamDelay: UInt64 = 45_000_000
  private static let updateInterval: UInt64 = 100_000_000
  /// Text of this size isn't held back.
  private static let pieceLimit = 256 << 10
  /// With more changes between the two streams than this in one interval, each is joined.
  private static let changeLimit = 32

  let task: Task
  private let mailbox: Mailbox
  private let factory: MessageFactory
  private let comms: CommTable
  private let state = Mutex(State())

  init(task: Task, mailbox: Mailbox, factory: MessageFactory, comms: CommTable) {
    self.task = task
    self.mailbox = mailbox
    self.factory = factory
    self.comms = comms
  }

  func stream(_ name: StreamName, _ text: String) {
    guard !task.isSilent, !text.isEmpty else { return }
    mailbox.waitForRoom()
    state.withLock { state in
      if state.pieces.isEmpty { state.oldestPiece = Clock.now() }
      if let last = state.pieces.indices.last, state.pieces[last].name == name {
        state.pieces[last].text += text
      } else {
        if state.pieces.count >= Self.changeLimit {
          join(&state.pieces)
          state.isJoined = true
        }
        if state.isJoined, let place = state.pieces.firstIndex(where: { $0.name == name }) {
          state.pieces[place].text += text
        } else {
          state.pieces.append(StreamContent(name: name, text: text))
        }
      }
      state.pendingBytes += text.utf8.count
      if state.isFinished || state.pendingBytes >= Self.pieceLimit { flushPieces(&state) }
    }
  }

  func display(_ bundle: MIMEBundle, identifier: String?) {
    guard !task.isSilent else { return }
    mailbox.waitForRoom()
    state.withLock { state in
      flushPieces(&state)
      if let identifier {
        flushUpdates(&state) { $0.identifier == identifier }
        state.lastSent[identifier] = Clock.now()
      }
      publish(
        "display_data", DisplayContent(bundle: bundle, displayIdentifier: identifier).content)
    }
  }

  func update(_ bundle: MIMEBundle, identifier: String) {
    guard !task.isSilent else { return }
    mailbox.waitForRoom()
    state.withLock { state in
      let now = Clock.now()
      if let place = state.updates.firstIndex(where: { $0.identifier == identifier }) {
        state.updates[place].bundle = bundle
      } else {
        state.updates.append(PendingUpdate(identifier: identifier, bundle: bundle))
      }
      let last = state.lastSent[identifier]
      if state.isFinished || last.map({ now - $0 >= Self.updateInterval }) ?? true {
        flushPieces(&state)
        flushUpdates(&state) { $0.identifier == identifier }
      }
    }
  }

  func result(_ bundle: MIMEBundle, identifier: String?) {
    guard !task.isSilent else { return }
    mailbox.waitForRoom()
    state.withLock { state in
      flushPieces(&state)
      state.resultText = bundle.plainText
      publish(
        "execute_result",
        DisplayContent(
          bundle: bundle, displayIdentifier: identifier, executionCount: task.executionCount
        ).content)
    }
  }

  func clear(wait: Bool) {
    guard !task.isSilent else { return }
    state.withLock { state in
      flushPieces(&state)
      flushUpdates(&state) { _ in true }
      publish("clear_output", ClearOutput(wait: wait).content)
    }
  }

  /// Shows why the task failed.
  func error(_ error: ErrorContent) {
    guard !task.isSilent else { return }
    state.withLock { state in
      flushPieces(&state)
      flushUpdates(&state) { _ in true }
      publish("error", error.content)
    }
  }

  func readLine(prompt: String, isPassword: Bool) throws(InputError) -> String {
    guard task.allowsStandardInput else { throw .notAllowed }
    guard !task.interruption.isRequested else { throw .interrupted }
    let header = factory.header("input_request")
    let waiter: InputWaiter
    do {
      waiter = try InputWaiter(identifier: header.identifier, identities: task.identities)
    } catch {
      throw .notAllowed
    }
    state.withLock { state in
      flushPieces(&state)
      flushUpdates(&state) { _ in true }
    }
    let frames = factory.reply(
      "input_request", InputRequest(prompt: prompt, password: isPassword).content,
      identities: task.identities, parent: task.parent, header: header)
    mailbox.post(.ask(frames, waiter))
    task.interruption.whenRequested { waiter.interrupt() }
    return try waiter.wait()
  }

  func openComm(target: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]])
    -> String
  {
    let identifier = Identifier.random()
    comms.add(identifier, target: target)
    var content = CommContent(identifier: identifier, target: target, data: data).content
    content["target_module"] = .null
    publishComm("comm_open", content, metadata: metadata, buffers: buffers)
    return identifier
  }

  func sendComm(
    _ identifier: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]]
  ) {
    guard comms.target(of: identifier) != nil else { return }
    mailbox.waitForRoom()
    let content = CommContent(identifier: identifier, data: data).content
    publishComm("comm_msg", content, metadata: metadata, buffers: buffers)
  }

  func closeComm(_ identifier: String, data: JSONObject) {
    guard comms.remove(identifier) != nil else { return }
    publishComm("comm_close", CommContent(identifier: identifier, data: data).content)
  }

  /// Tells a front end that nobody here takes its comm.
  func refuseComm(_ identifier: String) {
    publishComm("comm_close", CommContent(identifier: identifier).content)
  }

  /// Sends all that waits; from now on nothing waits.
  ///
  /// - Returns: the plain text of the task's result, where there was one.
  func finish() -> String? {
    state.withLock { state in
      flushPieces(&state)
      flushUpdates(&state) { _ in true }
      state.isFinished = true
      return state.resultText
    }
  }

  /// Sends what has waited long enough.
  func flushDue(now: UInt64) {
    state.withLock { state in
      if !state.pieces.isEmpty, now &- state.oldestPiece >= Self.streamDelay {
        flushPieces(&state)
      }
      guard !state.updates.isEmpty else { return }
      let sent = state.lastSent
      flushUpdates(&state) { now &- (sent[$0.identifier] ?? 0) >= Self.updateInterval }
    }
  }

  private func publish(
    _ type: String, _ content: JSONObject, metadata: JSONObject = JSONObject(),
    buffers: [[UInt8]] = [], topic: String? = nil
  ) {
    mailbox.post(
      .publish(
        factory.broadcast(
          type, content, parent: task.parent, metadata: metadata, buffers: buffers, topic: topic)))
  }

  private func publishComm(
    _ type: String, _ content: JSONObject, metadata: JSONObject = JSONObject(),
    buffers: [[UInt8]] = []
  ) {
    state.withLock { state in
      flushPieces(&state)
      publish(type, content, metadata: metadata, buffers: buffers)
    }
  }

  private func join(_ pieces: inout [StreamContent]) {
    var joined: [StreamContent] = []
    for piece in pieces {
      if let place = joined.firstIndex(where: { $0.name == piece.name }) {
        joined[place].text += piece.text
      } else {
        joined.append(piece)
      }
    }
    pieces = joined
  }

  private func flushPieces(_ state: inout State) {
    guard !state.pieces.isEmpty else { return }
    for piece in state.pieces {
      publish("stream", piece.content, topic: "stream.\(piece.name.rawValue)")
    }
    state.pieces = []
    state.isJoined = false
    state.pendingBytes = 0
  }

  private func flushUpdates(_ state: inout State, where isChosen: (PendingUpdate) -> Bool) {
    guard !state.updates.isEmpty else { return }
    let chosen = state.updates.filter(isChosen)
    state.updates.removeAll(where: isChosen)
    let now = Clock.now()
    for update in chosen {
      state.lastSent[update.identifier] = now
      publish(
        "update_display_data",
        DisplayContent(bundle: update.bundle, displayIdentifier: update.identifier).content)
    }
  }
}
