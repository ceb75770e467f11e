import DataFormats

/// Reads a TensorBoard event file, also while another program is still writing it.
///
/// Each `read()` gives the records that were completed since the last. A record that isn't whole
/// yet is waited for; where one is damaged, reading ends there and `damage` says so.
public struct EventFileReader: Sendable {
  /// The file.
  public let path: String
  /// Where and why reading ended before the file's end; `nil` where it didn't.
  public private(set) var damage: EventFileDamage?
  /// How many records were read.
  public private(set) var recordCount = 0

  private var records = TFRecordReader()
  private var position = 0

  /// Names a file that can be opened; nothing is read yet.
  public init(path: String) throws(TrainingRecordError) {
    self.path = path
    identity = try SystemFile(reading: path).identity
  }

  /// Which file it is.
  let identity: SystemFile.Identity

  /// The place in the file at which the next record begins.
  public var offset: Int { records.offset }

  /// How many bytes at the file's end aren't a whole record yet.
  public var pendingByteCount: Int { damage == nil ? records.pendingByteCount : 0 }

  /// Gives the records that were completed since the last call.
  ///
  /// - Parameter body: takes each record and says whether to go on; where it doesn't, the next call
  ///   continues after that record.
  public mutating func read(_ body: (EventRecord) -> Bool) throws(TrainingRecordError) {
    guard damage == nil else { return }
    // Open only while it is read: a folder may have more files than a process may keep open.
    let file = try SystemFile(reading: path)
    guard try file.identity == identity else {
      note(.replaced)
      return
    }
    let size = try file.byteCount
    if size < position {
      note(.shortened(byteCount: size))
      return
    }
    while true {
      while let event = nextEvent() {
        guard body(event) else { return }
      }
      guard damage == nil else { return }
      let chunk = try file.read(at: position, count: 1 << 18)
      if chunk.isEmpty { return }
      position += chunk.count
      records.append(chunk)
    }
  }

  /// The records that were completed since the last call.
  public mutating func read() throws(TrainingRecordError) -> [EventRecord] {
    var events: [EventRecord] = []
    try read { event in
      events.append(event)
      return true
    }
    return events
  }

  private mutating func nextEvent() -> EventRecord? {
    guard damage == nil else { return nil }
    let start = records.offset
    let data: [UInt8]
    do throws(TFRecordError) {
      guard let next = try records.next() else { return nil }
      data = next
    } catch {
      note(.record(error))
      return nil
    }
    do throws(ProtobufError) {
      let event = try EventRecord(decoding: data)
      recordCount += 1
      return event
    } catch {
      note(.message(error), at: start)
      return nil
    }
  }

  private mutating func note(_ reason: EventFileDamage.Reason, at offset: Int? = nil) {
    damage = EventFileDamage(
      path: path, offset: offset ?? records.offset, recordCount: recordCount, reason: reason)
  }
}
