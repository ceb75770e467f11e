import Glibc

/// How a training goes.
public struct TrainingOptions: Sendable, Equatable {
  /// How the learning rate falls after the warm-up.
  public enum Schedule: String, Sendable, Equatable, CaseIterable {
    /// Not at all.
    case constant
    /// Along half a cosine, to `finalRateShare` of the largest at the last step.
    case cosine
  }

  /// The largest learning rate.
  public var learningRate: Double
  /// Steps in which the rate rises to the largest: at step s of them it is s / warmUpSteps of it.
  public var warmUpSteps: Int
  /// How many steps there are in all, for the schedule.
  public var steps: Int
  /// How the rate falls.
  public var schedule: Schedule
  /// The share of the rate that is left at the last step.
  public var finalRateShare: Double
  /// How much of the gradients' mean stays each step.
  public var beta1: Double
  /// How much of the mean of their squares stays each step.
  public var beta2: Double
  /// What is added to the root of the squares' mean.
  public var epsilon: Double
  /// The decoupled decay of matrices; norms and biases never decay.
  public var weightDecay: Double
  /// Whether the embedding and the head decay too.
  public var decaysEmbeddings: Bool
  /// The norm of all gradients together that a step's are scaled down to, or `nil`.
  public var clipNorm: Double?
  /// A norm above which the training counts as diverged, or `nil`; numbers that aren't finite always do.
  public var divergenceNorm: Double?
  /// At most how many tokens are computed together; a text of more makes a batch of its own.
  public var tokensPerBatch: Int
  /// How many batches' gradients make a step; each target of all of them counts the same.
  public var batchesPerStep: Int
  /// By how much an expert's correction moves each step against its load; for families whose routers have corrections.
  public var correctionRate: Double
  /// What the balance of experts within each text is multiplied by in the loss.
  ///
  /// 0 leaves it out; DeepSeek-V3 took 0.0001.
  public var balanceWeight: Double
  /// Whether maps and embeddings are computed with rounded to bfloat16, from `float32` numbers that the steps change.
  ///
  /// Gradients go to those numbers as if there were no rounding (Micikevicius and others 2018, arXiv:1710.03740).
  public var roundsWeights: Bool
  /// Decides the first weights and the order of the texts.
  public var seed: UInt64

  /// Makes options.
  public init(
    learningRate: Double = 1e-3, warmUpSteps: Int = 0, steps: Int = 1_000,
    schedule: Schedule = .cosine, finalRateShare: Double = 0.1, beta1: Double = 0.9,
    beta2: Double = 0.95, epsilon: Double = 1e-8, weightDecay: Double = 0.1,
    decaysEmbeddings: Bool = false, clipNorm: Double? = 1, divergenceNorm: Double? = 1e6,
    tokensPerBatch: Int = 2_048, batchesPerStep: Int = 1, correctionRate: Double = 0.001,
    balanceWeight: Double = 0, roundsWeights: Bool = false, seed: UInt64 = 0
  ) {
    self.learningRate = learningRate
    self.warmUpSteps = warmUpSteps
    self.steps = steps
    self.schedule = schedule
    self.finalRateShare = finalRateShare
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decaysEmbeddings = decaysEmbeddings
    self.clipNorm = clipNorm
    self.divergenceNorm = divergenceNorm
    self.tokensPerBatch = tokensPerBatch
    self.batchesPerStep = batchesPerStep
    self.correctionRate = correctionRate
    self.balanceWeight = balanceWeight
    self.roundsWeights = roundsWeights
    self.seed = seed
  }

  /// The learning rate of a step, counted from 1.
  public func rate(atStep step: Int) -> Double {
    if step <= warmUpSteps { return learningRate * Double(step) / Double(warmUpSteps) }
    guard schedule == .cosine, steps > warmUpSteps else { return learningRate }
    let share = min(1, Double(step - warmUpSteps) / Double(steps - warmUpSteps))
    let height = (1 + cos(.pi * share)) / 2
    return learningRate * (finalRateShare + (1 - finalRateShare) * height)
  }

  func decay(of role: ParameterRole) -> Double {
    switch role {
    case .matrix, .residual, .adapterDown, .adapterUp: weightDecay
    case .embedding: decaysEmbeddings ? weightDecay : 0
    case .gain, .bias, .correction: 0
    }
  }
}
