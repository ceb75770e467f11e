public import Tensors

/// A family of models whose runs can be followed back to the input.
///
/// Every step is recorded with its way back; which recordings are kept and which are made again on the way
/// back is for the caller to decide, and doesn't show in the numbers.
public protocol DifferentiableArchitecture: Architecture {
  /// The vectors of the tokens themselves, `[tokens, width]`, before positions, segments and norms are
  /// applied: what transformers calls `inputs_embeds`.
  func tokenVectors(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor

  /// From the tokens' vectors to what enters the first layer, `[tokens, width]` both.
  func recordEntry(
    _ vectors: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep

  /// Runs one layer over the residual stream `[tokens, width]` and gives the stream after it at the
  /// positions `rows` alone, `[rows, width]`.
  ///
  /// Precondition: where the model is causal, `rows` ends with the last token.
  func recordLayer(
    _ layer: Int, _ hidden: Tensor, rows: Range<Int>, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> RecordedStep

  /// What follows the last layer, such as a final norm, for any rows.
  func recordFinish(
    _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep

  /// The scores of the tokens `ids`, or of the whole vocabulary where it is `nil`, from finished hidden
  /// states: `[rows, ids]` for `[rows, width]`. Asked only of models that have a head.
  func recordLogits(
    _ hidden: Tensor, of ids: [Int]?, constants: RunConstants, cancellation: Cancellation?
  ) throws -> RecordedStep

  /// Whether its layers can follow the rows of several texts at once; they can't unless an architecture says otherwise.
  var followsBatches: Bool { get }
}

extension DifferentiableArchitecture {
  /// They can't.
  public var followsBatches: Bool { false }
}
