public import Tensors

/// What is needed to build and run one family of models.
///
/// A new family is one type in `Architectures/`, one line in `architectures`, and a golden fixture.
public protocol Architecture: Sendable {
  /// The family's name, as shown to people.
  static var name: String { get }
  /// The values of `model_type` in `config.json` that this family serves.
  static var modelTypes: [String] { get }

  /// Reads and checks the configuration, then the weights.
  ///
  /// - Throws: `ModelError` for the first value or weight that can't be right.
  init(configuration: ConfigurationReader, weights: inout WeightReader) throws(ModelError)

  /// The sizes.
  var configuration: ModelConfiguration { get }

  /// The vectors that enter the first layer, `[tokens, width]`, of tokens whose first stands at position
  /// `first`; ids are checked before.
  func embed(_ ids: [Int], first: Int, cancellation: Cancellation?) throws -> Tensor

  /// What all layers of one run share.
  func prepare(tokens: Int) throws -> RunConstants

  /// Runs one layer over the residual stream `[tokens, width]`.
  func runLayer(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> LayerOutput

  /// The queries, keys and values of a layer again, from the residual stream `[tokens, width]` that entered it: the
  /// same bits as when it ran; `nil` of architectures that can't tell them alone.
  func attentionInputs(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> AttentionInputs?

  /// Whether `attentionInputs` gives something.
  var canTellAttentionInputs: Bool { get }

  /// What follows the last layer, such as a final norm, `[tokens, width]`.
  func finish(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor

  /// The scores of all tokens of the vocabulary, `[rows, vocabulary]`, from finished hidden states
  /// `[rows, width]`; asked only of models that have a head.
  func logits(_ hidden: Tensor, cancellation: Cancellation?) throws -> Tensor

  /// The weight `[width, heads × valueDimension]` that takes what a layer's heads gathered back into
  /// the residual stream, or `nil` where it isn't one plain matrix.
  func attentionOutputWeight(_ layer: Int) -> Tensor?

  /// What is added to the residual stream besides, `[width]`, where the projection has a bias.
  func attentionOutputBias(_ layer: Int) -> Tensor?

  /// The final norm and the head, or `nil` where something else follows the last layer.
  var readout: Readout? { get }

  /// How a layer's tokens choose experts, or `nil` where its feed-forward part is dense.
  func expertRouter(_ layer: Int) -> ExpertRouter?

  /// The neurons of a layer, or `nil` where it has no such part or can't be looked into.
  func neurons(_ layer: Int, of part: NeuronPart) -> FeedForwardNeurons?
}

extension Architecture {
  /// None.
  public func attentionOutputWeight(_ layer: Int) -> Tensor? { nil }

  /// None.
  public func attentionOutputBias(_ layer: Int) -> Tensor? { nil }

  /// None.
  public var readout: Readout? { nil }

  /// None.
  public func expertRouter(_ layer: Int) -> ExpertRouter? { nil }

  /// None.
  public func neurons(_ layer: Int, of part: NeuronPart) -> FeedForwardNeurons? { nil }

  /// None.
  public func attentionInputs(
    _ layer: Int, _ hidden: Tensor, constants: RunConstants, cancellation: Cancellation?
  ) throws -> AttentionInputs? { nil }

  /// It doesn't.
  public var canTellAttentionInputs: Bool { false }

  /// The vectors of a whole text.
  func embed(_ ids: [Int], cancellation: Cancellation?) throws -> Tensor {
    try embed(ids, first: 0, cancellation: cancellation)
  }
}

/// What all layers of one run share.
public struct RunConstants: Sendable {
  /// The turns of all positions, for architectures that rotate queries and keys.
  public var rotary: RotaryTable?
  /// The turns in layers that make blocks of tokens, where they are others.
  var blockRotary: RotaryTable?
  /// The ids of the rows that the layers are given, for parts that look at them.
  var tokenIDs: [Int] = []
  /// The position of the first row that the layers are given.
  var position = 0
  /// The keys and values of the tokens before, which the layers add to, or `nil` where a text is read whole.
  var cache: KeyValueCache?
  /// What looks at activations.
  var taps = TapSet([])
  /// The texts that the rows belong to, where they are those of several.
  var batch: TextBatch?
  /// What ways back follow.
  var rule = BackwardRule.derivative
  /// What sees the attention on the way back.
  var witness: AttentionWitness?

  /// Makes constants.
  public init(rotary: RotaryTable? = nil) { self.rotary = rotary }

  /// The ids of some of the rows that the layers are given; none where they aren't known.
  func ids(_ rows: Range<Int>) -> [Int] { tokenIDs.isEmpty ? [] : Array(tokenIDs[rows]) }

  /// The position in its text of each of all the rows that the layers are given, which are so many.
  func positions(_ count: Int) -> [Int] {
    batch.map { $0.positions.map(Int.init) } ?? Array(position..<position + count)
  }

  /// Queries or keys `[rows, heads × dimension]` turned by their positions; `first` is the number of the
  /// first among the rows that the layers are given.
  ///
  /// Elements of a head before `offset` stay as they are; `inverse` turns back, as derivatives do.
  func turned(
    _ x: Tensor, heads: Int, style: RotaryStyle, first: Int, offset: Int = 0, inverse: Bool = false
  ) -> Tensor {
    guard let rotary else { return x }
    if let batch {
      var result = x
      result.turn(
        heads: heads, table: rotary, style: style, positions: batch.positions, offset: offset,
        inverse: inverse)
      return result
    }
    return applyRotary(
      x, heads: heads, table: rotary, style: style, firstPosition: position + first,
      offset: offset, inverse: inverse)
  }

  /// What is used in place of an activation whose rows begin with the given one of those that the layers are given.
  func tapped(
    _ site: @autoclosure () -> TapSite, _ activation: Tensor, first: Int = 0
  ) throws -> Tensor {
    try taps(site(), activation, first: position + first)
  }
}

/// What a layer gives back.
public struct LayerOutput: Sendable {
  /// The residual stream after the layer, `[tokens, width]`.
  public var hidden: Tensor
  /// What its attention looked at.
  public var attention: AttentionInputs
  /// Which experts its tokens chose, or `nil` where the feed-forward part is dense.
  public var routing: ExpertRouting?

  /// Makes an output.
  public init(hidden: Tensor, attention: AttentionInputs, routing: ExpertRouting? = nil) {
    self.hidden = hidden
    self.attention = attention
    self.routing = routing
  }
}

/// Every family of models that can be loaded: one line each.
let architectures: [any Architecture.Type] = [
  Llama.self,
  Qwen2.self,
  Qwen3.self,
  DeepSeekMoE.self,
  DeepSeekV2.self,
  DeepSeekV3.self,
  DeepSeekV32.self,
  DeepSeekV4.self,
  GPT2.self,
  BERT.self,
  T5.self,
]
