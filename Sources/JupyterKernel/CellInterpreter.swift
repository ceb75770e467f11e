public import DataFormats
public import JupyterProtocol

/// What a language gives to be served as a Jupyter kernel.
///
/// `execute` and the comm methods block and run on an execution thread with a large stack: one
/// thread for the main shell and one for each subshell, so that two executions may run at once, in
/// different shells. `complete`, `inspect` and `isComplete` are called on a thread of their own
/// while cells run: they must be quick, and must not wait for an execution.
public protocol CellInterpreter: Sendable {
  /// What the kernel says about itself and its language.
  var information: KernelInformation { get }

  /// The comm targets that a front end may open; a comm of another target is closed at once.
  var commTargets: [String] { get }

  /// Runs one cell to its end and says how it ended.
  ///
  /// Output is sent while the cell runs. An interrupt sets `request.interruption`; the cell is then
  /// expected to end within 100 ms with `.interrupted`.
  func execute(_ request: ExecutionRequest, output: any CellOutput) -> ExecutionOutcome

  /// What could be written at the cursor; positions count Unicode scalars.
  func complete(_ request: CompleteRequest) -> CompleteReply

  /// What stands at the cursor, explained; positions count Unicode scalars.
  func inspect(_ request: InspectRequest) -> InspectReply

  /// Whether a text is a whole cell, or wants another line.
  func isComplete(_ code: String) -> IsCompleteReply

  /// A front end opened a comm of one of `commTargets`.
  func commOpened(_ event: CommEvent, output: any CellOutput)

  /// A front end sent data to an open comm, whichever side opened it.
  func commReceived(_ event: CommEvent, output: any CellOutput)

  /// A front end closed a comm.
  func commClosed(_ event: CommEvent, output: any CellOutput)

  /// A subshell was deleted; what is kept for it can go.
  func subshellDeleted(_ identifier: String)

  /// The kernel ends; called once, on the thread that serves, after running cells were interrupted.
  func shutdown(restart: Bool)
}

extension CellInterpreter {
  /// No targets.
  public var commTargets: [String] { [] }
  /// Does nothing.
  public func commOpened(_ event: CommEvent, output: any CellOutput) {}
  /// Does nothing.
  public func commReceived(_ event: CommEvent, output: any CellOutput) {}
  /// Does nothing.
  public func commClosed(_ event: CommEvent, output: any CellOutput) {}
  /// Does nothing.
  public func subshellDeleted(_ identifier: String) {}
  /// Does nothing.
  public func shutdown(restart: Bool) {}
}

/// One cell to run, with what is known about who asked for it.
public struct ExecutionRequest: Sendable {
  /// The cell's text.
  public var code: String
  /// Whether nothing is shown and nothing counted.
  public var isSilent: Bool
  /// Whether the cell is counted and kept in the history.
  public var storesHistory: Bool
  /// Whether `CellOutput.readLine` may ask the user.
  public var allowsStandardInput: Bool
  /// Expressions to evaluate after the cell succeeded.
  public var userExpressions: [UserExpression]
  /// The number shown as `In [n]`; the kernel counts, per shell.
  public var executionCount: Int
  /// The subshell that runs the cell, `nil` for the main shell.
  public var subshell: String?
  /// The header of the execute request (the parent of all that the cell sends).
  public var parent: Header
  /// The notebook's id of the cell, where the front end sends it.
  public var cellIdentifier: String?
  /// Set when the user interrupts this execution.
  public var interruption: Interruption

  /// Makes a request, also outside a kernel.
  public init(
    code: String, isSilent: Bool = false, storesHistory: Bool = true,
    allowsStandardInput: Bool = false, userExpressions: [UserExpression] = [],
    executionCount: Int = 1, subshell: String? = nil,
    parent: Header = Header(type: "execute_request", session: "local", identifier: "local"),
    cellIdentifier: String? = nil, interruption: Interruption = Interruption()
  ) {
    self.code = code
    self.isSilent = isSilent
    self.storesHistory = storesHistory
    self.allowsStandardInput = allowsStandardInput
    self.userExpressions = userExpressions
    self.executionCount = executionCount
    self.subshell = subshell
    self.parent = parent
    self.cellIdentifier = cellIdentifier
    self.interruption = interruption
  }
}

