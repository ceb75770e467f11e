import Glibc
public import JupyterProtocol

/// How a kernel came to its end.
public enum KernelExit: Sendable, Equatable {
  /// A client asked for it.
  case shutdown(restart: Bool)
  /// SIGTERM, SIGHUP or `KernelServer.stop()`.
  case stopped
  /// The process that started the kernel is gone.
  case parentEnded
}

/// What may be chosen about a kernel's server.
public struct KernelOptions: Sendable {
  /// Where the history is kept; `nil` keeps it in memory only.
  public var historyPath: String? = HistoryFile.defaultPath()
  /// Whether SIGINT interrupts and SIGTERM and SIGHUP end the kernel; for one server of a process.
  public var handlesSignals = true
  /// Whether the kernel ends when the process named by `JPY_PARENT_PID` does.
  public var watchesParent = true
  /// How large a message may be.
  public var limits = WireFormat.Limits()
  /// How many seconds a running cell has to stop once the kernel ends.
  public var gracePeriod = 0.8

  /// The usual choices.
  public init() {}
}

/// Serves an interpreter to Jupyter's front ends.
///
/// A program that is a kernel needs no more than this, with the file that the front end names in
/// the place of `{connection_file}`:
///
/// ```swift
/// _exit(KernelServer.serve(connectionFile: CommandLine.arguments[1], interpreter: MyLanguage()))
/// ```
///
/// Messaging protocol 5.5 with subshells (JEP 91), control channel (JEP 80), and the welcome of the
/// broadcast channel (JEP 65); tcp and ipc; CurveZMQ where the connection file has keys.
public final class KernelServer: Sendable {
  private let connection: ConnectionFile
  private let interpreter: any CellInterpreter
  private let options: KernelOptions
  private let mailbox: Mailbox

  /// How many bytes of stack each thread has that runs cells; they are taken as they are used.
  public static let executionStackByteCount = 272 << 20

  /// Makes a server that doesn't listen yet.
  public init(
    connection: ConnectionFile, interpreter: any CellInterpreter,
    options: KernelOptions = KernelOptions()
  ) throws(KernelError) {
    self.connection = connection
    self.interpreter = interpreter
    self.options = options
    mailbox = try Mailbox()
  }

  /// Listens, serves on the calling thread until the kernel ends, and closes everything.
  ///
  /// A cell that doesn't stop in time may still be computing on its thread afterwards; end the
  /// process with `_exit`, which doesn't wait for it. Runs once.
  ///
  /// - Throws: `KernelError`, where an address can't be used.
  public func run() throws(KernelError) -> KernelExit {
    try checkPorts()
    let context = try ZeroMQContext()
    var heartbeat: Heartbeat?
    defer {
      heartbeat?.end()
      context.stop()
      context.terminate()
      removeSocketFiles()
    }
    return try serve(context, &heartbeat)
  }

  /// Serves; every socket but the heartbeat's is closed on return.
  ///
  /// The clients' first requests come in milliseconds after the start, and one that finds a door
  /// closed tries again only after a tenth of a second: so requests can come in before the rest.
  private func serve(_ context: ZeroMQContext, _ heartbeat: inout Heartbeat?)
    throws(KernelError) -> KernelExit
  {
    let loop = try ServerLoop(
      context: context, connection: connection, interpreter: interpreter, options: options,
      mailbox: mailbox)
    do throws(KernelError) {
      heartbeat = try Heartbeat(context: context, connection: connection)
    } catch {
      loop.endThreads()
      throw error
    }
    return loop.run()
  }

  /// Ends the kernel, from any thread.
  public func stop() { mailbox.post(.stop) }

  /// Interrupts what runs, from any thread.
  public func interrupt() { mailbox.post(.interrupt) }

  private func checkPorts() throws(KernelError) {
    let ports = connection.ports
    guard connection.transport == .tcp else { return }
    for (purpose, port) in [
      ("shell", ports.shell), ("control", ports.control), ("iopub", ports.inputOutput),
      ("stdin", ports.standardInput), ("heartbeat", ports.heartbeat),
    ] where port == 0 {
      throw .portNotChosen(purpose: purpose)
    }
  }

  private func removeSocketFiles() {
    let ports = connection.ports
    for port in [
      ports.shell, ports.control, ports.inputOutput, ports.standardInput, ports.heartbeat,
    ] {
      if let path = connection.socketPath(port: port) { _ = unsafe unlink(path) }
    }
  }
}

extension KernelServer {
  /// Serves an interpreter at the addresses of a connection file and gives the exit status.
  ///
  /// What goes wrong is said in one sentence on standard error. The caller should end the process
  /// with `_exit(status)`.
  public static func serve(
    connectionFile path: String, interpreter: any CellInterpreter,
    options: KernelOptions = KernelOptions()
  ) -> Int32 {
    do throws(KernelError) {
      let bytes = try SmallFile.read(path)
      let connection: ConnectionFile
      do throws(ConnectionFileError) {
        connection = try ConnectionFile(parsing: bytes)
      } catch {
        StandardError.write("\(error)")
        return 78
      }
      let exit = try KernelServer(
        connection: connection, interpreter: interpreter, options: options
      ).run()
      // Who wrote the file, which holds the key, is gone and can't remove it any more.
      if exit == .parentEnded { _ = unsafe unlink(path) }
      return 0
    } catch {
      StandardError.write("\(error)")
      return error.exitStatus
    }
  }
}
