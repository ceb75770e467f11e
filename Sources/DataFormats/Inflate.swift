/// Why a compressed stream cannot be read.
public enum InflateError: Error, Sendable, Equatable {
  /// The stream ends in the middle.
  case unexpectedEnd
  /// A block of the reserved third kind.
  case invalidBlockType
  /// A stored block's length and its complement differ.
  case storedLengthMismatch
  /// A block's code lengths form no prefix code, or a repeat has nothing before it.
  case invalidCode
  /// Bits that are no word of the code, or a symbol that stands for nothing.
  case invalidSymbol
  /// A copy from before the beginning of the text.
  case distanceTooFar(Int)
  /// The text would be longer than the caller allows.
  case limitExceeded(limit: Int)
  /// The two bytes in front are no zlib header (or ask for a dictionary).
  case invalidHeader
  /// The Adler-32 checksum at the end differs.
  case checksumMismatch
}

/// Decompression of the Deflate format without a wrapper (RFC 1951).
public enum Inflate {
  /// The text of a compressed stream; bytes behind the stream's end are left alone.
  ///
  /// - Parameters:
  ///   - bytes: the stream.
  ///   - limit: how many bytes the text may have at most, as a small stream can stand for a huge text.
  /// - Throws: `InflateError`.
  public static func decompress(
    _ bytes: [UInt8], limit: Int
  ) throws(InflateError) -> [UInt8] {
    var reader = InflateReader(bytes: bytes, position: 0, limit: limit)
    return try reader.read()
  }
}

extension Zlib {
  /// The text of a zlib stream, its checksum verified.
  ///
  /// - Parameters:
  ///   - bytes: the stream with header and checksum.
  ///   - limit: how many bytes the text may have at most.
  /// - Throws: `InflateError`.
  public static func decompress(
    _ bytes: [UInt8], limit: Int
  ) throws(InflateError) -> [UInt8] {
    guard bytes.count >= 2 else { throw .unexpectedEnd }
    let header = Int(bytes[0]) << 8 | Int(bytes[1])
    guard bytes[0] & 15 == 8, bytes[0] >> 4 <= 7, header % 31 == 0, bytes[1] & 0x20 == 0 else {
      throw .invalidHeader
    }
    var reader = InflateReader(bytes: bytes, position: 2, limit: limit)
    let text = try reader.read()
    guard bytes.count - reader.position >= 4 else { throw .unexpectedEnd }
    let stored = bytes[reader.position..<reader.position + 4].reduce(0) { $0 << 8 | UInt32($1) }
    guard stored == Adler32.checksum(text) else { throw .checksumMismatch }
    return text
  }
}

/// Reads the blocks of one stream.
private struct InflateReader {
  let bytes: [UInt8]
  /// The next byte that isn't in the accumulator; after `read`, the first behind the stream.
  private(set) var position: Int
  let limit: Int
  private var accumulator: UInt64 = 0
  private var bitCount = 0
  private var output: [UInt8] = []

  init(bytes: [UInt8], position: Int, limit: Int) {
    self.bytes = bytes
    self.position = position
    self.limit = limit
  }

