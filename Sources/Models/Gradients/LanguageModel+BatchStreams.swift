public import Tensors

extension LanguageModel {
  /// What enters layers, `[tokens, width]`, for each of several texts; of the number of layers what leaves the last, normed.
  ///
  /// Texts run together where the architecture allows it, which is several times faster for short ones; layers after the
  /// last that is asked for aren't run. The numbers agree with those of one text alone up to the order of sums.
  ///
  /// - Parameters:
  ///   - texts: the ids of each text's tokens.
  ///   - layers: the layers that are asked for, in any order.
  ///   - options: what may be used.
  ///   - cancellation: stops within a few milliseconds.
  ///   - body: called with the number of each text, in order, and its streams in the order of `layers`.
  /// - Throws: `ModelError`, what `body` throws, or `Cancelled`.
  public func residualStreams(
    of texts: [[Int]], entering layers: [Int], options: GradientOptions = GradientOptions(),
    cancellation: Cancellation? = nil, _ body: (Int, [Tensor]) throws -> Void
  ) throws {
    let count = configuration.layers
    for layer in layers where !(0...count).contains(layer) {
      throw ModelError.layerOutOfRange(layer, count: count + 1)
    }
    for ids in texts { try check(ids) }
    var start = 0
    for batch in try batches(of: texts.map(\.count), options: options) {
      let some = Array(texts[start..<start + batch.segments.count])
      if some.count == 1 {
        let trace = try run(ids: some[0], keeping: .hiddenStates, cancellation: cancellation)
        try body(start, try layers.map { try trace.hiddenStates($0) })
      } else {
        let streams = try self.streams(
          of: some.flatMap(\.self), batch, layers, options, cancellation)
        for (text, rows) in batch.segments.enumerated() {
          try body(start + text, streams.map { $0.rows(rows) })
        }
      }
      start += some.count
    }
  }

  /// Texts of so many tokens in batches, whose rows are all followed to the end; each by itself where the architecture
  /// follows no batches.
  private func batches(of lengths: [Int], options: GradientOptions) throws -> [TextBatch] {
    let network = network as? any DifferentiableArchitecture
    let most = network?.followsBatches == true ? rowsPerBatch(options) : 0
    var batches: [TextBatch] = []
    var texts: [(tokens: Int, rows: Range<Int>, whole: Int)] = []
    var rows = 0
    for length in lengths {
      if !texts.isEmpty, rows + length > most {
        batches.append(TextBatch(texts))
        (texts, rows) = ([], 0)
      }
      texts.append((length, 0..<length, length))
      rows += length
    }
    if !texts.isEmpty { batches.append(TextBatch(texts)) }
    return batches
  }

  private func streams(
    of ids: [Int], _ batch: TextBatch, _ layers: [Int], _ options: GradientOptions,
    _ cancellation: Cancellation?
  ) throws -> [Tensor] {
    let network = try differentiable
    let pass = try pass(
      from: 0, batch: batch, longest: batch.lengths.max() ?? 0, results: layers.count,
      options: options, cancellation: cancellation)
    return try computing {
      let vectors = try network.tokenVectors(ids, cancellation: cancellation)
      let entry = try network.recordEntry(
        vectors, constants: pass.constants, cancellation: cancellation)
      var streams: [Int: Tensor] = [:]
      try pass.through(entry.output, until: layers.max() ?? 0) { layer, stream in
        if layers.contains(layer) { streams[layer] = stream }
      }
      return layers.compactMap { streams[$0] }
    }
  }
}
