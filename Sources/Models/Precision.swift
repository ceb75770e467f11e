import Checkpoints
public import Tensors

/// How exactly a model computes.
public enum Precision: String, Sendable, Hashable, CaseIterable {
  /// Weights as they are stored, everything else in single precision.
  case full
  /// What meets weights stored in bfloat16 is rounded to bfloat16, where the CPU multiplies such numbers; sums
  /// and everything else stay in single precision.
  case fast
}

extension LanguageModel {
  /// The same model, computing in a precision: the weights are shared.
  public func with(precision: Precision) -> LanguageModel {
    precision == self.precision ? self : LanguageModel(self, precision: precision)
  }

  /// What the model's activations are multiplied in: `bfloat16` where they are rounded to it, otherwise `float32`.
  public var arithmetic: ElementType {
    precision == .fast && InstructionSet.best.multipliesBFloat16
      && checkpoint.summary.elementTypes.contains { $0.elementType == .bfloat16 }
      ? .bfloat16 : .float32
  }

  /// Runs `body` with the products of the model's precision.
  func computing<Value>(_ body: () throws -> Value) throws -> Value {
    try Compute.with(precision: arithmetic == .bfloat16 ? .bfloat16 : .float32, body)
  }
}
