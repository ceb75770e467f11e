/// What is wrong with a zip archive.
public enum ArchiveFault: Error, Sendable, Equatable {
  case notAnArchive
  case directoryBeyondFile(offset: UInt64, byteCount: UInt64, fileByteCount: Int)
  case entryCountWrong(claimed: UInt64, directoryByteCount: UInt64)
  case directoryMalformed(entry: Int)
  case severalDisks
  case compressed(entry: String, method: Int)
  case encrypted(entry: String)
  case sizesDiffer(entry: String, stored: UInt64, original: UInt64)
  case localHeaderMalformed(entry: String)
  case entryBeyondData(entry: String, end: UInt64, limit: Int)
  case duplicateEntry(String)
  case overlap(String, String)

  /// What is wrong, as the second half of a sentence about the file.
  var sentence: String {
    switch self {
    case .notAnArchive:
      "is no zip archive: PyTorch's files since version 1.6 are, older ones must be saved again"
    case .directoryBeyondFile(let offset, let count, let fileByteCount):
      "claims a directory of \(count) bytes at byte \(offset), but the whole file has "
        + "\(fileByteCount)"
    case .entryCountWrong(let claimed, let count):
      "claims \(claimed) entries in a directory of \(count) bytes"
    case .directoryMalformed(let entry):
      "has a malformed entry \(entry + 1) in its directory"
    case .severalDisks:
      "is one part of an archive in several files"
    case .compressed(let entry, let method):
      "holds the entry \(quoted(entry)) compressed (method \(method)): only stored entries are read"
    case .encrypted(let entry):
      "holds the entry \(quoted(entry)) encrypted"
    case .sizesDiffer(let entry, let stored, let original):
      "gives the stored entry \(quoted(entry)) two sizes, \(stored) and \(original) bytes"
    case .localHeaderMalformed(let entry):
      "has no valid header before the data of \(quoted(entry))"
    case .entryBeyondData(let entry, let end, let limit):
      "ends the entry \(quoted(entry)) at byte \(end), but its data end at byte \(limit)"
    case .duplicateEntry(let entry):
      "holds the entry \(quoted(entry)) twice"
    case .overlap(let first, let second):
      "holds the entries \(quoted(first)) and \(quoted(second)) in the same bytes"
    }
  }
}

/// The entries of a zip archive that stores them uncompressed, found through its central directory.
///
/// Format: PKWARE's APPNOTE 6.3, with the zip64 extension. Sizes come from the directory alone, since
/// writers of streams leave them 0 in the local headers.
struct ZipArchive: Sendable {
  /// One stored file.
  struct Entry: Sendable, Equatable {
    var name: String
    /// Its bytes in the archive.
    var range: Range<Int>
  }

  /// The entries in the directory's order.
  private(set) var entries: [Entry] = []

  /// Reads and checks the directory.
  ///
  /// - Parameters:
  ///   - byteCount: the archive's size.
  ///   - read: gives the bytes of a range inside the archive.
  init(
    byteCount: Int, read: (Range<Int>) throws(CheckpointError) -> [UInt8], file: String
  ) throws(CheckpointError) {
    do {
      let directory = try Self.directory(byteCount: byteCount, read: read)
      try readEntries(directory, read: read)
    } catch let fault as ArchiveFault {
      throw .archive(fault, file: file)
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw .unreadable(path: file, reason: "\(error)")
    }
  }

  /// Where the central directory is and how many entries it has.
  private struct Directory {
    var range: Range<Int>
    var count: Int
  }

  private static let endSize = 22
  private static let locatorSize = 20
  private static let end64Size = 56
  private static let entrySize = 46

  private static func directory(
    byteCount: Int, read: (Range<Int>) throws(CheckpointError) -> [UInt8]
  ) throws -> Directory {
    // The end record is followed by a comment of at most 65,535 bytes only.
    let tailStart = max(0, byteCount - endSize - 65_535)
    let tail = try read(tailStart..<byteCount)
    var found: Int?
    var place = tail.count - endSize
    while place >= 0, found == nil {
      if LittleEndian.number(tail, at: place, size: 4) == 0x0605_4b50,
        LittleEndian.number(tail, at: place + 20, size: 2)
          == UInt64(tail.count - endSize - place)
      {
        found = place
      }
      place -= 1
    }
    guard let found else { throw ArchiveFault.notAnArchive }
    func field(_ offset: Int, _ size: Int) -> UInt64 {
      LittleEndian.number(tail, at: found + offset, size: size) ?? 0
    }
    var count = field(10, 2)
    var size = field(12, 4)
    var offset = field(16, 4)
    var limit = tailStart + found
    let isZip64 = count == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff
    if !isZip64 {
      guard field(4, 2) == 0, field(6, 2) == 0, field(8, 2) == count else {
        throw ArchiveFault.severalDisks
      }
    } else if limit >= locatorSize {
      let locator = try read(limit - locatorSize..<limit)
      if LittleEndian.number(locator, at: 0, size: 4) == 0x0706_4b50 {
        let place = LittleEndian.number(locator, at: 8, size: 8) ?? 0
        guard limit >= locatorSize + end64Size, place <= UInt64(limit - locatorSize - end64Size)
        else {
          throw ArchiveFault.directoryBeyondFile(
            offset: place, byteCount: UInt64(end64Size), fileByteCount: byteCount)
        }
        let record = try read(Int(place)..<Int(place) + end64Size)
        guard LittleEndian.number(record, at: 0, size: 4) == 0x0606_4b50,
          let disks = LittleEndian.number(record, at: 16, size: 8), disks == 0
        else { throw ArchiveFault.severalDisks }
        count = LittleEndian.number(record, at: 32, size: 8) ?? 0
        size = LittleEndian.number(record, at: 40, size: 8) ?? 0
        offset = LittleEndian.number(record, at: 48, size: 8) ?? 0
        limit = Int(place)
      }
    }
    let (end, overflow) = offset.addingReportingOverflow(size)
    guard !overflow, end <= UInt64(limit) else {
      throw ArchiveFault.directoryBeyondFile(
        offset: offset, byteCount: size, fileByteCount: byteCount)
    }
    guard count <= size / UInt64(entrySize) else {
      throw ArchiveFault.entryCountWrong(claimed: count, directoryByteCount: size)
    }
    return Directory(range: Int(offset)..<Int(end), count: Int(count))
  }

