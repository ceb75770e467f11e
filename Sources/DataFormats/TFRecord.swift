/// Why a file of records can't be read beyond a place.
public enum TFRecordError: Error, Sendable, Equatable {
  /// The checksum of a record's length doesn't fit; with the record's place in the file.
  case wrongLengthChecksum(offset: Int)
  /// The checksum of a record's data doesn't fit; with the record's place in the file.
  case wrongDataChecksum(offset: Int)
  /// A record says that it is longer than a record may be.
  case oversizedRecord(offset: Int, byteCount: UInt64)

  /// The place of the damaged record in the file.
  public var offset: Int {
    switch self {
    case .wrongLengthChecksum(let offset), .wrongDataChecksum(let offset),
      .oversizedRecord(let offset, _):
      offset
    }
  }
}

/// The framing of TensorFlow's record files, which TensorBoard's event files have: the length as
/// eight bytes, its checksum, the data, their checksum.
public enum TFRecord {
  /// How long the data of one record may be.
  public static let maximumByteCount = 1 << 30

  /// The bytes around a record's data.
  static let overhead = 16

  /// A record with the given data.
  public static func encode(_ data: [UInt8]) -> [UInt8] {
    var record: [UInt8] = []
    record.reserveCapacity(data.count + overhead)
    append(UInt64(data.count), to: &record)
    append(maskedChecksum(record), to: &record)
    record.append(contentsOf: data)
    append(maskedChecksum(data), to: &record)
    return record
  }

  /// CRC-32C, rotated and shifted so that checksums of data that hold checksums stay sound.
  public static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
    let checksum = CRC32C.checksum(bytes)
    return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }

  private static func append(_ word: some FixedWidthInteger, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: word.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: word >> shift))
    }
  }
}

/// Takes the records out of bytes that arrive piece by piece.
public struct TFRecordReader: Sendable {
  private var buffer: [UInt8] = []
  private var start = 0

  /// The place in the file at which the next record begins.
  public private(set) var offset: Int

  /// Starts at a place in a file where a record begins.
  public init(offset: Int = 0) { self.offset = offset }

  /// How many bytes arrived that aren't a whole record yet.
  public var pendingByteCount: Int { buffer.count - start }

  /// Takes bytes that follow those before.
  public mutating func append(_ bytes: some Collection<UInt8>) {
    if start > 0, start >= buffer.count / 2 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The data of the next record, or `nil` where it hasn't arrived whole.
  ///
  /// - Throws: `TFRecordError` where a record is damaged; again at each further call.
  public mutating func next() throws(TFRecordError) -> [UInt8]? {
    guard pendingByteCount >= 12 else { return nil }
    let header = Array(buffer[start..<start + 8])
    guard word(start + 8, 4) == UInt64(TFRecord.maskedChecksum(header)) else {
      throw .wrongLengthChecksum(offset: offset)
    }
    let length = word(start, 8)
    guard length <= UInt64(TFRecord.maximumByteCount) else {
      throw .oversizedRecord(offset: offset, byteCount: length)
    }
    let byteCount = Int(length) + TFRecord.overhead
    guard pendingByteCount >= byteCount else { return nil }
    let data = Array(buffer[start + 12..<start + 12 + Int(length)])
    guard word(start + 12 + Int(length), 4) == UInt64(TFRecord.maskedChecksum(data)) else {
      throw .wrongDataChecksum(offset: offset)
    }
    start += byteCount
    offset += byteCount
    return data
  }

  private func word(_ place: Int, _ byteCount: Int) -> UInt64 {
    (0..<byteCount).reversed().reduce(0) { $0 << 8 | UInt64(buffer[place + $1]) }
  }
}
