import Tensors

extension LatentAttention {
  /// Keys and values are expanded for all heads; which keys an indexer selects is taken as given.
  func record(
    _ normed: Tensor, rows: Range<Int>, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep {
    precondition(rows.upperBound == normed.shape[0], "rows to the last token")
    let (queries, queryWay) = try recordQueries(normed.rows(rows), rows, constants, cancellation)
    let narrow = try down(normed, cancellation)
    let split = latent.keyValueWidth
    let narrowLatents = narrow.slice(axis: 1, 0..<split)
    let latents = LatentKeysAndValues(
      latents: norm(narrowLatents),
      positionKeys: constants.turned(
        narrow.slice(axis: 1, split..<split + latent.positionDimension), heads: 1, style: style,
        first: 0),
      expansion: expansion, keyDimension: latent.contentDimension,
      valueDimension: sizes.valueDimension)
    let selection = try selection(normed, rows, constants, cancellation)
    let attended = try RecordedAttention(
      queries: queries, keys: try latents.keys(0..<sizes.heads, cancellation: cancellation),
      values: try latents.values(0..<sizes.heads, cancellation: cancellation), sizes: sizes,
      selection: selection, segments: constants.batch?.segments,
      isRescaled: constants.rule == .rescale, cancellation: cancellation)
    return RecordedStep(
      output: try output(attended.output, cancellation),
      keeping: attended.kept + queryWay.kept + [narrowLatents]
    ) { gradient, cancellation in
      let mixedGradient = try output.inputGradient(gradient, cancellation)
      try constants.witness?.see(attended.backward(mixedGradient, rows), cancellation)
      let parts = constants.rule.applied(to: try attended.gradient(mixedGradient, cancellation))
      let (expanded, positions) = try expansionGradient(parts)
      let latentGradient = norm.inputGradient(
        try expansion.inputGradient(expanded, cancellation), narrowLatents, constants.rule)
      let positionGradient = constants.turned(
        positions, heads: 1, style: style, first: 0, inverse: true)
      var result = try down.inputGradient(
        try Tensor.concatenated([latentGradient, positionGradient], axis: 1), cancellation)
      try result.addRows(
        startingAt: rows.lowerBound, try queryWay.pullback(parts.queries, cancellation))
      return result
    }
  }

  /// The way from turned queries back to the normed rows.
  private struct QueryWay: Sendable {
    let kept: [Tensor]
    let pullback: @Sendable (Tensor, Cancellation?) throws -> Tensor
  }

  /// Turned queries `[rows, heads × headDimension]` with their way back.
  private func recordQueries(
    _ x: Tensor, _ rows: Range<Int>, _ constants: RunConstants, _ cancellation: Cancellation?
  ) throws -> (Tensor, QueryWay) {
    @Sendable func turned(_ tensor: Tensor, inverse: Bool = false) -> Tensor {
      constants.turned(
        tensor, heads: sizes.heads, style: style, first: rows.lowerBound,
        offset: latent.contentDimension, inverse: inverse)
    }
    switch queries {
    case .direct(let map):
      let way = QueryWay(kept: []) { gradient, cancellation in
        try map.inputGradient(turned(gradient, inverse: true), cancellation)
      }
      return (turned(try map(x, cancellation)), way)
    case .latent(let down, let norm, let up):
      let narrow = try down(x, cancellation)
      let way = QueryWay(kept: [narrow]) { gradient, cancellation in
        let inner = try up.inputGradient(turned(gradient, inverse: true), cancellation)
        return try down.inputGradient(
          norm.inputGradient(inner, narrow, constants.rule), cancellation)
      }
      return (turned(try up(norm(narrow), cancellation)), way)
    }
  }

  /// The keys that an indexer selects for the rows, or `nil` where all see all.
  private func selection(
    _ normed: Tensor, _ rows: Range<Int>, _ constants: RunConstants, _ cancellation: Cancellation?
  ) throws -> [KeySelection.Part]? {
    guard let indexer, case .latent(let down, let norm, _) = queries else { return nil }
    let texts = constants.batch?.segments ?? [0..<normed.shape[0]]
    // Pairs are followed only where all keys are selected: a baseline's would be others.
    if texts.allSatisfy({ $0.count <= indexer.selectedKeys }) { return nil }
    let parts = try indexer.prepare(
      normed, queryLatents: norm(try down(normed, cancellation)), constants: constants, first: 0,
      cancellation)
    return try texts.flatMap { text in
      let asked = rows.clamped(to: text)
      return try indexer.select(
        queries: parts[0].rows(asked), keys: parts[1].rows(text), weights: parts[2].rows(asked),
        cancellation: cancellation
      ).parts.map { $0.moved(queries: asked.lowerBound - rows.lowerBound, keys: text.lowerBound) }
    }
  }

  /// The gradient with respect to expanded latents `[tokens, heads × (contentDimension + valueDimension)]`, and to the
  /// position keys `[tokens, positionDimension]`, which all heads share.
  private func expansionGradient(
    _ parts: AttentionGradient
  ) throws -> (expanded: Tensor, positions: Tensor) {
    let (content, width) = (latent.contentDimension, sizes.valueDimension)
    var expanded: [Tensor] = []
    var positions = Tensor(zeros: [parts.keys.shape[0], latent.positionDimension])
    for head in 0..<sizes.heads {
      let first = head * sizes.headDimension
      expanded.append(parts.keys.slice(axis: 1, first..<first + content))
      expanded.append(parts.values.slice(axis: 1, head * width..<(head + 1) * width))
      positions.add(parts.keys.slice(axis: 1, first + content..<first + sizes.headDimension))
    }
    return (try Tensor.concatenated(expanded, axis: 1), positions)
  }
}

/// An attention whose heads have keys and values of their own, over all visible keys of one text or several, or over
/// selected ones, with what its way back needs.
struct RecordedAttention: Sendable {
  /// What the heads gathered, `[rows, heads × valueDimension]`.
  let output: Tensor
  private let queries: Tensor
  private let keys: Tensor
  private let values: Tensor
  private let sums: Tensor
  private let sizes: ModelConfiguration
  private let selection: [KeySelection.Part]?
  /// The rows of each text, where they are those of several and see all of their text up to their own.
  private let segments: [Range<Int>]?
  /// Whether they are a text and its baseline, whose changes are followed.
  private let isRescaled: Bool

