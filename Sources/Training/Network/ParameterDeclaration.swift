import Checkpoints
import Glibc
import Tensors

/// Makes the parameters that a decoder declares: at random, or from a checkpoint.
struct ParameterDeclaration {
  /// Where the numbers come from.
  enum Source {
    /// Normal numbers of this standard deviation, decided by a seed; maps into the residual stream have theirs
    /// divided by √(2 · layers), so that the stream's variance doesn't grow with the layers (Radford et al. 2019).
    case random(SeededGenerator, deviation: Double, layers: Int)
    /// The tensors whose names begin with the prefix.
    case checkpoint(Checkpoint, prefix: String)
  }

  let parameters = ParameterStore()
  /// What is trained in place of the weights themselves, or `nil` where they are.
  let adaptation: LowRankAdaptation?
  private var source: Source
  /// Draws the adaptations' first numbers.
  private var generator: SeededGenerator

  init(_ source: Source, adaptation: LowRankAdaptation? = nil, seed: UInt64 = 0) {
    self.source = source
    self.adaptation = adaptation
    generator = SeededGenerator(seed: seed)
  }

  /// Declares a parameter; its numbers are drawn in the order of declaration.
  mutating func callAsFunction(
    _ name: String, _ shape: [Int], _ role: ParameterRole, part: String
  ) throws -> Parameter {
    let isAdaptation = role == .adapterDown || role == .adapterUp
    return parameters.append(
      name, part: part, role: role, value: try value(name, shape, role),
      isTrained: role != .correction && (adaptation == nil || isAdaptation))
  }

  /// Declares the adaptation of a map `[output, input]`; `nil` where it has none.
  mutating func adapter(
    of name: String, _ output: Int, _ input: Int, part: String
  ) throws -> AdapterPlan? {
    guard let adaptation, adaptation.adapts(name) else { return nil }
    let rank = adaptation.rank
    return AdapterPlan(
      down: try self(name + ".lora_A.weight", [rank, input], .adapterDown, part: part),
      up: try self(name + ".lora_B.weight", [output, rank], .adapterUp, part: part),
      scale: adaptation.scale)
  }

  private mutating func value(
    _ name: String, _ shape: [Int], _ role: ParameterRole
  ) throws -> Tensor {
    if role == .adapterDown || role == .adapterUp {
      return try adapterValue(name, shape, role)
    }
    switch source {
    case .checkpoint(let checkpoint, let prefix):
      let stored = try checkpoint.tensor(named: prefix + name)
      guard stored.shape == shape else {
        throw TrainingError.wrongShape(name: name, found: stored.shape, expected: shape)
      }
      return Tensor(shape: shape, stored.floats)
    case .random(var generator, let deviation, let layers):
      switch role {
      case .gain: return Tensor(repeating: 1, shape: shape)
      case .bias, .correction, .adapterDown, .adapterUp: return Tensor(zeros: shape)
      case .embedding, .matrix, .residual:
        let scale = role == .residual ? deviation / Double(2 * layers).squareRoot() : deviation
        let numbers = (0..<shape.reduce(1, *)).map { _ in Float(generator.normal() * scale) }
        source = .random(generator, deviation: deviation, layers: layers)
        return Tensor(shape: shape, numbers)
      }
    }
  }

  /// Those of a saved training; otherwise uniform between ±1/√input on the way in, and zeros on the way out, so that the
  /// model begins as it was (Hu and others 2021, arXiv:2106.09685).
  private mutating func adapterValue(
    _ name: String, _ shape: [Int], _ role: ParameterRole
  ) throws -> Tensor {
    if case .checkpoint(let checkpoint, let prefix) = source, checkpoint.contains(prefix + name) {
      let stored = try checkpoint.tensor(named: prefix + name)
      guard stored.shape == shape else {
        throw TrainingError.wrongShape(name: name, found: stored.shape, expected: shape)
      }
      return Tensor(shape: shape, stored.floats)
    }
    guard role == .adapterDown else { return Tensor(zeros: shape) }
    let bound = 1 / Float(shape[1]).squareRoot()
    return Tensor(
      shape: shape,
      (0..<shape[0] * shape[1]).map { _ in Float.random(in: -bound...bound, using: &generator) })
  }
}
