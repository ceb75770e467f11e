public import Tensors

extension LanguageModel {
  /// The vectors that the embedding holds for tokens, `[tokens, width]`, before positions, segments and norms
  /// are applied.
  ///
  /// - Throws: `ModelError` where an id is outside the vocabulary or the architecture can't be entered so.
  public func tokenVectors(
    ids: [Int], cancellation: Cancellation? = nil
  ) throws -> Tensor {
    try check(ids)
    if configuration.streams > 1 {
      // Every stream begins as the token's vector.
      return try network.embed(ids, first: 0, cancellation: cancellation)
        .slice(axis: 1, 0..<configuration.width)
    }
    return try differentiable.tokenVectors(ids, cancellation: cancellation)
  }

  /// Runs given vectors through the model in place of those of tokens.
  ///
  /// - Parameters:
  ///   - embeddings: the vectors, `[tokens, width]`, as `tokenVectors` gives them.
  ///   - ids: the tokens that they stand for, which name the positions in the trace.
  ///   - contents: what to keep.
  ///   - memoryLimit: how many bytes may be used; `nil` asks the system what is available.
  ///   - progress: called after each layer.
  ///   - cancellation: stops the run within a few milliseconds.
  /// - Throws: `ModelError`, or `Cancelled`.
  public func run(
    embeddings: Tensor, ids: [Int], keeping contents: TraceContents = .all,
    memoryLimit: Int? = nil, progress: ((RunProgress) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> Trace {
    let network = try differentiable
    try check(embeddings: embeddings)
    guard embeddings.shape[0] == ids.count else {
      throw ModelError.wrongInputShape(
        found: embeddings.shape, expected: [ids.count, configuration.width])
    }
    let entry = try network.recordEntry(
      embeddings.converted(to: .float32), constants: RunConstants(), cancellation: cancellation)
    return try run(
      tokens: ids.map(token), ids: ids, text: nil, entering: entry.output, keeping: contents,
      memoryLimit: memoryLimit, progress: progress, cancellation: cancellation)
  }

  /// Checks vectors in place of tokens.
  func check(embeddings: Tensor) throws(ModelError) {
    guard embeddings.rank == 2, embeddings.shape[1] == configuration.width else {
      throw .wrongInputShape(
        found: embeddings.shape, expected: [embeddings.shape.first ?? 1, configuration.width])
    }
    guard embeddings.shape[0] > 0 else { throw .emptyInput }
    guard embeddings.shape[0] <= configuration.contextLength else {
      throw .inputTooLong(tokens: embeddings.shape[0], limit: configuration.contextLength)
    }
  }
}