  /// Attends.
  init(
    queries: Tensor, keys: Tensor, values: Tensor, sizes: ModelConfiguration,
    selection: [KeySelection.Part]?, segments: [Range<Int>]?, isRescaled: Bool,
    cancellation: Cancellation?
  ) throws {
    self.queries = queries
    self.keys = keys
    self.values = values
    self.sizes = sizes
    self.selection = selection
    self.segments = selection == nil ? segments : nil
    self.isRescaled = isRescaled
    if let segments = self.segments {
      (output, sums) = try attentionOfSegments(
        segments, queries: queries, keys: keys, values: values, heads: sizes.heads,
        keyValueHeads: sizes.heads, scale: sizes.attentionScale, cancellation: cancellation)
    } else if let selection {
      var output = Tensor(zeros: [queries.shape[0], values.shape[1]])
      var sums = Tensor(zeros: [queries.shape[0], sizes.heads])
      for part in selection {
        let (mixed, levels) = try attentionWithLogSumExp(
          queries: queries.rows(part.queries), keys: keys.gatheringRows(part.keys),
          values: values.gatheringRows(part.keys), heads: sizes.heads, keyValueHeads: sizes.heads,
          scale: sizes.attentionScale, causal: part.isCausal, cancellation: cancellation)
        try output.replaceRows(startingAt: part.queries.lowerBound, with: mixed)
        try sums.replaceRows(startingAt: part.queries.lowerBound, with: levels)
      }
      (self.output, self.sums) = (output, sums)
    } else {
      (output, sums) = try attentionWithLogSumExp(
        queries: queries, keys: keys, values: values, heads: sizes.heads,
        keyValueHeads: sizes.heads, scale: sizes.attentionScale, causal: true,
        cancellation: cancellation)
    }
  }

