import DataFormats
import Glibc
import Synchronization

/// Writes a TensorBoard event file, each record at once, so that what was written survives the
/// program and can be followed while it runs.
///
/// The caller gives the wall time of each record, so that the same calls give the same bytes.
public final class EventFileWriter: Sendable {
  private let file: SystemFile
  private let lock = Mutex(())

  /// The file.
  public var path: String { file.path }

  /// Makes an event file in a folder, which is made where it isn't there.
  ///
  /// The file is named `events.out.tfevents.<seconds>.<host>.<process>.<number>`, with the first
  /// number that is free; TensorBoard knows event files by that name.
  ///
  /// - Parameters:
  ///   - wallTime: when the run starts, in seconds since 1970.
  ///   - host: `nil` for this machine's name.
  ///   - process: `nil` for this process's number.
  public init(
    folder: String, wallTime: Double, host: String? = nil, process: Int? = nil
  ) throws(TrainingRecordError) {
    try SystemFile.makeFolder(folder)
    let seconds = String(Int(max(0, min(wallTime, 9_999_999_999))))
    let padded = String(repeating: "0", count: 10 - seconds.count) + seconds
    let host = Self.fileNamePart(host ?? Self.hostName())
    let stem = "\(folder)/events.out.tfevents.\(padded).\(host).\(process ?? Int(getpid()))"
    var number = 0
    while true {
      do throws(TrainingRecordError) {
        file = try SystemFile(creating: "\(stem).\(number)", replacing: false)
        break
      } catch {
        guard case .file(_, _, let code) = error, code == EEXIST, number < 10_000 else {
          throw error
        }
        number += 1
      }
    }
    try write(EventRecord(wallTime: wallTime, step: 0, content: .fileVersion("brain.Event:2")))
  }

  /// Writes a record.
  public func write(_ record: EventRecord) throws(TrainingRecordError) {
    let bytes = TFRecord.encode(record.encoded())
    let result = lock.withLock { _ in
      Result<Void, TrainingRecordError> { () throws(TrainingRecordError) in try file.write(bytes) }
    }
    try result.get()
  }

  /// Writes values of one step as one record.
  ///
  /// - Parameter wallTime: in seconds since 1970.
  public func write(
    _ values: [SummaryValue], step: Int, wallTime: Double
  ) throws(TrainingRecordError) {
    try write(EventRecord(wallTime: wallTime, step: step, content: .summary(values)))
  }

  /// Writes a number, in single precision as the format has it.
  public func scalar(
    _ tag: String, _ number: Double, step: Int, wallTime: Double
  ) throws(TrainingRecordError) {
    try write([SummaryValue(tag: tag, content: .scalar(number))], step: step, wallTime: wallTime)
  }

  /// Writes the distribution of numbers; nothing where none of them is finite.
  public func histogram(
    _ tag: String, _ numbers: [Double], step: Int, wallTime: Double
  ) throws(TrainingRecordError) {
    guard let histogram = HistogramSummary(of: numbers) else { return }
    try write(
      [SummaryValue(tag: tag, content: .histogram(histogram))], step: step, wallTime: wallTime)
  }

  /// Writes a picture.
  public func image(
    _ tag: String, _ image: ImageSummary, step: Int, wallTime: Double
  ) throws(TrainingRecordError) {
    try write([SummaryValue(tag: tag, content: .images([image]))], step: step, wallTime: wallTime)
  }

  /// Writes a text in Markdown; `/text_summary` is added to its tag, as PyTorch does.
  public func text(
    _ tag: String, _ text: String, step: Int, wallTime: Double
  ) throws(TrainingRecordError) {
    try write(
      [SummaryValue(tag: tag + "/text_summary", content: .text([text]))], step: step,
      wallTime: wallTime)
  }

  private static func hostName() -> String {
    var name = [UInt8](repeating: 0, count: 256)
    let code = unsafe name.withUnsafeMutableBytes { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return -1 }
      return unsafe gethostname(start.assumingMemoryBound(to: CChar.self), buffer.count - 1)
    }
    return code == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "localhost"
  }

  /// A name with what has no place in a file's name as `_`.
  private static func fileNamePart(_ name: String) -> String {
    let kept = name.unicodeScalars.prefix(64).map { scalar -> String in
      scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
        || scalar == "-" || scalar == "_" ? String(scalar) : "_"
    }
    return kept.isEmpty ? "localhost" : kept.joined()
  }
}
