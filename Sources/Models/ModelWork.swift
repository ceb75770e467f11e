import Tensors

/// What a model has to do for a text, by which its speed is measured: what it needs, not what an implementation does besides.
///
/// Of experts those that a token chooses count. An encoder-decoder reads and writes so many tokens each.
public struct ModelWork: Sendable, Equatable {
  /// Multiplications and additions of a forward run with the logits of all positions.
  public let forward: Double
  /// Those of the gradient of one logit with respect to what enters the first layer: the layers forward, and as much back.
  public let gradient: Double
  /// The bytes of the weights that one more token needs; of an encoder-decoder, one that is written.
  public let bytesPerToken: Double
}

extension LanguageModel {
  /// What a text of so many tokens takes.
  public func work(tokens: Int) -> ModelWork {
    let pair = network as? any EncoderDecoder
    let sizes = pair?.decoderConfiguration ?? configuration
    var layers = 0.0
    var bytes = 0.0
    for weight in weights where weight.shape.count == 2 && !isHead(weight) {
      let share = shareUsed(of: weight)
      layers += share * Double(weight.count)
      if pair == nil || weight.name.hasPrefix("decoder.") {
        bytes += share * Double(weight.byteCount)
      }
    }
    layers = 2 * Double(tokens) * layers + attentionOperations(configuration, tokens: tokens)
    if pair != nil {
      layers += attentionOperations(sizes, tokens: tokens)
      layers += operations(ofPairs: Double(tokens * tokens), sizes) * Double(sizes.layers)
    }
    guard sizes.hasLanguageModelHead else {
      return ModelWork(forward: layers, gradient: 2 * layers, bytesPerToken: bytes)
    }
    let head = weights.first(where: isHead) ?? weights.first { $0.part == .embedding }
    return ModelWork(
      forward: layers + 2 * Double(tokens * sizes.vocabulary * sizes.width),
      gradient: 2 * layers, bytesPerToken: bytes + Double(head?.byteCount ?? 0))
  }

  /// Whether a weight gives the logits of the vocabulary.
  private func isHead(_ weight: WeightUse) -> Bool {
    weight.part == .head && weight.shape == [configuration.vocabulary, configuration.width]
  }

  /// How much of a matrix one token is multiplied with.
  private func shareUsed(of weight: WeightUse) -> Double {
    switch weight.part {
    case .embedding: 0
    case .experts:
      configuration.experts.map { Double($0.chosen) / Double($0.count) } ?? 1
    default:
      // Tables are looked up: of experts by token, of biases by distance.
      [.int32, .int64].contains(weight.elementType)
        || weight.name.hasSuffix("relative_attention_bias.weight") ? 0 : 1
    }
  }

  /// Scores and sums of one layer for so many pairs of a query and a key.
  private func operations(ofPairs pairs: Double, _ sizes: ModelConfiguration) -> Double {
    2 * pairs * Double(sizes.heads * (sizes.headDimension + sizes.valueDimension))
  }

  /// Scores and sums of all layers of a stack.
  private func attentionOperations(_ sizes: ModelConfiguration, tokens: Int) -> Double {
    (0..<sizes.layers).reduce(0) { sum, layer in
      sum + operations(ofPairs: Self.pairs(sizes, layer: layer, tokens: tokens), sizes)
    }
  }

  /// How many pairs of a query and a key or block attention weighs in a layer.
  private static func pairs(_ sizes: ModelConfiguration, layer: Int, tokens: Int) -> Double {
    guard sizes.isCausal else { return Double(tokens * tokens) }
    return (1...max(1, tokens)).reduce(0.0) { sum, seen in
      guard let compression = sizes.compression else {
        return sum + Double(min(seen, sizes.selectedKeys ?? seen))
      }
      var keys = min(seen, compression.window)
      if let rate = compression.rate(of: layer) {
        let blocks = seen / rate
        keys += compression.selects(in: layer) ? min(blocks, compression.selectedBlocks) : blocks
      }
      return sum + Double(keys)
    }
  }
}
