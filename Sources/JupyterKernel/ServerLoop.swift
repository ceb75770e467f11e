import CZeroMQ
import DataFormats
import JupyterProtocol

/// A shell as the thread of the sockets knows it: what it runs and what waits for it.
final class ShellState {
  /// What a shell is doing.
  struct Running {
    var parent: [UInt8]
    var interruption: Interruption
    var output: CellOutputPublisher
  }

  let identifier: String?
  let shell: ExecutionShell
  let historySession: HistorySession
  var executionCount = 0
  var waiting: [Message] = []
  var running: Running?
  var isDeleted = false

  init(identifier: String?, shell: ExecutionShell, historySession: HistorySession) {
    self.identifier = identifier
    self.shell = shell
    self.historySession = historySession
  }
}

/// The thread of the sockets: makes them, polls them, and is the only one that touches them.
final class ServerLoop {
  /// Where a request came in and its reply goes out.
  enum Channel {
    case shell
    case control
  }

  let connection: ConnectionFile
  let interpreter: any CellInterpreter
  let options: KernelOptions
  let mailbox: Mailbox
  let factory: MessageFactory
  let comms = CommTable()
  let history: History
  let answering: AnsweringThread
  var shells: [ShellState] = []
  var waiters: [InputWaiter] = []
  private var unsentQuestions: [([[UInt8]], InputWaiter)] = []
  var exit: KernelExit?
  var log = Log()
  private let shellSocket: ZeroMQSocket
  private let controlSocket: ZeroMQSocket
  private let inputSocket: ZeroMQSocket
  private let broadcastSocket: ZeroMQSocket
  private let signals: Signals?
  private var wire: WireFormat
  private var hasHandledRequest = false
  private var hasSaidStarting = false

  init(
    context: ZeroMQContext, connection: ConnectionFile, interpreter: any CellInterpreter,
    options: KernelOptions, mailbox: Mailbox
  ) throws(KernelError) {
    self.connection = connection
    self.interpreter = interpreter
    self.options = options
    self.mailbox = mailbox
    signals = options.handlesSignals ? try Signals() : nil
    factory = MessageFactory(key: connection.key)
    wire = WireFormat(key: connection.key)
    wire.limits = options.limits
    history = History(path: options.historyPath)
    let ports = connection.ports
    let limits = options.limits
    shellSocket = try Self.router(context, connection, ports.shell, "requests", limits)
    controlSocket = try Self.router(context, connection, ports.control, "control", limits)
    inputSocket = try Self.router(context, connection, ports.standardInput, "input", limits)
    // A question to a client whose input socket is not connected yet must not vanish.
    inputSocket.set(ZMQ_ROUTER_MANDATORY, 1)
    broadcastSocket = try ZeroMQSocket(context, type: ZMQ_XPUB)
    broadcastSocket.set(ZMQ_XPUB_VERBOSE, 1)
    try broadcastSocket.bind(connection, port: ports.inputOutput, purpose: "broadcasts")
    answering = try AnsweringThread(
      interpreter: interpreter, mailbox: mailbox, factory: factory, history: history)
    shells.append(try makeShell(nil))
  }

  private static func router(
    _ context: ZeroMQContext, _ connection: ConnectionFile, _ port: Int, _ purpose: String,
    _ limits: WireFormat.Limits
  ) throws(KernelError) -> ZeroMQSocket {
    let socket = try ZeroMQSocket(context, type: ZMQ_ROUTER)
    // A client that comes back with its old identity takes its place over.
    socket.set(ZMQ_ROUTER_HANDOVER, 1)
    socket.set(ZMQ_MAXMSGSIZE, wide: Int64(limits.bytes))
    try socket.bind(connection, port: port, purpose: purpose)
    return socket
  }

  func makeShell(_ identifier: String?) throws(KernelError) -> ShellState {
    let session = HistorySession()
    let shell = try ExecutionShell(
      subshell: identifier, interpreter: interpreter, mailbox: mailbox, factory: factory,
      comms: comms, history: history, historySession: session)
    return ShellState(identifier: identifier, shell: shell, historySession: session)
  }

  // MARK: The loop

  /// Serves until the kernel ends.
  func run() -> KernelExit {
    let signalDescriptor = signals?.descriptor ?? -1
    let parent = options.watchesParent ? ParentWatch() : nil
    var items = unsafe [
      Self.item(broadcastSocket), Self.item(controlSocket), Self.item(shellSocket),
      Self.item(inputSocket), Self.item(mailbox.wakeUp.descriptor), Self.item(signalDescriptor),
    ]
    let count = Int32(signalDescriptor >= 0 ? 6 : 5)
    while exit == nil {
      let isRunning = shells.contains { $0.running != nil }
      let status = unsafe items.withUnsafeMutableBufferPointer {
        unsafe zmq_poll($0.baseAddress, count, isRunning ? 20 : 500)
      }
      if status < 0, zmq_errno() != EINTR { break }
      if status == 0 {
        if parent?.isGone == true { exit = .parentEnded }
        if history.needsSaving, !isRunning { answering.saveHistory() }
      }
      if unsafe items[0].revents != 0 { welcome() }
      if unsafe items[1].revents != 0 { receiveRequests(.control) }
      if unsafe items[4].revents != 0 { handleMailbox() }
      if unsafe items[2].revents != 0 { receiveRequests(.shell) }
      if unsafe items[3].revents != 0 { receiveInput() }
      if isRunning { flushDue() }
      if signals != nil, unsafe items[5].revents != 0, let taken = signals?.take() {
        if taken.interrupted { interrupt(subshell: nil) }
        if taken.terminated { exit = .stopped }
      }
    }
    let exit = exit ?? .stopped
    finish(exit)
    return exit
  }