  private mutating func readEntries(
    _ directory: Directory, read: (Range<Int>) throws(CheckpointError) -> [UInt8]
  ) throws {
    let bytes = try read(directory.range)
    var seen = Set<[UInt8]>()
    var spans: [(range: Range<Int>, name: String)] = []
    var place = 0
    for number in 0..<directory.count {
      guard LittleEndian.number(bytes, at: place, size: 4) == 0x0201_4b50,
        bytes.count - place >= Self.entrySize
      else { throw ArchiveFault.directoryMalformed(entry: number) }
      func field(_ offset: Int, _ size: Int) -> UInt64 {
        LittleEndian.number(bytes, at: place + offset, size: size) ?? 0
      }
      let nameStart = place + Self.entrySize
      let nameEnd = nameStart + Int(field(28, 2))
      let extraEnd = nameEnd + Int(field(30, 2))
      let end = extraEnd + Int(field(32, 2))
      guard end <= bytes.count else { throw ArchiveFault.directoryMalformed(entry: number) }
      let nameBytes = Array(bytes[nameStart..<nameEnd])
      let name = String(decoding: nameBytes, as: UTF8.self)
      guard seen.insert(nameBytes).inserted else { throw ArchiveFault.duplicateEntry(name) }
      var original = field(24, 4)
      var stored = field(20, 4)
      var offset = field(42, 4)
      try Self.widen(
        &original, &stored, &offset, extra: Array(bytes[nameEnd..<extraEnd]), entry: number)
      guard field(8, 2) & 1 == 0 else { throw ArchiveFault.encrypted(entry: name) }
      guard field(10, 2) == 0 else {
        throw ArchiveFault.compressed(entry: name, method: Int(field(10, 2)))
      }
      guard stored == original else {
        throw ArchiveFault.sizesDiffer(entry: name, stored: stored, original: original)
      }
      let limit = directory.range.lowerBound
      guard limit >= 30, offset <= UInt64(limit - 30) else {
        throw ArchiveFault.entryBeyondData(entry: name, end: offset, limit: limit)
      }
      let local = try read(Int(offset)..<Int(offset) + 30)
      let localName = Int(LittleEndian.number(local, at: 26, size: 2) ?? 0)
      let start =
        Int(offset) + 30 + localName + Int(LittleEndian.number(local, at: 28, size: 2) ?? 0)
      guard LittleEndian.number(local, at: 0, size: 4) == 0x0403_4b50,
        localName == nameBytes.count, start <= limit,
        try read(Int(offset) + 30..<Int(offset) + 30 + localName) == nameBytes
      else { throw ArchiveFault.localHeaderMalformed(entry: name) }
      guard stored <= UInt64(limit - start) else {
        let (end, overflow) = stored.addingReportingOverflow(UInt64(start))
        throw ArchiveFault.entryBeyondData(entry: name, end: overflow ? .max : end, limit: limit)
      }
      let range = start..<start + Int(stored)
      entries.append(Entry(name: name, range: range))
      spans.append((Int(offset)..<range.upperBound, name))
      place = end
    }
    spans.sort {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for (previous, next) in zip(spans, spans.dropFirst())
    where next.range.lowerBound < previous.range.upperBound {
      throw ArchiveFault.overlap(previous.name, next.name)
    }
  }

  /// Takes the 64-bit values that stand in the extra field for those that don't fit 32 bits.
  private static func widen(
    _ original: inout UInt64, _ stored: inout UInt64, _ offset: inout UInt64, extra: [UInt8],
    entry: Int
  ) throws {
    let overflown: UInt64 = 0xffff_ffff
    guard original == overflown || stored == overflown || offset == overflown else { return }
    var place = 0
    while let kind = LittleEndian.number(extra, at: place, size: 2),
      let size = LittleEndian.number(extra, at: place + 2, size: 2)
    {
      let end = place + 4 + Int(size)
      guard end <= extra.count else { break }
      guard kind == 1 else {
        place = end
        continue
      }
      let field = Array(extra[place + 4..<end])
      var next = 0
      func take(_ value: inout UInt64) throws {
        guard value == overflown else { return }
        guard let wide = LittleEndian.number(field, at: next, size: 8) else {
          throw ArchiveFault.directoryMalformed(entry: entry)
        }
        value = wide
        next += 8
      }
      try take(&original)
      try take(&stored)
      try take(&offset)
      return
    }
    throw ArchiveFault.directoryMalformed(entry: entry)
  }
}
