/// The printable characters that stand for bytes in the vocabularies of byte-level models.
///
/// Bytes that are visible in Latin-1 are themselves; the others are U+0100, U+0101, … in order.
enum ByteAlphabet {
  private static let visible: [ClosedRange<UInt8>] = [33...126, 161...172, 174...255]

  /// The scalar for each byte.
  static let scalars: [Unicode.Scalar] = {
    var scalars: [Unicode.Scalar] = []
    var next: UInt32 = 0x100
    for byte in UInt8.min ... .max {
      if visible.contains(where: { $0.contains(byte) }) {
        scalars.append(Unicode.Scalar(byte))
      } else {
        scalars.append(Unicode.Scalar(next) ?? "\u{FFFD}")
        next += 1
      }
    }
    return scalars
  }()

  /// The byte of each scalar below U+0144, or -1.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
    return bytes
  }()

  /// The bytes that a piece of a vocabulary stands for, or `nil` where a character isn't a byte's.
  static func bytes(of piece: String) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(piece.utf8.count)
    for scalar in piece.unicodeScalars {
      guard scalar.value < 0x144 else { return nil }
      let byte = bytes[Int(scalar.value)]
      guard byte >= 0 else { return nil }
      result.append(UInt8(truncatingIfNeeded: byte))
    }
    return result
  }
}