  private static func item(_ socket: borrowing ZeroMQSocket) -> zmq_pollitem_t {
    unsafe zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
  }

  private static func item(_ descriptor: Int32) -> zmq_pollitem_t {
    unsafe zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0)
  }

  private func flushDue() {
    let now = Clock.now()
    for state in shells { state.running?.output.flushDue(now: now) }
    sendMailbox()
    unsentQuestions.removeAll { frames, waiter in waiter.isDone || inputSocket.send(frames) }
  }

  /// Interrupts what runs, gives it a moment to stop, and has everything written.
  private func finish(_ exit: KernelExit) {
    for state in shells { abortWaiting(state) }
    interrupt(subshell: nil)
    let deadline = Clock.now() + UInt64(max(0, options.gracePeriod) * 1e9)
    var item = unsafe [Self.item(mailbox.wakeUp.descriptor)]
    while shells.contains(where: { $0.running != nil }), Clock.now() < deadline {
      _ = unsafe item.withUnsafeMutableBufferPointer { unsafe zmq_poll($0.baseAddress, 1, 10) }
      handleMailbox()
    }
    handleMailbox()
    if case .shutdown(true) = exit {
      interpreter.shutdown(restart: true)
    } else {
      interpreter.shutdown(restart: false)
    }
    history.save()
    endThreads()
  }

  /// Has the threads end that aren't computing.
  func endThreads() {
    mailbox.close()
    answering.end()
    for state in shells { state.shell.post(.end) }
  }

  // MARK: What comes from other threads

  private func handleMailbox() {
    mailbox.wakeUp.wait()
    sendMailbox()
  }

  private func sendMailbox() {
    for event in mailbox.drain() {
      switch event {
      case .publish(let frames): broadcastSocket.send(frames)
      case .ask(let frames, let waiter):
        waiters.removeAll { $0.isDone }
        waiters.append(waiter)
        if !inputSocket.send(frames) { unsentQuestions.append((frames, waiter)) }
      case .finished(let end): finishTask(end)
      case .answered(let reply, let idle):
        shellSocket.send(reply)
        broadcastSocket.send(idle)
      case .stop: exit = exit ?? .stopped
      case .interrupt: interrupt(subshell: nil)
      }
    }
  }

  private func finishTask(_ end: TaskEnd) {
    guard let state = shells.first(where: { $0.identifier == end.subshell }) else { return }
    // What has arrived by now was queued behind the error; what a client sends once it has heard
    // of the error was not.
    if end.abortsFollowing { receiveRequests(.shell, startsExecutions: false) }
    if let reply = end.reply { shellSocket.send(reply) }
    broadcastSocket.send(end.idle)
    state.running = nil
    if end.abortsFollowing {
      abortWaiting(state)
      for other in shells where other !== state { startNext(other) }
    }
    if state.isDeleted {
      state.shell.post(.end)
      shells.removeAll { $0 === state }
      if let identifier = state.identifier { interpreter.subshellDeleted(identifier) }
    } else {
      startNext(state)
    }
  }

  // MARK: What comes from clients

  private func receiveRequests(_ channel: Channel, startsExecutions: Bool = true) {
    for _ in 0..<1_000 {
      let received =
        switch channel {
        case .shell: shellSocket.receive(limits: wire.limits)
        case .control: controlSocket.receive(limits: wire.limits)
        }
      guard let message = decode(received) else {
        if case .nothing = received { return }
        continue
      }
      hasHandledRequest = true
      dispatch(message, channel, startsExecutions: startsExecutions)
      if exit != nil { return }
    }
  }

  private func decode(_ received: ZeroMQSocket.Received) -> Message? {
    switch received {
    case .nothing: return nil
    case .tooLarge:
      log.write("\(WireError.tooLarge(limit: wire.limits.bytes))")
      return nil
    case .frames(let frames):
      do throws(WireError) {
        return try wire.decode(frames)
      } catch {
        log.write("\(error)")
        return nil
      }
    }
  }

  private func receiveInput() {
    while true {
      let received = inputSocket.receive(limits: wire.limits)
      if case .nothing = received { return }
      guard let message = decode(received), message.header.type == "input_reply",
        let reply = try? InputReply(message.content)
      else { continue }
      waiters.removeAll { $0.isDone }
      // Clients of old send no parent: then the answer is for the cell that asked first.
      let asked = message.parentHeader?.identifier
      let waiter =
        waiters.first { $0.identifier == asked }
        ?? waiters.first { $0.identities == message.identities }
      waiter?.deliver(reply.value)
    }
  }

  private func welcome() {
    while true {
      guard case .frames(let frames) = broadcastSocket.receive(limits: wire.limits) else { return }
      guard let frame = frames.first, frame.first == 1,
        let topic = String(validating: frame.dropFirst(), as: UTF8.self)
      else { continue }
      broadcastSocket.send(
        factory.broadcast(
          "iopub_welcome", IOPubWelcome(subscription: topic).content,
          parent: Message.emptyObject, topic: topic))
      // Said when somebody can first hear it, unless a request has shown already that we started.
      if !hasSaidStarting, !hasHandledRequest {
        broadcastSocket.send(factory.status(.starting, parent: Message.emptyObject))
      }
      hasSaidStarting = true
    }
  }

  // MARK: Sending

  func broadcast(_ frames: [[UInt8]]) { broadcastSocket.send(frames) }

  func reply(_ type: String, _ content: JSONObject, to request: Message, _ channel: Channel) {
    let frames = factory.reply(
      type, content, identities: request.identities, parent: request.headerBytes)
    switch channel {
    case .shell: shellSocket.send(frames)
    case .control: controlSocket.send(frames)
    }
  }
}
