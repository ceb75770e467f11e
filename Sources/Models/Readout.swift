public import Tensors

/// The final norm and the head: what turns the residual stream into logits.
///
/// For one position's stream the norm is a division by one number, so that every vector that was added to the stream has its
/// own share in a logit: the product with one direction.
public struct Readout: Sendable {
  /// The norm's weight, `[width]`.
  let weight: [Float]
  /// The norm's bias, `[width]`, where it has one.
  let bias: [Float]?
  /// Whether the norm takes the mean away, as layer norms do.
  let subtractsMean: Bool
  let epsilon: Double
  /// The head, `[vocabulary, width]`.
  let head: Tensor

  /// Whether the norm has a bias, which gives every stream the same.
  public var hasBias: Bool { bias != nil }

  init(_ norm: RMSNorm, head: Tensor) {
    weight = norm.weight.floats
    bias = nil
    subtractsMean = false
    epsilon = Double(norm.epsilon)
    self.head = head
  }

  init(_ norm: LayerNorm, head: Tensor) {
    weight = norm.weight.floats
    bias = norm.bias.floats
    subtractsMean = true
    epsilon = Double(norm.epsilon)
    self.head = head
  }

  /// The direction along which a weighted sum of logits is read from a stream, and what is added to it for any stream.
  ///
  /// The sum is `direction · stream + constant`. The norm's divisor is the stream's own and taken as given.
  ///
  /// - Parameters:
  ///   - terms: tokens and the weights of their logits.
  ///   - stream: what leaves the last layer at one position, `[width]`, before the norm.
  ///
  /// Precondition: the tokens are in the vocabulary.
  public func direction(
    of terms: [(id: Int, weight: Double)], at stream: [Float]
  ) -> (direction: [Double], constant: Double) {
    let width = weight.count
    var row = [Double](repeating: 0, count: width)
    for term in terms {
      for (column, number) in head.gatheringRows([term.id]).floats.enumerated() {
        row[column] += term.weight * Double(number)
      }
    }
    let numbers = stream.map(Double.init)
    let mean = subtractsMean ? numbers.reduce(0, +) / Double(width) : 0
    let square = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
    let scale = 1 / (square + epsilon).squareRoot()
    var direction = zip(row, weight).map { $0 * Double($1) * scale }
    if subtractsMean {
      // Whatever all elements share is taken away by the norm.
      let share = direction.reduce(0, +) / Double(width)
      for column in direction.indices { direction[column] -= share }
    }
    let constant = bias.map { zip(row, $0).reduce(0) { $0 + $1.0 * Double($1.1) } } ?? 0
    return (direction, constant)
  }

  /// What vectors `[rows, width]` do to all logits when they are added to a stream, `[rows, vocabulary]`, but for the
  /// division by the stream's length.
  ///
  /// - Throws: `Cancelled`.
  public func effects(_ vectors: Tensor, cancellation: Cancellation? = nil) throws -> Tensor {
    let width = weight.count
    var numbers = vectors.floats
    for row in 0..<vectors.shape[0] {
      let places = row * width..<(row + 1) * width
      let mean =
        subtractsMean ? places.reduce(0.0) { $0 + Double(numbers[$1]) } / Double(width) : 0
      for (column, place) in places.enumerated() {
        numbers[place] = Float(Double(numbers[place]) - mean) * weight[column]
      }
    }
    return try linear(
      Tensor(shape: vectors.shape, numbers), weight: head, bias: nil, cancellation: cancellation)
  }
}

extension LanguageModel {
  /// The final norm and the head.
  ///
  /// - Throws: `ModelError` where the model has no head; `MissingPartError` where no norm and head follow the last layer.
  public func readout() throws -> Readout {
    guard configuration.hasLanguageModelHead else {
      throw ModelError.noLanguageModelHead(model: name)
    }
    guard configuration.streams == 1 else {
      throw MissingPartError.severalStreams(model: name, count: configuration.streams)
    }
    guard let readout = network.readout else { throw MissingPartError.noReadout(model: name) }
    return readout
  }

  /// The weight `[width, heads × valueDimension]` and bias `[width]` that take what a layer's heads gathered back into the
  /// residual stream.
  ///
  /// - Throws: `ModelError` where there is no such layer, or the projection isn't one plain matrix.
  public func attentionOutput(_ layer: Int) throws -> (weight: Tensor, bias: Tensor?) {
    guard (0..<configuration.layers).contains(layer) else {
      throw ModelError.layerOutOfRange(layer, count: configuration.layers)
    }
    guard let weight = network.attentionOutputWeight(layer) else {
      throw ModelError.noOutputProjection(model: name)
    }
    return (weight, network.attentionOutputBias(layer))
  }
}
