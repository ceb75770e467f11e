public import Models
public import Tensors

/// What each part of a model writes along the direction of a logit, or of the difference of two: direct logit attribution.
///
/// The residual stream is the sum of what the embedding, every head and every feed-forward part write. At one position the
/// final norm divides it by one number, so that with the norm's weight and that divisor folded into the head's rows
/// each part has a share of its own, and the shares sum to the logit. What a part does by way of later parts isn't
/// counted. Elhage et al. 2021, “A Mathematical Framework for Transformer Circuits”; Wang et al. 2022, arXiv:2211.00593.
public struct LogitContributions: Sendable {
  /// A part of the model that writes into the stream.
  public enum Part: Sendable, Hashable {
    /// The vector of the token, with its position where positions are embedded.
    case embedding
    /// One head of a layer's attention.
    case head(layer: Int, head: Int)
    /// The bias of a layer's output projection, which belongs to no head.
    case attentionBias(layer: Int)
    /// A layer's feed-forward part, of all its experts together.
    case feedForward(layer: Int)
    /// What the final norm's bias gives any stream.
    case normBias
  }

  /// The position whose logits are explained.
  public let position: Int
  /// What the token's vector gives.
  public let embedding: Double
  /// What heads give, `[layers, heads]`.
  public let heads: Tensor
  /// What the biases of the output projections give, or `nil` where there are none.
  public let attentionBiases: [Double]?
  /// What feed-forward parts give, layer by layer.
  public let feedForward: [Double]
  /// What the final norm's bias gives, or `nil` where it has none.
  public let normBias: Double?
  /// The weighted sum of logits as the model computes it.
  public let logit: Double

  /// Explains a weighted sum of logits at one position.
  ///
  /// - Parameters:
  ///   - terms: tokens and the weights of their logits, such as 1 and −1 for a difference.
  ///   - position: the position; `nil` takes the last.
  /// - Throws: `ModelError` for tokens or a position that there aren't, and models without a head; `MissingPartError` for
  ///   models whose head doesn't read the stream through one norm; `Cancelled`.
  public init(
    _ model: LanguageModel, ids: [Int], terms: [(id: Int, weight: Double)], position: Int? = nil,
    cancellation: Cancellation? = nil, progress: (Double) -> Void = { _ in }
  ) throws {
    let position = position ?? ids.count - 1
    guard ids.indices.contains(position) else {
      throw ids.isEmpty
        ? ModelError.emptyInput : ModelError.positionOutOfRange(position, count: ids.count)
    }
    let sizes = model.configuration
    for term in terms where !(0..<sizes.vocabulary).contains(term.id) {
      throw ModelError.tokenOutOfRange(
        id: term.id, position: position, vocabulary: sizes.vocabulary)
    }
    let readout = try model.readout()
    let layers = 0..<sizes.layers
    let recorded = try RecordedActivations(
      model, ids: ids,
      at: [.residual(0), .residual(sizes.layers)]
        + layers.flatMap { [TapSite.heads($0), .feedForward($0)] },
      position: position, cancellation: cancellation)
    let logits = try recorded.trace.logits(at: position, cancellation: cancellation).floats
    logit = terms.reduce(0) { $0 + $1.weight * Double(logits[$1.id]) }
    let stream = recorded[.residual(sizes.layers)]?.floats ?? []
    let (direction, constant) = readout.direction(of: terms, at: stream)
    let row = Tensor(shape: [1, sizes.width], direction.map { Float($0) })
    func share(_ site: TapSite) -> Double {
      Self.product(direction, recorded[site]?.floats ?? [])
    }
    var heads: [Float] = []
    var biases: [Double]?
    var feedForward: [Double] = []
    for layer in layers {
      try cancellation?.check()
      let output = try model.attentionOutput(layer)
      // The direction is brought before the projection, where heads stand side by side.
      let brought = try linearInputGradient(
        row, weight: output.weight, cancellation: cancellation
      ).floats.map(Double.init)
      let gathered = recorded[.heads(layer)]?.floats ?? []
      let width = sizes.valueDimension
      for head in 0..<sizes.heads {
        let columns = head * width..<(head + 1) * width
        heads.append(Float(Self.product(Array(brought[columns]), Array(gathered[columns]))))
      }
      if let bias = output.bias {
        biases = (biases ?? []) + [Self.product(direction, bias.floats)]
      }
      feedForward.append(share(.feedForward(layer)))
      progress(Double(layer + 1) / Double(layers.count))
    }
    self.position = position
    embedding = share(.residual(0))
    self.heads = Tensor(shape: [sizes.layers, sizes.heads], heads)
    attentionBiases = biases
    self.feedForward = feedForward
    normBias = readout.hasBias ? constant : nil
  }

  /// Every part with its share, from the embedding on.
  public var parts: [(part: Part, value: Double)] {
    var parts: [(part: Part, value: Double)] = [(.embedding, embedding)]
    for layer in feedForward.indices {
      for (head, value) in heads.row(layer).enumerated() {
        parts.append((.head(layer: layer, head: head), Double(value)))
      }
      if let attentionBiases {
        parts.append((.attentionBias(layer: layer), attentionBiases[layer]))
      }
      parts.append((.feedForward(layer: layer), feedForward[layer]))
    }
    if let normBias { parts.append((.normBias, normBias)) }
    return parts
  }

  /// The sum of all shares: the logit, but for rounding.
  public var sum: Double { parts.reduce(0) { $0 + $1.value } }

  private static func product(_ left: [Double], _ right: [Float]) -> Double {
    zip(left, right).reduce(0) { $0 + $1.0 * Double($1.1) }
  }
}
