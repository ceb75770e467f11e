import Checkpoints
import DataFormats
import Models
import Tensors
import Testing

@testable import Training

/// Low-rank adaptations, and weights that are rounded where they are computed with, train as PyTorch's in double
/// precision: losses, norms and final weights within 1e-4, those of rounded weights within 5e-4.
@Suite struct AdaptationTests {
  private static let adaptation = LowRankAdaptation(
    rank: 3, alpha: 6, modules: ["q_proj", "v_proj", "down_proj"])

  private static var options: TrainingOptions {
    var options = ReferenceSteps.options
    options.balanceWeight = 0
    return options
  }

  private func trainer(
    weights: String, _ options: TrainingOptions, _ adaptation: LowRankAdaptation?
  ) throws -> (Trainer, ReferenceSteps) {
    let reference = try ReferenceSteps("llama")
    return (
      try Trainer(
        configuration: reference.configuration,
        weights: try Checkpoint("\(fixtures)/\(weights)/initial.safetensors"),
        corpus: TrainingCorpus(reference.documents, contextLength: 64), options: options,
        adaptation: adaptation), reference
    )
  }

  private func expectSteps(
    _ trainer: Trainer, _ reference: ReferenceSteps, equal name: String, within: Double = 1e-4
  ) throws {
    let file = try SystemFile(reading: "\(fixtures)/\(name)/steps.json")
    let expected = try #require(
      try JSON(parsing: try file.read(at: 0, count: try file.byteCount)).array)
    #expect(expected.count == reference.batches.count)
    for (batch, step) in zip(reference.batches, expected) {
      let record = try trainer.takeStep([batch])
      let (loss, norm) = (try #require(step["loss"]?.number), try #require(step["norm"]?.number))
      #expect(abs(record.loss / loss - 1) < within)
      #expect(abs(record.gradientNorm / norm - 1) < within)
    }
  }

  private func expectClose(_ tensor: Tensor, _ expected: Tensor, _ name: String) {
    let size = expected.floats.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
    let distance = zip(tensor.floats, expected.floats).reduce(0) {
      $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
    }.squareRoot()
    #expect(size > 0 && distance <= 1e-4 * size, "\(name)")
  }

  @Test func lowRankStepsEqualPyTorchs() throws {
    let (trainer, reference) = try trainer(
      weights: "steps-lora", Self.options, Self.adaptation)
    let before = try reference.initial.tensor(named: "model.layers.0.self_attn.k_proj.weight")
    try expectSteps(trainer, reference, equal: "steps-lora")
    let final = try SafetensorsFile(path: "\(fixtures)/steps-lora/final.safetensors")
    var compared = 0
    for entry in trainer.parameters.entries where entry.isTrained {
      expectClose(entry.value, try final.tensor(named: entry.name), entry.name)
      compared += 1
    }
    #expect(compared == 12 && trainer.parameterCount < 1_000)
    let weights = try trainer.weights
    #expect(weights.count == trainer.parameters.entries.count - 12)
    for (name, tensor) in weights where name.contains("v_proj") || name.contains("down_proj") {
      expectClose(tensor, try final.tensor(named: name), name)
    }
    // What isn't adapted stays as it was.
    let after = try #require(weights.first { $0.name.hasSuffix("0.self_attn.k_proj.weight") })
    #expect(after.tensor.floats == before.floats)
  }

  @Test func roundedStepsEqualPyTorchs() throws {
    var options = Self.options
    options.roundsWeights = true
    let (trainer, reference) = try trainer(weights: "steps-llama", options, nil)
    // Masters that differ in their last bits may round to different neighbours.
    try expectSteps(trainer, reference, equal: "steps-rounded", within: 5e-4)
    let final = try SafetensorsFile(path: "\(fixtures)/steps-rounded/final.safetensors")
    for entry in trainer.parameters.entries {
      expectClose(entry.value, try final.tensor(named: entry.name), entry.name)
    }
  }

  @Test func anAdaptedTrainingGoesOnAsIfItHadNotStopped() throws {
    let folder = TemporaryFolder()
    let (whole, reference) = try trainer(weights: "steps-llama", Self.options, Self.adaptation)
    let (first, _) = try trainer(weights: "steps-llama", Self.options, Self.adaptation)
    for _ in 0..<6 { _ = try whole.takeStep() }
    for _ in 0..<3 { _ = try first.takeStep() }
    try first.save(to: "\(folder.path)/state.safetensors")
    let second = try Trainer(
      resuming: "\(folder.path)/state.safetensors",
      corpus: TrainingCorpus(reference.documents, contextLength: 64))
    #expect(second.adaptation == Self.adaptation)
    for _ in 0..<3 { _ = try second.takeStep() }
    #expect(
      try second.weights.map { $0.tensor.floats } == (try whole.weights.map { $0.tensor.floats }))
  }

  @Test func aModelWithoutTheNamedMapsIsRefused() throws {
    #expect(throws: TrainingError.nothingAdapted(modules: ["kv_b_proj"])) {
      _ = try trainer(
        weights: "steps-llama", Self.options, LowRankAdaptation(modules: ["kv_b_proj"]))
    }
  }
}
