import Checkpoints
import FoundationEssentials

/// Where models lie on this computer, and which one a name means.
///
/// Looked through in this order: the folders of `VITRINE_MODELS` (divided by `:`), Vitrine's own
/// cache folder, the folders of the models that come with Vitrine, and the cache of Hugging Face's libraries
/// (`HF_HUB_CACHE`, `HF_HOME`).
struct ModelLibrary: Sendable {
  /// A model that was found: its name and its folder.
  struct Entry: Sendable, Hashable {
    /// What `load` takes.
    let name: String
    /// The folder that holds its files.
    let path: String
  }

  /// The names of which the first that is there is the model that is resident without a `load`.
  static let firstModelNames = ["specimen", "all-MiniLM-L6-v2"]

  private let modelFolders: [String]
  private let hubFolder: String
  private let home: String
  /// Where models are kept that a session makes and no one gave a place.
  let temporaryFolder: String

  /// The library of a process with these environment variables.
  ///
  /// - Parameter shipped: folders of models that come with the program.
  init(
    environment: [String: String] = ProcessInfo.processInfo.environment, shipped: [String] = []
  ) {
    home = environment["HOME"] ?? "/root"
    temporaryFolder =
      environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 }
      ?? FileManager.default.temporaryDirectory.path
    let cache = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.cache"
    let given = (environment["VITRINE_MODELS"] ?? "").split(separator: ":").map(String.init)
    modelFolders = given + [cache + "/vitrine/models"] + shipped
    hubFolder =
      environment["HF_HUB_CACHE"]
      ?? environment["HF_HOME"].map { $0 + "/hub" } ?? cache + "/huggingface/hub"
  }

  /// The models that can be loaded by name, sorted by name.
  func entries() -> [Entry] {
    var entries: [Entry] = []
    for folder in modelFolders {
      for name in names(in: folder) where isModel(folder + "/" + name) {
        entries.append(Entry(name: name, path: folder + "/" + name))
      }
    }
    for name in names(in: hubFolder) where name.hasPrefix("models--") {
      let repository = name.dropFirst("models--".count).replacing("--", with: "/")
      entries.append(Entry(name: String(repository), path: hubFolder + "/" + name))
    }
    var seen: Set<String> = []
    return entries.filter { seen.insert($0.name).inserted }
  }

  /// The path that a name or path means: an existing file or folder, else a model of the library.
  ///
  /// - Returns: `nil` where there is neither.
  func path(for given: String) -> String? {
    let expanded = given.hasPrefix("~/") ? home + given.dropFirst(1) : given
    if FileManager.default.fileExists(atPath: expanded) { return expanded }
    let entries = entries()
    if let exact = entries.first(where: { $0.name == given }) { return exact.path }
    let byLastPart = entries.filter { $0.name.split(separator: "/").last.map(String.init) == given }
    return byLastPart.count == 1 ? byLastPart[0].path : nil
  }

  /// The folder of the model that is resident without a `load`, or `nil` where it isn't there.
  func firstModelPath() -> String? {
    Self.firstModelNames.lazy.flatMap { name in modelFolders.map { $0 + "/" + name } }
      .first(where: isModel)
  }

  /// The folder that holds a model's files: of a folder in Hugging Face's cache the snapshot.
  static func folder(of path: String) -> String {
    (try? ModelFolder(path: path))?.path ?? path
  }

  /// A path with the user's home folder written as `~`, so that a shared notebook doesn't tell it.
  static func shortened(_ path: String) -> String {
    guard let home = ProcessInfo.processInfo.environment["HOME"], home.count > 1,
      path.hasPrefix(home + "/")
    else { return path }
    return "~" + path.dropFirst(home.count)
  }

  private func isModel(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/config.json")
      || FileManager.default.fileExists(atPath: folder + "/snapshots")
  }

  private func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }
}
