public import Tensors

/// A weighted sum of logits, or of logarithms of probabilities, whose gradient is asked for.
public struct LogitTarget: Sendable, Equatable {
  /// What is summed.
  public enum Measure: String, Sendable, CaseIterable {
    /// The scores before the softmax.
    case logit
    /// The natural logarithms of the probabilities after it.
    case logProbability
  }

  /// One token at one position.
  public struct Term: Sendable, Equatable {
    /// The position whose scores are meant: for a decoder, the one before the token.
    public var position: Int
    /// The token of the vocabulary.
    public var id: Int
    /// By what it is multiplied.
    public var weight: Double

    /// Makes a term.
    public init(position: Int, id: Int, weight: Double = 1) {
      self.position = position
      self.id = id
      self.weight = weight
    }
  }

  /// What is summed up.
  public var terms: [Term]
  /// Logits or logarithms of probabilities.
  public var measure: Measure

  /// Makes a target.
  public init(_ terms: [Term], measure: Measure = .logit) {
    self.terms = terms
    self.measure = measure
  }

  /// One token's logit at a position.
  public static func logit(of id: Int, at position: Int) -> LogitTarget {
    LogitTarget([Term(position: position, id: id)])
  }

  /// How much higher one token's logit is than another's: a contrastive target.
  public static func difference(of id: Int, from other: Int, at position: Int) -> LogitTarget {
    LogitTarget([
      Term(position: position, id: id), Term(position: position, id: other, weight: -1),
    ])
  }

  /// The logarithm of one token's probability at a position.
  public static func logProbability(of id: Int, at position: Int) -> LogitTarget {
    LogitTarget([Term(position: position, id: id)], measure: .logProbability)
  }
}

/// A scalar that a run ends in.
public enum GradientTarget: Sendable {
  /// Of the logits.
  case logits(LogitTarget)
  /// Of the last hidden states `[tokens, width]`: the function gives its value and its own gradient with
  /// respect to them. Serves encoders that have no head.
  case hiddenStates(@Sendable (Tensor) throws -> (value: Double, gradient: Tensor))

  /// The hidden states multiplied by `weights`, `[tokens, width]` like them, and summed.
  public static func weightedHiddenStates(_ weights: Tensor) -> GradientTarget {
    .hiddenStates { hidden in
      guard hidden.shape == weights.shape else {
        throw ModelError.wrongInputShape(found: weights.shape, expected: hidden.shape)
      }
      let value = zip(hidden.floats, weights.floats).reduce(0.0) {
        $0 + Double($1.0) * Double($1.1)
      }
      return (value, weights)
    }
  }
}

extension LogitTarget {
  /// The positions from the first to the last that terms name; the first position where there are none.
  var rows: Range<Int> {
    let positions = terms.map(\.position)
    return (positions.min() ?? 0)..<(positions.max() ?? 0) + 1
  }

  /// The tokens whose scores are needed, in the order of the terms; `nil` where all are.
  var neededIDs: [Int]? {
    guard measure == .logit else { return nil }
    var seen: Set<Int> = []
    return terms.map(\.id).filter { seen.insert($0).inserted }
  }

  /// The value, and the gradient with respect to the scores `[rows, neededIDs or vocabulary]`.
  func evaluate(_ scores: Tensor) -> (value: Double, gradient: Tensor) {
    let columns = scores.shape[1]
    var gradient = [Double](repeating: 0, count: scores.count)
    var value = 0.0
    var column: [Int: Int] = [:]
    for (index, id) in (neededIDs ?? []).enumerated() { column[id] = index }
    for position in rows {
      let here = terms.filter { $0.position == position }
      if here.isEmpty { continue }
      let start = (position - rows.lowerBound) * columns
      let row = scores.row(position - rows.lowerBound)
      for term in here {
        let place = column[term.id] ?? term.id
        value += term.weight * Double(row[place])
        gradient[start + place] += term.weight
      }
      if measure == .logProbability {
        let total = here.reduce(0) { $0 + $1.weight }
        value -= total * logSumExp(row)
        let probabilities = softmax(row)
        for place in 0..<columns { gradient[start + place] -= total * Double(probabilities[place]) }
      }
    }
    return (value, Tensor(shape: scores.shape, gradient.map(Float.init)))
  }
}
