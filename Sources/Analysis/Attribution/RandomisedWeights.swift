import Checkpoints
public import Models
public import Tensors

/// The check that an explanation looks at what the model has learned: a model of the same sizes with random weights should
/// be explained otherwise.
///
/// Adebayo et al. 2018, arXiv:1810.03292.
public enum RandomisedWeights {
  /// The model with every matrix drawn anew, normal with the mean and standard deviation that it had; what has one axis, such
  /// as the norms' weights, and tables of whole numbers stay.
  ///
  /// - Throws: `ModelError` for weights that can't be read.
  public static func model(like model: LanguageModel, seed: UInt64) throws -> LanguageModel {
    try MemoryBudget.require(
      model.checkpoint.names.reduce(0) { sum, name in
        sum + ((try? model.checkpoint.tensor(named: name).count) ?? 0) * MemoryLayout<Float>.size
      }, for: "A copy of \(model.name) with random weights")
    var generator = SeededGenerator(seed: seed)
    let tensors = try model.checkpoint.names.map { name -> (name: String, tensor: Tensor) in
      let tensor = try model.checkpoint.tensor(named: name)
      guard tensor.shape.count > 1, ![.int32, .int64].contains(tensor.elementType) else {
        return (name, tensor)
      }
      let numbers = tensor.floats
      let count = Double(max(1, numbers.count))
      let mean = numbers.reduce(0.0) { $0 + Double($1) } / count
      let square = numbers.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
      let deviation = square.squareRoot()
      return (
        name,
        Tensor(
          shape: tensor.shape, numbers.map { _ in Float(mean + deviation * generator.normal()) })
      )
    }
    return try model.replacingWeights(with: tensors, name: model.name + " (random weights)")
  }

  /// How much an attribution looks the same for a model of random weights: the rank correlation of the scores' sizes; near 1
  /// means that the method looks at the text and not at what the model has learned.
  ///
  /// - Parameters:
  ///   - attribution: what is checked, of this question.
  ///   - options: those that it was made with.
  ///   - random: `model(like:seed:)` of the question's model.
  /// - Throws: `ModelError`; `Cancelled`.
  public static func similarity(
    of attribution: Attribution, _ question: AttributionQuestion, options: Attribution.Options,
    random: LanguageModel, cancellation: Cancellation? = nil,
    progress: (Double) -> Void = { _ in }
  ) throws -> Double {
    let other = try Attribution(
      try question.asked(of: random, cancellation: cancellation), method: attribution.method,
      options: options, cancellation: cancellation, progress: progress)
    return rankCorrelation(attribution.scores.map(abs), other.scores.map(abs))
  }

  /// Spearman's rank correlation; equal numbers share their mean rank, and 0 where one list doesn't vary.
  public static func rankCorrelation(_ left: [Double], _ right: [Double]) -> Double {
    precondition(left.count == right.count, "two lists of one length")
    func ranks(_ numbers: [Double]) -> [Double] {
      let order = numbers.indices.sorted { (numbers[$0], $0) < (numbers[$1], $1) }
      var result = [Double](repeating: 0, count: numbers.count)
      var start = 0
      while start < order.count {
        var end = start
        while end < order.count, numbers[order[end]] == numbers[order[start]] { end += 1 }
        for place in start..<end { result[order[place]] = Double(start + end - 1) / 2 }
        start = end
      }
      return result
    }
    let (a, b) = (ranks(left), ranks(right))
    let mean = Double(left.count - 1) / 2
    var (product, first, second) = (0.0, 0.0, 0.0)
    for index in a.indices {
      product += (a[index] - mean) * (b[index] - mean)
      first += (a[index] - mean) * (a[index] - mean)
      second += (b[index] - mean) * (b[index] - mean)
    }
    return first > 0 && second > 0 ? product / (first * second).squareRoot() : 0
  }
}
