/// The numbers of the Deflate format that writer and reader share (RFC 1951, section 3.2.5).
enum DeflateTables {
  static let endOfBlock = 256
  static let longestMatch = 258
  static let windowSize = 32768

  /// The shortest match length of each of the symbols 257…285.
  static let lengthBases: [Int] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
  ]
  static let lengthExtraBits: [Int] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  /// The shortest distance of each of the distance symbols 0…29.
  static let distanceBases: [Int] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
    3073, 4097, 6145, 8193, 12289, 16385, 24577,
  ]
  static let distanceExtraBits: [Int] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13,
  ]
  /// The order in which a dynamic block's header lists the lengths of its code length code.
  static let codeLengthOrder: [Int] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]
  static let fixedLiteralLengths: [UInt8] =
    [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112)
    + [UInt8](repeating: 7, count: 24) + [UInt8](repeating: 8, count: 8)
  /// Two of the words stand for no distance.
  static let fixedDistanceLengths = [UInt8](repeating: 5, count: 32)

  /// The place in `lengthBases` of each match length 0…258.
  static let lengthSymbols: [UInt8] = {
    var symbols = [UInt8](repeating: 0, count: longestMatch + 1)
    for (symbol, base) in lengthBases.enumerated() {
      for length in base..<min(longestMatch + 1, base + 1 << lengthExtraBits[symbol]) {
        symbols[length] = UInt8(symbol)
      }
    }
    return symbols
  }()

  /// The distance symbol of a distance from 1 to 32768.
  @inline(__always)
  static func distanceSymbol(_ distance: Int) -> Int {
    guard distance > 4 else { return distance - 1 }
    let top = Int.bitWidth - 1 - (distance - 1).leadingZeroBitCount
    return top * 2 + (distance - 1) >> (top - 1) & 1
  }
}
