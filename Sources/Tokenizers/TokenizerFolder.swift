import DataFormats
import Glibc

extension Tokenizer {
  /// Makes a tokenizer of the files `tokenizer.json` and, where there is one, `tokenizer_config.json`
  /// in a model's folder.
  ///
  /// - Throws: `TokenizerError` naming the file or what is wrong in it.
  public convenience init(folder: String) throws(TokenizerError) {
    let path = "\(folder)/tokenizer.json"
    guard let json = try Self.read(path) else { throw .unreadableFile(path: path) }
    try self.init(json: json, configuration: try Self.read("\(folder)/tokenizer_config.json"))
  }

  /// The JSON value in a file, `nil` where there is no such file.
  private static func read(_ path: String) throws(TokenizerError) -> JSON? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      guard errno == ENOENT else { throw .unreadableFile(path: path) }
      return nil
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      // The count is the buffer's own.
      let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
      if count == 0 { break }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw .unreadableFile(path: path)
      }
      bytes += buffer[..<count]
    }
    do throws(JSONError) {
      return try JSON(parsing: bytes)
    } catch {
      throw .invalidJSON(file: path, error)
    }
  }
}
