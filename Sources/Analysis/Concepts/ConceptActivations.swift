public import Models
public import Tensors
public import Tokenizers

/// One vector for each of several texts in every asked layer's residual stream.
public struct ConceptActivations: Sendable {
  /// Which vector of a text's tokens is taken.
  public enum Pooling: String, Sendable, Hashable, CaseIterable {
    /// That of the last token.
    case last
    /// The mean over all tokens but marks that the model adds.
    case mean
  }

  /// The layers that the streams enter; the number of layers for what leaves the last, normed.
  public let layers: [Int]
  /// For each layer the vectors, `[texts, width]`.
  public private(set) var vectors: [Tensor]
  /// How many texts there are.
  public var count: Int { vectors.first?.shape[0] ?? 0 }

  /// Puts vectors together.
  public init(layers: [Int], vectors: [Tensor]) {
    self.layers = layers
    self.vectors = vectors
  }

  /// Takes the vectors of traces.
  ///
  /// - Parameter positions: for each trace the positions whose mean is taken in place of the pooling's, such as those of a
  ///   named token.
  /// - Throws: `ModelError` where a trace has no hidden states.
  public init(
    _ traces: [Trace], layers: [Int], pooling: Pooling, positions: [[Int]]? = nil
  ) throws {
    self.layers = layers
    vectors = try layers.map { layer in
      let rows = try traces.enumerated().map { index, trace -> [Float] in
        let states = try trace.hiddenStates(layer)
        return Self.pooled(states, positions?[index] ?? Self.positions(trace.tokens, pooling))
      }
      return Tensor(
        shape: [rows.count, rows.first?.count ?? 0], rows.flatMap(\.self))
    }
  }

  /// Runs texts together and pools their vectors.
  ///
  /// - Parameters:
  ///   - texts: the tokens of each text.
  ///   - layers: the layers that the streams enter; the number of layers for what leaves the last, normed.
  ///   - positions: for each text the positions whose mean is taken in place of the pooling's.
  ///   - progress: called with the share of texts that is done.
  /// - Throws: `ModelError` for layers that there aren't and texts that can't be run; `Cancelled`.
  public static func of(
    _ texts: [[Token]], _ model: LanguageModel, layers: [Int], pooling: Pooling,
    positions: [[Int]]? = nil, cancellation: Cancellation? = nil,
    progress: (Double) -> Void = { _ in }
  ) throws -> ConceptActivations {
    var rows = [[Float]](repeating: [], count: layers.count)
    try model.residualStreams(
      of: texts.map { $0.map(\.id) }, entering: layers, cancellation: cancellation
    ) { text, streams in
      let places = positions?[text] ?? Self.positions(texts[text], pooling)
      for (layer, stream) in streams.enumerated() { rows[layer] += pooled(stream, places) }
      progress(Double(text + 1) / Double(texts.count))
    }
    let width = model.configuration.width
    return ConceptActivations(
      layers: layers, vectors: rows.map { Tensor(shape: [texts.count, width], $0) })
  }

  /// The positions that a text is pooled over.
  static func positions(_ tokens: [Token], _ pooling: Pooling) -> [Int] {
    switch pooling {
    case .last: return [tokens.count - 1]
    case .mean:
      let own = tokens.indices.filter { tokens[$0].byteRange != nil }
      return own.isEmpty ? Array(tokens.indices) : own
    }
  }

  private static func pooled(_ states: Tensor, _ positions: [Int]) -> [Float] {
    let width = states.shape[1]
    var sums = [Double](repeating: 0, count: width)
    for position in positions {
      for (column, value) in states.row(position).enumerated() { sums[column] += Double(value) }
    }
    return sums.map { Float($0 / Double(positions.count)) }
  }

  /// The texts of both, these first.
  public func appending(_ other: ConceptActivations) throws -> ConceptActivations {
    ConceptActivations(
      layers: layers,
      vectors: try zip(vectors, other.vectors).map { left, right in
        left.count == 0 ? right : try Tensor.concatenated([left, right], axis: 0)
      })
  }
}

/// How a scalar of the logits would change if the pooled vector of a text moved, for several texts and layers.
public struct ConceptGradients: Sendable {
  /// Tells gradients that were found at one time from all others.
  final class Identity: Sendable, Hashable {
    static func == (left: Identity, right: Identity) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
  }

  /// For each layer `[texts, width]`: the sum of the gradients over the positions that are pooled, which is what moving
  /// the mean moves.
  public let gradients: [Tensor]
  let identity: Identity

  /// Puts gradients together.
  public init(_ gradients: [Tensor]) {
    self.gradients = gradients
    identity = Identity()
  }

  /// Some of the layers, by their places.
  public func at(_ places: [Int]) -> ConceptGradients {
    places == Array(gradients.indices)
      ? self : ConceptGradients(places.map { gradients[$0] })
  }

  /// Goes back through the model for all layers, several texts at once where it can.
  ///
  /// - Parameters:
  ///   - texts: the tokens of each text.
  ///   - targets: the scalar of each.
  ///   - positions: for each text the positions that are pooled in place of the pooling's own.
  ///   - progress: called with the share of texts that is done.
  /// - Throws: `ModelError` for layers that there aren't and models without gradients; `Cancelled`.
  public init(
    _ texts: [[Token]], _ model: LanguageModel, targets: [LogitTarget], layers: [Int],
    pooling: ConceptActivations.Pooling, positions: [[Int]]? = nil,
    cancellation: Cancellation? = nil, progress: (Double) -> Void = { _ in }
  ) throws {
    precondition(targets.count == texts.count, "a target for each text")
    var rows = [[Float]](repeating: [], count: layers.count)
    let size = model.batchSize(tokens: texts.map(\.count).max() ?? 1)
    for start in stride(from: 0, to: texts.count, by: size) {
      let some = start..<min(texts.count, start + size)
      let results = try model.gradients(
        of: some.map { .logits(targets[$0]) },
        batch: try some.map {
          try model.tokenVectors(ids: texts[$0].map(\.id), cancellation: cancellation)
        },
        at: layers, cancellation: cancellation)
      for (index, result) in zip(some, results) {
        let places = positions?[index] ?? ConceptActivations.positions(texts[index], pooling)
        for (row, layer) in layers.enumerated() {
          guard let gradient = result.residual[layer] else { continue }
          var sums = [Double](repeating: 0, count: gradient.shape[1])
          for place in places {
            for (column, value) in gradient.row(place).enumerated() {
              sums[column] += Double(value)
            }
          }
          rows[row] += sums.map(Float.init)
        }
      }
      progress(Double(some.upperBound) / Double(texts.count))
    }
    let width = model.configuration.width
    self.init(rows.map { Tensor(shape: [texts.count, width], $0) })
  }
}
