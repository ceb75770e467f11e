import Models
import Tensors

/// Runs, gradients and single tokens of a model.
struct ModelBenchmarks {
  let model: LanguageModel
  let options: BenchOptions

  /// The matrices' elements, without the embedding, of which a token takes one row.
  private var matrixElements: Double {
    model.weights.reduce(0) { $0 + ($1.part == .embedding ? 0 : Double($1.count)) }
  }
  private var subject: String {
    let arithmetic = model.arithmetic == model.elementType ? "" : " in \(model.arithmetic.name)"
    return "\(model.name) \(model.elementType.name)\(arithmetic)"
  }
  private var limit: Measurement.Limit {
    model.arithmetic == .bfloat16 ? .bfloat16Dot : .multiplyAdd
  }

  /// Multiplications and additions of a forward run: every matrix for every token, and causal attention.
  private func operations(tokens: Int) -> Double {
    let sizes = model.configuration
    let attention =
      2 * Double(tokens) * Double(tokens + 1)
      * Double(sizes.heads * (sizes.headDimension + sizes.valueDimension) / 2 * sizes.layers)
    return 2 * Double(tokens) * matrixElements + attention
  }

  /// Token ids that are all over the vocabulary.
  private func ids(_ count: Int) -> [Int] {
    (0..<count).map { ($0 * 7919 + 13) % model.configuration.vocabulary }
  }

  /// A run that keeps what every head's map is computed from, with the logits of all positions.
  func forward() throws -> [Measurement] {
    try options.lengths.map { count in
      let ids = ids(count)
      return try .time(
        "forward", "\(subject), \(count) tokens", amount: operations(tokens: count), limit: limit,
        options
      ) {
        let trace = try model.run(ids: ids)
        if model.configuration.hasLanguageModelHead { _ = try trace.logits() }
      }
    }
  }

  /// The gradient of the last position's logit of one token with respect to the embeddings.
  func gradient() throws -> [Measurement] {
    try options.lengths.map { count in
      let ids = ids(count)
      let head = Double(model.configuration.vocabulary * model.configuration.width)
      // One logit needs nothing of the head but a row.
      let amount = 2 * (operations(tokens: count) - 2 * Double(count) * head)
      return try .time(
        "gradient", "\(subject), \(count) tokens", amount: amount, limit: limit, options
      ) {
        _ = try model.gradient(of: .logits(.logit(of: 7, at: count - 1)), ids: ids)
      }
    }
  }

  /// A run of one token with its logits: what reads every weight once.
  func decode() throws -> Measurement {
    let bytes = model.weights.reduce(0.0) { sum, weight in
      sum + (weight.part == .embedding ? 0 : Double(weight.byteCount))
    }
    return try .time("decode", "\(subject), one token", amount: bytes, limit: .memory, options) {
      _ = try model.run(ids: [11], keeping: []).logits()
    }
  }
}
