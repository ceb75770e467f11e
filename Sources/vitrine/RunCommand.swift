import FoundationEssentials
import Glibc
import Interpreter
import JupyterKernel
import JupyterProtocol
import Workbench

/// `vitrine run`: runs a script or a notebook from top to bottom without Jupyter.
enum RunCommand {
  static let usage = """
    vitrine run FILE [-p NAME=VALUE]… [-o OUT]

      Runs FILE, a script (.vit, cells divided by lines that begin with `# %%`) or a notebook
      (.ipynb), from top to bottom.

      -p NAME=VALUE  a value for `param NAME = …` in FILE; may come several times
      -o OUT         where the results go: .ipynb (a notebook), .html (a page), .md, or .json;
                     without it, plain text goes to standard output

      A cell that fails ends the run: its diagnostic goes to standard error, what ran is written,
      and the exit status is 1. Control-C interrupts the cell.
    """

  static func run(_ arguments: [String]) throws {
    let arguments = try CommandLineArguments(
      arguments, valued: [["-p", "--parameter"], ["-o", "--output"]])
    guard arguments.positionals.count == 1, let path = arguments.positionals.first else {
      throw UsageError("run takes one FILE: a .vit script or an .ipynb notebook.")
    }
    let format = try arguments.value("--output").map { try ResultFormat(path: $0) }
    var experiment = try Experiment(path: path)
    let overrides = ParameterOverrides(texts: try parameters(arguments.values("--parameter")))
    let session = Workbench.makeSession(shippedModels: ShippedModels.folders)
    InterruptSignal.interrupts { session.interrupt() }
    let failed = experiment.run(
      in: session, parameters: overrides, printsResults: format == nil)
    for name in overrides.unusedNames {
      StandardError.write(
        "vitrine: no `param \(name) = …` in \(path) takes the value of -p \(name).\n")
    }
    if let format, let output = arguments.value("--output") {
      try writeFile(format.bytes(of: experiment), to: output)
    }
    if failed { exit(1) }
  }

  private static func parameters(
    _ texts: [String]
  ) throws(UsageError) -> [(name: String, text: String)] {
    var parameters: [(name: String, text: String)] = []
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw UsageError("-p takes NAME=VALUE, and “\(text)” has no “=”.")
      }
      parameters.append((String(parts[0]), String(parts[1])))
    }
    return parameters
  }
}

/// A script or a notebook with the outputs of its cells.
struct Experiment {
  /// The file's name without its folder.
  let name: String
  /// The notebook that was read or made of the script's cells.
  var notebook: Notebook

  /// Reads a script or a notebook.
  init(path: String) throws(UsageError) {
    name = path.split(separator: "/").last.map(String.init) ?? path
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UsageError("\(path) can't be read; is there such a file?")
    }
    if path.hasSuffix(".ipynb") {
      do {
        notebook = try Notebook(parsing: [UInt8](data))
      } catch {
        throw UsageError("\(path): \(error)")
      }
      return
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw UsageError("\(path) is not UTF-8 text, so it is no script.")
    }
    notebook = Notebook(
      cells: ScriptCells.split(text).map { NotebookCell(kind: .code, source: $0) },
      kernelName: "vitrine", displayName: "Vitrine", language: NotebookInterpreter.language)
  }

  /// Runs all code cells until one fails.
  ///
  /// - Returns: whether one failed or was interrupted.
  mutating func run(
    in session: Session, parameters: ParameterOverrides, printsResults: Bool
  ) -> Bool {
    var cells = notebook.cells
    var count = 0
    var failed = false
    for index in cells.indices where cells[index].kind == .code {
      guard !failed else {
        cells[index].outputs = []
        cells[index].executionCount = nil
        continue
      }
      guard !cells[index].source.allSatisfy(\.isWhitespace) else { continue }
      count += 1
      let sink = RecordingSink(executionCount: count, prints: printsResults)
      let progress = TerminalProgress()
      let outcome = session.execute(
        cells[index].source, executionCount: count, output: sink, progress: progress,
        parameters: parameters)
      progress.clear()
      switch outcome {
      case .ok: break
      case .failed(let diagnostics):
        failed = true
        sink.fail(NotebookInterpreter.failure(diagnostics, source: cells[index].source), name)
      case .interrupted:
        failed = true
        sink.fail(
          .error(
            name: "interrupted", message: "The cell was interrupted.",
            traceback: ["The cell was interrupted."]), name)
      }
      cells[index].outputs = sink.outputs
      cells[index].executionCount = count
    }
    notebook.cells = cells
    return failed
  }
}
