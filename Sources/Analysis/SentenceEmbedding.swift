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
  /// token counts unless `positions` chooses some.
  ///
  /// Precondition: the positions exist, and there is at least one.
  public static func pool(
    _ hidden: Tensor, _ pooling: SentencePooling, positions: [Int]? = nil
  ) -> Tensor {
    let positions = positions ?? Array(0..<hidden.shape[0])
    precondition(!positions.isEmpty, "there is nothing to pool")
    var result = hidden.row(positions[0]).map(Double.init)
    // A row at a time: a long text's hidden states aren't copied.
    switch pooling.mode {
    case .first: break
    case .mean:
      for position in positions.dropFirst() {
        for (column, value) in hidden.row(position).enumerated() { result[column] += Double(value) }
      }
      let count = Double(positions.count)
      result = result.map { $0 / count }
    case .max:
      for position in positions.dropFirst() {
        for (column, value) in hidden.row(position).enumerated() {
          result[column] = max(result[column], Double(value))
        }
      }
    }
    if pooling.isNormalized {
      // The reference divides by at least 1e-12, so that a zero vector stays one.
      let length = max(result.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
      result = result.map { $0 / length }
    }
    return Tensor(shape: [hidden.shape[1]], result.map { Float($0) })
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
