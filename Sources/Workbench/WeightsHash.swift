import DataFormats
import FoundationEssentials
import Synchronization
import Tensors

/// The SHA-256 by which a figure names the weights that it was computed with.
///
/// For one weights file it is the file's own SHA-256, the one that `sha256sum` prints; for several
/// it is the SHA-256 of their digests in hexadecimal, one after another, in the shards' order.
/// Reading many gigabytes takes a while, so the digest of each large file is kept in the cache
/// folder under the file's identity (device, inode, size, time of the last change).
final class WeightsHash: Sendable {
  /// Files of fewer bytes are read again: that takes no longer than looking their digest up.
  private static let smallestKept = 16 << 20

  /// Weights of more bytes are named in figures by samples of them: nobody should wait for the first one.
  private static let largestHashed = 256 << 20

  private let files: [String]
  private let digest = Mutex<String?>(nil)
  private let sampled = Mutex<String?>(nil)

  /// The hash of these files, computed when it is first asked for.
  init(files: [String]) { self.files = files }

  /// What figures name the weights by: their hash, or of large ones `sampled:` and a hash of samples, which
  /// takes milliseconds.
  ///
  /// Which of them depends on the files' sizes alone, so that two runs say the same.
  ///
  /// - Parameter progress: called with the share of the bytes that were read.
  /// - Throws: `Cancelled`, or a `MappedFileError` where a file went away.
  func name(cancellation: Cancellation?, progress: (Double) -> Void) throws -> String {
    if let known = sampled.withLock({ $0 }) { return known }
    let mapped = try files.map { try MappedFile(path: $0) }
    guard mapped.reduce(0, { $0 + $1.count }) > Self.largestHashed else {
      return try hexadecimal(cancellation: cancellation, progress: progress)
    }
    let digests = mapped.map { Hexadecimal.encode($0.sampledSHA256()) }
    let name =
      "sampled:"
      + (digests.count == 1 ? digests[0] : SHA256.hexadecimal(Array(digests.joined().utf8)))
    sampled.withLock { $0 = name }
    return name
  }

  /// The hash as 64 hexadecimal digits.
  ///
  /// - Parameter progress: called with the share of the bytes that were read.
  /// - Throws: `Cancelled`, or a `MappedFileError` where a file went away.
  func hexadecimal(
    cancellation: Cancellation?, progress: (Double) -> Void
  ) throws -> String {
    if let known = digest.withLock({ $0 }) { return known }
    let mapped = try files.map { try MappedFile(path: $0) }
    let total = max(mapped.reduce(0) { $0 + $1.count }, 1)
    var done = 0
    var digests: [String] = []
    for (path, file) in zip(files, mapped) {
      let size = file.count
      if size >= Self.smallestKept, let kept = Self.kept(for: path) {
        digests.append(kept)
      } else {
        let hash = try file.sha256(cancellation: cancellation) { read in
          progress(Double(done + read) / Double(total))
        }
        let hexadecimal = Hexadecimal.encode(hash)
        if size >= Self.smallestKept { Self.keep(hexadecimal, for: path) }
        digests.append(hexadecimal)
      }
      done += size
    }
    let result =
      digests.count == 1 ? digests[0] : SHA256.hexadecimal(Array(digests.joined().utf8))
    digest.withLock { $0 = result }
    return result
  }

  private static func cacheFile(for path: String) -> URL? {
    let environment = ProcessInfo.processInfo.environment
    let cache =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
      ?? environment["HOME"].map { $0 + "/.cache" }
    let files = FileManager.default
    guard let cache, let attributes = try? files.attributesOfItem(atPath: path),
      let size = attributes[.size] as? UInt64,
      let number = attributes[.systemFileNumber] as? UInt64,
      let device = attributes[.systemNumber] as? UInt64,
      let changed = attributes[.modificationDate] as? Date
    else { return nil }
    let identity = "\(path) \(device) \(number) \(size) \(changed.timeIntervalSinceReferenceDate)"
    let name = SHA256.hexadecimal(Array(identity.utf8))
    return URL(filePath: cache + "/vitrine/hashes/" + name)
  }

  private static func kept(for path: String) -> String? {
    guard let file = cacheFile(for: path), let data = try? Data(contentsOf: file), data.count == 64,
      data.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) })
    else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  /// Keeps a digest; where the folder can't be written it is computed again the next time.
  private static func keep(_ digest: String, for path: String) {
    guard let file = cacheFile(for: path) else { return }
    try? FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try? Data(digest.utf8).write(to: file, options: .atomic)
  }
}
