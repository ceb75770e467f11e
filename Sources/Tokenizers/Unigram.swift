import DataFormats

/// Unigram: of all ways to cut a piece into known ones, the most probable.
///
/// Kudo 2018, section 3.1; as SentencePiece and T5 have it. A scalar that no piece stands for counts
/// as unknown, ten below the least probable piece; unknown scalars that follow each other are one
/// token.
struct Unigram: Sendable {
  /// How much less probable than any piece the unknown is.
  private static let unknownPenalty = 10.0

  private let scores: [Double]
  private let unknownScore: Double
  private let unknownID: Int32
  private let fusesUnknown: Bool
  /// The ids of the pieces `<0x00>` … `<0xFF>` where the unknown is written in bytes, -1 for none.
  private let byteIDs: [Int32]?
  private let trie: PieceTrie
  /// The ids by whole pieces, for runs of the unknown that happen to be one.
  private let vocabulary: Vocabulary

  /// Reads a `model` of type `Unigram`, whose vocabulary is a list of pieces and their scores.
  static func read(
    _ part: TokenizerPart
  ) throws(TokenizerError) -> (model: Unigram, vocabulary: Vocabulary) {
    guard let list = part.value["vocab"]?.array else { throw part.wrong("vocab", "a list") }
    var pieces: [String] = []
    var scores: [Double] = []
    for (index, item) in list.enumerated() {
      guard let piece = item[0]?.string, let score = item[1]?.number, score.isFinite else {
        throw part.wrong("vocab[\(index)]", "a piece and its score")
      }
      pieces.append(piece)
      scores.append(score)
    }
    let vocabulary = try Vocabulary(pieces)
    return (try Unigram(part, vocabulary, scores), vocabulary)
  }

  private init(
    _ part: TokenizerPart, _ vocabulary: Vocabulary, _ scores: [Double]
  ) throws(TokenizerError) {
    guard let unknown = part.value["unk_id"]?.integer, scores.indices.contains(unknown) else {
      throw part.wrong("unk_id", "the number of a piece")
    }
    unknownID = Int32(unknown)
    self.scores = scores
    self.vocabulary = vocabulary
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    fusesUnknown = try part.bool("fuse_unk", or: true)
    byteIDs = try part.bool("byte_fallback", or: false) ? ByteFallback.ids(in: vocabulary) : nil
    trie = PieceTrie(vocabulary.pieces)
  }

  /// One end of a piece: the best way there.
  private struct Node {
    var score = 0.0
    var start: Int32 = -1
    var id: Int32 = 0
  }

  /// Appends the tokens of one piece of a text.
  func encode(
    _ bytes: Span<UInt8>, _ piece: Range<Int>, into result: inout [BytePairEncoding.Part]
  ) {
    let count = piece.count
    guard count > 0 else { return }
    var nodes = [Node](repeating: Node(), count: count + 1)
    var start = 0
    while start < count {
      let width = decode(bytes, piece.lowerBound + start).length
      let before = nodes[start].score
      var hasScalar = false
      trie.forEachPrefix(bytes, piece.lowerBound + start..<piece.upperBound) { id, length in
        Self.offer(&nodes[start + length], before + scores[Int(id)], start, id)
        if length == width { hasScalar = true }
      }
      if !hasScalar { Self.offer(&nodes[start + width], before + unknownScore, start, unknownID) }
      start += width
    }
    append(nodes, bytes, piece, into: &result)
  }

  @inline(__always)
  private static func offer(_ node: inout Node, _ score: Double, _ start: Int, _ id: Int32) {
    guard node.start < 0 || score > node.score else { return }
    node = Node(score: score, start: Int32(truncatingIfNeeded: start), id: id)
  }

