import DataFormats
import Glibc

/// How rotary position embedding turns queries and keys.
///
/// Su et al. 2021, arXiv:2104.09864.
public struct RotaryConfiguration: Sendable, Equatable {
  /// How the frequencies of the first training are stretched for longer texts.
  public enum Scaling: Sendable, Equatable {
    /// As they are.
    case none
    /// All divided by a factor (Chen et al. 2023, arXiv:2306.15595).
    case linear(factor: Double)
    /// Slow ones divided by a factor, fast ones left, those between blended (Llama 3.1).
    case llama3(factor: Double, low: Double, high: Double, originalContextLength: Int)
    /// The same by how often a pair turns within the first training's texts, with longer queries and
    /// keys (Peng et al. 2023, arXiv:2309.00071).
    case yarn(YarnScaling)
  }

  /// The base of the frequencies.
  public var theta: Double
  /// How they are stretched.
  public var scaling: Scaling

  /// Makes a configuration.
  public init(theta: Double, scaling: Scaling = .none) {
    self.theta = theta
    self.scaling = scaling
  }

  /// Reads `rope_theta` with `rope_scaling`, or the newer `rope_parameters` that holds both.
  ///
  /// - Throws: `ModelError` for impossible numbers and for kinds of scaling that aren't supported.
  public init(_ configuration: ConfigurationReader) throws(ModelError) {
    let key = configuration.value("rope_parameters") == nil ? "rope_scaling" : "rope_parameters"
    let value = configuration.value(key)
    if let value, value.object == nil {
      throw .invalidValue(
        key: key, found: ConfigurationReader.words(value), expected: "an object or null")
    }
    let parameters = ConfigurationReader(value?.object ?? [:])
    let holder = parameters.value("rope_theta") == nil ? configuration : parameters
    theta = try holder.positive("rope_theta", atMost: 1e12, absent: 10_000)
    if let partial = configuration.value("partial_rotary_factor")
      ?? parameters.value(
        "partial_rotary_factor"), partial.number != 1
    {
      throw .unsupported(
        key: "partial_rotary_factor", found: ConfigurationReader.words(partial), supported: ["1"])
    }
    let kindKey = parameters.value("rope_type") == nil ? "type" : "rope_type"
    let kind = try parameters.choice(
      kindKey, of: ["default", "linear", "llama3", "yarn"], absent: "default")
    switch kind {
    case "linear":
      scaling = .linear(factor: try parameters.positive("factor", atMost: 1e6))
    case "llama3":
      let low = try parameters.positive("low_freq_factor", atMost: 1e6)
      let high = try parameters.positive("high_freq_factor", atMost: 1e6)
      guard high > low else {
        throw .invalidValue(
          key: "high_freq_factor", found: "\(high)", expected: "more than low_freq_factor (\(low))")
      }
      scaling = .llama3(
        factor: try parameters.positive("factor", atMost: 1e6), low: low, high: high,
        originalContextLength: try parameters.integer(
          "original_max_position_embeddings", in: SizeLimit.contextLength))
    case "yarn":
      guard theta > 1 else {
        throw .invalidValue(
          key: "rope_theta", found: "\(theta)", expected: "a number above 1 for yarn")
      }
      scaling = .yarn(try YarnScaling(parameters, model: configuration))
    default:
      scaling = .none
    }
  }

  /// What cosines and sines are multiplied with.
  public var attentionFactor: Double {
    guard case .yarn(let yarn) = scaling else { return 1 }
    return yarn.attentionFactor
  }

  /// The angle per position of each pair of a head's elements, `[headDimension / 2]`.
  ///
  /// In single precision, as the published models were trained: the pairs of a long text turn by
  /// large angles, in which the rounding of a frequency shows.
  public func inverseFrequencies(headDimension: Int) -> [Float] {
    (0..<headDimension / 2).map { pair in
      let exponent = Float(2 * pair) / Float(headDimension)
      let frequency = 1 / powf(Float(theta), exponent)
      switch scaling {
      case .none: return frequency
      case .linear(let factor): return frequency / Float(factor)
      case .llama3(let factor, let low, let high, let originalContextLength):
        let length = Float(originalContextLength)
        let wavelength = 2 * Float.pi / frequency
        if wavelength < length / Float(high) { return frequency }
        if wavelength > length / Float(low) { return frequency / Float(factor) }
        let share = (length / wavelength - Float(low)) / Float(high - low)
        return (1 - share) * frequency / Float(factor) + share * frequency
      case .yarn(let yarn):
        let (low, high) = yarn.ramp(headDimension: headDimension, theta: theta)
        let stretched = min(max((Float(pair) - Float(low)) / Float(high - low), 0), 1)
        let slow = 1 / (Float(yarn.factor) * powf(Float(theta), exponent))
        return slow * stretched + frequency * (1 - stretched)
      }
    }
  }
}