/// How a cell ended.
public enum ExecutionOutcome: Sendable {
  /// It ran to its end.
  ///
  /// `payload` holds the deprecated but common extras of an execute reply, such as the pager's
  /// `{"source": "page", "data": {…}, "start": 0}`.
  case ok(userExpressions: [UserExpressionResult] = [], payload: [JSONObject] = [])
  /// It failed; shown to the user as `traceback` (whole lines, may hold ANSI colours).
  case error(name: String, message: String, traceback: [String])
  /// It stopped because `ExecutionRequest.interruption` was requested.
  case interrupted
}

/// Where a running cell sends what it shows; every method may be called on any thread.
///
/// After the execution returned, calls are still sent, under the cell that made them.
public protocol CellOutput: Sendable {
  /// Writes text; pieces are gathered for some 50 ms, and none is lost.
  func stream(_ name: StreamName, _ text: String)

  /// Shows something; with an identifier it can be replaced by `update`.
  func display(_ bundle: MIMEBundle, identifier: String?)

  /// Replaces what was shown under an identifier.
  ///
  /// At most ten a second are sent per identifier; the last one always is, before the cell ends.
  func update(_ bundle: MIMEBundle, identifier: String)

  /// Shows the cell's value, under `Out[n]`; a silent execution shows none.
  func result(_ bundle: MIMEBundle, identifier: String?)

  /// Clears the cell's output, at once or, with `wait`, when the next output comes.
  func clear(wait: Bool)

  /// Asks the user for a line and blocks until it comes.
  ///
  /// - Throws: `InputError.notAllowed` at once where the front end takes no input,
  ///   `.interrupted` when the user interrupts.
  func readLine(prompt: String, isPassword: Bool) throws(InputError) -> String

  /// Opens a comm to the front end and gives its id.
  func openComm(target: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]])
    -> String

  /// Sends data over an open comm.
  func sendComm(_ identifier: String, data: JSONObject, metadata: JSONObject, buffers: [[UInt8]])

  /// Closes a comm.
  func closeComm(_ identifier: String, data: JSONObject)
}

extension CellOutput {
  /// Shows the cell's value without an identifier.
  public func result(_ bundle: MIMEBundle) { result(bundle, identifier: nil) }
  /// Shows something that isn't replaced later.
  public func display(_ bundle: MIMEBundle) { display(bundle, identifier: nil) }
}

/// Why no line could be read from the user.
public enum InputError: Error, Sendable, Equatable, CustomStringConvertible {
  case notAllowed
  case interrupted

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .notAllowed: "This front end takes no input, so the cell can't ask for a line."
    case .interrupted: "Waiting for input was interrupted."
    }
  }
}

/// Something that happened on a comm.
public struct CommEvent: Sendable {
  /// The comm's id.
  public var identifier: String
  /// What the comm is for, such as `jupyter.widget`.
  public var target: String
  /// The message's data.
  public var data: JSONObject
  /// The message's metadata.
  public var metadata: JSONObject
  /// Binary data that came with the message.
  public var buffers: [[UInt8]]
  /// The subshell that handles the event, `nil` for the main shell.
  public var subshell: String?
  /// The header of the message.
  public var parent: Header
  /// Set when the user interrupts what the interpreter does about the event.
  public var interruption: Interruption

  /// Makes an event.
  public init(
    identifier: String, target: String, data: JSONObject = JSONObject(),
    metadata: JSONObject = JSONObject(), buffers: [[UInt8]] = [], subshell: String? = nil,
    parent: Header = Header(type: "comm_msg", session: "local", identifier: "local"),
    interruption: Interruption = Interruption()
  ) {
    self.interruption = interruption
    self.identifier = identifier
    self.target = target
    self.data = data
    self.metadata = metadata
    self.buffers = buffers
    self.subshell = subshell
    self.parent = parent
  }
}
