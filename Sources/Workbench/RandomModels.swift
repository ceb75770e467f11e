import Analysis
import Interpreter
import Models
import Synchronization
import Tensors

/// The model of random weights that explanations were last checked with.
final class RandomModels: Sendable {
  private struct Entry: Sendable {
    let original: ModelValue
    let seed: UInt64
    let model: LanguageModel
  }
  private let last = Mutex<Entry?>(nil)

  /// A model like another with random weights, from memory where it was the last one.
  static func model(
    like original: ModelValue, seed: UInt64, in context: ExecutionContext
  ) throws -> LanguageModel {
    let models = context.storage.object(RandomModels.self) { RandomModels() }
    if let entry = models.last.withLock({ $0 }), entry.original.isSameModel(as: original),
      entry.original.model.precision == original.model.precision, entry.seed == seed
    {
      return entry.model
    }
    let model = try context.cancellation.leavingBehind {
      try RandomisedWeights.model(like: original.model, seed: seed)
    }
    models.last.withLock { $0 = Entry(original: original, seed: seed, model: model) }
    return model
  }
}