  /// Appends the tokens of the best way, which is known from its end.
  private func append(
    _ nodes: [Node], _ bytes: Span<UInt8>, _ piece: Range<Int>,
    into result: inout [BytePairEncoding.Part]
  ) {
    var steps: [(range: Range<Int>, id: Int32)] = []
    var end = piece.count
    while end > 0 {
      let start = Int(nodes[end].start)
      let id = nodes[end].id
      if fusesUnknown, id == unknownID, let last = steps.last, last.id == unknownID {
        steps[steps.count - 1].range = start..<last.range.upperBound
      } else {
        steps.append((start..<end, id))
      }
      end = start
    }
    for (range, id) in steps.reversed() {
      let length = Int32(truncatingIfNeeded: range.count)
      guard id == unknownID else {
        result.append(BytePairEncoding.Part(id: id, length: length))
        continue
      }
      let place = piece.lowerBound + range.lowerBound..<piece.lowerBound + range.upperBound
      if let whole = vocabulary.id(of: bytes, place) {
        result.append(BytePairEncoding.Part(id: Int32(whole), length: length))
      } else if let byteIDs, place.allSatisfy({ byteIDs[Int(bytes[$0])] >= 0 }) {
        for index in place {
          result.append(BytePairEncoding.Part(id: byteIDs[Int(bytes[index])], length: 1))
        }
      } else {
        result.append(BytePairEncoding.Part(id: unknownID, length: length))
      }
    }
  }
}

/// Pieces that stand for single bytes, `<0x00>` … `<0xFF>`.
enum ByteFallback {
  /// The ids of the pieces by byte, -1 where there is none.
  static func ids(in vocabulary: Vocabulary) -> [Int32] {
    (0..<256).map { byte in vocabulary.id(of: piece(UInt8(byte))).map { Int32($0) } ?? -1 }
  }

  static func piece(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x" + (digits.count < 2 ? "0" : "") + digits + ">"
  }

  /// The byte for which a piece stands.
  static func byte(of piece: [UInt8]) -> UInt8? {
    guard piece.count == 6, piece.starts(with: "<0x".utf8), piece[5] == UInt8(ascii: ">") else {
      return nil
    }
    let digits = String(decoding: piece[3..<5], as: UTF8.self)
    guard !digits.utf8.contains(UInt8(ascii: "+")), !digits.utf8.contains(UInt8(ascii: "-")) else {
      return nil
    }
    return UInt8(digits, radix: 16)
  }
}

/// Pieces by their bytes, for finding those with which a text begins.
private struct PieceTrie: Sendable {
  /// Parent node and byte, 0 where a slot is free; the root's number is 1.
  private var keys: [UInt64]
  private var children: [Int32]
  /// The piece that ends at each node, or -1.
  private var pieces: [Int32] = [-1, -1]

  init(_ strings: [String?]) {
    let length = strings.reduce(0) { $0 + ($1?.utf8.count ?? 0) }
    var size = 64
    while size < length * 2 { size *= 2 }
    keys = [UInt64](repeating: 0, count: size)
    children = [Int32](repeating: 0, count: size)
    for (id, string) in strings.enumerated() {
      guard let string, !string.isEmpty else { continue }
      var node = 1
      for byte in string.utf8 {
        let slot = slot(node, byte)
        if keys[slot] == 0 {
          keys[slot] = Self.key(node, byte)
          children[slot] = Int32(pieces.count)
          pieces.append(-1)
        }
        node = Int(children[slot])
      }
      pieces[node] = Int32(id)
    }
  }

  @inline(__always)
  private static func key(_ node: Int, _ byte: UInt8) -> UInt64 {
    UInt64(node) << 8 | UInt64(byte)
  }

  /// Where a child lies or would lie.
  @inline(__always)
  private func slot(_ node: Int, _ byte: UInt8) -> Int {
    let key = Self.key(node, byte)
    let mask = keys.count &- 1
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 24) & mask
    while keys[slot] != 0, keys[slot] != key { slot = (slot &+ 1) & mask }
    return slot
  }

  @inline(__always)
  func forEachPrefix(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ body: (_ id: Int32, _ length: Int) -> Void
  ) {
    var node = 1
    for place in range {
      let slot = slot(node, bytes[place])
      guard keys[slot] != 0 else { return }
      node = Int(children[slot])
      if pieces[node] >= 0 { body(pieces[node], place - range.lowerBound + 1) }
    }
  }
}
