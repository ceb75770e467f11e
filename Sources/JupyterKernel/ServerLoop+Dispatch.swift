import DataFormats
import JupyterProtocol

extension ServerLoop {
  /// Handles one request.
  ///
  /// - Parameter startsExecutions: false while the queue behind a failed cell is collected.
  func dispatch(_ message: Message, _ channel: Channel, startsExecutions: Bool) {
    switch message.header.type {
    case "execute_request", "comm_open", "comm_msg", "comm_close":
      guard channel == .shell, let state = shell(of: message, channel) else {
        if channel == .control { refuse(message, channel) }
        return
      }
      state.waiting.append(message)
      if startsExecutions { startNext(state) }
    case "complete_request":
      ask(message, channel) { content throws(ContentError) in
        .complete(try CompleteRequest(content))
      }
    case "inspect_request":
      ask(message, channel) { content throws(ContentError) in
        .inspect(try InspectRequest(content))
      }
    case "is_complete_request":
      ask(message, channel) { content throws(ContentError) in
        .isComplete(try IsCompleteRequest(content))
      }
    case "history_request":
      let session = (shell(named: message.header.subshell) ?? shells[0]).historySession
      ask(message, channel) { content throws(ContentError) in
        .history(try HistoryRequest(content), session)
      }
    default:
      if channel == .shell, shell(of: message, channel) == nil { return }
      answerAtOnce(message, channel)
    }
  }

  // MARK: Requests that are answered at once

  private func answerAtOnce(_ message: Message, _ channel: Channel) {
    broadcast(factory.status(.busy, parent: message.headerBytes))
    do throws(ContentError) {
      switch message.header.type {
      case "kernel_info_request":
        var information = interpreter.information
        information.supportedFeatures.append("kernel subshells")
        reply("kernel_info_reply", information.content, to: message, channel)
      case "connect_request":
        reply("connect_reply", ConnectReply(ports: connection.ports).content, to: message, channel)
      case "comm_info_request":
        let target = try CommInfoRequest(message.content).target
        let content = CommInfoReply(comms: comms.list(target: target)).content
        reply("comm_info_reply", content, to: message, channel)
      case "interrupt_request":
        interrupt(subshell: message.header.subshell)
        reply("interrupt_reply", ["status": "ok"], to: message, channel)
      case "shutdown_request":
        try shutDown(message, channel)
      case "create_subshell_request" where channel == .control:
        try createSubshell(message)
      case "delete_subshell_request" where channel == .control:
        try deleteSubshell(message)
      case "list_subshell_request" where channel == .control:
        let identifiers = shells.filter { !$0.isDeleted }.compactMap(\.identifier)
        reply(
          "list_subshell_reply", SubshellList(identifiers: identifiers).content, to: message,
          channel)
      default:
        log.write("Unknown message type \(Self.printable(message.header.type)).")
        replyError(
          ErrorContent(
            name: "UnknownRequest",
            message: "This kernel does not answer \(Self.printable(message.header.type)) here."),
          to: message, channel)
      }
    } catch {
      replyError(ErrorContent(name: "InvalidRequest", message: "\(error)"), to: message, channel)
    }
    broadcast(factory.status(.idle, parent: message.headerBytes))
  }

  private func shutDown(_ message: Message, _ channel: Channel) throws(ContentError) {
    let request = try Shutdown(message.content)
    reply("shutdown_reply", request.content, to: message, channel)
    broadcast(
      factory.broadcast("shutdown_reply", request.content, parent: message.headerBytes))
    exit = .shutdown(restart: request.restart)
  }

  private func createSubshell(_ message: Message) throws(ContentError) {
    let identifier = Identifier.random()
    do throws(KernelError) {
      guard shells.count <= Self.subshellLimit else {
        throw .outOfResources("there are \(Self.subshellLimit) subshells already")
      }
      shells.append(try makeShell(identifier))
    } catch {
      replyError(ErrorContent(name: "SubshellError", message: "\(error)"), to: message, .control)
      return
    }
    reply(
      "create_subshell_reply", SubshellContent(identifier: identifier).content, to: message,
      .control)
  }

  private static let subshellLimit = 256

  private func deleteSubshell(_ message: Message) throws(ContentError) {
    let identifier = try SubshellContent(message.content).identifier
    guard let state = shell(named: identifier), state.identifier != nil else {
      replyError(Self.unknownSubshell(identifier), to: message, .control)
      return
    }
    abortWaiting(state)
    state.isDeleted = true
    if let running = state.running {
      running.interruption.request()
    } else {
      state.shell.post(.end)
      shells.removeAll { $0 === state }
      interpreter.subshellDeleted(identifier)
    }
    reply("delete_subshell_reply", ["status": "ok"], to: message, .control)
  }

  // MARK: Questions

  private func ask(
    _ message: Message, _ channel: Channel,
    _ question: (JSONObject) throws(ContentError) -> Question
  ) {
    guard channel == .shell else { return refuse(message, channel) }
    guard shell(of: message, channel) != nil else { return }
    broadcast(factory.status(.busy, parent: message.headerBytes))
    do throws(ContentError) {
      answering.answer(
        try question(message.content), identities: message.identities, parent: message.headerBytes)
    } catch {
      replyError(ErrorContent(name: "InvalidRequest", message: "\(error)"), to: message, channel)
      broadcast(factory.status(.idle, parent: message.headerBytes))
    }
  }

