public import Models
public import Tensors

extension AttentionPatterns {
  /// The mean or the largest over all layers of the chosen heads' maps, `[queries, keys]`.
  ///
  /// - Throws: `ModelError` where there is no such head; `Cancelled`.
  public static func acrossLayers(
    _ trace: Trace, heads: HeadSelection, reduction: HeadReduction,
    measure: AttentionMeasure = .weights, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let layers = trace.model.configuration.layers
    // Two maps are in memory at a time, whatever the number of layers.
    func map(_ layer: Int) throws -> Tensor {
      try pattern(
        trace, layer: layer, heads: heads, measure: measure, cancellation: cancellation
      ).values
    }
    var result = try map(0)
    for layer in 1..<max(layers, 1) {
      try result.combine(
        reduction == .mean ? .add : .maximum, with: map(layer), cancellation: cancellation)
    }
    if reduction == .mean, layers > 1 { result.scale(by: 1 / Float(layers)) }
    return result
  }
}
