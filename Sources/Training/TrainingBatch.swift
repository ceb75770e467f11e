/// A text to learn from, as token ids.
public struct TrainingDocument: Sendable, Equatable {
  /// The tokens.
  public var ids: [Int32]
  /// Whether each token is to be predicted from those before it, or `nil` where all are; the first never is.
  public var isTarget: [Bool]?

  /// Makes a document.
  ///
  /// Precondition: `isTarget`, where given, has as many entries as there are ids.
  public init(ids: [Int32], isTarget: [Bool]? = nil) {
    precondition(isTarget == nil || isTarget?.count == ids.count, "an entry for each token")
    self.ids = ids
    self.isTarget = isTarget
  }

  /// The document in pieces of which none has more than `length` tokens that something is predicted from; the last
  /// token of a piece is the first of the next, so that every token is predicted once.
  func pieces(length: Int) -> [TrainingDocument] {
    guard ids.count > length + 1 else { return ids.count > 1 ? [self] : [] }
    return stride(from: 0, to: ids.count - 1, by: length).map { start in
      let range = start..<min(ids.count, start + length + 1)
      return TrainingDocument(ids: Array(ids[range]), isTarget: isTarget.map { Array($0[range]) })
    }
  }
}

/// Texts that are computed together.
///
/// Their tokens lie one after the other in one row; no text sees another and every text's positions begin at 0, so
/// that there is no padding.
public struct TrainingBatch: Sendable, Equatable {
  /// The tokens, each text without its last.
  public private(set) var ids: [Int32] = []
  /// The token that follows each, or −1 where it isn't to be predicted.
  public private(set) var targets: [Int32] = []
  /// The position of each token in its text.
  public private(set) var positions: [Int32] = []
  /// The tokens of each text.
  public private(set) var segments: [Range<Int>] = []

  /// How many tokens there are to predict.
  public var targetCount: Int { targets.count { $0 >= 0 } }

  /// Packs documents; those of fewer than two tokens are left out.
  public init(_ documents: some Sequence<TrainingDocument>) {
    for document in documents where document.ids.count > 1 {
      let count = document.ids.count - 1
      segments.append(ids.count..<ids.count + count)
      ids += document.ids.dropLast()
      positions += 0..<Int32(count)
      if let isTarget = document.isTarget {
        targets += zip(document.ids, isTarget).dropFirst().map { $1 ? $0 : -1 }
      } else {
        targets += document.ids.dropFirst()
      }
    }
  }
  /// The same texts in batches of at most `count` tokens, in their order; a longer text is one of its own.
  func parts(ofTokens count: Int) -> [TrainingBatch] {
    var parts: [TrainingBatch] = []
    var first = 0
    while first < segments.count {
      var last = first
      while last + 1 < segments.count,
        segments[last + 1].upperBound - segments[first].lowerBound <= count
      {
        last += 1
      }
      parts.append(part(first...last))
      first = last + 1
    }
    return parts
  }

  private func part(_ texts: ClosedRange<Int>) -> TrainingBatch {
    let start = segments[texts.lowerBound].lowerBound
    let range = start..<segments[texts.upperBound].upperBound
    var result = TrainingBatch([])
    result.ids = Array(ids[range])
    result.targets = Array(targets[range])
    result.positions = Array(positions[range])
    result.segments = segments[texts].map { $0.lowerBound - start..<$0.upperBound - start }
    return result
  }
}
