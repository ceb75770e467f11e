import Checkpoints
public import DataFormats

/// A training that was saved, before it is gone on with: what it learned with, and how far it came.
public struct SavedTraining {
  /// Something of a training that is another in the one that was saved.
  public struct Difference: Sendable, Equatable {
    /// Its name in the state.
    public let name: String
    /// What the saved training has.
    public let saved: JSON
    /// What it was compared with has.
    public let other: JSON
  }

  /// The file.
  public let path: String
  /// The model's configuration.
  public let configuration: JSONObject
  /// How the training goes.
  public let options: TrainingOptions
  /// What is trained in place of the weights, or `nil` where they are.
  public let adaptation: LowRankAdaptation?
  /// How many steps were taken.
  public let step: Int
  /// The place in the corpus: how many times it was learned from, and the number of the next text.
  let place: (epoch: Int, position: Int)
  /// The fingerprint of the corpus, in hexadecimal.
  let corpus: String
  let file: Checkpoint

  static let kind = "vitrine training 1"

  /// Reads what a file says of its training, not yet its weights.
  ///
  /// - Throws: `CheckpointError` for a file that can't be read, `TrainingError` for one that isn't a saved training.
  public init(path: String) throws {
    let file = try Checkpoint(path)
    func refused(_ reason: String) -> TrainingError { .unsuitableState(path: path, reason: reason) }
    func text(_ key: String) throws -> String {
      guard let entry = file.metadata.first(where: { $0.key == key }) else {
        throw refused("it has no \(key), so it isn't a saved training")
      }
      return entry.value
    }
    func object(_ key: String) throws -> JSONObject {
      guard let object = try? JSON(parsing: try text(key)).object else {
        throw refused("its \(key) isn't a JSON object")
      }
      return object
    }
    guard try text("kind") == Self.kind else { throw refused("its kind isn't \"\(Self.kind)\"") }
    guard let options = TrainingOptions(try object("options")) else {
      throw refused("its options aren't a training's")
    }
    let place = try object("place")
    guard let step = place["step"]?.integer, step >= 0, let epoch = place["epoch"]?.integer,
      epoch >= 0, let position = place["position"]?.integer, position >= 0,
      let corpus = place["corpus"]?.string
    else { throw refused("its place isn't one in the corpus") }
    self.path = path
    self.file = file
    self.options = options
    self.step = step
    self.place = (epoch, position)
    self.corpus = corpus
    configuration = try object("configuration")
    adaptation = LowRankAdaptation(try JSON(parsing: try text("adaptation")))
  }

  /// The first option that is another here, but for the number of steps and that of the warm-up, which may change where a
  /// training goes on; `method` where the weights learn in the one and adaptations in the other.
  public func difference(
    from options: TrainingOptions, _ adaptation: LowRankAdaptation?
  ) -> Difference? {
    let own = self.options.json.object ?? [:]
    let others = options.json.object ?? [:]
    for member in own.members where !["steps", "warmUpSteps"].contains(member.key) {
      let other = others[member.key] ?? .null
      if member.value != other {
        return Difference(name: member.key, saved: member.value, other: other)
      }
    }
    guard let adapted = self.adaptation?.json.object, let wanted = adaptation?.json.object else {
      guard (self.adaptation == nil) != (adaptation == nil) else { return nil }
      let words = [self.adaptation, adaptation].map { JSON.string($0 == nil ? "full" : "lora") }
      return Difference(name: "method", saved: words[0], other: words[1])
    }
    return adapted.members.first { $0.value != wanted[$0.key] ?? .null }.map {
      Difference(name: $0.key, saved: $0.value, other: wanted[$0.key] ?? .null)
    }
  }

  /// The first entry of a model's configuration that is another here; the element type, in which the weights lie somewhere,
  /// doesn't count.
  public func difference(from configuration: JSONObject) -> Difference? {
    let keys = (self.configuration.members + configuration.members).map(\.key)
    for key in keys where !["dtype", "torch_dtype"].contains(key) {
      let (own, other) = (self.configuration[key] ?? .null, configuration[key] ?? .null)
      if own != other { return Difference(name: key, saved: own, other: other) }
    }
    return nil
  }
}
