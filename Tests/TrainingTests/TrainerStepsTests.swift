import Checkpoints
import DataFormats
import Tensors
import Testing

@testable import Training

/// What PyTorch's training of a tiny model gave.
struct ReferenceSteps {
  struct Step {
    let loss: Double
    let norm: Double
    let rate: Double
  }

  let configuration: JSONObject
  let initial: Checkpoint
  let final: SafetensorsFile
  let batches: [TrainingBatch]
  let documents: [TrainingDocument]
  let single: [Step]
  let double: [Step]

  init(_ name: String) throws {
    let folder = "\(fixtures)/steps-\(name)"
    func json(_ file: String) throws -> JSON {
      let file = try SystemFile(reading: "\(folder)/\(file)")
      return try JSON(parsing: try file.read(at: 0, count: try file.byteCount))
    }
    configuration = try #require(try json("config.json").object)
    initial = try Checkpoint("\(folder)/initial.safetensors")
    final = try SafetensorsFile(path: "\(folder)/final.safetensors")
    let document = try json("steps.json")
    let steps = try #require(document["texts"]?.array).map { step in
      (step.array ?? []).map { text in
        TrainingDocument(
          ids: (text["ids"]?.array ?? []).compactMap { $0.integer.map(Int32.init) },
          isTarget: text["isTarget"]?.array?.compactMap(\.bool))
      }
    }
    batches = steps.map { TrainingBatch($0) }
    documents = steps.flatMap { $0 }
    func records(_ key: String) throws -> [Step] {
      try #require(document[key]?.array).map {
        Step(
          loss: try #require($0["loss"]?.number), norm: try #require($0["norm"]?.number),
          rate: try #require($0["rate"]?.number))
      }
    }
    single = try records("float32")
    double = try records("float64")
  }

  /// What the reference was trained with.
  static let options = TrainingOptions(
    learningRate: 5e-3, warmUpSteps: 4, steps: 20, finalRateShare: 0.1, beta1: 0.9, beta2: 0.95,
    epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1, tokensPerBatch: 24, correctionRate: 0.01,
    balanceWeight: 0.05)

  func trainer(_ options: TrainingOptions = options) throws -> Trainer {
    try Trainer(
      configuration: configuration, weights: initial,
      corpus: TrainingCorpus(documents, contextLength: 64), options: options)
  }
}

@Suite struct TrainerStepsTests {
  static let families = ["llama", "qwen2", "qwen3", "deepseek_v3"]

  @Test(arguments: families) func stepsEqualPyTorchs(_ family: String) throws {
    let reference = try ReferenceSteps(family)
    let trainer = try reference.trainer()
    var worst = 0.0
    for (number, batch) in reference.batches.enumerated() {
      let record = try trainer.takeStep([batch])
      let expected = reference.double[number]
      worst = max(worst, abs(record.loss / expected.loss - 1))
      worst = max(worst, abs(record.gradientNorm / expected.norm - 1))
      #expect(abs(record.learningRate / expected.rate - 1) < 1e-12)
    }
    #expect(worst < 1e-4)
    for entry in trainer.parameters.entries {
      for prefix in ["", "f64."] {
        let expected = try reference.final.tensor(named: prefix + entry.name).floats
        let difference = zip(entry.value.floats, expected).map { Double($0 - $1) }
        let size = expected.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
        let distance = difference.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(distance <= 1e-4 * size, "\(prefix)\(entry.name)")
      }
    }
  }
}
