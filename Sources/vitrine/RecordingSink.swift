import DataFormats
import Interpreter
import JupyterKernel
import JupyterProtocol
import Synchronization

/// Keeps a cell's output as a notebook does and, where that is asked for, prints it as it comes.
final class RecordingSink: OutputSink {
  private let record = Mutex(CellOutputRecord())
  private let executionCount: Int
  private let prints: Bool

  /// A sink for the cell of a number.
  init(executionCount: Int, prints: Bool) {
    self.executionCount = executionCount
    self.prints = prints
  }

  /// The outputs so far in nbformat's form.
  var outputs: [JSONObject] { record.withLock { $0.outputs } }

  func stream(_ stream: OutputStream, _ text: String) {
    record.withLock {
      $0.stream(stream == .standardOutput ? .standardOutput : .standardError, text)
    }
    guard prints else { return }
    if stream == .standardOutput { print(text, terminator: "") } else { StandardError.write(text) }
  }

  func display(_ bundle: MIMEBundle, identifier: String?) {
    record.withLock { $0.display(bundle, identifier: identifier) }
    // What is replaced later, such as a bar of progress, isn't for a log.
    if prints, identifier == nil, let text = bundle.plainText { print(text) }
  }

  func update(_ bundle: MIMEBundle, identifier: String) {
    _ = record.withLock { $0.update(bundle, identifier: identifier) }
  }

  func result(_ bundle: MIMEBundle) {
    record.withLock { $0.result(bundle, executionCount: executionCount) }
    if prints, let text = bundle.plainText { print(text) }
  }

  func clear(wait: Bool) { record.withLock { $0.clear(wait: wait) } }

  func readLine(prompt: String, isPassword: Bool) throws -> String { throw InputError.notAllowed }

  /// Records why the cell failed, and says it on standard error.
  func fail(_ outcome: ExecutionOutcome, _ file: String) {
    guard case .error(let name, let message, let traceback) = outcome else { return }
    record.withLock {
      $0.error(ErrorContent(name: name, message: message, traceback: traceback))
    }
    StandardError.write(
      "\(file), cell \(executionCount):\n\(traceback.joined(separator: "\n"))\n")
  }
}
