public import Models
public import Tensors

extension AttentionPatterns {
  /// The mean or the largest over all layers of the chosen heads' maps, `[queries, keys]`.
  ///
  /// - Throws: `ModelError` where there is no such head; `Cancelled`.
  public static func acrossLayers(
    _ trace: Trace, heads: HeadSelection, reduction: HeadReduction,
    cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let layers = trace.model.configuration.layers
    var shape: [Int] = []
    var sums: [Double] = []
    for layer in 0..<layers {
      try cancellation?.check()
      let map = try pattern(trace, layer: layer, heads: heads, cancellation: cancellation).values
      let values = map.floats
      if layer == 0 {
        shape = map.shape
        sums = values.map(Double.init)
        continue
      }
      switch reduction {
      case .mean: for index in sums.indices { sums[index] += Double(values[index]) }
      case .max: for index in sums.indices { sums[index] = max(sums[index], Double(values[index])) }
      }
    }
    let divisor = reduction == .mean ? Double(max(layers, 1)) : 1
    return Tensor(shape: shape, sums.map { Float($0 / divisor) })
  }
}
