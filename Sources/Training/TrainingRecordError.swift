public import DataFormats

/// Why a training record can't be read or written.
public enum TrainingRecordError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The system doesn't open, read or write a file or a folder.
  case file(path: String, action: Action, code: Int32)
  /// There is no such folder.
  case missingFolder(path: String)
  /// Rows of an embedding have other lengths than the first, or other counts than their labels.
  case unevenRows(expected: Int, found: Int)
  /// A name has characters that would end a line or a cell of the file that it is written to.
  case unsuitableName(String)

  /// What was tried.
  public enum Action: String, Sendable, Equatable {
    case open, read, write, list
  }

  /// The facts in a sentence.
  public var description: String {
    switch self {
    case .file(let path, let action, let code):
      let verb =
        switch action {
        case .open: "opened"
        case .read: "read"
        case .write: "written"
        case .list: "listed"
        }
      return "`\(path)` can't be \(verb): \(SystemFile.reason(code))."
    case .missingFolder(let path): return "There is no folder `\(path)`."
    case .unevenRows(let expected, let found):
      return "The rows of an embedding should have \(expected) entries; one has \(found)."
    case .unsuitableName(let name):
      return "The name `\(name)` can't be written to a configuration file."
    }
  }
}

/// An event file that ends within a record: it is still being written, or was cut off.
public struct UnfinishedEventFile: Sendable, Equatable, CustomStringConvertible {
  /// The file.
  public var path: String
  /// How many bytes at its end aren't a whole record.
  public var byteCount: Int
  /// How many records before them were read.
  public var recordCount: Int

  /// The facts in a sentence.
  public var description: String {
    "`\(path)` ends within a record, as a file does that is still being written or was cut off: "
      + "\(recordCount) \(recordCount == 1 ? "record was" : "records were") read, and not the last "
      + "\(byteCount == 1 ? "byte" : "\(byteCount) bytes")."
  }
}

/// Where and why an event file can't be read to its end.
public struct EventFileDamage: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong.
  public enum Reason: Sendable, Equatable {
    /// The frame of a record: its length or a checksum.
    case record(TFRecordError)
    /// The message within a sound record.
    case message(ProtobufError)
    /// The file has become shorter than what was read of it.
    case shortened(byteCount: Int)
    /// Another file has the path now.
    case replaced
  }

  /// The file.
  public var path: String
  /// The place of the damaged record.
  public var offset: Int
  /// How many records before it were read.
  public var recordCount: Int
  /// What is wrong.
  public var reason: Reason

  /// The facts in a sentence.
  public var description: String {
    let what =
      switch reason {
      case .record(.wrongLengthChecksum): "the checksum of a record's length doesn't fit"
      case .record(.wrongDataChecksum): "the checksum of a record's data doesn't fit"
      case .record(.oversizedRecord(_, let count)): "a record says that it has \(count) bytes"
      case .message: "a record isn't an event"
      case .shortened(let count): "the file has only \(count) bytes left"
      case .replaced: "another file has its path now"
      }
    return "`\(path)` is damaged at byte \(offset): \(what). "
      + (recordCount == 1
        ? "The record before it was read." : "The \(recordCount) records before it were read.")
  }
}
