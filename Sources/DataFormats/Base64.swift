/// Why a text is not Base64.
public enum Base64Error: Error, Sendable, Equatable {
  /// A byte that is no digit of the alphabet, at an offset into the text's UTF-8.
  case invalidCharacter(UInt8, offset: Int)
  /// The number of digits with their padding isn't a multiple of four, or the padding is wrong.
  case invalidLength(Int)
  /// The last digit carries bits that belong to no byte.
  case trailingBits
}

/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
public enum Base64 {
  /// The bytes as text, four digits for every three bytes, padded with `=`, without line breaks.
  public static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    let alphabet = alphabet.span
    var offset = 0
    while bytes.count - offset >= 3 {
      let first = bytes[offset]
      let second = bytes[offset + 1]
      let third = bytes[offset + 2]
      text.append(alphabet[Int(first >> 2)])
      text.append(alphabet[Int(first << 4 & 0x30 | second >> 4)])
      text.append(alphabet[Int(second << 2 & 0x3C | third >> 6)])
      text.append(alphabet[Int(third & 0x3F)])
      offset += 3
    }
    let padding = UInt8(ascii: "=")
    switch bytes.count - offset {
    case 1:
      let first = bytes[offset]
      text.append(alphabet[Int(first >> 2)])
      text.append(alphabet[Int(first << 4 & 0x30)])
      text.append(padding)
      text.append(padding)
    case 2:
      let first = bytes[offset]
      let second = bytes[offset + 1]
      text.append(alphabet[Int(first >> 2)])
      text.append(alphabet[Int(first << 4 & 0x30 | second >> 4)])
      text.append(alphabet[Int(second << 2 & 0x3C)])
      text.append(padding)
    default: break
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that a padded text stands for.
  ///
  /// - Parameters:
  ///   - text: the digits.
  ///   - skippingWhitespace: whether spaces and line breaks between digits are allowed, as MIME
  ///     writers put them.
  /// - Throws: `Base64Error`; a text that `encode` cannot have written is refused.
  public static func decode(
    _ text: String, skippingWhitespace: Bool = false
  ) throws(Base64Error) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count / 4 * 3)
    var group: UInt32 = 0
    var digitCount = 0
    var paddingCount = 0
    var offset = 0
    for byte in text.utf8 {
      defer { offset += 1 }
      if skippingWhitespace, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { continue }
      if byte == UInt8(ascii: "=") {
        paddingCount += 1
        continue
      }
      let value = values[Int(byte)]
      guard value < 64, paddingCount == 0 else {
        throw .invalidCharacter(byte, offset: offset)
      }
      group = group << 6 | UInt32(value)
      digitCount += 1
      if digitCount & 3 == 0 {
        bytes.append(UInt8(truncatingIfNeeded: group >> 16))
        bytes.append(UInt8(truncatingIfNeeded: group >> 8))
        bytes.append(UInt8(truncatingIfNeeded: group))
      }
    }
    switch (digitCount & 3, paddingCount) {
    case (0, 0): break
    case (2, 2):
      guard group & 0x0F == 0 else { throw .trailingBits }
      bytes.append(UInt8(truncatingIfNeeded: group >> 4))
    case (3, 1):
      guard group & 0x03 == 0 else { throw .trailingBits }
      bytes.append(UInt8(truncatingIfNeeded: group >> 10))
      bytes.append(UInt8(truncatingIfNeeded: group >> 2))
    default: throw .invalidLength(digitCount + paddingCount)
    }
    return bytes
  }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The value of each digit, 255 for every other byte.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
    return values
  }()
}
