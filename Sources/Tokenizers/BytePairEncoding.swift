import DataFormats

/// Byte-pair encoding, over bytes the model of GPT-2, Llama 3, Qwen and DeepSeek, over characters
/// that of Llama 2.
///
/// Sennrich et al. 2016, section 3.2; over bytes Radford et al. 2019, section 2.2.
struct BytePairEncoding: Sendable {
  private let merges: MergeTable
  /// The id of each single byte, or -1.
  private let byteIDs: [Int32]
  /// Whether scalars are the units, not bytes; then `byteIDs` are those of `<0x00>` … `<0xFF>`.
  private let joinsScalars: Bool
  /// For that: the ids of the units.
  private let vocabulary: Vocabulary?
  private let unknownID: Int32?
  private let fusesUnknown: Bool
  /// Whether a piece that is in the vocabulary as a whole is one token whatever the merges say.
  private let ignoresMerges: Bool
  /// For that: the ids of whole pieces by their bytes.
  private let wholePieces: ByteStringTable
  private let wholeIDs: [Int32]

  /// Reads a `model` of type `BPE`.
  ///
  /// - Parameter isByteLevel: whether bytes are the units; else scalars are.
  init(
    _ part: TokenizerPart, _ vocabulary: Vocabulary, isByteLevel: Bool
  ) throws(TokenizerError) {
    for option in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = part.value[option]?.string, !text.isEmpty {
        throw .unsupportedOption(part: part.place, option: option)
      }
    }
    if let dropout = part.value["dropout"]?.number, dropout != 0 {
      throw .unsupportedOption(part: part.place, option: "dropout")
    }
    var byteIDs = [Int32](repeating: -1, count: 256)
    joinsScalars = !isByteLevel
    self.vocabulary = isByteLevel ? nil : vocabulary
    if isByteLevel {
      for (byte, scalar) in ByteAlphabet.scalars.enumerated() {
        if let id = vocabulary.id(of: String(scalar)) { byteIDs[byte] = Int32(id) }
      }
    } else if try part.bool("byte_fallback", or: false) {
      byteIDs = ByteFallback.ids(in: vocabulary)
    }
    self.byteIDs = byteIDs
    if let token = part.value["unk_token"]?.string {
      guard let id = vocabulary.id(of: token) else {
        throw .unknownSpecialToken(role: "\(part.place).unk_token", token: token)
      }
      unknownID = Int32(id)
    } else {
      unknownID = nil
    }
    fusesUnknown = try part.bool("fuse_unk", or: false)
    ignoresMerges = try part.bool("ignore_merges", or: false)
    var wholePieces = ByteStringTable()
    var wholeIDs: [Int32] = []
    if ignoresMerges {
      wholePieces = ByteStringTable(minimumCapacity: vocabulary.pieces.count)
      for (id, piece) in vocabulary.pieces.enumerated() {
        guard let piece,
          let bytes = isByteLevel ? ByteAlphabet.bytes(of: piece) : Array(piece.utf8)
        else { continue }
        if wholePieces.insert(bytes.span, 0..<bytes.count).isNew { wholeIDs.append(Int32(id)) }
      }
    }
    self.wholePieces = wholePieces
    self.wholeIDs = wholeIDs
    merges = try Self.readMerges(part, vocabulary)
  }

  private static func readMerges(
    _ part: TokenizerPart, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> MergeTable {
    guard let list = part.value["merges"]?.array else { throw part.wrong("merges", "a list") }
    var table = MergeTable(capacity: list.count)
    var joined: [UInt8] = []
    for (index, item) in list.enumerated() {
      joined.removeAll(keepingCapacity: true)
      let middle: Int
      switch item {
      case .string(let text):
        var space: Int?
        for byte in text.utf8 {
          if byte == 0x20 {
            guard space == nil else { throw .malformedMerge(index: index) }
            space = joined.count
          } else {
            joined.append(byte)
          }
        }
        guard let space else { throw .malformedMerge(index: index) }
        middle = space
      case .array(let pair):
        guard pair.count == 2, let left = pair[0].string, let right = pair[1].string else {
          throw .malformedMerge(index: index)
        }
        joined.append(contentsOf: left.utf8)
        middle = joined.count
        joined.append(contentsOf: right.utf8)
      default: throw .malformedMerge(index: index)
      }
      func id(_ range: Range<Int>) throws(TokenizerError) -> Int32 {
        guard let id = vocabulary.id(of: joined.span, range) else {
          throw .mergeOutsideVocabulary(
            index: index, piece: String(decoding: joined[range], as: UTF8.self))
        }
        return Int32(id)
      }
      table.insert(
        try id(0..<middle), try id(middle..<joined.count), rank: UInt32(index),
        result: try id(0..<joined.count))
    }
    return table
  }

  /// A token of a piece: its id and how many bytes it stands for.
  struct Part {
    var id: Int32
    var length: Int32
  }

  /// Appends the tokens of one piece of a text.
  func encode(_ bytes: Span<UInt8>, _ piece: Range<Int>, into result: inout [Part]) {
    if ignoresMerges, let number = wholePieces.find(bytes, piece) {
      result.append(Part(id: wholeIDs[number], length: Int32(truncatingIfNeeded: piece.count)))
      return
    }
    let start = result.count
    if joinsScalars {
      appendScalars(bytes, piece, into: &result)
    } else {
      appendBytes(bytes, piece, into: &result)
    }
    if result.count - start <= 48 {
      mergeShort(&result, from: start)
    } else {
      mergeLong(&result, from: start)
    }
  }

  /// Appends a token for each byte; a byte that the vocabulary lacks is unknown or, where there is no
  /// token for the unknown, left out.
  private func appendBytes(
    _ bytes: Span<UInt8>, _ piece: Range<Int>, into result: inout [Part]
  ) {
    var followsUnknown = false
    var skipped: Int32 = 0
    for place in piece {
      let id = byteIDs[Int(bytes[place])]
      if id >= 0 {
        result.append(Part(id: id, length: 1 + skipped))
        skipped = 0
        followsUnknown = false
      } else if let unknownID {
        if fusesUnknown, followsUnknown {
          result[result.count - 1].length += 1
        } else {
          result.append(Part(id: unknownID, length: 1))
        }
        followsUnknown = true
      } else {
        // What is left out counts with the byte behind it, so that the places stay right.
        skipped += 1
      }
    }
  }

  /// Appends a token for each scalar; one that the vocabulary lacks is written in bytes where these
  /// have tokens, else unknown, else left out.
  private func appendScalars(
    _ bytes: Span<UInt8>, _ piece: Range<Int>, into result: inout [Part]
  ) {
    var followsUnknown = false
    var skipped: Int32 = 0
    var place = piece.lowerBound
    while place < piece.upperBound {
      let (_, width) = decode(bytes, place)
      let scalar = place..<place + width
      place += width
      let length = Int32(truncatingIfNeeded: width)
      if let id = vocabulary?.id(of: bytes, scalar) {
        result.append(Part(id: Int32(id), length: length + skipped))
      } else if scalar.allSatisfy({ byteIDs[Int(bytes[$0])] >= 0 }) {
        for byte in scalar {
          result.append(Part(id: byteIDs[Int(bytes[byte])], length: 1 + skipped))
          skipped = 0
        }
      } else if let unknownID {
        if fusesUnknown, followsUnknown {
          result[result.count - 1].length += length
        } else {
          result.append(Part(id: unknownID, length: length))
        }
        followsUnknown = true
        continue
      } else {
        skipped += length
        continue
      }
      skipped = 0
      followsUnknown = false
    }
  }

  /// Merges the pair of the lowest rank, the leftmost first, until none is left.
  private func mergeShort(_ parts: inout [Part], from start: Int) {
    var count = parts.count - start
    guard count > 1 else { return }
    var ranks = [48 of UInt64](repeating: .max)
    for index in 0..<count - 1 {
      ranks[index] = merges.find(parts[start &+ index].id, parts[start &+ index &+ 1].id)
    }
    while count > 1 {
      var best = UInt64.max
      var place = 0
      for index in 0..<count &- 1 where ranks[index] < best {
        best = ranks[index]
        place = index
      }
      guard best != .max else { break }
      let left = start &+ place
      parts[left].id = MergeTable.result(best)
      parts[left].length &+= parts[left &+ 1].length
      for index in place &+ 1..<count &- 1 {
        parts[start &+ index] = parts[start &+ index &+ 1]
        ranks[index] = ranks[index &+ 1]
      }
      count &-= 1
      if place > 0 {
        ranks[place &- 1] = merges.find(parts[left &- 1].id, parts[left].id)
      }
      ranks[place] =
        place < count &- 1 ? merges.find(parts[left].id, parts[left &+ 1].id) : .max
    }
    parts.removeLast(parts.count - start - count)
  }

  /// The same for long pieces in time n·log n: a linked list of parts and a heap of pairs.
  private func mergeLong(_ parts: inout [Part], from start: Int) {
    let count = parts.count - start
    var next = (0..<count).map { $0 + 1 }
    var previous = (0..<count).map { $0 - 1 }
    var found = [UInt64](repeating: .max, count: count)
    var heap = MergeHeap()
    for index in 0..<count - 1 {
      found[index] = merges.find(parts[start + index].id, parts[start + index + 1].id)
      if found[index] != .max { heap.insert(found[index], index) }
    }
    while let (merge, place) = heap.removeFirst() {
      // Stale where the pair has changed meanwhile.
      guard found[place] == merge else { continue }
      let right = next[place]
      parts[start + place].id = MergeTable.result(merge)
      parts[start + place].length += parts[start + right].length
      parts[start + right].length = 0
      found[right] = .max
      next[place] = next[right]
      if next[place] < count { previous[next[place]] = place }
      for left in [previous[place], place] where left >= 0 {
        found[left] =
          next[left] < count
          ? merges.find(parts[start + left].id, parts[start + next[left]].id) : .max
        if found[left] != .max { heap.insert(found[left], left) }
      }
    }
    var kept = start
    var index = 0
    while index < count {
      parts[kept] = parts[start + index]
      kept += 1
      index = next[index]
    }
    parts.removeLast(parts.count - kept)
  }
}

