import Glibc
public import Models
public import Tensors
import Tokenizers

/// What a model's head would say at one layer and position.
public struct LensReading: Sendable, Equatable {
  /// The most likely tokens, most likely first; equal ones by id.
  public let top: [NextToken]
  /// The Kullback-Leibler divergence of the layer's distribution from the final one in nats,
  /// `Σ p_final · ln(p_final / p_layer)`: 0 where the layer says what the model says.
  public let divergence: Double
}

/// The logit lens: final norm and head on the residual stream of every layer.
///
/// nostalgebraist 2020, interpreting GPT: the logit lens. The last row is the model's own output,
/// whose states are normed already and not normed again.
public struct LogitLens: Sendable {
  /// The layers of the rows, as `hiddenStates` counts them: 0 enters the first layer.
  public let layers: [Int]
  /// The positions of the columns.
  public let positions: [Int]
  /// The readings, row by row.
  public let readings: [[LensReading]]

  /// Reads a trace.
  ///
  /// - Parameters:
  ///   - trace: the run, with its hidden states.
  ///   - layers: which states, `0…layers`; `nil` takes all.
  ///   - positions: which positions; `nil` takes all.
  ///   - count: how many tokens to keep for each.
  ///   - progress: called with the share done, from 0 to 1.
  ///   - cancellation: stops between and inside products.
  /// - Throws: `ModelError` where the model has no head, there is no such layer or position, or
  ///   hidden states weren't kept; `Cancelled`.
  public init(
    _ trace: Trace, layers: [Int]? = nil, positions: [Int]? = nil, count: Int = 5,
    progress: ((Double) -> Void)? = nil, cancellation: Cancellation? = nil
  ) throws {
    let sizes = trace.model.configuration
    let layers = layers ?? Array(0...sizes.layers)
    let positions = positions ?? Array(trace.ids.indices)
    for position in positions where !trace.ids.indices.contains(position) {
      throw ModelError.positionOutOfRange(position, count: trace.ids.count)
    }
    for layer in layers where !(0...sizes.layers).contains(layer) {
      throw ModelError.layerOutOfRange(layer, count: sizes.layers + 1)
    }
    // At most some million scores at a time, since a vocabulary is wide.
    let block = max(1, min(64, (1 << 20) / max(1, sizes.vocabulary)))
    var readings = Array(repeating: [LensReading](), count: layers.count)
    var texts: [Int: String] = [:]
    var done = 0
    for group in Self.runs(positions, longest: block) {
      try cancellation?.check()
      let final = try trace.lensLogits(
        layer: sizes.layers, of: group, cancellation: cancellation)
      let finals = try (0..<group.count).map { row in
        try cancellation?.check()
        return Distribution(final.row(row))
      }
      for (place, layer) in layers.enumerated() {
        let logits = try trace.lensLogits(layer: layer, of: group, cancellation: cancellation)
        for row in 0..<group.count {
          try cancellation?.check()
          let said = Distribution(logits.row(row))
          let top = NextTokens.largest(said.logits, count: count).map { id in
            let text = texts[id] ?? trace.model.tokenizer?.decode([id])
            texts[id] = text
            return NextToken(
              id: id, text: text, probability: said.probability(of: id),
              logit: Double(said.logits[id]))
          }
          readings[place].append(
            LensReading(
              top: top,
              divergence: layer == sizes.layers ? 0 : finals[row].divergence(from: said)))
        }
        done += group.count
        progress?(Double(done) / Double(max(1, positions.count * layers.count)))
      }
    }
    self.layers = layers
    self.positions = positions
    self.readings = readings
  }

  /// Positions as ranges of neighbours, each of at most so many.
  private static func runs(_ positions: [Int], longest: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for position in positions {
      if let last = runs.last, last.upperBound == position, last.count < longest {
        runs[runs.count - 1] = last.lowerBound..<position + 1
      } else {
        runs.append(position..<position + 1)
      }
    }
    return runs
  }

  /// Logits with their normaliser.
  private struct Distribution {
    let logits: [Float]
    let logNormalizer: Double

    init(_ logits: [Float]) {
      self.logits = logits
      logNormalizer = Analysis.logSumExp(logits)
    }

    func probability(of id: Int) -> Double { exp(Double(logits[id]) - logNormalizer) }

    /// The divergence of another distribution from this one, in nats.
    func divergence(from other: Distribution) -> Double {
      var sum = 0.0
      for id in logits.indices {
        let own = Double(logits[id]) - logNormalizer
        sum += exp(own) * (own - (Double(other.logits[id]) - other.logNormalizer))
      }
      // Rounding may leave a trace below zero.
      return max(0, sum)
    }
  }
}
