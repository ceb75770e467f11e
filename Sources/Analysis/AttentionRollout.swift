public import Models
public import Tensors

/// How much of each input token reaches each position, through the attention of all layers.
public enum AttentionRollout {
  /// The rollout `[positions, input tokens]` from the input up to and with a layer; each row sums to 1.
  ///
  /// Each layer's map is the mean over its heads, half and half with the identity that stands for the
  /// residual stream: `R = (½A + ½I) · R`. Abnar and Zuidema 2020, Quantifying Attention Flow in
  /// Transformers, arXiv:2005.00928. Values, norms and feed-forward parts don't enter. Three maps of
  /// tokens × tokens are held at a time.
  ///
  /// - Parameters:
  ///   - trace: the run.
  ///   - last: the last layer that counts; `nil` takes all.
  ///   - progress: called with the share done, from 0 to 1, after each layer.
  ///   - cancellation: stops between and inside maps and products.
  /// - Throws: `ModelError` where there is no such layer, or no memory; `MissingPartError` where attention goes to more
  ///   than tokens; `Cancelled`.
  public static func rollout(
    _ trace: Trace, through last: Int? = nil, progress: ((Double) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> Tensor {
    try trace.requireMapsOfTokensAlone()
    let layers = trace.model.configuration.layers
    let last = last ?? layers - 1
    guard (0..<layers).contains(last) else {
      throw ModelError.layerOutOfRange(last, count: layers)
    }
    try trace.requireMemory(maps: 4)
    var result = identity(trace.ids.count)
    for layer in 0...last {
      try cancellation?.check()
      let mean = try trace.reducedAttention(
        layer: layer, reduction: .mean, cancellation: cancellation)
      var next = try matrixProduct(mean, result, cancellation: cancellation)
      next.add(result)
      next.scale(by: 0.5)
      result = next
      progress?(Double(layer + 1) / Double(last + 1))
    }
    return result
  }

  private static func identity(_ count: Int) -> Tensor {
    var values = [Float](repeating: 0, count: count * count)
    for index in 0..<count { values[index * count + index] = 1 }
    return Tensor(shape: [count, count], values)
  }
}

extension Trace {
  /// Checks that what tokens pass on to each other is all in the maps of tokens.
  func requireMapsOfTokensAlone() throws(MissingPartError) {
    guard model.configuration.compression == nil else {
      throw .attentionPastTokens(model: model.name)
    }
  }
}
