import Checkpoints
public import Models
import Tensors

/// The check that an explanation looks at what the model has learned: a model of the same sizes with random weights should
/// be explained otherwise.
///
/// Adebayo et al. 2018, arXiv:1810.03292.
public enum RandomisedWeights {
  /// The model with every matrix drawn anew, normal with the mean and standard deviation that it had; what has one axis, such
  /// as the norms' weights, stays.
  ///
  /// - Throws: `ModelError` for weights that can't be read.
  public static func model(like model: LanguageModel, seed: UInt64) throws -> LanguageModel {
    var generator = SeededGenerator(seed: seed)
    let tensors = try model.checkpoint.names.map { name -> (name: String, tensor: Tensor) in
      let tensor = try model.checkpoint.tensor(named: name)
      guard tensor.shape.count > 1 else { return (name, tensor) }
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
