/// A table in comma-separated values: a header and rows of as many fields (RFC 4180).
public struct CSV: Sendable {
  /// What stands between two fields.
  public enum Delimiter: UInt8, Sendable, CaseIterable {
    case comma = 0x2C
    case semicolon = 0x3B
    case tab = 0x09
  }

  /// The fields of the first record.
  public var header: [String]
  /// The fields of all other records, each as many as the header has.
  public var rows: [[String]]
  /// What stood between the fields.
  public var delimiter: Delimiter

  /// Makes a table.
  public init(header: [String], rows: [[String]], delimiter: Delimiter = .comma) {
    self.header = header
    self.rows = rows
    self.delimiter = delimiter
  }

  /// Reads a table in UTF-8, with or without a byte order mark, lines ending in LF, CRLF or CR.
  ///
  /// Quoted fields may hold delimiters, line breaks and doubled quotes; a quote inside an unquoted
  /// field is itself; empty lines are skipped.
  ///
  /// - Parameters:
  ///   - bytes: the text.
  ///   - delimiter: what stands between fields; `nil` finds out from the first records.
  /// - Throws: `CSVError` with the record and line.
  public static func parse(
    _ bytes: [UInt8], delimiter: Delimiter? = nil
  ) throws(CSVError) -> CSV {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let text = bytes.starts(with: mark) ? bytes[3...] : bytes[...]
    let delimiter = delimiter ?? detectDelimiter(text)
    var reader = CSVReader(bytes: text, delimiter: delimiter.rawValue)
    guard let header = try reader.nextRecord() else { throw .empty }
    var rows: [[String]] = []
    while let record = try reader.nextRecord() {
      guard record.count == header.count else {
        throw .wrongFieldCount(
          row: rows.count + 1, line: reader.recordLine, expected: header.count,
          found: record.count)
      }
      rows.append(record)
    }
    return CSV(header: header, rows: rows, delimiter: delimiter)
  }

  /// Reads a table from a text; see `parse(_:delimiter:)` for bytes.
  public static func parse(
    _ text: String, delimiter: Delimiter? = nil
  ) throws(CSVError) -> CSV {
    try parse(Array(text.utf8), delimiter: delimiter)
  }

