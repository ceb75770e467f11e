import Glibc
import Tensors

/// Chooses tokens by their logits.
struct Sampler: Sendable {
  private let options: GenerationOptions
  private var generator: SeededGenerator

  init(_ options: GenerationOptions) {
    self.options = options
    generator = SeededGenerator(seed: options.seed)
  }

  /// The token that follows a text.
  ///
  /// - Parameters:
  ///   - logits: one for each token of the vocabulary.
  ///   - before: the ids of the text so far.
  mutating func choose(_ logits: [Float], after before: [Int]) -> Int {
    var scores = logits.map { $0.isNaN ? -.infinity : Double($0) }
    if options.repetitionPenalty != 1 {
      for id in Set(before) where scores.indices.contains(id) {
        scores[id] =
          scores[id] > 0
          ? scores[id] / options.repetitionPenalty : scores[id] * options.repetitionPenalty
      }
    }
    if options.temperature <= 0 { return Self.largest(scores) }
    let candidates = Self.candidates(scores, options)
    // One number for every choice, so that a limit that changes nothing changes no later choice either.
    var place = generator.uniform() * candidates.reduce(0) { $0 + $1.weight }
    for candidate in candidates {
      place -= candidate.weight
      if place < 0 { return candidate.id }
    }
    return candidates.last?.id ?? Self.largest(scores)
  }

  /// The tokens that may be drawn, likeliest first and equal ones by id, with weights in proportion to their
  /// probabilities.
  ///
  /// As in transformers, the temperature comes first, then `topK`, then `topP` over what is left.
  static func candidates(
    _ scores: [Double], _ options: GenerationOptions
  ) -> [(id: Int, weight: Double)] {
    let top = scores.max() ?? 0
    guard top.isFinite else { return [] }
    var order = Array(scores.indices)
    if let limit = options.topK, limit < order.count {
      let kept = largest(scores, count: max(1, limit))
      let least = kept.last.map { scores[$0] } ?? top
      order = scores.indices.filter { scores[$0] >= least }
    }
    order.sort { (scores[$1], $0) < (scores[$0], $1) }
    var candidates = order.map { (id: $0, weight: exp((scores[$0] - top) / options.temperature)) }
    candidates.removeAll { $0.weight == 0 }
    if options.topP < 1 {
      let wanted = options.topP * candidates.reduce(0) { $0 + $1.weight }
      var sum = 0.0
      var count = 0
      while count < candidates.count, sum < wanted || count == 0 {
        sum += candidates[count].weight
        count += 1
      }
      candidates.removeLast(candidates.count - count)
    }
    return candidates
  }

  private static func largest(_ scores: [Double]) -> Int {
    var best = 0
    for id in scores.indices where scores[id] > scores[best] { best = id }
    return best
  }

  /// The indices of the largest scores, largest first, equal ones in order.
  static func largest(_ scores: [Double], count: Int) -> [Int] {
    guard count > 0 else { return [] }
    var best: [Int] = []
    best.reserveCapacity(count + 1)
    for id in scores.indices {
      if best.count == count, let last = best.last, !(scores[id] > scores[last]) { continue }
      var (low, high) = (0, best.count)
      while low < high {
        let middle = (low + high) / 2
        if scores[best[middle]] >= scores[id] { low = middle + 1 } else { high = middle }
      }
      best.insert(id, at: low)
      if best.count > count { best.removeLast() }
    }
    return best
  }

  /// What a step tells: the chosen token among the likeliest.
  static func token(_ id: Int, logits: [Float], alternatives count: Int) -> GeneratedToken {
    let scores = logits.map { Double($0) }
    let top = scores.max() ?? 0
    let sum = scores.reduce(0) { $0 + exp($1 - top) }
    func probability(_ id: Int) -> Double { exp(scores[id] - top) / sum }
    return GeneratedToken(
      id: id, probability: probability(id), logit: scores[id],
      alternatives: largest(scores, count: count).map {
        GeneratedToken.Alternative(id: $0, probability: probability($0))
      })
  }
}
