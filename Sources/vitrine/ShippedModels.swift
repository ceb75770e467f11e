import FoundationEssentials

/// Where the models lie that come with Vitrine: beside the kernel, or in the repository that the program was
/// built in.
enum ShippedModels {
  /// The folder's name, beside `kernel.json`.
  static let name = "models"

  /// The folders in which models may lie, those of the program that runs first.
  static let folders: [String] = {
    var candidates: [String] = []
    if let program = programPath() {
      var folder = parent(of: program)
      candidates.append(parent(of: folder) + "/share/jupyter/kernels/vitrine/" + name)
      for _ in 0..<4 {
        folder = parent(of: folder)
        candidates.append(folder + "/Kernelspec/" + name)
      }
    }
    candidates.append(InstallCommand.userData + "/kernels/vitrine/" + name)
    return candidates.filter { FileManager.default.fileExists(atPath: $0) }
  }()

  /// Copies the models beside a `kernel.json` to another; what was there is replaced.
  static func install(from template: String, to folder: String) throws {
    let files = FileManager.default
    let source = template + "/" + name
    guard template != folder, files.fileExists(atPath: source) else { return }
    let destination = folder + "/" + name
    if files.fileExists(atPath: destination) { try files.removeItem(atPath: destination) }
    try files.copyItem(atPath: source, toPath: destination)
  }
}
