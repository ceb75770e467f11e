public import Tensors

/// An encoder-decoder whose runs can be followed back to both texts.
///
/// As a `DifferentiableArchitecture` it is its encoder alone.
public protocol DifferentiableEncoderDecoder: EncoderDecoder, DifferentiableArchitecture {
  /// Runs one layer of the decoder over its residual stream `[targets, width]`, beside the encoder's
  /// finished hidden states `[sources, width]`.
  func recordTargetLayer(
    _ layer: Int, _ hidden: Tensor, source: Tensor, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedPairStep

  /// What follows the decoder's last layer, for any rows.
  func recordTargetFinish(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep

  /// The scores of the tokens `ids`, or of the whole vocabulary where it is `nil`, from the decoder's
  /// finished hidden states: `[rows, ids]` for `[rows, width]`.
  func recordTargetLogits(
    _ hidden: Tensor, of ids: [Int]?, cancellation: Cancellation?
  ) throws -> RecordedStep
}

/// One step of a decoder that looks at another text, together with its way back.
public struct RecordedPairStep: Sendable {
  /// What the step gives, `[targets, width]`.
  public let output: Tensor
  /// The bytes that are kept for the way back.
  public let byteCount: Int
  /// From the gradient with respect to `output`, the gradients with respect to the step's input
  /// `[targets, width]` and to the hidden states of the other text `[sources, width]`.
  public let pullback: @Sendable (Tensor, Cancellation?) throws -> (target: Tensor, source: Tensor)

  /// Makes a step.
  ///
  /// - Parameters:
  ///   - output: what it gives.
  ///   - byteCount: the bytes of the tensors that `pullback` refers to.
  ///   - pullback: the way back; may throw `Cancelled`.
  public init(
    output: Tensor, byteCount: Int,
    pullback:
      @escaping @Sendable (Tensor, Cancellation?) throws -> (target: Tensor, source: Tensor)
  ) {
    self.output = output
    self.byteCount = byteCount
    self.pullback = pullback
  }
}
