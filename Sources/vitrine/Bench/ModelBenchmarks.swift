import Models
import Tensors

/// Runs, gradients and single tokens of a model.
struct ModelBenchmarks {
  let model: LanguageModel
  let options: BenchOptions

  private var subject: String {
    let arithmetic = model.arithmetic == model.elementType ? "" : " in \(model.arithmetic.name)"
    return "\(model.name) \(model.elementType.name)\(arithmetic)"
  }
  private var limit: Measurement.Limit {
    model.arithmetic == .bfloat16 ? .bfloat16Dot : .multiplyAdd
  }

  /// Token ids that are all over the vocabulary.
  private func ids(_ count: Int) -> [Int] {
    (0..<count).map { ($0 * 7919 + 13) % model.configuration.vocabulary }
  }

  /// What an encoder-decoder writes in a measurement: its start, and as many tokens in all as it reads.
  private func targets(_ count: Int) -> [Int] {
    [model.decoderStartID ?? 0] + ids(count).dropFirst()
  }

  private func count(_ count: Int) -> String {
    model.isEncoderDecoder
      ? "\(subject), \(count) tokens read and written" : "\(subject), \(count) tokens"
  }

  /// A run that keeps what every head's map is computed from, with the logits of all positions.
  func forward() throws -> [Measurement] {
    try options.lengths.map { length in
      let ids = ids(length)
      return try .time(
        "forward", count(length), amount: model.work(tokens: length).forward, limit: limit, options
      ) {
        let trace = try model.run(ids: ids)
        if model.isEncoderDecoder {
          _ = try model.run(source: trace, targetIDs: targets(length)).logits()
        } else if model.configuration.hasLanguageModelHead {
          _ = try trace.logits()
        }
      }
    }
  }

  /// The gradient of the last position's logit of one token with respect to the embeddings; of a model without
  /// logits, that of the last hidden state's sum.
  func gradient() throws -> [Measurement] {
    try options.lengths.map { length in
      let ids = ids(length)
      let target = LogitTarget.logit(of: 7, at: length - 1)
      return try .time(
        "gradient", count(length), amount: model.work(tokens: length).gradient, limit: limit,
        options
      ) {
        if model.isEncoderDecoder {
          _ = try model.gradient(
            of: target, reading: try model.tokenVectors(ids: ids),
            writing: try model.tokenVectors(ids: targets(length)))
        } else if model.configuration.hasLanguageModelHead {
          _ = try model.gradient(of: .logits(target), ids: ids)
        } else {
          let width = model.configuration.width
          let last = Tensor(
            shape: [length, width],
            (0..<length * width).map { $0 < (length - 1) * width ? 0 : Float(1) })
          _ = try model.gradient(of: .weightedHiddenStates(last), ids: ids)
        }
      }
    }
  }

  /// One token that is read and its successor's logits: what needs every weight once, but for experts that the token
  /// doesn't choose.
  func decode() throws -> Measurement {
    let source = model.isEncoderDecoder ? try model.run(ids: ids(8)) : nil
    return try .time(
      "decode", "\(subject), one token", amount: model.work(tokens: 1).bytesPerToken,
      limit: .memory, options
    ) {
      var continuation = try source.map {
        try Continuation(of: model, reading: $0, capacity: 1)
      }
      if continuation == nil { continuation = try Continuation(of: model, capacity: 1) }
      guard let hidden = try continuation?.read([model.decoderStartID ?? 11]) else { return }
      _ = try continuation?.logits(hidden)
    }
  }
}
