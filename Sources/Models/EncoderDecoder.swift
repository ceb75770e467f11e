public import Tensors

/// An architecture that reads one text as a whole and writes another one while it looks at it.
///
/// As an `Architecture` it is its encoder alone.
public protocol EncoderDecoder: Architecture {
  /// The decoder's sizes.
  var decoderConfiguration: ModelConfiguration { get }
  /// The id that every text that is written begins with.
  var startID: Int { get }

  /// The keys and values that a layer of the decoder makes of the encoder's finished hidden states
  /// `[sources, width]`; they are the same for all that is written.
  func sourceKeysAndValues(
    _ layer: Int, _ source: Tensor, cancellation: Cancellation?
  ) throws -> SourceKeysAndValues

  /// Runs one layer of the decoder over its residual stream `[targets, width]`, beside what it sees of
  /// the text that was read; where the constants have a cache, over that of the tokens that are new.
  func runTargetLayer(
    _ layer: Int, _ hidden: Tensor, source: SourceKeysAndValues, constants: RunConstants,
    cancellation: Cancellation?
  ) throws -> TargetLayerOutput

  /// What follows the decoder's last layer, `[targets, width]`.
  func finishTarget(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor

  /// The scores of all tokens, `[rows, vocabulary]`, from the decoder's finished hidden states.
  func targetLogits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor
}

/// What a layer of a decoder sees of the text that was read.
public struct SourceKeysAndValues: Sendable {
  /// The keys, `[sources, heads × headDimension]`.
  public var keys: Tensor
  /// The values, `[sources, heads × headDimension]`.
  public var values: Tensor

  /// Makes a view.
  public init(keys: Tensor, values: Tensor) {
    self.keys = keys
    self.values = values
  }
}

/// What a layer of a decoder gives back.
public struct TargetLayerOutput: Sendable {
  /// The residual stream after the layer, `[targets, width]`.
  public var hidden: Tensor
  /// What attention among the targets looked at.
  public var own: AttentionInputs
  /// What attention from the targets to the sources looked at.
  public var cross: AttentionInputs

  /// Makes an output.
  public init(hidden: Tensor, own: AttentionInputs, cross: AttentionInputs) {
    self.hidden = hidden
    self.own = own
    self.cross = cross
  }
}
