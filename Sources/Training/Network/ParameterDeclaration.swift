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
  private var source: Source

  init(_ source: Source) { self.source = source }

  /// Declares a parameter; its numbers are drawn in the order of declaration.
  mutating func callAsFunction(
    _ name: String, _ shape: [Int], _ role: ParameterRole, part: String
  ) throws -> Parameter {
    parameters.append(name, part: part, role: role, value: try value(name, shape, role))
  }

  private mutating func value(
    _ name: String, _ shape: [Int], _ role: ParameterRole
  ) throws -> Tensor {
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
      case .bias, .correction: return Tensor(zeros: shape)
      case .embedding, .matrix, .residual:
        let scale = role == .residual ? deviation / Double(2 * layers).squareRoot() : deviation
        let numbers = (0..<shape.reduce(1, *)).map { _ in Float(generator.normal() * scale) }
        source = .random(generator, deviation: deviation, layers: layers)
        return Tensor(shape: shape, numbers)
      }
    }
  }
}