/// The merges by their pair of ids.
private struct MergeTable: Sendable {
  /// Pairs of ids, `UInt64.max` where a slot is free.
  private var keys: [UInt64]
  /// Rank in the upper half, the id of the merged piece in the lower: ordered by rank.
  private var values: [UInt64]
  private let shift: UInt64

  init(capacity: Int) {
    var bits: UInt64 = 4
    while 1 << bits < capacity * 2 { bits += 1 }
    keys = [UInt64](repeating: .max, count: 1 << Int(bits))
    values = keys
    shift = 64 - bits
  }

  @inline(__always)
  private func firstSlot(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> shift)
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  mutating func insert(_ left: Int32, _ right: Int32, rank: UInt32, result: Int32) {
    let key = Self.key(left, right)
    var slot = firstSlot(key)
    while keys[slot] != .max, keys[slot] != key { slot = (slot + 1) & (keys.count - 1) }
    keys[slot] = key
    values[slot] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: result))
  }

  /// Rank and result of a pair in one word, or `UInt64.max`.
  @inline(__always)
  func find(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = Self.key(left, right)
    var slot = firstSlot(key)
    while true {
      let found = keys[slot]
      if found == key { return values[slot] }
      if found == .max { return .max }
      slot = (slot &+ 1) & (keys.count &- 1)
    }
  }

  @inline(__always)
  static func result(_ value: UInt64) -> Int32 { Int32(truncatingIfNeeded: value) }
}

/// Merges with their places, the lowest rank and then the leftmost first.
private struct MergeHeap {
  private var items: [(merge: UInt64, place: Int)] = []

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    items[left] < items[right]
  }

  mutating func insert(_ merge: UInt64, _ place: Int) {
    items.append((merge, place))
    var child = items.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      items.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func removeFirst() -> (merge: UInt64, place: Int)? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    guard !items.isEmpty else { return first }
    items[0] = last
    var parent = 0
    while true {
      var child = parent * 2 + 1
      guard child < items.count else { return first }
      if child + 1 < items.count, precedes(child + 1, child) { child += 1 }
      guard precedes(child, parent) else { return first }
      items.swapAt(child, parent)
      parent = child
    }
  }
}