  /// What is kept for the way back.
  var kept: [Tensor] { [queries, keys, values, output, sums] }

  /// What the way back meets, of which `rows` are the queries' positions.
  func backward(_ gradient: Tensor, _ rows: Range<Int>) -> [AttentionBackward] {
    func part(
      _ queries: Tensor, _ keys: Tensor, _ values: Tensor, _ gradient: Tensor, _ rows: Range<Int>,
      places: [Int]?, isCausal: Bool
    ) -> AttentionBackward {
      AttentionBackward(
        gradient: gradient, queries: queries, keys: keys, values: values, rows: rows,
        places: places, heads: sizes.heads, keyValueHeads: sizes.heads,
        scale: sizes.attentionScale, isCausal: isCausal)
    }
    guard let selection else {
      return [part(queries, keys, values, gradient, rows, places: nil, isCausal: true)]
    }
    return selection.map { chosen in
      let positions =
        rows.lowerBound + chosen.queries.lowerBound..<rows.lowerBound + chosen.queries.upperBound
      return part(
        queries.rows(chosen.queries), keys.gatheringRows(chosen.keys),
        values.gatheringRows(chosen.keys), gradient.rows(chosen.queries), positions,
        places: chosen.keys, isCausal: chosen.isCausal)
    }
  }

  /// The gradients with respect to queries, keys and values.
  func gradient(_ gradient: Tensor, _ cancellation: Cancellation?) throws -> AttentionGradient {
    if isRescaled {
      return try attentionRescale(
        gradient, queries: queries, keys: keys, values: values, heads: sizes.heads,
        keyValueHeads: sizes.heads, scale: sizes.attentionScale, cancellation: cancellation)
    }
    if let segments {
      return try attentionOfSegmentsGradient(
        gradient, segments, queries: queries, keys: keys, values: values, output: output,
        logSumExp: sums, heads: sizes.heads, keyValueHeads: sizes.heads,
        scale: sizes.attentionScale, cancellation: cancellation)
    }
    guard let selection else {
      return try attentionGradient(
        gradient, queries: queries, keys: keys, values: values, output: output, logSumExp: sums,
        heads: sizes.heads, keyValueHeads: sizes.heads, scale: sizes.attentionScale, causal: true,
        cancellation: cancellation)
    }
    var queryGradient = Tensor(zeros: queries.shape)
    var keySums = [Float](repeating: 0, count: keys.count)
    var valueSums = [Float](repeating: 0, count: values.count)
    for part in selection {
      let result = try attentionGradient(
        gradient.rows(part.queries), queries: queries.rows(part.queries),
        keys: keys.gatheringRows(part.keys), values: values.gatheringRows(part.keys),
        output: output.rows(part.queries), logSumExp: sums.rows(part.queries), heads: sizes.heads,
        keyValueHeads: sizes.heads, scale: sizes.attentionScale, causal: part.isCausal,
        cancellation: cancellation)
      try queryGradient.replaceRows(startingAt: part.queries.lowerBound, with: result.queries)
      Self.add(result.keys, to: &keySums, at: part.keys)
      Self.add(result.values, to: &valueSums, at: part.keys)
    }
    return AttentionGradient(
      queries: queryGradient, keys: Tensor(shape: keys.shape, keySums),
      values: Tensor(shape: values.shape, valueSums))
  }

  private static func add(_ rows: Tensor, to sums: inout [Float], at places: [Int]) {
    let (floats, width) = (rows.floats, rows.shape[1])
    for (index, place) in places.enumerated() {
      for column in 0..<width { sums[place * width + column] += floats[index * width + column] }
    }
  }
}
