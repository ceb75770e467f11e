/// What one step of a training gave.
public struct StepRecord: Sendable, Equatable {
  /// The norm of the gradients of one part of the model.
  public struct PartNorm: Sendable, Equatable {
    /// The part: `embedding`, `layers.0` and so on, `final norm`, `head`.
    public var part: String
    /// The Euclidean norm of its gradients, before clipping.
    public var norm: Double
  }

  /// The step, from 1.
  public var step: Int
  /// The mean loss of the step's targets, in nats.
  public var loss: Double
  /// The norm of all gradients, before clipping.
  public var gradientNorm: Double
  /// The learning rate.
  public var learningRate: Double
  /// The gradients' norms part by part, in the order of the model.
  public var partNorms: [PartNorm]
  /// How many tokens were computed.
  public var tokens: Int
  /// How many of them had a target.
  public var targets: Int
  /// How many times the corpus was begun before the step's last text.
  public var epoch: Int
  /// How many tokens chose each expert, for each layer that has experts.
  public var expertLoads: [[Int]] = []
}
