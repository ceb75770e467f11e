public import Tensors

/// Which neurons of a layer are meant.
public enum NeuronPart: Sendable, Hashable {
  /// Those of a dense feed-forward part.
  case dense
  /// Those of the experts that every token uses.
  case shared
  /// Those of one expert that tokens choose.
  case expert(Int)
}

/// A feed-forward part as neurons: each is excited by the stream and writes one vector into it.
public struct FeedForwardNeurons: Sendable {
  let count: Int
  /// From the stream after attention, `[rows, width]`, to the neurons' activations, `[rows, count]`.
  let activations: @Sendable (Tensor, Cancellation?) throws -> Tensor
  /// From activations `[rows, count]` to what they write, `[rows, width]`, without a bias.
  let outputs: @Sendable (Tensor, Cancellation?) throws -> Tensor

  init(
    count: Int, activations: @escaping @Sendable (Tensor, Cancellation?) throws -> Tensor,
    outputs: @escaping @Sendable (Tensor, Cancellation?) throws -> Tensor
  ) {
    self.count = count
    self.activations = activations
    self.outputs = outputs
  }

  init(_ part: GatedFeedForward, after norm: RMSNorm) {
    count = part.down.weight.shape[1]
    activations = { try part.neurons(norm($0), $1) }
    outputs = { try linear($0, weight: part.down.weight, bias: nil, cancellation: $1) }
  }
}

extension LanguageModel {
  private func neurons(_ layer: Int, _ part: NeuronPart) throws -> FeedForwardNeurons {
    guard (0..<configuration.layers).contains(layer) else {
      throw ModelError.layerOutOfRange(layer, count: configuration.layers)
    }
    guard configuration.streams == 1 else {
      throw MissingPartError.severalStreams(model: name, count: configuration.streams)
    }
    guard let neurons = network.neurons(layer, of: part) else {
      throw MissingPartError.noNeurons(
        layer: layer, part: part,
        experts: configuration.experts.flatMap { $0.layers.contains(layer) ? $0.count : nil })
    }
    return neurons
  }

  /// How many neurons a layer's part has.
  ///
  /// - Throws: `ModelError` where there is no such layer; `MissingPartError` where it has no such part.
  public func neuronCount(layer: Int, of part: NeuronPart = .dense) throws -> Int {
    try neurons(layer, part).count
  }

  /// How strongly each neuron is excited, `[rows, neurons]`: by what it multiplies the vector that it writes.
  ///
  /// - Parameter stream: the residual stream between the layer's attention and its feed-forward part, `[rows, width]`.
  /// - Throws: as `neuronCount`; `Cancelled`.
  public func neuronActivations(
    layer: Int, of part: NeuronPart = .dense, stream: Tensor, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let neurons = try neurons(layer, part)
    return try computing {
      try RowBlocks.map(stream.shape[0], cancellation: cancellation) { range in
        try neurons.activations(stream.rows(range), cancellation)
      }
    }
  }

  /// The vectors that neurons write into the residual stream when they are excited by 1, `[neurons, width]`.
  ///
  /// - Throws: as `neuronCount`; `Cancelled`.
  ///
  /// Precondition: there are such neurons.
  public func neuronOutputs(
    layer: Int, of part: NeuronPart = .dense, neurons chosen: [Int],
    cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let neurons = try neurons(layer, part)
    // A product with ones and zeros reads weights of any element type exactly.
    var ones = [Float](repeating: 0, count: chosen.count * neurons.count)
    for (row, neuron) in chosen.enumerated() { ones[row * neurons.count + neuron] = 1 }
    return try neurons.outputs(
      Tensor(shape: [chosen.count, neurons.count], ones), cancellation)
  }
}
