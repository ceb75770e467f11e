import DataFormats
import FoundationEssentials

/// `vitrine install`: copies the program and registers it as a Jupyter kernel.
///
/// The kernelspec is the template `kernel.json` with the installed program's path put in place of
/// the first word of `argv`. Jupyter looks for kernelspecs in the data folders that
/// https://jupyter-client.readthedocs.io/en/stable/kernels.html lists.
enum InstallCommand {
  static let usage = """
    vitrine install [--user | --prefix DIR] [--kernelspec DIR]

      --user            for this user alone (the default): ~/.local, or where JUPYTER_DATA_DIR says
      --prefix DIR      into DIR/bin and DIR/share/jupyter, for example a virtual environment
      --kernelspec DIR  the folder that holds kernel.json and the logos; by default Kernelspec in
                        the current folder, or the folder of an earlier installation
    """

  static func run(_ arguments: [String]) throws {
    let arguments = try CommandLineArguments(
      arguments, valued: [["--prefix"], ["--kernelspec"]], flags: ["--user"])
    if let stray = arguments.positionals.first {
      throw UsageError("install takes no file, and “\(stray)” was given.")
    }
    if arguments.has("--user"), arguments.value("--prefix") != nil {
      throw UsageError("Give either --user or --prefix, not both.")
    }
    let template = try findTemplate(arguments.value("--kernelspec"))
    let (programFolder, dataFolder) = folders(prefix: arguments.value("--prefix"))
    let program = programFolder + "/vitrine"
    let kernelspec = dataFolder + "/kernels/vitrine"
    do {
      try installProgram(at: program)
      try installKernelspec(from: template, to: kernelspec, program: program)
    } catch let error as CocoaError {
      throw UsageError("The kernel can't be installed into \(dataFolder): \(reason(of: error)).")
    }
    print("Installed the kernel “Vitrine” in \(kernelspec); its program is \(program).")
  }

  /// Where the program and Jupyter's data go.
  private static func folders(prefix: String?) -> (program: String, data: String) {
    if let prefix {
      let absolute = absolutePath(prefix)
      return (absolute + "/bin", absolute + "/share/jupyter")
    }
    let environment = ProcessInfo.processInfo.environment
    let home = environment["HOME"] ?? "/root"
    let data =
      environment["JUPYTER_DATA_DIR"]
      ?? (environment["XDG_DATA_HOME"] ?? home + "/.local/share") + "/jupyter"
    return (home + "/.local/bin", absolutePath(data))
  }

  private static func findTemplate(_ given: String?) throws(UsageError) -> String {
    var candidates: [String] = []
    if let given {
      candidates = [absolutePath(given)]
    } else {
      candidates.append(absolutePath("Kernelspec"))
      if let program = programPath() {
        var folder = parent(of: program)
        candidates.append(parent(of: folder) + "/share/jupyter/kernels/vitrine")
        for _ in 0..<4 {
          folder = parent(of: folder)
          candidates.append(folder + "/Kernelspec")
        }
      }
      let data = folders(prefix: nil).data
      candidates.append(data + "/kernels/vitrine")
    }
    for candidate in candidates
    where FileManager.default.fileExists(atPath: candidate + "/kernel.json") {
      return candidate
    }
    throw UsageError(
      "No kernel.json was found in \(candidates.joined(separator: ", ")); "
        + "name its folder with --kernelspec.")
  }

  /// Puts the running program at its place; a program that is already there, and may be running,
  /// is replaced and not written over.
  private static func installProgram(at destination: String) throws {
    guard let source = programPath() else {
      throw UsageError("The program can't find its own file, so it can't be copied.")
    }
    let files = FileManager.default
    try files.createDirectory(atPath: parent(of: destination), withIntermediateDirectories: true)
    guard source != destination else { return }
    let fresh = destination + ".new"
    if files.fileExists(atPath: fresh) { try files.removeItem(atPath: fresh) }
    try files.copyItem(atPath: source, toPath: fresh)
    try replace(destination, with: fresh)
  }

  private static func installKernelspec(
    from template: String, to folder: String, program: String
  ) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let text = try Data(contentsOf: URL(filePath: template + "/kernel.json"))
    let specification: JSON
    do {
      specification = try JSON(parsing: [UInt8](text))
    } catch {
      throw UsageError("\(template)/kernel.json is not JSON (at byte \(error.offset)).")
    }
    guard var object = specification.object, var command = object["argv"]?.array, !command.isEmpty
    else {
      throw UsageError("\(template)/kernel.json has no list “argv”, the command that is run.")
    }
    command[0] = .string(program)
    object["argv"] = .array(command)
    let output = folder + "/kernel.json"
    let bytes = JSON.object(object).serializedBytes(indentation: 1) + [0x0A]
    try Data(bytes).write(to: URL(filePath: output), options: .atomic)
    guard template != folder else { return }
    for name in ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]
    where files.fileExists(atPath: template + "/" + name) {
      let copy = folder + "/" + name
      if files.fileExists(atPath: copy) { try files.removeItem(atPath: copy) }
      try files.copyItem(atPath: template + "/" + name, toPath: copy)
    }
    try ShippedModels.install(from: template, to: folder)
  }

  /// Where Jupyter keeps a user's data.
  static var userData: String { folders(prefix: nil).data }

  private static func replace(_ destination: String, with fresh: String) throws {
    let files = FileManager.default
    if files.fileExists(atPath: destination) { try files.removeItem(atPath: destination) }
    try files.moveItem(atPath: fresh, toPath: destination)
  }

  private static func reason(of error: CocoaError) -> String {
    switch error.code {
    case .fileWriteNoPermission, .fileReadNoPermission: "writing there isn't permitted"
    case .fileWriteOutOfSpace: "the disk is full"
    case .fileNoSuchFile, .fileReadNoSuchFile: "a file that was to be copied is missing"
    default: "the system answered with error \(error.code.rawValue)"
    }
  }
}

/// The absolute path of the running program, as the system knows it.
func programPath() -> String? {
  try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
}

/// The path of the folder that holds a file or folder.
func parent(of path: String) -> String {
  let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
  let joined = parts.joined(separator: "/")
  return joined.isEmpty ? "/" : joined
}

/// A path from the root; a relative one starts from the current folder.
func absolutePath(_ path: String) -> String {
  var full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  while full.count > 1, full.hasSuffix("/") { full.removeLast() }
  return full
}
