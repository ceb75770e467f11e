/// Texts of one JSON value per line.
public enum JSONLines {
  /// A line that isn't JSON.
  public struct Failure: Error, Sendable, Equatable {
    /// The line's number, from 1.
    public var line: Int
    /// What is wrong with it, at an offset within the line.
    public var error: JSONError

    /// Makes a failure.
    public init(line: Int, error: JSONError) {
      self.line = line
      self.error = error
    }
  }

  /// The values of all lines (ending in LF or CRLF) that aren't blank.
  ///
  /// - Throws: `Failure` with the line's number.
  public static func parse(
    _ bytes: [UInt8], maximumDepth: Int = 256
  ) throws(Failure) -> [JSON] {
    var values: [JSON] = []
    var number = 0
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      number += 1
      guard line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) else { continue }
      do throws(JSONError) {
        values.append(try JSON(parsing: Array(line), maximumDepth: maximumDepth))
      } catch {
        throw Failure(line: number, error: error)
      }
    }
    return values
  }

  /// The values as text, each in a line of its own.
  public static func write(_ values: [JSON]) -> String {
    values.map { $0.serialized() + "\n" }.joined()
  }
}
