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
  /// The width of one head's queries and keys.
  public var headDimension: Int
  /// The width of one head's values.
  public var valueDimension: Int
  /// The width inside a dense feed-forward part.
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
  /// How keys and values come from latents, or `nil` where they are maps of the residual stream.
  public var latent: LatentSizes?
  /// The experts of a mixture, or `nil` where every feed-forward part is dense.
  public var experts: ExpertSizes?
  /// How many keys an indexer lets a token see, or `nil` where a token sees all.
  public var selectedKeys: Int?

  /// How many residual streams run side by side.
  public var streams = 1
  /// The sizes of attention to windows and blocks, or `nil` where a token may see all tokens before it.
  public var compression: CompressionSizes?

  /// The width of all residual streams together.
  public var streamWidth: Int { streams * width }

  /// How many elements of a head positions turn.
  public var rotaryDimension: Int {
    latent?.positionDimension ?? compression?.positionDimension ?? headDimension
  }

  /// Makes a configuration.
  public init(
    modelType: String, layers: Int, width: Int, heads: Int, keyValueHeads: Int, headDimension: Int,
    innerWidth: Int, vocabulary: Int, contextLength: Int, isCausal: Bool,
    hasLanguageModelHead: Bool, normEpsilon: Double, attentionScale: Float,
    rotary: RotaryConfiguration?, valueDimension: Int? = nil, latent: LatentSizes? = nil,
    experts: ExpertSizes? = nil, selectedKeys: Int? = nil
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
    self.valueDimension = valueDimension ?? headDimension
    self.latent = latent
    self.experts = experts
    self.selectedKeys = selectedKeys
  }
}

/// The sizes of latent attention, in which all heads' keys and values come from one narrow vector per
/// token (DeepSeek-AI 2024, arXiv:2405.04434).
public struct LatentSizes: Sendable, Equatable {
  /// The width of the latent that keys and values come from.
  public var keyValueWidth: Int
  /// The width of the latent that queries come from, or `nil` where they come from the stream.
  public var queryWidth: Int?
  /// How many elements of a head's query and key come from latents.
  public var contentDimension: Int
  /// How many elements carry the position; their keys are one for all heads.
  public var positionDimension: Int
}

/// The sizes of a mixture of experts.
public struct ExpertSizes: Sendable, Equatable {
  /// How many experts tokens choose from.
  public var count: Int
  /// How many experts a token chooses.
  public var chosen: Int
  /// How many experts every token uses besides.
  public var shared: Int
  /// The width inside one expert.
  public var innerWidth: Int
  /// The layers that have experts; the others are dense.
  public var layers: [Int]
}

/// The largest sizes that a configuration may claim; real models stay far below them.
enum SizeLimit {
  static let layers = 1...1_024
  static let width = 1...262_144
  static let heads = 1...4_096
  static let headDimension = 1...8_192
  static let experts = 1...65_536
  static let vocabulary = 1...16_777_216
  static let contextLength = 1...16_777_216
}