  /// The table as text with lines ending in LF; fields are quoted where they need it.
  public static func write(
    header: [String], rows: [[String]], delimiter: Delimiter = .comma
  ) -> String {
    var output: [UInt8] = []
    for record in [header] + rows {
      for (index, field) in record.enumerated() {
        if index > 0 { output.append(delimiter.rawValue) }
        let needsQuotes =
          field.utf8.contains { [delimiter.rawValue, 0x22, 0x0A, 0x0D].contains($0) }
          // A record of one empty field would be an empty line, the mark would be taken away.
          || record.count == 1 && field.isEmpty || field.utf8.starts(with: [0xEF, 0xBB, 0xBF])
        guard needsQuotes else {
          output.append(contentsOf: field.utf8)
          continue
        }
        output.append(0x22)
        for byte in field.utf8 {
          if byte == 0x22 { output.append(0x22) }
          output.append(byte)
        }
        output.append(0x22)
      }
      output.append(0x0A)
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// The table as text, with its own delimiter.
  public var serialized: String { Self.write(header: header, rows: rows, delimiter: delimiter) }

  /// The delimiter that divides the first records into equally many fields, more than one; else the
  /// one that is most frequent in the first record; else the comma.
  private static func detectDelimiter(_ bytes: ArraySlice<UInt8>) -> Delimiter {
    var counts: [[Int]] = [Delimiter.allCases.map { _ in 0 }]
    var isQuoted = false
    scan: for byte in bytes {
      if byte == 0x22 {
        isQuoted.toggle()
      } else if !isQuoted {
        if byte == 0x0A || byte == 0x0D {
          if counts.count == 20 { break scan }
          counts.append(Delimiter.allCases.map { _ in 0 })
        } else if let place = Delimiter.allCases.firstIndex(where: { $0.rawValue == byte }) {
          counts[counts.count - 1][place] += 1
        }
      }
    }
    let filled = counts.filter { $0.contains { $0 > 0 } }
    guard let first = filled.first else { return .comma }
    let places = Delimiter.allCases.indices
    let even = places.filter { place in
      first[place] > 0 && filled.allSatisfy { $0[place] == first[place] }
    }
    let candidates = even.isEmpty ? Array(places) : even
    // The earlier of two that are equally frequent.
    let best = candidates.max { (first[$0], -$0) < (first[$1], -$1) }
    return Delimiter.allCases[best ?? 0]
  }
}

/// Why a text is not a table in comma-separated values.
public enum CSVError: Error, Sendable, Equatable {
  /// There is no record at all.
  case empty
  /// A row (1 for the first behind the header) has more or fewer fields than the header.
  case wrongFieldCount(row: Int, line: Int, expected: Int, found: Int)
  /// A quoted field that begins in a line is never closed.
  case unterminatedQuote(line: Int)
  /// Something follows a closing quote that is neither delimiter nor line break.
  case textAfterQuote(line: Int)
  /// A field isn't UTF-8.
  case invalidUTF8(line: Int)
}

/// Reads record by record.
private struct CSVReader {
  private let bytes: ArraySlice<UInt8>
  private let delimiter: UInt8
  private var position: Int
  private var line = 1
  /// The line in which the last record began.
  private(set) var recordLine = 1

  init(bytes: ArraySlice<UInt8>, delimiter: UInt8) {
    self.bytes = bytes
    self.delimiter = delimiter
    position = bytes.startIndex
  }

  mutating func nextRecord() throws(CSVError) -> [String]? {
    while position < bytes.endIndex, skipLineBreak() {}
    guard position < bytes.endIndex else { return nil }
    recordLine = line
    var fields: [String] = []
    while true {
      fields.append(try nextField())
      if position < bytes.endIndex, bytes[position] == delimiter {
        position += 1
        continue
      }
      _ = skipLineBreak()
      return fields
    }
  }

  private mutating func skipLineBreak() -> Bool {
    guard position < bytes.endIndex else { return false }
    guard bytes[position] == 0x0A || bytes[position] == 0x0D else { return false }
    if bytes[position] == 0x0D, position + 1 < bytes.endIndex, bytes[position + 1] == 0x0A {
      position += 1
    }
    position += 1
    line += 1
    return true
  }

  private mutating func nextField() throws(CSVError) -> String {
    guard position < bytes.endIndex, bytes[position] == 0x22 else {
      let start = position
      while position < bytes.endIndex, bytes[position] != delimiter, bytes[position] != 0x0A,
        bytes[position] != 0x0D
      {
        position += 1
      }
      return try text(bytes[start..<position])
    }
    let firstLine = line
    var field: [UInt8] = []
    position += 1
    while position < bytes.endIndex {
      let byte = bytes[position]
      if byte == 0x22 {
        guard position + 1 < bytes.endIndex, bytes[position + 1] == 0x22 else {
          position += 1
          if position < bytes.endIndex {
            let next = bytes[position]
            guard next == delimiter || next == 0x0A || next == 0x0D else {
              throw .textAfterQuote(line: line)
            }
          }
          return try text(field[...])
        }
        position += 1
      } else if byte == 0x0A || byte == 0x0D && !followsLineFeed {
        line += 1
      }
      field.append(byte)
      position += 1
    }
    throw .unterminatedQuote(line: firstLine)
  }

  private var followsLineFeed: Bool {
    position + 1 < bytes.endIndex && bytes[position + 1] == 0x0A
  }

  private func text(_ field: ArraySlice<UInt8>) throws(CSVError) -> String {
    guard let text = String(validating: field, as: UTF8.self) else {
      throw .invalidUTF8(line: recordLine)
    }
    return text
  }
}
