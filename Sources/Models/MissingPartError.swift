import Checkpoints

/// What a model of another family would have and this one hasn't; `description` is one sentence.
public enum MissingPartError: Error, Sendable, Equatable {
  case noLatents(model: String)
  case noKeySelection(model: String)
  case noExperts(layer: Int, layersWithExperts: [Int])
}

extension MissingPartError: CustomStringConvertible {
  /// One sentence: what isn't there, and what there is instead.
  public var description: String {
    switch self {
    case .noLatents(let model):
      "The model \(quoted(model)) has no latents: its keys and values are maps of the stream."
    case .noKeySelection(let model):
      "The model \(quoted(model)) selects no keys: attention weighs all that a token may see."
    case .noExperts(_, []):
      "The model has no experts: every feed-forward part is dense."
    case .noExperts(let layer, let layers):
      "Layer \(layer) has no experts, its feed-forward part is dense: the layers with experts are "
        + "\(layers.map(String.init).joined(separator: ", "))."
    }
  }
}