  mutating func read() throws(InflateError) -> [UInt8] {
    var isLast = false
    while !isLast {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try readStored()
      case 1:
        try readBody(
          try InflateCode(lengths: DeflateTables.fixedLiteralLengths),
          try InflateCode(lengths: DeflateTables.fixedDistanceLengths))
      case 2: try readDynamic()
      default: throw .invalidBlockType
      }
    }
    position -= bitCount / 8
    return output
  }

  /// Makes at least 48 bits available where the stream still has them.
  @inline(__always)
  private mutating func refill() {
    while bitCount <= 48, position < bytes.count {
      accumulator |= UInt64(bytes[position]) << UInt64(bitCount)
      bitCount += 8
      position += 1
    }
  }

  @inline(__always)
  private mutating func take(_ count: Int) throws(InflateError) -> Int {
    if bitCount < count {
      refill()
      guard bitCount >= count else { throw .unexpectedEnd }
    }
    let value = Int(accumulator & (1 << UInt64(count) - 1))
    accumulator >>= UInt64(count)
    bitCount -= count
    return value
  }

  @inline(__always)
  private mutating func takeSymbol(_ code: InflateCode) throws(InflateError) -> Int {
    refill()
    let entry = code.entry(Int(truncatingIfNeeded: accumulator))
    let length = entry & 15
    guard length > 0 else { throw bitCount < 15 ? .unexpectedEnd : .invalidSymbol }
    guard length <= bitCount else { throw .unexpectedEnd }
    accumulator >>= UInt64(length)
    bitCount -= length
    return entry >> 4
  }

  private mutating func readStored() throws(InflateError) {
    _ = try take(bitCount & 7)
    let length = try take(16)
    guard try take(16) == ~length & 0xFFFF else { throw .storedLengthMismatch }
    position -= bitCount / 8
    accumulator = 0
    bitCount = 0
    guard bytes.count - position >= length else { throw .unexpectedEnd }
    guard limit - output.count >= length else { throw .limitExceeded(limit: limit) }
    output += bytes[position..<position + length]
    position += length
  }

  private mutating func readDynamic() throws(InflateError) {
    let literalCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let orderedCount = try take(4) + 4
    guard literalCount <= 286, distanceCount <= 30 else { throw .invalidCode }
    var orderedLengths = [UInt8](repeating: 0, count: 19)
    for place in DeflateTables.codeLengthOrder.prefix(orderedCount) {
      orderedLengths[place] = UInt8(try take(3))
    }
    let lengthCode = try InflateCode(lengths: orderedLengths)
    var lengths: [UInt8] = []
    while lengths.count < literalCount + distanceCount {
      switch try takeSymbol(lengthCode) {
      case 16:
        guard let last = lengths.last else { throw .invalidCode }
        lengths.append(contentsOf: repeatElement(last, count: try take(2) + 3))
      case 17: lengths.append(contentsOf: repeatElement(0, count: try take(3) + 3))
      case 18: lengths.append(contentsOf: repeatElement(0, count: try take(7) + 11))
      case let length: lengths.append(UInt8(length))
      }
    }
    guard lengths.count == literalCount + distanceCount,
      lengths[DeflateTables.endOfBlock] > 0
    else { throw .invalidCode }
    try readBody(
      try InflateCode(lengths: Array(lengths[..<literalCount]), mayBeIncomplete: true),
      try InflateCode(lengths: Array(lengths[literalCount...]), mayBeIncomplete: true))
  }

  private mutating func readBody(
    _ literalCode: InflateCode, _ distanceCode: InflateCode
  ) throws(InflateError) {
    while true {
      let symbol = try takeSymbol(literalCode)
      if symbol < DeflateTables.endOfBlock {
        guard output.count < limit else { throw .limitExceeded(limit: limit) }
        output.append(UInt8(truncatingIfNeeded: symbol))
        continue
      }
      if symbol == DeflateTables.endOfBlock { return }
      let place = symbol - 257
      guard place < DeflateTables.lengthBases.count else { throw .invalidSymbol }
      let length =
        DeflateTables.lengthBases[place] + (try take(DeflateTables.lengthExtraBits[place]))
      let far = try takeSymbol(distanceCode)
      guard far < DeflateTables.distanceBases.count else { throw .invalidSymbol }
      let distance =
        DeflateTables.distanceBases[far] + (try take(DeflateTables.distanceExtraBits[far]))
      guard distance <= output.count else { throw .distanceTooFar(distance) }
      guard limit - output.count >= length else { throw .limitExceeded(limit: limit) }
      let start = output.count - distance
      for offset in 0..<length { output.append(output[start + offset]) }
    }
  }
}

/// A prefix code as a table over the next bits of the stream.
private struct InflateCode {
  /// Symbol × 16 + length for every possible run of `width` bits; 0 where no word begins so.
  private let table: [Int32]
  private let mask: Int

  init(lengths: [UInt8], mayBeIncomplete: Bool = false) throws(InflateError) {
    let width = Int(lengths.max() ?? 0)
    var space = 1 << width
    for length in lengths where length > 0 { space -= 1 << (width - Int(length)) }
    // A code of a single word may leave half the space; a block without copies has no distances.
    guard space == 0 || (mayBeIncomplete && space > 0 && width <= 1) else {
      throw .invalidCode
    }
    let words = HuffmanCode.reversedWords(lengths: lengths)
    var table = [Int32](repeating: 0, count: 1 << width)
    for (symbol, length) in lengths.enumerated() where length > 0 {
      for entry in stride(from: Int(words[symbol]), to: 1 << width, by: 1 << Int(length)) {
        table[entry] = Int32(symbol << 4 | Int(length))
      }
    }
    self.table = table
    mask = 1 << width - 1
  }

  @inline(__always)
  func entry(_ bits: Int) -> Int { Int(table[bits & mask]) }
}
