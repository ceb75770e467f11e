/// A cell's text with its lines: turns UTF-8 offsets into lines, columns and code points and back.
///
/// Every method accepts any integer: offsets outside the text are moved to its nearer end, offsets
/// inside a character's bytes to the character's first byte.
public struct SourceText: Sendable {
  /// A place in the text; both numbers count from 1.
  public struct Position: Hashable, Sendable {
    /// The line.
    public var line: Int
    /// The code point in the line.
    public var column: Int

    /// Makes a position.
    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// The text in UTF-8.
  public let bytes: [UInt8]
  /// The offset of each line's first byte; there is always at least one line.
  public let lineStarts: [Int]

  /// Takes in a text, in time linear in its length.
  public init(_ source: String) {
    bytes = Array(source.utf8)
    var starts = [0]
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == UInt8(ascii: "\r"), index < bytes.count, bytes[index] == UInt8(ascii: "\n") {
        index += 1
      }
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { starts.append(index) }
    }
    lineStarts = starts
  }

  /// The number of lines, at least 1.
  public var lineCount: Int { lineStarts.count }

  /// The offset moved into the text and onto a character's first byte.
  public func clamped(_ offset: Int) -> Int {
    var offset = min(max(offset, 0), bytes.count)
    while offset > 0, offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset -= 1 }
    return offset
  }

  /// The number of the line that holds an offset, counted from 0.
  public func lineIndex(at offset: Int) -> Int {
    let offset = clamped(offset)
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low
  }

  /// The line and column of an offset, both counted from 1.
  public func position(at offset: Int) -> Position {
    let line = lineIndex(at: offset)
    let column = codePointCount(in: lineStarts[line]..<max(lineStarts[line], clamped(offset)))
    return Position(line: line + 1, column: column + 1)
  }

  /// The bytes of a line without its end, the line counted from 0 and moved into the text.
  public func lineRange(_ line: Int) -> Range<Int> {
    let line = min(max(line, 0), lineStarts.count - 1)
    let start = lineStarts[line]
    var end = line + 1 < lineStarts.count ? lineStarts[line + 1] : bytes.count
    while end > start, bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\r")
    {
      end -= 1
    }
    return start..<end
  }

  /// The characters in a range, which is moved into the text.
  public func text(in range: Range<Int>) -> String {
    let lower = clamped(range.lowerBound)
    let upper = max(lower, clamped(range.upperBound))
    return String(decoding: bytes[lower..<upper], as: UTF8.self)
  }

  /// The characters in a range, which is moved into the text.
  public func text(in range: SourceRange) -> String {
    text(in: range.lower..<max(range.lower, range.upper))
  }

  /// The number of code points before a UTF-8 offset, as Jupyter counts cursors.
  public func codePointOffset(ofByte offset: Int) -> Int {
    codePointCount(in: 0..<clamped(offset))
  }

  /// The UTF-8 offset of a code point counted from the start of the text, as Jupyter counts cursors.
  public func byteOffset(ofCodePoint codePoint: Int) -> Int {
    guard codePoint > 0 else { return 0 }
    var remaining = codePoint
    for index in bytes.indices where bytes[index] & 0xC0 != 0x80 {
      if remaining == 0 { return index }
      remaining -= 1
    }
    return bytes.count
  }

  /// The spaces and tabs that open the line of an offset.
  public func indentation(at offset: Int) -> String {
    let range = lineRange(lineIndex(at: offset))
    let end =
      range.first { bytes[$0] != UInt8(ascii: " ") && bytes[$0] != UInt8(ascii: "\t") }
      ?? range.upperBound
    return text(in: range.lowerBound..<end)
  }

  private func codePointCount(in range: Range<Int>) -> Int {
    bytes[range].count { $0 & 0xC0 != 0x80 }
  }
}
