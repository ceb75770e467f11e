/// Where a model's files lie: a plain folder, a Hugging Face cache folder, or one weights file.
///
/// A cache folder `models--owner--name` keeps its files in `snapshots/<revision>/`, as symbolic
/// links to blobs; `refs/main` names the revision that is current.
public struct ModelFolder: Sendable {
  /// The folder that holds `config.json` and the weights.
  public let path: String
  /// What the model is called: the folder's name, the repository's name for a cache folder, or the
  /// name of the weights file without its extension.
  public let name: String
  /// The one weights file that was asked for, or `nil` where the folder was.
  public let weightsFile: String?

  /// Finds the files of the model at a path.
  ///
  /// - Throws: `CheckpointError` where there is nothing, or several snapshots and no chosen one.
  public init(path given: String) throws(CheckpointError) {
    var path = given
    while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
    guard let kind = FileSystem.kind(of: path) else { throw .notFound(path: given) }
    if kind != .folder {
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      let folder = parts.dropLast().joined(separator: "/")
      self.path = parts.count == 1 ? "." : (folder.isEmpty ? "/" : folder)
      weightsFile = path
      let file = fileName(of: path)
      name =
        file == "model.safetensors" && parts.count > 1
        ? Self.name(ofFolder: self.path)
        : GGUFPart.place(inName: file)?.stem ?? Self.withoutExtension(file)
      return
    }
    weightsFile = nil
    self.path = try Self.snapshot(in: path) ?? path
    name = Self.name(ofFolder: self.path)
  }

  /// Whether the folder holds a file of this name.
  public func contains(_ name: String) -> Bool { FileSystem.kind(of: file(name)) == .file }

  /// The path of a file in the folder.
  public func file(_ name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

  /// The bytes of a small file in the folder.
  ///
  /// - Throws: `CheckpointError` where it is missing, can't be read or has more than `limit` bytes.
  public func read(_ name: String, limit: Int = 100_000_000) throws(CheckpointError) -> [UInt8] {
    try FileSystem.read(file(name), limit: limit)
  }

  /// The snapshot's path inside a cache folder, or `nil` where the folder isn't one.
  private static func snapshot(in folder: String) throws(CheckpointError) -> String? {
    let snapshots = "\(folder)/snapshots"
    guard FileSystem.kind(of: "\(folder)/config.json") == nil,
      FileSystem.kind(of: snapshots) == .folder
    else { return nil }
    if FileSystem.kind(of: "\(folder)/refs/main") == .file {
      let bytes = try FileSystem.read("\(folder)/refs/main", limit: 1_000)
      let revision = String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
      if isPlainFileName(revision), FileSystem.kind(of: "\(snapshots)/\(revision)") == .folder {
        return "\(snapshots)/\(revision)"
      }
    }
    let names = FileSystem.names(in: snapshots).filter {
      FileSystem.kind(of: "\(snapshots)/\($0)") == .folder
    }
    guard let first = names.first else { return nil }
    guard names.count == 1 else { throw .severalSnapshots(folder: folder, names: names) }
    return "\(snapshots)/\(first)"
  }

  /// The name of the model in a folder: of a snapshot, the name of its repository.
  private static func name(ofFolder path: String) -> String {
    let parts = path.split(separator: "/").map(String.init)
    if parts.count >= 3, parts[parts.count - 2] == "snapshots" {
      return repositoryName(parts[parts.count - 3])
    }
    return parts.last.map(repositoryName) ?? path
  }

  /// The part after the owner in `models--owner--name`; any other name as it is.
  private static func repositoryName(_ folder: String) -> String {
    let bytes = Array(folder.utf8)
    guard folder.hasPrefix("models--"),
      let dash = (8..<max(8, bytes.count - 2)).first(where: {
        bytes[$0] == UInt8(ascii: "-") && bytes[$0 + 1] == UInt8(ascii: "-")
      })
    else { return folder }
    return String(decoding: bytes[(dash + 2)...], as: UTF8.self)
  }

  private static func withoutExtension(_ file: String) -> String {
    guard let dot = file.lastIndex(of: "."), dot > file.startIndex else { return file }
    return String(file[..<dot])
  }
}

/// Whether a name from an index is one file in the same folder, and no path that leads elsewhere.
package func isPlainFileName(_ name: String) -> Bool {
  !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
    && !name.utf8.contains(UInt8(ascii: "\\")) && !name.utf8.contains(0)
}
