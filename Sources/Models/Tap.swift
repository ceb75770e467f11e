public import Tensors

/// A place in a layer where an activation can be looked at or replaced.
public enum TapSite: Sendable, Hashable {
  /// The residual stream that enters a layer; of the number of layers, what leaves the last, before the final norm.
  case residual(Int)
  /// What a layer's heads gathered, side by side, `[rows, heads × valueDimension]`, before the output projection.
  case heads(Int)
  /// What a layer's attention adds to the residual stream.
  case attention(Int)
  /// What a layer's feed-forward part adds to the residual stream.
  case feedForward(Int)

  /// The layer.
  public var layer: Int {
    switch self {
    case .residual(let layer), .heads(let layer), .attention(let layer), .feedForward(let layer):
      layer
    }
  }
}

/// Looks at an activation while a model runs, and may replace it.
///
/// Patching, steering and ablation are taps: Vig et al. 2020 (arXiv:2004.12265), Turner et al. 2023 (arXiv:2308.10248).
public struct Tap: Sendable {
  /// Where.
  public let site: TapSite
  /// Takes the activation of some successive positions, `[rows, width]`, and the position of the first row; gives what is
  /// used in its place, of the same shape.
  ///
  /// A long text comes in several blocks of rows.
  public let replace: @Sendable (Tensor, Int) throws -> Tensor

  /// Makes a tap.
  public init(_ site: TapSite, replace: @escaping @Sendable (Tensor, Int) throws -> Tensor) {
    self.site = site
    self.replace = replace
  }
}

/// The taps of a run, by place.
struct TapSet: Sendable {
  private var taps: [TapSite: [Tap]] = [:]

  init(_ taps: [Tap]) {
    for tap in taps { self.taps[tap.site, default: []].append(tap) }
  }

  var sites: some Collection<TapSite> { taps.keys }

  /// What takes an activation's place; several taps of one place act in the order in which they were given.
  func callAsFunction(
    _ site: @autoclosure () -> TapSite, _ activation: Tensor, first: Int
  ) throws -> Tensor {
    guard !taps.isEmpty, let here = taps[site()] else { return activation }
    return try here.reduce(activation) { current, tap in
      let result = try tap.replace(current, first)
      guard result.shape == current.shape else {
        throw ModelError.wrongInputShape(found: result.shape, expected: current.shape)
      }
      return result
    }
  }
}
