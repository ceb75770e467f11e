import Glibc
public import Tensors

/// How strongly a head follows a pattern: how much of its attention goes to the keys that the pattern
/// names for each query.
///
/// The patterns are those of TransformerLens' `head_detector`: the token before (`previousToken`),
/// earlier places of the same token (`duplicateToken`), and the tokens after earlier places of the
/// same token (`induction`; Olsson et al. 2022, In-context Learning and Induction Heads).
public struct PatternScore: Sendable, Equatable {
  /// The attention that goes to the pattern's keys, summed over queries.
  public let sum: Double
  /// How many queries have such a key at all.
  public let queries: Int
  /// All attention of all queries, which is their number but for rounding.
  public let total: Double

  /// Makes a score.
  public init(sum: Double, queries: Int, total: Double) {
    self.sum = sum
    self.queries = queries
    self.total = total
  }

  /// The mean over the queries that have such a key, from 0 to 1: 1 for a head that does nothing
  /// else; `nil` where no query has one.
  public var mean: Double? { queries > 0 ? sum / Double(queries) : nil }

  /// The share of all attention, as TransformerLens computes it: it stays below 1 where some query
  /// has no such key.
  public var share: Double { total > 0 ? sum / total : 0 }
}

/// What one head's map comes to in numbers.
public struct HeadSummary: Sendable, Equatable {
  /// The layer.
  public let layer: Int
  /// The head.
  public let head: Int
  /// The mean over queries of the entropy of what they look at, in bits: 0 looks at one key.
  public let entropy: Double
  /// The mean over queries of the entropy as a share of the largest possible one.
  ///
  /// The largest is the logarithm of the number of keys that the query sees: 0 looks at one key, 1 at
  /// all alike. Queries that see a single key are left out; 0 where there are no others.
  public let normalizedEntropy: Double
  /// The mean over queries of how many tokens away they look.
  public let distance: Double
  /// The mean share that goes to the first token.
  public let firstTokenShare: Double
  /// Looking at the token before.
  public let previousToken: PatternScore
  /// Looking at earlier places of the same token.
  public let duplicateToken: PatternScore
  /// Looking at what followed earlier places of the same token.
  public let induction: PatternScore

  /// The numbers of one map.
  ///
  /// - Parameters:
  ///   - map: how much each query looks at each key, `[queries, keys]`, rows of sum 1.
  ///   - ids: the tokens, of which the map is.
  ///   - isCausal: whether a query sees only the keys up to its own place.
  ///   - window: how many keys, up to its own place, a query sees at most; `nil` sets no limit.
  ///   - layer: the layer.
  ///   - head: the head.
  ///   - cancellation: checked between rows.
  public init(
    of map: Tensor, ids: [Int], isCausal: Bool, window: Int? = nil, layer: Int, head: Int,
    cancellation: Cancellation? = nil
  ) throws(Cancelled) {
    let count = ids.count
    precondition(map.shape == [count, count], "a map \(map.shape) of \(count) tokens")
    var (bits, shares, sharing) = (0.0, 0.0, 0)
    var (distance, first, total) = (0.0, 0.0, 0.0)
    var (previous, duplicate, induction) = (Tally(), Tally(), Tally())
    for query in 0..<count {
      if query % 64 == 0 { try cancellation?.check() }
      let row = map.row(query)
      let rowBits = Analysis.entropy(row)
      bits += rowBits
      let visible = min(isCausal ? query + 1 : count, window ?? count)
      if visible > 1 {
        shares += rowBits / log2(Double(visible))
        sharing += 1
      }
      first += Double(row[0])
      var (duplicated, induced) = (0.0, 0.0)
      var occursBefore = false
      for key in 0..<count {
        let weight = Double(row[key])
        total += weight
        distance += weight * Double(abs(query - key))
        guard key < query, ids[key] == ids[query] else { continue }
        duplicated += weight
        induced += Double(row[key + 1])
        occursBefore = true
      }
      if query > 0 { previous.add(Double(row[query - 1])) }
      if occursBefore {
        duplicate.add(duplicated)
        induction.add(induced)
      }
    }
    self.layer = layer
    self.head = head
    entropy = bits / Double(max(count, 1))
    normalizedEntropy = sharing > 0 ? shares / Double(sharing) : 0
    self.distance = distance / Double(max(count, 1))
    firstTokenShare = first / Double(max(count, 1))
    previousToken = previous.score(total: total)
    duplicateToken = duplicate.score(total: total)
    self.induction = induction.score(total: total)
  }

  /// A pattern's sum while it grows.
  private struct Tally {
    private var sum = 0.0
    private var queries = 0

    mutating func add(_ weight: Double) {
      sum += weight
      queries += 1
    }

    func score(total: Double) -> PatternScore {
      PatternScore(sum: sum, queries: queries, total: total)
    }
  }
}
