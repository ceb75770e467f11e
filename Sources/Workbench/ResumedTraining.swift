import DataFormats
import FoundationEssentials
import Interpreter
import Models
import Training

/// The training in a folder that a call of `train` goes on with.
enum ResumedTraining {
  /// Where the records of a training into a folder are.
  static func records(in folder: String) -> String { folder + "/training" }

  /// The state to go on from, by the folder of the records.
  static func state(in records: String) -> String { records + "/state.safetensors" }

  /// The training to go on with; `nil` where none is asked for, or none was saved yet.
  ///
  /// - Throws: `ArgumentError` where the call isn't the saved training's with more to do.
  static func find(
    in folder: String?, isAsked: Bool, options: TrainingOptions, adaptation: LowRankAdaptation?,
    model: LanguageModel
  ) throws -> SavedTraining? {
    guard isAsked else { return nil }
    guard let folder else {
      throw ArgumentError(
        "resume", "`resume` goes on with the training in the folder `into`, which isn't given.",
        hint: "train(…, into: \"folder\", resume: true)", code: "missing-argument")
    }
    let path = state(in: records(in: folder))
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let saved = try SavedTraining(path: path)
    if let other = saved.difference(from: model.document) {
      throw ArgumentError(
        "model",
        "The training in `\(folder)` is of another model: its `\(other.name)` is \(words(other.saved)), not "
          + "\(words(other.other)).", code: "other-training")
    }
    if let other = saved.difference(from: options, adaptation) {
      let name = parameters[other.name] ?? other.name
      throw ArgumentError(
        name,
        "The training in `\(folder)` has `\(name)` \(words(other.saved)), and this call \(words(other.other)).",
        hint: "Only `steps` and `warmup` may change where a training goes on.",
        code: "other-training")
    }
    guard saved.step < options.steps else {
      throw ArgumentError(
        "steps",
        "The training in `\(folder)` has taken \(saved.step) \(saved.step == 1 ? "step" : "steps") already, and "
          + "`steps` is \(options.steps).",
        hint: "More `steps` let it go on.", code: "nothing-left")
    }
    return saved
  }

  /// What the language calls the options that it has another name for.
  private static let parameters = [
    "learningRate": "learning_rate", "weightDecay": "weight_decay", "tokensPerBatch": "batch",
    "roundsWeights": "round",
  ]

  private static func words(_ value: JSON) -> String {
    switch value {
    case .null: "none"
    case .string(let text): text
    case .array(let elements): elements.map(words).joined(separator: ", ")
    // As the language writes it: 16, not 16.0.
    case .number(let number): Int(exactly: number).map { "\($0)" } ?? value.serialized()
    default: value.serialized()
    }
  }
}
