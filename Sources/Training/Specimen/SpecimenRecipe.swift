public import DataFormats
import Models
import Tensors
public import Tokenizers

/// How a specimen is made: a small model that learned texts whose truth is known.
///
/// The tokenizer is learned from the same texts. The same recipe gives the same bytes on every machine of one instruction
/// set.
public struct SpecimenRecipe: Sendable {
  /// How a specimen is built.
  public enum Architecture: Sendable, Equatable {
    /// DeepSeek-LLM's: Llama's blocks.
    case llama
    /// DeepSeek-V3's: latent attention, and experts that a sigmoid with a correction chooses.
    case latentExperts(LatentExpertSizes)
  }

  /// The sizes that DeepSeek-V3's blocks have beside the others'.
  public struct LatentExpertSizes: Sendable, Equatable {
    /// The width of the queries' latent.
    public var queryRank = 64
    /// The width of the latent of keys and values.
    public var keyValueRank = 32
    /// How many numbers of a head's query compare content.
    public var contentWidth = 24
    /// How many compare positions.
    public var positionWidth = 16
    /// How many numbers a head's value has.
    public var valueWidth = 32
    /// How many experts a block has to choose from.
    public var experts = 8
    /// How many a token gets.
    public var expertsPerToken = 2
    /// How many groups the experts form.
    public var groups = 4
    /// Of how many groups a token's experts may be.
    public var groupsPerToken = 2
    /// How many experts each token has besides.
    public var sharedExperts = 1
    /// The inner width of an expert.
    public var expertWidth = 96
    /// How many layers at the beginning have no experts.
    public var denseLayers = 1

    /// The sizes of the specimen that Vitrine ships.
    public init() {}
  }

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
  /// How its blocks are built.
  public var architecture = Architecture.llama

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

  /// The one with latent attention and experts.
  public static func latentExperts(seed: UInt64 = 1) -> SpecimenRecipe {
    var recipe = specimen(seed: seed)
    recipe.steps = 3_000
    (recipe.layers, recipe.width, recipe.heads, recipe.innerWidth) = (4, 128, 4, 352)
    recipe.architecture = .latentExperts(LatentExpertSizes())
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
    let document = vocabulary.tokenizerJSON(
      preTokenizer: preTokenizer, specials: Self.specials, beginning: Self.specials[0])
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
    var configuration: JSONObject = [
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
    guard case .latentExperts(let sizes) = architecture else { return configuration }
    configuration["architectures"] = ["DeepseekV3ForCausalLM"]
    configuration["model_type"] = "deepseek_v3"
    configuration["q_lora_rank"] = .integer(sizes.queryRank)
    configuration["kv_lora_rank"] = .integer(sizes.keyValueRank)
    configuration["qk_nope_head_dim"] = .integer(sizes.contentWidth)
    configuration["qk_rope_head_dim"] = .integer(sizes.positionWidth)
    configuration["v_head_dim"] = .integer(sizes.valueWidth)
    configuration["rope_interleave"] = true
    configuration["n_routed_experts"] = .integer(sizes.experts)
    configuration["num_experts_per_tok"] = .integer(sizes.expertsPerToken)
    configuration["n_group"] = .integer(sizes.groups)
    configuration["topk_group"] = .integer(sizes.groupsPerToken)
    configuration["n_shared_experts"] = .integer(sizes.sharedExperts)
    configuration["moe_intermediate_size"] = .integer(sizes.expertWidth)
    configuration["first_k_dense_replace"] = .integer(sizes.denseLayers)
    configuration["norm_topk_prob"] = true
    configuration["routed_scaling_factor"] = 1.0
    configuration["scoring_func"] = "sigmoid"
    configuration["topk_method"] = "noaux_tc"
    return configuration
  }

  /// How the training goes.
  public var options: TrainingOptions {
    TrainingOptions(
      learningRate: learningRate, warmUpSteps: 200, steps: steps, schedule: .cosine,
      finalRateShare: 0.02, weightDecay: 0.05, tokensPerBatch: tokensPerStep,
      balanceWeight: architecture == .llama ? 0 : 1e-3, seed: seed)
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
