import Glibc

/// A folder that exists as long as this object.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/vitrine-checkpoints-XXXXXX".utf8CString)
    guard let made = template.withUnsafeMutableBufferPointer({ mkdtemp($0.baseAddress!) }) else {
      throw Failure.noFolder
    }
    path = String(cString: made)
  }

  enum Failure: Error { case noFolder, notWritten, notRead }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        var information = stat()
        let child = "\(path)/\(name)"
        if lstat(child, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
          remove(child)
        } else {
          unlink(child)
        }
      }
      closedir(directory)
    }
    rmdir(path)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    guard let stream = fopen(file(name), "wb") else { throw Failure.notWritten }
    defer { fclose(stream) }
    guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw Failure.notWritten }
    return file(name)
  }

  func makeFolder(_ name: String) throws {
    var place = path
    for part in name.split(separator: "/") {
      place += "/\(part)"
      mkdir(place, 0o755)
    }
  }
}

/// The bytes of a safetensors file with this header and so many zero bytes of data.
func safetensors(header: String, dataByteCount: Int) -> [UInt8] {
  let json = Array(header.utf8)
  return littleEndian(UInt64(json.count)) + json + [UInt8](repeating: 0, count: dataByteCount)
}

func littleEndian(_ value: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

/// The bytes of a small file.
func contents(_ path: String) throws -> [UInt8] {
  guard let stream = fopen(path, "rb") else { throw TemporaryFolder.Failure.notRead }
  defer { fclose(stream) }
  var bytes = [UInt8](repeating: 0, count: 1 << 20)
  bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, stream))
  return bytes
}

/// The folder of this target's fixtures.
let fixtures =
  #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/Checkpoints"
