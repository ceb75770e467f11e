public import Models
public import Tensors

/// One vector for a whole text.
public enum SentenceEmbedding {
  /// The vector `[width]` of a text, from the last hidden states, pooled as the model's folder says.
  ///
  /// - Parameters:
  ///   - trace: the run of the text.
  ///   - pooling: how to pool; `nil` asks the model's folder (mean and length 1 where it is silent).
  /// - Throws: `ModelError` where the folder asks for a pooling that isn't supported.
  public static func vector(
    of trace: Trace, pooling: SentencePooling? = nil
  ) throws(ModelError) -> Tensor {
    let hidden = try trace.hiddenStates(trace.model.configuration.layers)
    if let pooling { return pool(hidden, pooling) }
    return pool(hidden, try trace.model.sentencePooling())
  }

  /// One vector `[width]` of hidden states `[tokens, width]`; a single text has no padding, so every
  /// token counts.
  public static func pool(_ hidden: Tensor, _ pooling: SentencePooling) -> Tensor {
    let (tokens, width) = (hidden.shape[0], hidden.shape[1])
    let values = hidden.floats
    var result: [Double]
    switch pooling.mode {
    case .first:
      result = values[..<width].map(Double.init)
    case .mean:
      result = Array(repeating: 0, count: width)
      for token in 0..<tokens {
        for column in 0..<width { result[column] += Double(values[token * width + column]) }
      }
      result = result.map { $0 / Double(tokens) }
    case .max:
      result = (0..<width).map { column in
        (0..<tokens).reduce(-.infinity) { max($0, Double(values[$1 * width + column])) }
      }
    }
    if pooling.isNormalized {
      // The reference divides by at least 1e-12, so that a zero vector stays one.
      let length = max(result.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
      result = result.map { $0 / length }
    }
    return Tensor(shape: [width], result.map { Float($0) })
  }

  /// The cosine of the angle between two vectors of one length, from -1 to 1; 0 where one is zero.
  public static func cosineSimilarity(_ left: Tensor, _ right: Tensor) -> Double {
    let (a, b) = (left.floats, right.floats)
    precondition(a.count == b.count, "vectors of \(a.count) and \(b.count) elements")
    var (product, lengthA, lengthB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += Double(x) * Double(y)
      lengthA += Double(x) * Double(x)
      lengthB += Double(y) * Double(y)
    }
    guard lengthA > 0, lengthB > 0 else { return 0 }
    return max(-1, min(1, product / (lengthA.squareRoot() * lengthB.squareRoot())))
  }
}
