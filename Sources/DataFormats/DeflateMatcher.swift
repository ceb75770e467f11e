/// One step of a text under LZ77: a byte as it is, or a copy of earlier bytes.
struct DeflateStep {
  /// The match length in the upper half (0 for a byte), the distance or the byte in the lower.
  private let packed: UInt32

  init(literal: UInt8) { packed = UInt32(literal) }
  init(length: Int, distance: Int) { packed = UInt32(length) << 16 | UInt32(distance) }

  var length: Int { Int(packed >> 16) }
  var distanceOrLiteral: Int { Int(packed & 0xFFFF) }
}

/// Finds repetitions within the last 32 KiB by chains of places with one hash of three bytes.
///
/// A match is held back by one byte in case a longer one begins there. The bounds of the search are
/// those of zlib's level 6.
struct DeflateMatcher {
  private static let longestChain = 128
  private static let longestLazyMatch = 16
  private static let goodMatch = 8
  private static let niceMatch = 128
  private static let hashSize = 1 << 15

  /// The last place with each hash, and each place's predecessor with the same; -1 for none.
  private var heads = [Int32](repeating: -1, count: hashSize)
  private var previous = [Int32](repeating: -1, count: DeflateTables.windowSize)

  /// Goes through the whole text, handing each step to `emit`.
  mutating func match(_ bytes: Span<UInt8>, emit: (DeflateStep) -> Void) {
    var position = 0
    var heldLength = 0
    var heldDistance = 0
    var holdsByte = false
    while position < bytes.count {
      var length = 0
      var distance = 0
      let candidate = insert(bytes, position)
      if heldLength < Self.longestLazyMatch, candidate >= 0 {
        (length, distance) = longestMatch(bytes, position, from: candidate, beyond: heldLength)
        // A match of three far away costs more bits than three literals.
        if length == 3, distance > 4096 { length = 0 }
      }
      if heldLength >= 3, length <= heldLength {
        emit(DeflateStep(length: heldLength, distance: heldDistance))
        // The match began one byte ago, and that byte and this one are in the chains already.
        let end = position - 1 + heldLength
        position += 1
        while position < end {
          _ = insert(bytes, position)
          position += 1
        }
        heldLength = 0
        holdsByte = false
        continue
      }
      if holdsByte { emit(DeflateStep(literal: bytes[position - 1])) }
      holdsByte = true
      heldLength = length
      heldDistance = distance
      position += 1
    }
    if holdsByte {
      if heldLength >= 3 {
        emit(DeflateStep(length: heldLength, distance: heldDistance))
      } else {
        emit(DeflateStep(literal: bytes[position - 1]))
      }
    }
  }

  /// Puts a place into its chain and gives the place before it in the chain, or -1.
  @inline(__always)
  private mutating func insert(_ bytes: Span<UInt8>, _ position: Int) -> Int {
    guard bytes.count - position >= 3 else { return -1 }
    let key =
      UInt32(bytes[position]) | UInt32(bytes[position &+ 1]) << 8
      | UInt32(bytes[position &+ 2]) << 16
    let slot = Int((key &* 0x9E37_79B1) >> 17)
    let before = heads[slot]
    previous[position & (DeflateTables.windowSize - 1)] = before
    heads[slot] = Int32(truncatingIfNeeded: position)
    return Int(before)
  }

  /// The longest match at a position that is longer than `beyond`, nearest first; else length 0.
  @inline(__always)
  private func longestMatch(
    _ bytes: Span<UInt8>, _ position: Int, from candidate: Int, beyond: Int
  ) -> (length: Int, distance: Int) {
    let limit = min(DeflateTables.longestMatch, bytes.count - position)
    let oldest = max(0, position - DeflateTables.windowSize)
    var remaining = beyond >= Self.goodMatch ? Self.longestChain / 4 : Self.longestChain
    var best = max(beyond, 2)
    var distance = 0
    var place = candidate
    guard best < limit else { return (0, 0) }
    while place >= oldest, remaining > 0 {
      if bytes[place &+ best] == bytes[position &+ best], bytes[place] == bytes[position] {
        var length = 0
        while length < limit, bytes[place &+ length] == bytes[position &+ length] { length &+= 1 }
        if length > best {
          best = length
          distance = position - place
          if length >= min(Self.niceMatch, limit) { break }
        }
      }
      let next = Int(previous[place & (DeflateTables.windowSize - 1)])
      // An overwritten entry leads forward: the chain has left the window.
      guard next < place else { break }
      place = next
      remaining -= 1
    }
    return distance > 0 ? (best, distance) : (0, 0)
  }
}
