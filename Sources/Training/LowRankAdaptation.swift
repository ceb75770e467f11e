/// What is trained in place of a model's weights: to each chosen map W a product of two narrow ones is added,
/// `W + (alpha / rank) · B A`, and only A and B change.
///
/// Hu and others 2021, arXiv:2106.09685.
public struct LowRankAdaptation: Sendable, Equatable {
  /// How many dimensions lie between A and B.
  public var rank: Int
  /// By what, divided by the rank, their product is multiplied.
  public var alpha: Double
  /// The maps that are adapted, by the last part of their names, such as `q_proj`.
  public var modules: [String]

  /// The names of maps that can be adapted; an expert's are its feed-forward part's.
  public static let knownModules = [
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "q_a_proj",
    "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj",
  ]

  /// Makes an adaptation.
  public init(rank: Int = 8, alpha: Double = 16, modules: [String] = ["q_proj", "v_proj"]) {
    self.rank = rank
    self.alpha = alpha
    self.modules = modules
  }

  var scale: Float { Float(alpha / Double(rank)) }

  func adapts(_ name: String) -> Bool {
    modules.contains { name.hasSuffix("." + $0) }
  }
}

/// The two maps that adapt another.
struct AdapterPlan {
  /// `[rank, input]`.
  let down: Parameter
  /// `[output, rank]`.
  let up: Parameter
  let scale: Float
}
