/// Files of rows, read for functions of other targets.
public enum TableFiles {
  /// The table in a CSV, TSV, JSON or JSON-lines file, as `table` reads it.
  ///
  /// - Throws: `FunctionError` for a file that can't be read or isn't a table.
  public static func table(_ path: String) throws -> Table { try TableReader.read(path) }

  /// The elements of a list, a range or another value that is taken for one, or `nil` for other values.
  ///
  /// - Throws: `FunctionError` for more elements than a list may have.
  public static func elements(_ value: Value) throws -> [Value]? {
    try Sequences.listElements(value)
  }

  /// The lines of a text file that aren't empty, without their ends, and without a byte-order mark.
  ///
  /// - Throws: `FunctionError` for a file that can't be read or isn't UTF-8.
  public static func lines(_ path: String) throws -> [String] {
    var bytes = try FileSystem.read(path)[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    return try bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated().compactMap { number, line in
        let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        guard let text = String(validating: content, as: UTF8.self) else {
          throw FunctionError(
            "\(FileSystem.quoted(path)) is not a text in UTF-8: line \(number + 1) isn't.",
            code: "wrong-file")
        }
        return text.isEmpty ? nil : text
      }
  }
}
