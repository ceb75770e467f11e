public import DataFormats
public import JupyterProtocol
import Synchronization

/// Collects what a cell sends, where no front end is: for running notebooks from the command line.
public final class RecordedCellOutput: CellOutput {
  private let executionCount: Int
  private let record = Mutex(CellOutputRecord())
  private let foreignUpdate: (@Sendable (MIMEBundle, String) -> Void)?
  private let echo: (@Sendable (StreamName, String) -> Void)?

  /// Makes an empty record of a cell.
  ///
  /// - Parameters:
  ///   - executionCount: the cell's number.
  ///   - echo: is given text as it is written.
  ///   - foreignUpdate: is given updates of what this cell didn't show: an earlier cell's.
  public init(
    executionCount: Int, echo: (@Sendable (StreamName, String) -> Void)? = nil,
    foreignUpdate: (@Sendable (MIMEBundle, String) -> Void)? = nil
  ) {
    self.executionCount = executionCount
    self.echo = echo
    self.foreignUpdate = foreignUpdate
  }

  /// What was sent so far.
  public var recorded: CellOutputRecord { record.withLock { $0 } }

  /// Adds text.
  public func stream(_ name: StreamName, _ text: String) {
    record.withLock { $0.stream(name, text) }
    echo?(name, text)
  }

  /// Adds something shown.
  public func display(_ bundle: MIMEBundle, identifier: String?) {
    record.withLock { $0.display(bundle, identifier: identifier) }
  }

  /// Replaces what was shown under an identifier.
  public func update(_ bundle: MIMEBundle, identifier: String) {
    if !record.withLock({ $0.update(bundle, identifier: identifier) }) {
      foreignUpdate?(bundle, identifier)
    }
  }

  /// Replaces what this cell showed under an identifier, for a later cell.
  public func updateFromLaterCell(_ bundle: MIMEBundle, identifier: String) {
    _ = record.withLock { $0.update(bundle, identifier: identifier) }
  }

  /// Adds the cell's value.
  public func result(_ bundle: MIMEBundle, identifier: String?) {
    record.withLock { $0.result(bundle, identifier: identifier, executionCount: executionCount) }
  }

  /// Adds why the cell failed.
  public func error(_ error: ErrorContent) { record.withLock { $0.error(error) } }

  /// Removes what was sent.
  public func clear(wait: Bool) { record.withLock { $0.clear(wait: wait) } }

  /// There is nobody to ask.
  public func readLine(prompt: String, isPassword: Bool) throws(InputError) -> String {
    throw .notAllowed
  }

  /// Gives an id; nobody hears of the comm.
  public func openComm(
    target: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]]
  ) -> String { Identifier.random() }

  /// Does nothing.
  public func sendComm(
    _ identifier: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]]
  ) {}

  /// Does nothing.
  public func closeComm(_ identifier: String, data: JSONObject) {}
}
