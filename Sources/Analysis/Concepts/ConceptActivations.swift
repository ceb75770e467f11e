public import Models
public import Tensors
import Tokenizers

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
        return Self.pooled(states, positions?[index] ?? Self.positions(trace, pooling))
      }
      return Tensor(
        shape: [rows.count, rows.first?.count ?? 0], rows.flatMap(\.self))
    }
  }

  /// The positions that a text is pooled over.
  static func positions(_ trace: Trace, _ pooling: Pooling) -> [Int] {
    switch pooling {
    case .last: return [trace.ids.count - 1]
    case .mean:
      let own = trace.tokens.indices.filter { trace.tokens[$0].byteRange != nil }
      return own.isEmpty ? Array(trace.ids.indices) : own
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
  /// For each layer `[texts, width]`: the sum of the gradients over the positions that are pooled, which is what moving
  /// the mean moves.
  public let gradients: [Tensor]

  /// Puts gradients together.
  public init(_ gradients: [Tensor]) { self.gradients = gradients }

  /// Goes back through the model for all layers, several texts of one model at once where it can.
  ///
  /// - Parameter positions: for each trace the positions that are pooled in place of the pooling's own.
  /// - Returns: the gradients of each text, `width` numbers for each layer.
  /// - Throws: `ModelError` for layers that there aren't and models without gradients; `Cancelled`.
  public static func of(
    _ traces: [Trace], targets: [LogitTarget], layers: [Int], pooling: ConceptActivations.Pooling,
    positions: [[Int]]? = nil, cancellation: Cancellation? = nil
  ) throws -> [[[Float]]] {
    guard let model = traces.first?.model else { return [] }
    let results = try model.gradients(
      of: targets.map { .logits($0) },
      batch: try traces.map { try model.tokenVectors(ids: $0.ids, cancellation: cancellation) },
      at: layers, cancellation: cancellation)
    return traces.indices.map { index in
      let places = positions?[index] ?? ConceptActivations.positions(traces[index], pooling)
      return layers.map { layer in
        guard let gradient = results[index].residual[layer] else { return [] }
        var sums = [Double](repeating: 0, count: gradient.shape[1])
        for place in places {
          for (column, value) in gradient.row(place).enumerated() { sums[column] += Double(value) }
        }
        return sums.map(Float.init)
      }
    }
  }
}
