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

  /// The lines of a text file, without their ends.
  ///
  /// - Throws: `FunctionError` for a file that can't be read.
  public static func lines(_ path: String) throws -> [String] {
    try FileSystem.read(path).split(separator: UInt8(ascii: "\n")).map { line in
      String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
    }
  }
}
