/// Why a training can't begin or go on.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What grew without bound.
  public enum Divergence: Sendable, Equatable {
    /// The loss isn't a finite number.
    case loss(Double)
    /// The gradients' norm isn't finite, or above the limit.
    case gradientNorm(Double, limit: Double?)
  }

  /// The numbers of a step grew without bound; the weights are those before it.
  case diverged(step: Int, Divergence)
  /// There is nothing to predict.
  case emptyCorpus
  /// A token isn't of the vocabulary.
  case tokenOutOfRange(id: Int, vocabulary: Int)
  /// A weight has another shape than the configuration gives.
  case wrongShape(name: String, found: [Int], expected: [Int])
  /// A saved training isn't one, or not of this model.
  case unsuitableState(path: String, reason: String)
  /// The model has none of the maps that were to be adapted.
  case nothingAdapted(modules: [String])
  /// The corpus isn't the one that a saved training learned from.
  case otherCorpus(path: String)

  /// The facts in a sentence.
  public var description: String {
    switch self {
    case .diverged(let step, .loss(let loss)):
      "The training diverged at step \(step): the loss is \(loss). A lower learning rate or a longer warm-up "
        + "may help; the weights are those before this step."
    case .diverged(let step, .gradientNorm(let norm, let limit)):
      "The training diverged at step \(step): the norm of the gradients is \(norm)"
        + (limit.map { ", above \($0)" } ?? "")
        + ". A lower learning rate or a longer warm-up may help; the weights are those before this step."
    case .emptyCorpus: "There is no text of two tokens or more to learn from."
    case .tokenOutOfRange(let id, let vocabulary):
      "The token \(id) isn't one of the \(vocabulary) of the vocabulary."
    case .wrongShape(let name, let found, let expected):
      "The weight `\(name)` has the shape \(found); its model's configuration gives \(expected)."
    case .unsuitableState(let path, let reason):
      "`\(path)` can't be gone on from: \(reason)."
    case .nothingAdapted(let modules):
      "The model has no map named \(modules.map { "`\($0)`" }.joined(separator: " or ")) to adapt."
    case .otherCorpus(let path):
      "`\(path)` was saved by a training on other texts; going on needs the same ones."
    }
  }
}
