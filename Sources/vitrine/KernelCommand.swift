import Glibc
import Interpreter
import JupyterKernel
import Workbench

/// `vitrine kernel`: serves Jupyter's front ends until they end it.
enum KernelCommand {
  static let usage = """
    vitrine kernel --connection-file FILE

      Serves one Jupyter kernel at the addresses that FILE gives; Jupyter starts it so.
    """

  static func run(_ arguments: [String]) throws {
    let arguments = try CommandLineArguments(
      arguments, valued: [["-f", "--connection-file"]])
    guard let file = arguments.value("--connection-file") ?? arguments.positionals.first else {
      throw UsageError("kernel needs --connection-file FILE.")
    }
    // The threads of the kernel that run cells have the stack that cells need.
    let session = Workbench.makeSession(
      shippedModels: ShippedModels.folders,
      usesCallersStack: KernelServer.executionStackByteCount > Session.requiredStackByteCount)
    let status = KernelServer.serve(
      connectionFile: file, interpreter: NotebookInterpreter(session))
    // A cell that still computes must not hold the process back.
    _exit(status)
  }
}
