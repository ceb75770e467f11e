/// CRC-32 as PNG, gzip and zip use it (polynomial 0x04C11DB7, reflected; PNG annex D).
public struct CRC32: Sendable {
  private var register: UInt32 = 0xFFFF_FFFF

  /// Starts with no bytes.
  public init() {}

  /// Appends bytes.
  public mutating func update(_ bytes: [UInt8]) {
    register = CRCTable.png.updated(register, bytes.span)
  }

  /// The checksum of what was appended so far.
  public var value: UInt32 { ~register }

  /// The checksum of the given bytes.
  public static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var checksum = CRC32()
    checksum.update(bytes)
    return checksum.value
  }
}

/// CRC-32C, Castagnoli's, as TensorBoard's event files use it (RFC 3720, appendix B.4).
public struct CRC32C: Sendable {
  private var register: UInt32 = 0xFFFF_FFFF

  /// Starts with no bytes.
  public init() {}

  /// Appends bytes.
  public mutating func update(_ bytes: [UInt8]) {
    register = CRCTable.castagnoli.updated(register, bytes.span)
  }

  /// The checksum of what was appended so far.
  public var value: UInt32 { ~register }

  /// The checksum of the given bytes.
  public static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var checksum = CRC32C()
    checksum.update(bytes)
    return checksum.value
  }
}

/// Adler-32, the checksum of the zlib format (RFC 1950, section 8.2).
public struct Adler32: Sendable {
  private var low: UInt32 = 1
  private var high: UInt32 = 0

  /// Starts with no bytes.
  public init() {}

  /// Appends bytes.
  public mutating func update(_ bytes: [UInt8]) {
    let span = bytes.span
    var offset = 0
    while offset < span.count {
      // 5552 bytes are the most after which both sums still fit 32 bits.
      let end = min(span.count, offset + 5552)
      while offset < end {
        low &+= UInt32(span[offset])
        high &+= low
        offset &+= 1
      }
      low %= 65521
      high %= 65521
    }
  }

  /// The checksum of what was appended so far.
  public var value: UInt32 { high << 16 | low }

  /// The checksum of the given bytes.
  public static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var checksum = Adler32()
    checksum.update(bytes)
    return checksum.value
  }
}

/// Eight tables of 256 words, by which a reflected CRC advances eight bytes at a time.
private struct CRCTable: Sendable {
  let words: [UInt32]

  static let png = CRCTable(reflectedPolynomial: 0xEDB8_8320)
  static let castagnoli = CRCTable(reflectedPolynomial: 0x82F6_3B78)

  init(reflectedPolynomial: UInt32) {
    var words: [UInt32] = []
    for byte in 0..<256 as Range<UInt32> {
      var word = byte
      for _ in 0..<8 { word = word & 1 == 1 ? reflectedPolynomial ^ word >> 1 : word >> 1 }
      words.append(word)
    }
    for place in 256..<2048 {
      let before = words[place - 256]
      words.append(before >> 8 ^ words[Int(before & 255)])
    }
    self.words = words
  }

  func updated(_ start: UInt32, _ bytes: Span<UInt8>) -> UInt32 {
    let table = words.span
    var register = start
    var offset = 0
    while bytes.count - offset >= 8 {
      let first =
        register
        ^ (UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8
          | UInt32(bytes[offset + 2]) << 16 | UInt32(bytes[offset + 3]) << 24)
      let early =
        table[1792 + Int(first & 255)] ^ table[1536 + Int(first >> 8 & 255)]
        ^ table[1280 + Int(first >> 16 & 255)] ^ table[1024 + Int(first >> 24)]
      let late =
        table[768 + Int(bytes[offset + 4])] ^ table[512 + Int(bytes[offset + 5])]
        ^ table[256 + Int(bytes[offset + 6])] ^ table[Int(bytes[offset + 7])]
      register = early ^ late
      offset += 8
    }
    while offset < bytes.count {
      register = register >> 8 ^ table[Int(UInt8(truncatingIfNeeded: register) ^ bytes[offset])]
      offset += 1
    }
    return register
  }
}
