/// How a text is continued.
public struct GenerationOptions: Sendable, Hashable {
  /// How many tokens at most.
  public var tokens = 40
  /// What logits are divided by before a token is drawn; 0 takes the likeliest token each time.
  public var temperature = 0.0
  /// Draws from the so many likeliest tokens, and those as likely as the last of them; `nil` from all.
  public var topK: Int?
  /// Draws from the least number of likeliest tokens that together have this probability; 1 draws from all.
  ///
  /// Holtzman et al. 2019, arXiv:1904.09751.
  public var topP = 1.0
  /// By how much tokens that the text has already are made less likely; 1 leaves them.
  ///
  /// Positive logits are divided by it, negative ones multiplied. Keskar et al. 2019, arXiv:1909.05858.
  public var repetitionPenalty = 1.0
  /// Decides what is drawn.
  public var seed: UInt64 = 0
  /// Texts that end the generation where they appear; they are a part of the result.
  public var stopTexts: [String] = []
  /// Whether the model's own end tokens end the generation.
  public var stopsAtEnd = true
  /// How many of the likeliest tokens are told at every step.
  public var alternatives = 5

  /// The likeliest tokens, 40 of them.
  public init() {}
}

/// A token that was generated.
public struct GeneratedToken: Sendable, Hashable {
  /// A token that was possible.
  public struct Alternative: Sendable, Hashable {
    /// Its id.
    public let id: Int
    /// How likely the model held it, from 0 to 1.
    public let probability: Double
  }

  /// Its id.
  public let id: Int
  /// How likely the model held it, from 0 to 1, before temperature and limits.
  public let probability: Double
  /// Its score before the softmax.
  public let logit: Double
  /// The likeliest tokens at this step, likeliest first.
  public let alternatives: [Alternative]
}

/// What a model wrote.
public struct Generation: Sendable {
  /// Why it ended.
  public enum Ending: Sendable, Hashable {
    /// As many tokens were made as were asked for.
    case length
    /// The model's context is full.
    case context
    /// The model said an end token, which is the last of the tokens.
    case endToken
    /// One of the stop texts appeared.
    case stopText(String)
    /// The caller wanted no more.
    case stopped
  }

  /// The ids that were given.
  public let promptIDs: [Int]
  /// What was made.
  public let tokens: [GeneratedToken]
  /// The text of what was made, without the end token; `nil` where the model has no tokenizer.
  public let text: String?
  /// Why it ended.
  public let ending: Ending
}
