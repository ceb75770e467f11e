public import Tensors

extension LanguageModel {
  /// The gradients of one scalar for each of several texts, as `gradient` gives them for one.
  ///
  /// Texts are followed together where the architecture allows it, which is several times faster for short ones; the
  /// numbers agree with those of one text alone up to the order of sums.
  ///
  /// - Parameters:
  ///   - targets: the scalar of each text.
  ///   - embeddings: the vectors of each text's tokens, `[tokens, width]`.
  ///   - layers: the layers whose residual stream is asked for.
  ///   - options: what may be used.
  ///   - progress: called with the share that is done.
  ///   - cancellation: stops within a few milliseconds.
  /// - Throws: `ModelError`, what a target throws, or `Cancelled`.
  public func gradients(
    of targets: [GradientTarget], batch embeddings: [Tensor], at layers: [Int] = [],
    options: GradientOptions = GradientOptions(), progress: ((Double) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> [EmbeddingGradient] {
    precondition(targets.count == embeddings.count, "a target for each text")
    for layer in layers { try check(layer: layer) }
    return try inBatches(
      targets, embeddings, results: layers.count, options: options, progress: progress,
      cancellation: cancellation
    ) { index in
      try gradient(
        of: targets[index], embeddings: embeddings[index], at: layers, options: options,
        cancellation: cancellation)
    } together: { batch, pass, input, some in
      var pass = pass
      let network = try differentiable
      let entry = try network.recordEntry(
        input, constants: pass.constants, cancellation: cancellation)
      var residual: [Int: Tensor] = [:]
      let (values, gradient) = try pass.follow(
        entry.output, targets: some, parts: batch.parts
      ) { layer, gradient in
        if layers.contains(layer) { residual[layer] = gradient }
      }
      let result = try entry.pullback(gradient, cancellation)
      return try values.indices.map { text in
        let (rows, count) = (batch.segments[text], batch.lengths[text])
        return EmbeddingGradient(
          embeddings: try result.rows(rows).padded(to: count),
          residual: try residual.mapValues { try $0.rows(rows).padded(to: count) }, streams: [:],
          value: values[text])
      }
    }
  }

  /// The value and the gradient `[tokens, width]` of one scalar for each of several residual streams that enter a
  /// layer.
  ///
  /// - Throws: `ModelError`, what a target throws, or `Cancelled`.
  public func gradients(
    of targets: [GradientTarget], residualBatch streams: [Tensor], entering layer: Int,
    options: GradientOptions = GradientOptions(), progress: ((Double) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> [(value: Double, gradient: Tensor)] {
    precondition(targets.count == streams.count, "a target for each text")
    try check(layer: layer)
    return try inBatches(
      targets, streams, from: layer, results: 1, options: options, progress: progress,
      cancellation: cancellation
    ) { index in
      try gradient(
        of: targets[index], residual: streams[index], entering: layer, options: options,
        cancellation: cancellation)
    } together: { batch, pass, input, some in
      var pass = pass
      let (values, gradient) = try pass.follow(
        input, targets: some, parts: batch.parts
      ) { _, _ in }
      return try values.indices.map { text in
        let rows = gradient.rows(batch.segments[text])
        return (values[text], try rows.padded(to: batch.lengths[text]))
      }
    }
  }

  /// The scalars themselves, with no way back.
  ///
  /// - Throws: `ModelError`, what a target throws, or `Cancelled`.
  public func values(
    of targets: [GradientTarget], batch embeddings: [Tensor],
    options: GradientOptions = GradientOptions(), progress: ((Double) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> [Double] {
    precondition(targets.count == embeddings.count, "a target for each text")
    return try inBatches(
      targets, embeddings, results: 0, options: options, progress: progress,
      cancellation: cancellation
    ) { index in
      try value(
        of: targets[index], embeddings: embeddings[index], options: options,
        cancellation: cancellation)
    } together: { batch, pass, input, some in
      let entry = try differentiable.recordEntry(
        input, constants: pass.constants, cancellation: cancellation)
      return try pass.end(
        try pass.through(entry.output), targets: some, parts: batch.parts
      ).values
    }
  }

  /// How many texts of so many tokens are worth handing over at once: 1 where each is followed by itself.
  public func batchSize(tokens: Int, options: GradientOptions = GradientOptions()) -> Int {
    guard let network = try? differentiable, network.followsBatches else { return 1 }
    return max(1, rowsPerBatch(options) / max(1, tokens))
  }

  private func value(
    of target: GradientTarget, embeddings: Tensor, options: GradientOptions,
    cancellation: Cancellation?
  ) throws -> Double {
    let network = try differentiable
    try check(embeddings: embeddings)
    let pass = try pass(
      from: 0, targets: [target], tokens: embeddings.shape[0], results: 0, options: options,
      progress: nil, cancellation: cancellation)
    let vectors = embeddings.rows(0..<pass.tokens).converted(to: .float32)
    return try computing {
      let entry = try network.recordEntry(
        vectors, constants: pass.constants, cancellation: cancellation)
      return try pass.end(try pass.through(entry.output), target: target).value
    }
  }

  /// Divides texts into batches, and computes each at once, or every text by itself where that isn't possible.
  private func inBatches<Result>(
    _ targets: [GradientTarget], _ inputs: [Tensor], from first: Int = 0, results: Int,
    options: GradientOptions, progress: ((Double) -> Void)?, cancellation: Cancellation?,
    alone: (Int) throws -> Result,
    together: (TextBatch, GradientPass, Tensor, [GradientTarget]) throws -> [Result]
  ) throws -> [Result] {
    let network = try differentiable
    for input in inputs { try check(embeddings: input) }
    var done: [Result] = []
    func tell() { progress?(Double(done.count) / Double(max(1, inputs.count))) }
    guard network.followsBatches else {
      for index in inputs.indices {
        done.append(try alone(index))
        tell()
      }
      return done
    }
    let rows = try zip(targets, inputs).map { try self.rows(of: $0, tokens: $1.shape[0]) }
    // What comes after the last row that counts is left out where it isn't seen.
    let lengths = inputs.indices.map {
      configuration.isCausal ? rows[$0].upperBound : inputs[$0].shape[0]
    }
    let most = rowsPerBatch(options)
    while done.count < inputs.count {
      let start = done.count
      var (end, count) = (start, 0)
      while end < inputs.count, end == start || count + lengths[end] <= most {
        count += lengths[end]
        end += 1
      }
      if end == start + 1 {
        done.append(try alone(start))
      } else {
        let texts = (start..<end).map {
          (tokens: lengths[$0], rows: rows[$0], whole: inputs[$0].shape[0])
        }
        let batch = TextBatch(texts)
        let pass = try pass(
          from: first, batch: batch, longest: texts.map(\.tokens).max() ?? 0, results: results,
          options: options, cancellation: cancellation)
        let input = try Tensor.concatenated(
          (start..<end).map { inputs[$0].rows(0..<lengths[$0]).converted(to: .float32) },
          axis: 0)
        let some = Array(targets[start..<end])
        done += try computing {
          try together(batch, pass, input, some)
        }
      }
      tell()
    }
    return done
  }

  /// How many rows one batch has at most: enough to keep all threads busy, and so few that their recordings are kept.
  ///
  /// It depends on the model and the options alone, so that the numbers do too.
  func rowsPerBatch(_ options: GradientOptions) -> Int {
    let sizes = configuration
    let perToken = gradientByteCount(tokens: 1) * max(1, sizes.layers)
    return min(1_024, max(1, options.recordingLimit / max(1, perToken)))
  }
}
