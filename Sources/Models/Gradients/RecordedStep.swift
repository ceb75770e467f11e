public import Tensors

/// One step of a run together with its way back.
public struct RecordedStep: Sendable {
  /// What the step gives, `[rows, width]`.
  public let output: Tensor
  /// The bytes that are kept for the way back.
  public let byteCount: Int
  /// From the gradient with respect to `output`, the gradient with respect to the step's input.
  public let pullback: @Sendable (Tensor, Cancellation?) throws -> Tensor

  /// Makes a step.
  ///
  /// - Parameters:
  ///   - output: what it gives.
  ///   - kept: the tensors that `pullback` refers to.
  ///   - pullback: the way back; may throw `Cancelled`.
  public init(
    output: Tensor, keeping kept: [Tensor],
    pullback: @escaping @Sendable (Tensor, Cancellation?) throws -> Tensor
  ) {
    self.output = output
    byteCount = kept.reduce(0) { $0 + $1.byteCount }
    self.pullback = pullback
  }

  /// Makes a step of which others are parts.
  public init(
    output: Tensor, _ parts: [RecordedStep], keeping kept: [Tensor],
    pullback: @escaping @Sendable (Tensor, Cancellation?) throws -> Tensor
  ) {
    self.output = output
    byteCount = parts.reduce(0) { $0 + $1.byteCount } + kept.reduce(0) { $0 + $1.byteCount }
    self.pullback = pullback
  }
}

extension Tensor {
  /// Adds `other` to the rows from `start` on.
  mutating func addRows(startingAt start: Int, _ other: Tensor) throws(Cancelled) {
    if start == 0 && other.shape == shape {
      add(other)
      return
    }
    var part = rows(start..<start + other.shape[0])
    part.add(other)
    try replaceRows(startingAt: start, with: part)
  }

  /// Itself with rows of zeros after it, `count` rows in all.
  func padded(to count: Int) throws(Cancelled) -> Tensor {
    if count == shape[0] { return self }
    var result = Tensor(zeros: [count] + shape.dropFirst())
    try result.replaceRows(startingAt: 0, with: self)
    return result
  }
}
