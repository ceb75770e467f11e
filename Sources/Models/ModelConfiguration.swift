/// The sizes of a model, read from its `config.json` and checked.
public struct ModelConfiguration: Sendable, Equatable {
  /// The `model_type` of the file, such as `llama`.
  public var modelType: String
  /// How many blocks there are.
  public var layers: Int
  /// The width of the residual stream.
  public var width: Int
  /// How many query heads each layer has.
  public var heads: Int
  /// How many key and value heads each layer has; several query heads may share one.
  public var keyValueHeads: Int
  /// The width of one head.
  public var headDimension: Int
  /// The width inside the feed-forward part.
  public var innerWidth: Int
  /// How many rows the embedding has.
  public var vocabulary: Int
  /// How many tokens a text may have.
  public var contextLength: Int
  /// Whether a token sees only those before it and itself.
  public var isCausal: Bool
  /// Whether the model predicts tokens.
  public var hasLanguageModelHead: Bool
  /// What is added to a variance before the root, in every norm.
  public var normEpsilon: Double
  /// What scores are multiplied with before the softmax.
  public var attentionScale: Float
  /// How positions turn queries and keys, or `nil` where positions are embedded.
  public var rotary: RotaryConfiguration?

  /// Makes a configuration.
  public init(
    modelType: String, layers: Int, width: Int, heads: Int, keyValueHeads: Int, headDimension: Int,
    innerWidth: Int, vocabulary: Int, contextLength: Int, isCausal: Bool,
    hasLanguageModelHead: Bool, normEpsilon: Double, attentionScale: Float,
    rotary: RotaryConfiguration?
  ) {
    self.modelType = modelType
    self.layers = layers
    self.width = width
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.innerWidth = innerWidth
    self.vocabulary = vocabulary
    self.contextLength = contextLength
    self.isCausal = isCausal
    self.hasLanguageModelHead = hasLanguageModelHead
    self.normEpsilon = normEpsilon
    self.attentionScale = attentionScale
    self.rotary = rotary
  }
}

/// The largest sizes that a configuration may claim; real models stay far below them.
enum SizeLimit {
  static let layers = 1...1_024
  static let width = 1...262_144
  static let heads = 1...4_096
  static let headDimension = 1...8_192
  static let vocabulary = 1...16_777_216
  static let contextLength = 1...16_777_216
}