  // MARK: Shells

  /// The shell a message is for; where there is none of that name, the client is told.
  private func shell(of message: Message, _ channel: Channel) -> ShellState? {
    if let state = shell(named: message.header.subshell) { return state }
    broadcast(factory.status(.busy, parent: message.headerBytes))
    replyError(Self.unknownSubshell(message.header.subshell ?? ""), to: message, channel)
    broadcast(factory.status(.idle, parent: message.headerBytes))
    return nil
  }

  private func shell(named identifier: String?) -> ShellState? {
    shells.first { $0.identifier == identifier && !$0.isDeleted }
  }

  private static func unknownSubshell(_ identifier: String) -> ErrorContent {
    ErrorContent(
      name: "UnknownSubshell", message: "There is no subshell \(printable(identifier)).")
  }

  private func refuse(_ message: Message, _ channel: Channel) { answerAtOnce(message, channel) }

  private func replyError(_ error: ErrorContent, to message: Message, _ channel: Channel) {
    let type = message.header.type
    let suffix = "_request"
    guard type.hasSuffix(suffix), type.utf8.count < 100 else { return }
    reply("\(type.dropLast(suffix.count))_reply", error.replyContent, to: message, channel)
  }

  /// A name from outside, short and without what a terminal would obey.
  private static func printable(_ text: String) -> String {
    let scalars = text.unicodeScalars.prefix(80).map { scalar in
      scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar
    }
    var result = String.UnicodeScalarView()
    result.append(contentsOf: scalars)
    return String(result)
  }

  /// Interrupts one subshell, or with `nil` all that runs.
  func interrupt(subshell: String?) {
    for state in shells where subshell == nil || state.identifier == subshell {
      state.running?.interruption.request()
    }
  }

  /// Answers the executions that wait for a shell with `aborted`; other messages go on waiting.
  func abortWaiting(_ state: ShellState) {
    let waiting = state.waiting
    state.waiting = []
    for message in waiting {
      guard message.header.type == "execute_request" else {
        state.waiting.append(message)
        continue
      }
      broadcast(factory.status(.busy, parent: message.headerBytes))
      let content = ExecuteReply.aborted(executionCount: state.executionCount).content
      reply("execute_reply", content, to: message, .shell)
      broadcast(factory.status(.idle, parent: message.headerBytes))
    }
  }

  // MARK: Tasks

  /// Starts the next task of a shell that has nothing to do.
  func startNext(_ state: ShellState) {
    while state.running == nil, !state.waiting.isEmpty, exit == nil {
      let message = state.waiting.removeFirst()
      do throws(ContentError) {
        if message.header.type == "execute_request" {
          try startExecution(message, state)
        } else {
          try startComm(message, state)
        }
      } catch {
        broadcast(factory.status(.busy, parent: message.headerBytes))
        replyError(
          ErrorContent(name: "InvalidRequest", message: "\(error)"), to: message, .shell)
        broadcast(factory.status(.idle, parent: message.headerBytes))
      }
    }
  }

  private func startExecution(_ message: Message, _ state: ShellState) throws(ContentError) {
    let content = try ExecuteRequest(message.content)
    if content.storeHistory { state.executionCount += 1 }
    let request = ExecutionRequest(
      code: content.code, isSilent: content.silent, storesHistory: content.storeHistory,
      allowsStandardInput: content.allowStdin, userExpressions: content.userExpressions,
      executionCount: state.executionCount, subshell: state.identifier, parent: message.header,
      cellIdentifier: message.metadata["cellId"]?.string)
    let output = publisher(
      message, state, request.interruption, isSilent: content.silent,
      allowsStandardInput: content.allowStdin)
    // The cell begins at once; what it sends comes through the mailbox, after these two.
    state.shell.post(.execute(request, output, stopsOnError: content.stopOnError))
    broadcast(factory.status(.busy, parent: message.headerBytes))
    guard !content.silent else { return }
    let input = ExecuteInput(code: content.code, executionCount: state.executionCount)
    broadcast(
      factory.broadcast("execute_input", input.content, parent: message.headerBytes))
  }

  private func startComm(_ message: Message, _ state: ShellState) throws(ContentError) {
    guard let kind = CommKind(rawValue: message.header.type) else { return }
    let content = try CommContent(message.content)
    let event = CommEvent(
      identifier: content.identifier, target: content.target ?? "", data: content.data,
      metadata: message.metadata, buffers: message.buffers, subshell: state.identifier,
      parent: message.header)
    let output = publisher(
      message, state, event.interruption, isSilent: false, allowsStandardInput: false)
    state.shell.post(.comm(kind: kind, event, output))
    broadcast(factory.status(.busy, parent: message.headerBytes))
  }

  private func publisher(
    _ message: Message, _ state: ShellState, _ interruption: Interruption, isSilent: Bool,
    allowsStandardInput: Bool
  ) -> CellOutputPublisher {
    let output = CellOutputPublisher(
      task: .init(
        parent: message.headerBytes, identities: message.identities,
        subshell: state.identifier, executionCount: state.executionCount, isSilent: isSilent,
        allowsStandardInput: allowsStandardInput, interruption: interruption),
      mailbox: mailbox, factory: factory, comms: comms)
    state.running = ShellState.Running(
      parent: message.headerBytes, interruption: interruption, output: output)
    return output
  }
}
