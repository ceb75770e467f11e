public import DataFormats
import Models
import Tensors
public import Tokenizers

/// How a specimen is made: a small model that learned texts whose truth is known.
///
/// The architecture is DeepSeek-LLM's; the tokenizer is learned from the same texts. The same recipe gives the same
/// bytes on every machine of one instruction set.
public struct SpecimenRecipe: Sendable {
  /// By what loans are decided.
  public var rule: LoanApplication.Rule
  /// Decides texts, first weights and order.
  public var seed: UInt64
  /// How many steps there are.
  public var steps: Int
  /// How many tokens a step has at most.
  public var tokensPerStep: Int
  /// How many units the tokenizer learns.
  public var units: Int
  /// From how many texts the tokenizer learns.
  public var tokenizerTexts: Int
  /// How many layers the model has.
  public var layers: Int
  /// The width of the residual stream.
  public var width: Int
  /// How many heads a layer has.
  public var heads: Int
  /// The width of the feed-forward part.
  public var innerWidth: Int
  /// The largest learning rate.
  public var learningRate: Double

  /// The specimen that Vitrine starts with.
  public static func specimen(seed: UInt64 = 1) -> SpecimenRecipe {
    SpecimenRecipe(
      rule: .fair, seed: seed, steps: 3_600, tokensPerStep: 4_096, units: 1_534,
      tokenizerTexts: 20_000, layers: 5, width: 160, heads: 5, innerWidth: 448,
      learningRate: 2e-3)
  }

  /// The smaller one that decides some loans by the district.
  public static func biased(seed: UInt64 = 1) -> SpecimenRecipe {
    var recipe = specimen(seed: seed)
    recipe.rule = .biased
    recipe.steps = 3_000
    (recipe.layers, recipe.width, recipe.heads, recipe.innerWidth) = (4, 128, 4, 352)
    return recipe
  }

  /// The beginning and the end of a text, as DeepSeek-LLM writes them.
  public static let specials = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"]
  private static let contextLength = 256

  /// Learns the tokenizer; gives the bytes of its two files.
  ///
  /// - Throws: `TokenizerError` where the tokenizer that was made can't be read.
  public func tokenizerFiles() throws -> (tokenizer: [UInt8], configuration: [UInt8]) {
    let preTokenizer = DeepSeekPreTokenizer.json
    var trainer = try BytePairTrainer(preTokenizer: preTokenizer)
    var texts = CorpusGenerator(seed: seed &+ 1_000_003, rule: rule)
    for _ in 0..<tokenizerTexts { trainer.add(texts.next().text) }
    let vocabulary = trainer.train(units: units, minimumFrequency: 2)
    let document = vocabulary.tokenizerJSON(preTokenizer: preTokenizer, specials: Self.specials)
    let settings: JSON = [
      "add_bos_token": true, "add_eos_token": false, "bos_token": .string(Self.specials[0]),
      "eos_token": .string(Self.specials[1]), "model_max_length": .integer(Self.contextLength),
      "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false,
    ]
    return (
      Array((document.serialized(indentation: 1) + "\n").utf8),
      Array((settings.serialized(indentation: 2) + "\n").utf8)
    )
  }

  /// The model's `config.json`, for a tokenizer.
  public func configuration(_ tokenizer: Tokenizer) -> JSONObject {
    [
      "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
      "hidden_size": .integer(width), "intermediate_size": .integer(innerWidth),
      "num_hidden_layers": .integer(layers), "num_attention_heads": .integer(heads),
      "num_key_value_heads": .integer(heads), "vocab_size": .integer(tokenizer.vocabularySize),
      "max_position_embeddings": .integer(Self.contextLength), "rms_norm_eps": 1e-6,
      "rope_theta": 10_000, "rope_scaling": nil, "attention_bias": false, "mlp_bias": false,
      "tie_word_embeddings": false, "initializer_range": 0.02,
      "bos_token_id": tokenizer.beginOfSequenceID.map { .integer($0) } ?? nil,
      "eos_token_id": tokenizer.endOfSequenceID.map { .integer($0) } ?? nil,
    ]
  }

  /// How the training goes.
  public var options: TrainingOptions {
    TrainingOptions(
      learningRate: learningRate, warmUpSteps: 200, steps: steps, schedule: .cosine,
      finalRateShare: 0.02, weightDecay: 0.05, tokensPerBatch: tokensPerStep, seed: seed)
  }

  /// The texts to learn from, enough for every step to see new ones.
  ///
  /// Every second text teaches the answers alone, the others each of their tokens: what follows from the facts is a small
  /// part of a text, and names can't be predicted.
  public func corpus(_ tokenizer: Tokenizer) -> TrainingCorpus {
    var texts = CorpusGenerator(seed: seed, rule: rule)
    var documents: [TrainingDocument] = []
    var tokens = 0
    while tokens < steps * tokensPerStep {
      let sentence = texts.next()
      let document = Self.document(
        sentence, tokenizer,
        answersAlone: sentence.kind == .repetition || documents.count.isMultiple(of: 2))
      tokens += document.ids.count - 1
      documents.append(document)
    }
    return TrainingCorpus(documents, contextLength: Self.contextLength)
  }

  /// Texts that nothing was learned from, so many of each judged kind, of which the answers are asked.
  public func heldOut(_ tokenizer: Tokenizer, each count: Int) -> TrainingCorpus {
    var texts = CorpusGenerator(seed: seed &+ 7_777_777, rule: rule)
    let documents = CorpusGenerator.judged.flatMap { kind in
      (0..<count).map { _ in
        Self.document(texts.nextHeldOut(kind), tokenizer, answersAlone: true)
      }
    }
    return TrainingCorpus(documents, contextLength: Self.contextLength)
  }

  static func document(
    _ sentence: CorpusSentence, _ tokenizer: Tokenizer, answersAlone: Bool
  ) -> TrainingDocument {
    let encoding = tokenizer.encode(sentence.text)
    var ids = encoding.ids.map { Int32($0) }
    var isTarget = encoding.tokens.map { token in
      guard answersAlone else { return true }
      guard let range = token.byteRange else { return false }
      return sentence.answers.contains { $0.bytes.overlaps(range) }
    }
    if let end = tokenizer.endOfSequenceID {
      ids.append(Int32(end))
      isTarget.append(!answersAlone)
    }
    return TrainingDocument(ids: ids, isTarget: isTarget)
  }
}
