public import Models
public import Tensors

/// Attention weighted by what it carries: the length of the vector that each key adds to a query's
/// residual stream, `‖a(q, k) · v(k) · W_O‖`.
///
/// A head may look at a token whose value is next to nothing; such a look weighs next to nothing here.
/// Kobayashi et al. 2020, Attention is Not Only a Weight, arXiv:2004.10102.
public enum ValueWeightedAttention {
  /// One head's map, `[queries, keys]`.
  ///
  /// Each weight times the length of the key's value after the output projection. Rows don't sum
  /// to 1; the projection's bias belongs to no key.
  ///
  /// - Throws: `ModelError` where there is no such layer or head, values weren't kept, or the model
  ///   has no plain output projection; `Cancelled`.
  public static func map(
    _ trace: Trace, layer: Int, head: Int, cancellation: Cancellation? = nil
  ) throws -> Tensor {
    let lengths = try valueLengths(trace, layer: layer, head: head, cancellation: cancellation)
    let map = try trace.attentionMap(layer: layer, head: head, cancellation: cancellation)
    let count = trace.ids.count
    return try Tensor.broadcast(map, Tensor(shape: [1, count], lengths), .multiply)
  }

  /// The map of one head, or the mean or the largest over a layer's heads, one head at a time.
  ///
  /// - Throws: as `map`.
  public static func pattern(
    _ trace: Trace, layer: Int, heads: HeadSelection, cancellation: Cancellation? = nil
  ) throws -> AttentionPattern {
    let values: Tensor
    if case .head(let head) = heads {
      values = try map(trace, layer: layer, head: head, cancellation: cancellation)
    } else {
      let count = trace.model.configuration.heads
      try trace.requireMemory(maps: 3)
      var sum = try map(trace, layer: layer, head: 0, cancellation: cancellation)
      for head in 1..<max(1, count) {
        let next = try map(trace, layer: layer, head: head, cancellation: cancellation)
        if case .max = heads {
          sum = try Tensor.broadcast(sum, next, .maximum)
        } else {
          sum.add(next)
        }
      }
      if case .mean = heads { sum.scale(by: 1 / Float(count)) }
      values = sum
    }
    return AttentionPattern(
      layer: layer, heads: heads, values: values,
      isCausal: trace.model.configuration.isCausal)
  }

  /// The length of each token's value after a head's columns of the output projection, `[tokens]`.
  ///
  /// - Throws: as `map`.
  public static func valueLengths(
    _ trace: Trace, layer: Int, head: Int, cancellation: Cancellation? = nil
  ) throws -> [Float] {
    let (values, output) = try trace.valuesAndOutput(
      layer: layer, head: head, cancellation: cancellation)
    var lengths: [Float] = []
    // A block of tokens at a time: what they would write is as wide as the model.
    for start in stride(from: 0, to: values.shape[0], by: 256) {
      let rows = values.rows(start..<min(start + 256, values.shape[0]))
      let written = try linear(rows, weight: output, cancellation: cancellation)
      for row in 0..<written.shape[0] {
        let squares = written.row(row).reduce(0.0) { $0 + Double($1) * Double($1) }
        lengths.append(Float(squares.squareRoot()))
      }
    }
    return lengths
  }
}
