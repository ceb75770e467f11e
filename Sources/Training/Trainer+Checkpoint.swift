import Checkpoints
import DataFormats
import Tensors

/// The state of a training in one safetensors file: `weights.…`, `means.…` and `squares.…` of every parameter, and as metadata
/// the configuration, the options and the place in the corpus.
extension Trainer {
  /// Saves everything that the training goes on from.
  ///
  /// The file appears whole or not at all, so that whatever ends the
  /// program leaves the last state that was saved.
  ///
  /// - Throws: `CheckpointError` where the file can't be written.
  public func save(to path: String) throws {
    var tensors: [(name: String, tensor: Tensor)] = []
    for entry in parameters.entries {
      tensors.append(("weights.\(entry.name)", entry.value))
      guard entry.isTrained else { continue }
      tensors.append(("means.\(entry.name)", entry.mean))
      tensors.append(("squares.\(entry.name)", entry.square))
    }
    let place: JSONObject = [
      "step": .integer(step), "epoch": .integer(order.epoch), "position": .integer(order.position),
      "corpus": .string(String(corpus.fingerprint, radix: 16)),
    ]
    try SafetensorsWriter.write(
      tensors: tensors,
      metadata: [
        ("kind", SavedTraining.kind), ("configuration", JSON.object(configuration).serialized()),
        ("options", options.json.serialized()), ("place", JSON.object(place).serialized()),
        ("adaptation", (adaptation?.json ?? .null).serialized()),
      ], to: path)
  }

  /// Goes on from a saved training: the next step is, bit for bit, the one that would have followed.
  ///
  /// - Parameters:
  ///   - path: the file that `save` wrote.
  ///   - corpus: the texts that it learned from.
  /// - Throws: `CheckpointError` for a file that can't be read, `TrainingError` for one that isn't a saved training,
  ///   and for other texts.
  public convenience init(resuming path: String, corpus: TrainingCorpus) throws {
    try self.init(resuming: try SavedTraining(path: path), corpus: corpus)
  }

  /// Goes on from a saved training that was looked at.
  ///
  /// - Throws: as above.
  public convenience init(resuming saved: SavedTraining, corpus: TrainingCorpus) throws {
    guard saved.corpus == String(corpus.fingerprint, radix: 16) else {
      throw TrainingError.otherCorpus(path: saved.path)
    }
    try self.init(
      configuration: saved.configuration, weights: saved.file, prefix: "weights.",
      corpus: corpus, options: saved.options, adaptation: saved.adaptation)
    guard corpus.documents.indices.contains(saved.place.position) else {
      throw TrainingError.unsuitableState(
        path: saved.path, reason: "its place isn't one in the corpus")
    }
    step = saved.step
    order = DataOrder(
      seed: options.seed, count: corpus.documents.count, epoch: saved.place.epoch,
      position: saved.place.position)
    for index in parameters.entries.indices where parameters.entries[index].isTrained {
      let name = parameters.entries[index].name
      func moment(_ prefix: String) throws -> Tensor {
        let stored = try saved.file.tensor(named: prefix + name)
        let shape = parameters.entries[index].value.shape
        guard stored.shape == shape else {
          throw TrainingError.wrongShape(
            name: prefix + name, found: stored.shape, expected: shape)
        }
        return Tensor(shape: shape, stored.floats)
      }
      parameters.entries[index].mean = try moment("means.")
      parameters.entries[index].square = try moment("squares.")
    }
  }
}

extension TrainingOptions {
  /// The options as they are saved; `init(_:)` reads them.
  var json: JSON {
    var members: [JSONObject.Member] = []
    func put(_ key: String, _ value: JSON) { members.append(.init(key: key, value: value)) }
    for (key, path) in Self.numbers { put(key, .number(self[keyPath: path])) }
    for (key, path) in Self.counts { put(key, .integer(self[keyPath: path])) }
    put("schedule", .string(schedule.rawValue))
    put("decaysEmbeddings", .bool(decaysEmbeddings))
    put("clipNorm", clipNorm.map { .number($0) } ?? .null)
    put("divergenceNorm", divergenceNorm.map { .number($0) } ?? .null)
    put("roundsWeights", .bool(roundsWeights))
    put("seed", .string(String(seed)))
    return .object(JSONObject(members: members))
  }

  /// Reads saved options; `nil` where one is missing or of another kind.
  init?(_ object: JSONObject) {
    self.init()
    for (key, path) in Self.numbers {
      guard let number = object[key]?.number else { return nil }
      self[keyPath: path] = number
    }
    for (key, path) in Self.counts {
      guard let count = object[key]?.integer else { return nil }
      self[keyPath: path] = count
    }
    guard let schedule = object["schedule"]?.string.flatMap(Schedule.init),
      let decays = object["decaysEmbeddings"]?.bool,
      let rounds = object["roundsWeights"]?.bool,
      let seed = object["seed"]?.string.flatMap({ UInt64($0) })
    else { return nil }
    self.schedule = schedule
    decaysEmbeddings = decays
    roundsWeights = rounds
    clipNorm = object["clipNorm"]?.number
    divergenceNorm = object["divergenceNorm"]?.number
    self.seed = seed
  }

  private static var numbers: [(String, WritableKeyPath<TrainingOptions, Double>)] {
    [
      ("learningRate", \.learningRate), ("finalRateShare", \.finalRateShare), ("beta1", \.beta1),
      ("beta2", \.beta2), ("epsilon", \.epsilon), ("weightDecay", \.weightDecay),
      ("correctionRate", \.correctionRate), ("balanceWeight", \.balanceWeight),
    ]
  }

  private static var counts: [(String, WritableKeyPath<TrainingOptions, Int>)] {
    [
      ("warmUpSteps", \.warmUpSteps), ("steps", \.steps), ("tokensPerBatch", \.tokensPerBatch),
      ("batchesPerStep", \.batchesPerStep),
    ]
  }
}

extension LowRankAdaptation {
  /// The adaptation as it is saved; `init(_:)` reads it.
  var json: JSON {
    [
      "rank": .integer(rank), "alpha": .number(alpha),
      "modules": .array(modules.map { .string($0) }),
    ]
  }

  /// Reads a saved adaptation; `nil` where there is none.
  init?(_ json: JSON) {
    guard let rank = json["rank"]?.integer, rank > 0, let alpha = json["alpha"]?.number,
      let modules = json["modules"]?.array?.compactMap(\.string)
    else { return nil }
    self.init(rank: rank, alpha: alpha, modules: modules)
  }
}
