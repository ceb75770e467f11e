import DataFormats
import JupyterProtocol

/// What an execution thread does.
enum ShellTask: Sendable {
  case execute(ExecutionRequest, CellOutputPublisher, stopsOnError: Bool)
  case comm(kind: CommKind, CommEvent, CellOutputPublisher)
  case end
}

/// The three comm messages.
enum CommKind: String, Sendable {
  case open = "comm_open"
  case message = "comm_msg"
  case close = "comm_close"
}

/// A shell's thread: does one task after another, and tells the mailbox of each one's end.
final class ExecutionShell: Sendable {
  /// Address space for the stack of an execution thread: a deep recursion in a cell must reach
  /// the interpreter's own limit before the stack's.
  static let stackBytes = KernelServer.executionStackByteCount

  private let subshell: String?
  private let interpreter: any CellInterpreter
  private let mailbox: Mailbox
  private let factory: MessageFactory
  private let comms: CommTable
  private let history: History
  private let historySession: HistorySession
  private let tasks: TaskQueue<ShellTask>

  init(
    subshell: String?, interpreter: any CellInterpreter, mailbox: Mailbox,
    factory: MessageFactory, comms: CommTable, history: History, historySession: HistorySession
  ) throws(KernelError) {
    self.subshell = subshell
    self.interpreter = interpreter
    self.mailbox = mailbox
    self.factory = factory
    self.comms = comms
    self.history = history
    self.historySession = historySession
    tasks = try TaskQueue()
    try WorkerThread.start(stackBytes: Self.stackBytes) { [self] in run() }
  }

  /// Hands over a task.
  func post(_ task: ShellTask) { tasks.post(task) }

  private func run() {
    while true {
      for task in tasks.take() {
        switch task {
        case .execute(let request, let output, let stopsOnError):
          execute(request, output, stopsOnError: stopsOnError)
        case .comm(let kind, let event, let output): handle(kind, event, output)
        case .end: return
        }
      }
    }
  }

  private func execute(
    _ request: ExecutionRequest, _ output: CellOutputPublisher, stopsOnError: Bool
  ) {
    let outcome = interpreter.execute(request, output: output)
    let reply: ExecuteReply
    switch outcome {
    case .ok(let expressions, let payload):
      reply = .ok(
        executionCount: request.executionCount, payload: payload, userExpressions: expressions)
    case .error(let name, let message, let traceback):
      let error = ErrorContent(name: name, message: message, traceback: traceback)
      output.error(error)
      reply = .error(error, executionCount: request.executionCount)
    case .interrupted:
      let error = ErrorContent(name: "Interrupted", message: "The cell was interrupted.")
      output.error(error)
      reply = .error(error, executionCount: request.executionCount)
    }
    let resultText = output.finish()
    if request.storesHistory {
      history.append(
        historySession, line: request.executionCount, input: request.code, output: resultText)
    }
    let isError = if case .error = reply { true } else { false }
    mailbox.post(
      .finished(
        TaskEnd(
          subshell: subshell,
          reply: factory.reply(
            "execute_reply", reply.content, identities: output.task.identities,
            parent: output.task.parent),
          idle: factory.status(.idle, parent: output.task.parent),
          abortsFollowing: isError && stopsOnError && !request.isSilent)))
  }

  private func handle(_ kind: CommKind, _ event: CommEvent, _ output: CellOutputPublisher) {
    switch kind {
    case .open:
      if interpreter.commTargets.contains(event.target) {
        comms.add(event.identifier, target: event.target)
        interpreter.commOpened(event, output: output)
      } else {
        output.refuseComm(event.identifier)
      }
    case .message:
      if let target = comms.target(of: event.identifier) {
        var event = event
        event.target = target
        interpreter.commReceived(event, output: output)
      }
    case .close:
      if let target = comms.remove(event.identifier) {
        var event = event
        event.target = target
        interpreter.commClosed(event, output: output)
      }
    }
    _ = output.finish()
    mailbox.post(
      .finished(
        TaskEnd(
          subshell: subshell, reply: nil,
          idle: factory.status(.idle, parent: output.task.parent), abortsFollowing: false)))
  }
}
