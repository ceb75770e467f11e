public import Models
public import Tensors

/// Which head or heads of a layer a map shows.
public enum HeadSelection: Sendable, Hashable {
  /// One head.
  case head(Int)
  /// The mean over all heads.
  case mean
  /// The largest over all heads.
  case max
}

/// What a map tells of each query and key.
public enum AttentionMeasure: Sendable, Hashable {
  /// The share of the query's attention that the key gets.
  case weights
  /// The length of what the key adds to the query, see `ValueWeightedAttention`.
  case values
}

/// One map of attention.
public struct AttentionPattern: Sendable {
  /// The layer.
  public let layer: Int
  /// The head or heads.
  public let heads: HeadSelection
  /// How much each query looks at each key, `[queries, keys]`.
  public let values: Tensor
  /// Whether a query sees only the keys up to its own place; what lies beyond is 0.
  public let isCausal: Bool
}

/// Maps of several layers and heads that are to be compared.
public struct AttentionGrid: Sendable {
  /// The maps, layer by layer, each layer's heads in the order asked for.
  public let patterns: [AttentionPattern]
  /// The smallest and the largest value of all maps, for one scale; unseen keys don't count.
  public let range: ClosedRange<Float>
}

/// Maps of attention and numbers about them.
public enum AttentionPatterns {
  /// One map.
  ///
  /// - Throws: `ModelError` where there is no such layer or head; `Cancelled`.
  public static func pattern(
    _ trace: Trace, layer: Int, heads: HeadSelection = .mean, measure: AttentionMeasure = .weights,
    cancellation: Cancellation? = nil
  ) throws -> AttentionPattern {
    if measure == .values {
      return try ValueWeightedAttention.pattern(
        trace, layer: layer, heads: heads, cancellation: cancellation)
    }
    let values =
      switch heads {
      case .head(let head):
        try trace.attentionMap(layer: layer, head: head, cancellation: cancellation)
      case .mean:
        try trace.reducedAttention(layer: layer, reduction: .mean, cancellation: cancellation)
      case .max:
        try trace.reducedAttention(layer: layer, reduction: .max, cancellation: cancellation)
      }
    return AttentionPattern(
      layer: layer, heads: heads, values: values,
      isCausal: trace.model.configuration.isCausal)
  }

  /// The maps of all chosen layers and heads with their common range.
  ///
  /// - Parameters:
  ///   - trace: the run.
  ///   - layers: which layers, in this order.
  ///   - heads: which heads of each.
  ///   - progress: called with the share done, from 0 to 1, after each map.
  ///   - cancellation: stops between and inside maps.
  /// - Throws: `ModelError` where there is no such layer or head, or no memory for all maps;
  ///   `Cancelled`.
  public static func grid(
    _ trace: Trace, layers: [Int], heads: [HeadSelection],
    progress: ((Double) -> Void)? = nil, cancellation: Cancellation? = nil
  ) throws -> AttentionGrid {
    try trace.requireMemory(maps: layers.count * heads.count)
    var patterns: [AttentionPattern] = []
    var (low, high) = (Float.infinity, -Float.infinity)
    for layer in layers {
      for selection in heads {
        try cancellation?.check()
        let pattern = try pattern(
          trace, layer: layer, heads: selection, cancellation: cancellation)
        let range = try range(of: pattern, cancellation: cancellation)
        (low, high) = (min(low, range.low), max(high, range.high))
        patterns.append(pattern)
        progress?(Double(patterns.count) / Double(layers.count * heads.count))
      }
    }
    return AttentionGrid(patterns: patterns, range: low <= high ? low...high : 0...1)
  }

  /// The smallest and the largest value of the keys that queries see.
  private static func range(
    of pattern: AttentionPattern, cancellation: Cancellation?
  ) throws(Cancelled) -> (low: Float, high: Float) {
    var (low, high) = (Float.infinity, -Float.infinity)
    for query in 0..<pattern.values.shape[0] {
      if query % 64 == 0 { try cancellation?.check() }
      let row = pattern.values.row(query)
      for value in pattern.isCausal ? row[...query] : row[...] {
        low = min(low, value)
        high = max(high, value)
      }
    }
    return (low, high)
  }

  /// The numbers of every head of the chosen layers, one head's map in memory at a time.
  ///
  /// Where blocks of tokens and sinks take a part of the attention, the numbers are of what goes to the single tokens of
  /// the window, each row divided by its sum.
  ///
  /// - Parameters:
  ///   - trace: the run.
  ///   - layers: which layers; `nil` takes all.
  ///   - progress: called with the share done, from 0 to 1, after each head.
  ///   - cancellation: stops between and inside maps.
  /// - Throws: `ModelError` where there is no such layer; `Cancelled`.
  public static func summaries(
    _ trace: Trace, layers: [Int]? = nil, progress: ((Double) -> Void)? = nil,
    cancellation: Cancellation? = nil
  ) throws -> [HeadSummary] {
    let layers = layers ?? Array(0..<trace.model.configuration.layers)
    let window = trace.model.configuration.compression?.window
    let headCount = trace.model.configuration.heads
    var summaries: [HeadSummary] = []
    for layer in layers {
      for head in 0..<headCount {
        var map = try trace.attentionMap(layer: layer, head: head, cancellation: cancellation)
        if window != nil { map = map.rowsDividedBySums }
        summaries.append(
          try HeadSummary(
            of: map, ids: trace.ids, isCausal: trace.model.configuration.isCausal,
            window: window, layer: layer, head: head, cancellation: cancellation))
        progress?(Double(summaries.count) / Double(layers.count * headCount))
      }
    }
    return summaries
  }
}

extension Tensor {
  /// The rows of a matrix, each divided by its sum; rows of sum 0 as they are.
  fileprivate var rowsDividedBySums: Tensor {
    let columns = shape[1]
    var values = floats
    for start in stride(from: 0, to: values.count, by: max(1, columns)) {
      let row = start..<start + columns
      let sum = values[row].reduce(0.0) { $0 + Double($1) }
      guard sum > 0 else { continue }
      for place in row { values[place] = Float(Double(values[place]) / sum) }
    }
    return Tensor(shape: shape, values)
  }
}
