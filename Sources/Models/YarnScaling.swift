import Glibc

/// YaRN's stretching of rotary positions, with DeepSeek's scales.
///
/// Peng et al. 2023, arXiv:2309.00071.
public struct YarnScaling: Sendable, Equatable {
  /// By how much the slow frequencies are divided.
  public var factor: Double
  /// How long the texts of the first training were.
  public var originalContextLength: Int
  /// Pairs that turn at least so often within such a text keep their frequency.
  public var fastTurns: Double
  /// Pairs that turn at most so often get the slow frequency.
  public var slowTurns: Double
  /// Whether the bounds between are rounded outwards to whole pairs.
  public var roundsBounds: Bool
  /// What cosines and sines are multiplied with.
  public var attentionFactor: Double
  /// By what latent attention multiplies its scores besides: the square of `magnitude(mscale_all_dim)`.
  public var scoreFactor: Double

  /// Reads the values of a `rope_scaling` or `rope_parameters` of the type `yarn`.
  ///
  /// `attention_factor` is used where it is given; otherwise `mscale` over `mscale_all_dim` where
  /// both are, otherwise the factor alone decides. (`attn_factor` is not read, as transformers
  /// doesn't.)
  ///
  /// - Throws: `ModelError.invalidValue` for impossible numbers.
  init(
    _ parameters: ConfigurationReader, model: ConfigurationReader
  ) throws(ModelError) {
    originalContextLength = try parameters.integer(
      "original_max_position_embeddings", in: SizeLimit.contextLength)
    if parameters.value("factor") == nil {
      let contextLength = try model.integer(
        "max_position_embeddings", in: SizeLimit.contextLength)
      factor = Double(contextLength) / Double(originalContextLength)
    } else {
      factor = try parameters.positive("factor", atMost: 1e6)
    }
    fastTurns = try parameters.positive("beta_fast", atMost: 1e6, absent: 32)
    slowTurns = try parameters.positive("beta_slow", atMost: 1e6, absent: 1)
    roundsBounds = try parameters.truth("truncate", absent: true)
    let mscale = try parameters.number("mscale", in: 0...1e3)
    let mscaleOfAll = try parameters.number("mscale_all_dim", in: 0...1e3)
    if parameters.value("attention_factor") != nil {
      attentionFactor = try parameters.positive("attention_factor", atMost: 1e3)
    } else if let mscale, let mscaleOfAll, mscale > 0, mscaleOfAll > 0 {
      attentionFactor =
        Self.magnitude(mscale, factor: factor) / Self.magnitude(mscaleOfAll, factor: factor)
    } else {
      attentionFactor = Self.magnitude(1, factor: factor)
    }
    let ofAll = Self.magnitude(mscaleOfAll ?? 0, factor: factor)
    scoreFactor = ofAll * ofAll
  }

  /// By how much queries and keys grow: `0.1 · mscale · ln(factor) + 1`.
  private static func magnitude(_ mscale: Double, factor: Double) -> Double {
    factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1
  }

  /// From which pair on frequencies are stretched, and from which on fully.
  func ramp(headDimension: Int, theta: Double) -> (low: Double, high: Double) {
    func pair(turning turns: Double) -> Double {
      let length = Double(originalContextLength)
      return Double(headDimension) * log(length / (turns * 2 * .pi)) / (2 * log(theta))
    }
    let (fast, slow) = (pair(turning: fastTurns), pair(turning: slowTurns))
    let low = max(roundsBounds ? floor(fast) : fast, 0)
    let high = min(roundsBounds ? ceil(slow) : slow, Double(headDimension - 1))
    return (low, high == low ? low + 0.001 : high)
  }
}
