import Checkpoints

/// What a model of another family would have and this one hasn't; `description` is one sentence.
public enum MissingPartError: Error, Sendable, Equatable {
  case noLatents(model: String)
  case noKeySelection(model: String)
  case selectsBlocks(model: String)
  case noBlocks(model: String)
  case noBlocksInLayer(Int)
  case noBlockSelection(layer: Int, selectingLayers: [Int])
  case severalStreams(model: String, count: Int)
  case attentionPastTokens(model: String)
  case noExperts(layer: Int, layersWithExperts: [Int])
  case noReadout(model: String)
  case noNeurons(layer: Int, part: NeuronPart, experts: Int?)
}

extension MissingPartError: CustomStringConvertible {
  /// One sentence: what isn't there, and what there is instead.
  public var description: String {
    switch self {
    case .noReadout(let model):
      "The model \(quoted(model)) has no norm and head that read its residual stream: they are asked of decoders."
    case .noNeurons(let layer, .dense, let experts?):
      "Layer \(layer) has \(experts) experts in place of one feed-forward part: say which, 0…\(experts - 1), or the shared one."
    case .noNeurons(let layer, .shared, .some):
      "Layer \(layer) has no experts that all tokens share."
    case .noNeurons(let layer, .expert(let expert), let experts?):
      "Layer \(layer) has the experts 0…\(experts - 1), not \(expert)."
    case .noNeurons(let layer, .dense, nil):
      "The feed-forward part of layer \(layer) can't be looked into neuron by neuron: it is asked of decoders."
    case .noNeurons(let layer, _, nil):
      "Layer \(layer) has no experts, its feed-forward part is dense."
    case .noLatents(let model):
      "The model \(quoted(model)) has no latents: its keys and values are maps of the stream."
    case .noKeySelection(let model):
      "The model \(quoted(model)) selects no keys: attention weighs all that a token may see."
    case .selectsBlocks(let model):
      "The model \(quoted(model)) selects blocks of tokens and not single keys: in t.attentions[layer][head] they follow the tokens, 0 where they weren't selected."
    case .noBlocks(let model):
      "The attention of \(quoted(model)) makes no blocks of tokens and has no sinks: it weighs single tokens alone."
    case .noBlocksInLayer(let layer):
      "Layer \(layer) makes no blocks of tokens: it looks at the last tokens alone."
    case .noBlockSelection(_, []):
      "The model selects no blocks of tokens: no layer has an indexer for them."
    case .noBlockSelection(let layer, let layers):
      "Layer \(layer) selects no blocks of tokens: the layers that do are "
        + "\(layers.map(String.init).joined(separator: ", "))."
    case .severalStreams(let model, let count):
      "The residual stream of \(quoted(model)) is \(count) streams that mix in every layer: what one part writes has no share of its own in a logit."
    case .attentionPastTokens(let model):
      "The attention of \(quoted(model)) goes past single tokens, to blocks and sinks, and its residual streams mix: its maps of tokens don't say what reaches a token through several layers."
    case .noExperts(_, []):
      "The model has no experts: every feed-forward part is dense."
    case .noExperts(let layer, let layers):
      "Layer \(layer) has no experts, its feed-forward part is dense: the layers with experts are "
        + "\(layers.map(String.init).joined(separator: ", "))."
    }
  }
}
