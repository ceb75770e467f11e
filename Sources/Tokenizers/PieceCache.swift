import Synchronization

/// The tokens of pieces that were met before.
struct PieceMemory: Sendable {
  private static let mostPieces = 1 << 16
  static let longestPiece = 64

  private var table = ByteStringTable()
  private var parts: [BytePairEncoding.Part] = []
  private var offsets: [Int] = [0]

  /// Appends the tokens of a piece, by the model where they aren't remembered.
  mutating func encode(
    _ bytes: Span<UInt8>, _ piece: Range<Int>, by model: TokenizerModel,
    into result: inout [BytePairEncoding.Part]
  ) {
    guard piece.count > 1, piece.count <= Self.longestPiece else {
      return model.encode(bytes, piece, into: &result)
    }
    if let number = table.find(bytes, piece) {
      for index in offsets[number]..<offsets[number + 1] { result.append(parts[index]) }
      return
    }
    let start = result.count
    model.encode(bytes, piece, into: &result)
    if table.count >= Self.mostPieces { self = PieceMemory() }
    _ = table.insert(bytes, piece)
    parts.append(contentsOf: result[start...])
    offsets.append(parts.count)
  }

  var count: Int { table.count }
}

/// A memory that several threads use in turn: who finds it lent begins an own one.
final class PieceCache: Sendable {
  private let memory = Mutex<PieceMemory?>(nil)

  func borrow() -> PieceMemory {
    memory.withLock { memory in
      let lent = memory
      memory = nil
      return lent ?? PieceMemory()
    }
  }

  func giveBack(_ used: consuming PieceMemory) {
    let used = used
    memory.withLock { memory in
      if memory.map({ $0.count < used.count }) ?? true { memory = used }
    }
  }
}
