import Glibc
import Workbench

/// The commands of the program.
enum CommandLineTool {
  static let usage = """
    Vitrine \(Workbench.version): look inside language models, in Jupyter and from the command line.

    \(RunCommand.usage)

    \(KernelCommand.usage)

    \(InstallCommand.usage)

    \(TrainCommand.usage)

    \(BenchCommand.usage)

    \(DocCommand.usage)
    """

  /// Runs the command that the first argument names.
  static func run(_ arguments: [String]) throws {
    let rest = Array(arguments.dropFirst())
    if let usage = usage(of: arguments.first), rest.contains("--help") || rest.contains("-h") {
      print(usage)
      return
    }
    switch arguments.first {
    case "kernel": try KernelCommand.run(rest)
    case "install": try InstallCommand.run(rest)
    case "run": try RunCommand.run(rest)
    case "train": try TrainCommand.run(rest)
    case "bench": try BenchCommand.run(rest)
    case "doc": try DocCommand.run(rest)
    case "--version", "version": print("vitrine \(Workbench.version)")
    case "--help", "-h", "help", nil: print(usage)
    case let other?:
      throw UsageError(
        "“\(other)” is no command of vitrine; there are kernel, install, run, train, bench and doc."
      )
    }
  }

  private static func usage(of command: String?) -> String? {
    switch command {
    case "kernel": KernelCommand.usage
    case "install": InstallCommand.usage
    case "run": RunCommand.usage
    case "train": TrainCommand.usage
    case "bench": BenchCommand.usage
    case "doc": DocCommand.usage
    default: nil
    }
  }
}

/// The stream for what goes wrong.
enum StandardError {
  /// Writes a text to standard error.
  static func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
