import DataFormats
import JupyterProtocol

/// A question about code or history, answered while cells run.
enum Question: Sendable {
  case complete(CompleteRequest)
  case inspect(InspectRequest)
  case isComplete(IsCompleteRequest)
  case history(HistoryRequest, HistorySession)
}

/// The thread that answers questions, and that reads and writes the history's file.
final class AnsweringThread: Sendable {
  private enum Task: Sendable {
    case answer(Question, identities: [[UInt8]], parent: [UInt8])
    case saveHistory
    case end
  }

  private let interpreter: any CellInterpreter
  private let mailbox: Mailbox
  private let factory: MessageFactory
  private let history: History
  private let tasks: TaskQueue<Task>

  init(
    interpreter: any CellInterpreter, mailbox: Mailbox, factory: MessageFactory, history: History
  ) throws(KernelError) {
    self.interpreter = interpreter
    self.mailbox = mailbox
    self.factory = factory
    self.history = history
    tasks = try TaskQueue()
    try WorkerThread.start(stackBytes: 64 << 20) { [self] in run() }
  }

  /// Has a question answered; the reply and `idle` come through the mailbox.
  func answer(_ question: Question, identities: [[UInt8]], parent: [UInt8]) {
    tasks.post(.answer(question, identities: identities, parent: parent))
  }

  /// Has new lines of the history written.
  func saveHistory() { tasks.post(.saveHistory) }

  /// Ends the thread.
  func end() { tasks.post(.end) }

  private func run() {
    while true {
      for task in tasks.take() {
        switch task {
        case .answer(let question, let identities, let parent):
          let (type, content) = answer(question)
          mailbox.post(
            .answered(
              reply: factory.reply(type, content, identities: identities, parent: parent),
              idle: factory.status(.idle, parent: parent)))
        case .saveHistory: history.save()
        case .end: return
        }
      }
    }
  }

  private func answer(_ question: Question) -> (type: String, content: JSONObject) {
    switch question {
    case .complete(let request):
      ("complete_reply", interpreter.complete(request).content)
    case .inspect(let request):
      ("inspect_reply", interpreter.inspect(request).content)
    case .isComplete(let request):
      ("is_complete_reply", interpreter.isComplete(request.code).content)
    case .history(let request, let session):
      ("history_reply", history.answer(request, session: session).content)
    }
  }
}
