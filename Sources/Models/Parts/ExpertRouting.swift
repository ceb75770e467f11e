public import Tensors

/// Which experts the tokens of a layer chose, and with what weights.
public struct ExpertRouting: Sendable {
  /// How well each expert suits each token in the router's eyes, `[tokens, experts]`.
  public let probabilities: Tensor
  /// By what each chosen expert's output is multiplied, `[tokens, chosen]`.
  public let weights: Tensor
  /// The chosen experts of the tokens one after the other, the most wanted first.
  let experts: [Int32]

  /// How many experts each token chose.
  public var chosenCount: Int { weights.shape[1] }
  /// How many tokens there are.
  public var tokenCount: Int { weights.shape[0] }

  /// The experts that a token chose, the most wanted first.
  ///
  /// Precondition: there is such a token.
  public func experts(of token: Int) -> [Int] {
    experts[token * chosenCount..<(token + 1) * chosenCount].map { Int($0) }
  }

  /// The chosen experts as numbers, `[tokens, chosen]` of int32.
  ///
  /// - Throws: `TensorError`, which a routing that fits together doesn't.
  public func choices() throws(TensorError) -> Tensor {
    let bytes = experts.flatMap { expert in
      let bits = UInt32(bitPattern: expert)
      return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    }
    return try Tensor(shape: weights.shape, elementType: .int32, bytes: bytes)
  }

  /// The bytes of the kept numbers.
  var byteCount: Int {
    probabilities.byteCount + weights.byteCount + experts.count * MemoryLayout<Int32>.size
  }

  /// The routings of consecutive rows as one; `nil` of none.
  static func joined(_ parts: [ExpertRouting]) throws -> ExpertRouting? {
    guard parts.count != 1 else { return parts[0] }
    guard !parts.isEmpty else { return nil }
    return ExpertRouting(
      probabilities: try Tensor.concatenated(parts.map(\.probabilities), axis: 0),
      weights: try Tensor.concatenated(parts.map(\.weights), axis: 0),
      experts: parts.flatMap(\.experts))
  }
}

/// How a router turns its scores into choices and weights.
package struct RoutingRule: Sendable, Equatable {
  /// How scores become numbers: shares, each for itself from 0 to 1, or each for itself from 0 on.
  package enum Scoring: Sendable { case softmax, sigmoid, rootSoftplus }
  /// What a group of experts is worth.
  package enum GroupScore: Sendable { case largest, sumOfTwoLargest }

  package var scoring: Scoring
  /// Whether learned corrections are added for the choice (but not for the weights).
  package var hasCorrection: Bool
  /// How many groups the experts lie in; experts are chosen from the best `keptGroups` only.
  package var groups: Int
  package var keptGroups: Int
  package var groupScore: GroupScore
  /// Whether the weights of a token are divided by their sum.
  package var normalizes: Bool
  /// By what the weights are multiplied at last.
  package var scale: Float

  /// The experts that a token with these probabilities chooses, the most wanted first.
  ///
  /// Of equal ones the earlier comes first.
  package func choose(_ count: Int, _ probabilities: ArraySlice<Float>, correction: [Float]?)
    -> [Int]
  {
    var wanted = Array(probabilities)
    if let correction { for index in wanted.indices { wanted[index] += correction[index] } }
    var candidates = Array(wanted.indices)
    if keptGroups < groups {
      let size = wanted.count / groups
      candidates = chosenGroups(wanted).flatMap { Array($0 * size..<($0 + 1) * size) }
    }
    return Self.best(count, of: candidates, wanted)
  }

  /// What each group is worth to a token with these corrected scores.
  package func groupWorths(_ wanted: [Float]) -> [Float] {
    let size = wanted.count / groups
    return (0..<groups).map { group -> Float in
      let sorted = wanted[group * size..<(group + 1) * size].sorted(by: >)
      switch groupScore {
      case .largest: return sorted[0]
      case .sumOfTwoLargest: return sorted.prefix(2).reduce(0, +)
      }
    }
  }

  /// The groups that a token with these corrected scores chooses from, in rising order.
  package func chosenGroups(_ wanted: [Float]) -> [Int] {
    guard keptGroups < groups else { return Array(0..<groups) }
    return Self.best(keptGroups, of: Array(0..<groups), groupWorths(wanted)).sorted()
  }

  /// The candidates with the largest values, largest first.
  private static func best(_ count: Int, of candidates: [Int], _ values: [Float]) -> [Int] {
    let sorted = candidates.sorted { left, right in
      values[left] == values[right] ? left < right : values[left] > values[right]
    }
    return Array(sorted.prefix(count))
  }

  /// The weights of a token's chosen experts.
  package func weights(_ chosen: [Int], _ probabilities: ArraySlice<Float>) -> [Float] {
    var weights = chosen.map { probabilities[probabilities.startIndex + $0] }
    if normalizes {
      let sum = weights.reduce(0, +) + 1e-20
      for index in weights.indices { weights[index] /= sum }
    }
    return weights.map { $0 * scale }
  }
}
