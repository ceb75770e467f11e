import Models
import Tensors

/// A prompt of which some tokens are replaced by a baseline.
struct Replacement {
  let question: AttributionQuestion
  let units: [[Int]]
  private let vectors: [Float]
  private let absent: [Float]
  private let cancellation: Cancellation?

  init(
    _ question: AttributionQuestion, _ options: Attribution.Options, _ cancellation: Cancellation?
  ) throws {
    self.question = question
    self.cancellation = cancellation
    units = options.units ?? (0..<question.promptCount).map { [$0] }
    vectors = question.vectors.floats
    absent = try options.baseline.vectors(question.promptCount, of: question.model, cancellation)
  }

  /// The scalar where the tokens at these positions are the baseline.
  func value(of replaced: [Int]) throws -> Double {
    try values(of: [replaced]) { _ in }[0]
  }

  /// The scalar for each of several lists of positions that are the baseline; tells how many are done.
  func values(of replaced: [[Int]], _ progress: (Int) -> Void) throws -> [Double] {
    var values: [Double] = []
    for start in stride(from: 0, to: replaced.count, by: question.batchSize) {
      let variants = replaced[start..<min(replaced.count, start + question.batchSize)].map {
        positions in
        var changed = vectors
        let width = question.model.configuration.width
        for position in positions {
          let range = position * width..<(position + 1) * width
          changed.replaceSubrange(range, with: absent[range])
        }
        return Tensor(shape: question.vectors.shape, changed)
      }
      values += try question.values(variants, cancellation)
      progress(values.count)
    }
    return values
  }

  /// A unit's number in equal parts at its tokens.
  private func spread(_ numbers: [Double]) -> [Double] {
    var scores = [Double](repeating: 0, count: question.promptCount)
    for (unit, number) in zip(units, numbers) {
      for position in unit { scores[position] = number / Double(unit.count) }
    }
    return scores
  }

  /// What each unit's absence takes away.
  func occlusion(value: Double, _ progress: (Double) -> Void) throws -> [Double] {
    let values = try values(of: units) { progress(Double($0) / Double(units.count)) }
    return spread(values.map { value - $0 })
  }

  /// What each unit adds in the mean when units come one after another, over orders and their reverses; over all
  /// orders, by way of all subsets, where these are not more than the runs that so many orders take.
  func shapley(
    value: Double, orders: Int, seed: UInt64, _ progress: (Double) -> Void
  ) throws -> (scores: [Double], baselineValue: Double) {
    if units.count < 20, 1 << units.count <= orders * units.count {
      return try allSubsets(value: value, progress)
    }
    let nothing = try self.value(of: units.flatMap(\.self))
    var generator = SeededGenerator(seed: seed)
    var sums = [Double](repeating: 0, count: units.count)
    var order = Array(units.indices)
    var done = 0
    for index in 0..<orders {
      // An order and its reverse together vary less than two of their own.
      if index.isMultiple(of: 2) { order.shuffle(using: &generator) } else { order.reverse() }
      let missing = order.indices.dropLast().map { order[($0 + 1)...].flatMap { units[$0] } }
      let values =
        try values(of: missing) { progress(Double(done + $0) / Double(orders * units.count)) } + [
          value
        ]
      var before = nothing
      for (unit, after) in zip(order, values) {
        sums[unit] += after - before
        before = after
      }
      done += units.count
    }
    return (spread(sums.map { $0 / Double(orders) }), nothing)
  }

  /// The exact values: Σ |S|! (n − |S| − 1)! / n! (v(S ∪ i) − v(S)) over the subsets S without i.
  private func allSubsets(
    value: Double, _ progress: (Double) -> Void
  ) throws -> (scores: [Double], baselineValue: Double) {
    let count = units.count
    let full = (1 << count) - 1
    let missing = (0..<full).map { subset in
      units.indices.filter { subset & (1 << $0) == 0 }.flatMap { units[$0] }
    }
    let values =
      try values(of: missing) { progress(Double($0) / Double(full)) } + [value]
    // The weight of a subset of each size.
    var weights = [Double](repeating: 1 / Double(count), count: count)
    for size in 1..<max(1, count) {
      weights[size] = weights[size - 1] * Double(size) / Double(count - size)
    }
    let numbers = units.indices.map { unit -> Double in
      var sum = 0.0
      for subset in 0...full where subset & (1 << unit) == 0 {
        sum += weights[subset.nonzeroBitCount] * (values[subset | 1 << unit] - values[subset])
      }
      return sum
    }
    return (spread(numbers), values[0])
  }
}
