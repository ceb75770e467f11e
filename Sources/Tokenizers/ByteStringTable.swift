/// Numbers distinct byte strings 0, 1, 2, …, and finds the number of a string.
///
/// An open hash table over one arena of bytes; strings are equal only if their bytes are.
struct ByteStringTable: Sendable {
  private var arena: [UInt8] = []
  private var offsets: [Int] = [0]
  private var hashes: [UInt32] = []
  /// A number of a string, or -1; the count is a power of two, at least twice the strings'.
  private var slots: [Int32]

  /// How many strings there are.
  var count: Int { hashes.count }

  init(minimumCapacity: Int = 0) {
    var size = 64
    while size < minimumCapacity * 2 { size *= 2 }
    slots = [Int32](repeating: -1, count: size)
    offsets.reserveCapacity(minimumCapacity + 1)
    hashes.reserveCapacity(minimumCapacity)
  }

  /// The number of the string that lies in a part of a text.
  @inline(__always)
  func find(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    find(bytes, range, Self.hash(bytes, range))
  }

  /// The number of a string.
  func find(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    return find(bytes.span, 0..<bytes.count)
  }

  @inline(__always)
  func find(_ bytes: Span<UInt8>, _ range: Range<Int>, _ hash: UInt32) -> Int? {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while true {
      let number = Int(slots[slot])
      if number < 0 { return nil }
      if hashes[number] == hash, isEqual(number, bytes, range) { return number }
      slot = (slot &+ 1) & mask
    }
  }

  /// The number of a string, a new one for a new string.
  mutating func insert(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (number: Int, isNew: Bool) {
    let hash = Self.hash(bytes, range)
    if let known = find(bytes, range, hash) { return (known, false) }
    if (count + 1) * 2 > slots.count { grow() }
    let number = count
    for place in range { arena.append(bytes[place]) }
    offsets.append(arena.count)
    hashes.append(hash)
    place(number, hash)
    return (number, true)
  }

  /// The number of a string, a new one for a new string.
  mutating func insert(_ text: String) -> (number: Int, isNew: Bool) {
    let bytes = Array(text.utf8)
    return insert(bytes.span, 0..<bytes.count)
  }

  private mutating func place(_ number: Int, _ hash: UInt32) {
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot] >= 0 { slot = (slot &+ 1) & mask }
    slots[slot] = Int32(truncatingIfNeeded: number)
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for (number, hash) in hashes.enumerated() { place(number, hash) }
  }

  @inline(__always)
  private func isEqual(_ number: Int, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    let start = offsets[number]
    guard offsets[number + 1] - start == range.count else { return false }
    for offset in 0..<range.count
    where arena[start &+ offset] != bytes[range.lowerBound &+ offset] {
      return false
    }
    return true
  }

  /// Different in every process, so that no text can be made whose strings collide.
  private static let seed = UInt64.random(in: 0 ... .max)

  @inline(__always)
  static func hash(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt32 {
    var hash = seed ^ UInt64(truncatingIfNeeded: range.count)
    for place in range {
      hash = (hash ^ UInt64(bytes[place])) &* 0x0000_0100_0000_01B3
      hash ^= hash >> 29
    }
    return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
