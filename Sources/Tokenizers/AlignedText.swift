/// A text as the tokenizer has changed it, of which each byte knows the part of the user's text it
/// stands for.
struct AlignedText {
  /// The changed text in valid UTF-8.
  private(set) var bytes: [UInt8]
  /// For each byte the range of the user's bytes; empty while the text is the user's own.
  private var starts: [Int32] = []
  private var ends: [Int32] = []
  /// Where in the user's text the first byte lies, while the text is the user's own.
  private let base: Int
  private let isIdentity: Bool

  /// A part of the user's own text.
  init(original bytes: [UInt8], base: Int = 0) {
    self.bytes = bytes
    self.base = base
    isIdentity = true
  }

  private init(capacity: Int) {
    bytes = []
    bytes.reserveCapacity(capacity)
    base = 0
    isIdentity = false
  }

  /// The user's bytes for which a range of the changed text stands.
  @inline(__always)
  func origin(of range: Range<Int>) -> Range<Int> {
    if isIdentity { return range.lowerBound + base..<range.upperBound + base }
    guard !range.isEmpty else { return 0..<0 }
    let start = Int(starts[range.lowerBound])
    return start..<max(start, Int(ends[range.upperBound - 1]))
  }

  private mutating func append(_ scalar: Unicode.Scalar, origin: Range<Int>) {
    let encoded = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
    // A scalar that is as long as what it stands for (mostly itself) does so byte by byte.
    let isParallel = encoded.count == origin.count
    for (offset, byte) in encoded.enumerated() {
      let lower = isParallel ? origin.lowerBound + offset : origin.lowerBound
      bytes.append(byte)
      starts.append(Int32(truncatingIfNeeded: lower))
      ends.append(Int32(truncatingIfNeeded: isParallel ? lower + 1 : origin.upperBound))
    }
  }

  /// All scalars with the part of the user's text for which each stands.
  var scalars: [(scalar: Unicode.Scalar, origin: Range<Int>)] {
    var result: [(scalar: Unicode.Scalar, origin: Range<Int>)] = []
    result.reserveCapacity(bytes.count)
    var place = 0
    while place < bytes.count {
      let (value, length) = decode(bytes.span, place)
      result.append(
        (Unicode.Scalar(value) ?? "\u{FFFD}", origin(of: place..<place + length)))
      place += length
    }
    return result
  }

  /// A text of scalars with their origins.
  init(_ scalars: [(scalar: Unicode.Scalar, origin: Range<Int>)]) {
    self.init(capacity: scalars.count)
    for (scalar, origin) in scalars { append(scalar, origin: origin) }
  }

  /// Puts a space, which stands for nothing of the user's, in front of each of the given pieces that
  /// doesn't begin with one, and gives the pieces' new places.
  mutating func insertSpaces(before pieces: [Range<Int>]) -> [Range<Int>] {
    guard pieces.contains(where: { bytes[$0.lowerBound] != 0x20 }) else { return pieces }
    var changed: [(scalar: Unicode.Scalar, origin: Range<Int>)] = []
    var moved: [Range<Int>] = []
    var length = 0
    for piece in pieces {
      let start = length
      if bytes[piece.lowerBound] != 0x20 {
        let origin = origin(of: piece).lowerBound
        changed.append((" ", origin..<origin))
        length += 1
      }
      var place = piece.lowerBound
      while place < piece.upperBound {
        let (value, width) = decode(bytes.span, place)
        changed.append(
          (Unicode.Scalar(value) ?? "\u{FFFD}", origin(of: place..<place + width)))
        place += width
      }
      length += piece.count
      moved.append(start..<length)
    }
    self = AlignedText(changed)
    return moved
  }

  /// Puts a mark in the place of every space, and in front of each of the given pieces that doesn't
  /// begin with it and is to, and gives the pieces' new places; what lies between them is left out.
  mutating func markSpaces(
    in pieces: [Range<Int>], by mark: Unicode.Scalar, before begins: (_ origin: Int) -> Bool
  ) -> [Range<Int>] {
    var changed: [(scalar: Unicode.Scalar, origin: Range<Int>)] = []
    var moved: [Range<Int>] = []
    let markLength = UTF8.width(mark)
    var length = 0
    for piece in pieces {
      let start = length
      var place = piece.lowerBound
      while place < piece.upperBound {
        let (value, width) = decode(bytes.span, place)
        let scalar = value == 0x20 ? mark : Unicode.Scalar(value) ?? "\u{FFFD}"
        let origin = origin(of: place..<place + width)
        if place == piece.lowerBound, scalar != mark, begins(origin.lowerBound) {
          changed.append((mark, origin.lowerBound..<origin.lowerBound))
          length += markLength
        }
        changed.append((scalar, origin))
        length += UTF8.width(scalar)
        place += width
      }
      moved.append(start..<length)
    }
    self = AlignedText(changed)
    return moved
  }
}
