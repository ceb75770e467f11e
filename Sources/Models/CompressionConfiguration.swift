import DataFormats

/// The sizes of attention to a window of tokens and to blocks of earlier ones (DeepSeek-V4).
public struct CompressionSizes: Sendable, Equatable {
  /// How many tokens, itself the last, a token sees one by one.
  public var window: Int
  /// Of each layer how many tokens make one block; 0 where it sees its window alone.
  public var rates: [Int]
  /// The layers in which an indexer selects the blocks that a token sees; in others it sees all.
  public var selectingLayers: [Int]
  /// How many blocks an indexer selects.
  public var selectedBlocks: Int
  /// How many elements at the end of a head carry the position.
  public var positionDimension: Int
  /// The width of the latent that queries come from.
  public var queryWidth: Int
  /// In how many groups of heads what they gathered is narrowed before it is written.
  public var outputGroups: Int
  /// The width of each group then.
  public var outputWidth: Int
  /// The heads of an indexer, and their width.
  var indexer: IndexerSizes?
  /// How positions turn queries and keys in layers with blocks.
  var rotary: RotaryConfiguration

  /// How many tokens make one block of a layer, or `nil` where the layer sees its window alone.
  public func rate(of layer: Int) -> Int? { rates[layer] == 0 ? nil : rates[layer] }

  /// Whether an indexer selects a layer's blocks.
  public func selects(in layer: Int) -> Bool { selectingLayers.contains(layer) }
}

extension CompressionSizes {
  /// Reads the sizes, in the published names or those of newer transformers.
  ///
  /// - Throws: `ModelError` for the first value that can't be right.
  init(
    _ reader: ConfigurationReader, layers: Int, heads: Int, headDimension: Int
  ) throws(ModelError) {
    window = try reader.integer("sliding_window", in: SizeLimit.contextLength, absent: 128)
    (rates, selectingLayers) = try Self.layers(reader, count: layers)
    queryWidth = try reader.integer("q_lora_rank", in: SizeLimit.width)
    positionDimension = try Self.positionDimension(reader, headDimension: headDimension)
    outputGroups = try reader.integer("o_groups", in: SizeLimit.heads)
    guard heads % outputGroups == 0 else {
      throw .invalidValue(
        key: "o_groups", found: "\(outputGroups)",
        expected: "a divisor of num_attention_heads (\(heads))")
    }
    outputWidth = try reader.integer("o_lora_rank", in: SizeLimit.width)
    selectedBlocks = 0
    if !selectingLayers.isEmpty {
      selectedBlocks = try reader.integer("index_topk", in: SizeLimit.contextLength)
      indexer = IndexerSizes(
        heads: try reader.integer("index_n_heads", in: SizeLimit.heads),
        headDimension: try reader.integer(
          "index_head_dim", in: positionDimension...SizeLimit.headDimension.upperBound),
        selectedKeys: selectedBlocks)
    }
    rotary = try Self.blockRotary(reader)
  }

  /// The rates of all layers, and which of them select.
  private static func layers(
    _ reader: ConfigurationReader, count: Int
  ) throws(ModelError) -> (rates: [Int], selecting: [Int]) {
    if let value = reader.value("layer_types") {
      return try layers(ofTypes: value, reader, count: count)
    }
    // Published lists go on with the layers that predict further tokens.
    guard let list = reader.value("compress_ratios")?.array, list.count >= count else {
      throw .invalidValue(
        key: "compress_ratios",
        found: reader.value("compress_ratios").map(ConfigurationReader.words) ?? "nothing",
        expected: "a list of at least \(count) whole numbers, or layer_types,")
    }
    var rates: [Int] = []
    for element in list.prefix(count) {
      guard let rate = element.integer, rate >= 0, rate <= SizeLimit.contextLength.upperBound
      else {
        throw .invalidValue(
          key: "compress_ratios", found: "a list with \(ConfigurationReader.words(element))",
          expected: "a list of whole numbers that are 0 or the tokens of a block")
      }
      rates.append(rate)
    }
    return (rates, rates.indices.filter { rates[$0] == selectingRate })
  }

  /// The rate at which the published models' indexers select and blocks overlap.
  private static let selectingRate = 4

  private static func layers(
    ofTypes value: JSON, _ reader: ConfigurationReader, count: Int
  ) throws(ModelError) -> (rates: [Int], selecting: [Int]) {
    let (sliding, sparse, heavy) = (
      "sliding_attention", "compressed_sparse_attention", "heavily_compressed_attention"
    )
    let types = value.array?.map(\.string) ?? []
    guard types.count >= count, types.allSatisfy({ [sliding, sparse, heavy].contains($0) }) else {
      throw .invalidValue(
        key: "layer_types", found: ConfigurationReader.words(value),
        expected: "a list of \(count) texts, each \(sliding), \(sparse) or \(heavy),")
    }
    let given = ConfigurationReader(reader.value("compress_rates")?.object ?? [:])
    let sparseRate = try given.integer(
      sparse, in: SizeLimit.contextLength,
      absent: try reader.integer(
        "compress_rate_csa", in: SizeLimit.contextLength, absent: selectingRate))
    let heavyRate = try given.integer(
      heavy, in: SizeLimit.contextLength,
      absent: try reader.integer("compress_rate_hca", in: SizeLimit.contextLength, absent: 128))
    let rates = types.prefix(count).map {
      $0 == sliding ? 0 : $0 == sparse ? sparseRate : heavyRate
    }
    return (rates, rates.indices.filter { types[$0] == sparse })
  }

  private static func positionDimension(
    _ reader: ConfigurationReader, headDimension: Int
  ) throws(ModelError) -> Int {
    if reader.value("qk_rope_head_dim") != nil {
      return try reader.even("qk_rope_head_dim", in: 2...headDimension)
    }
    let key = "partial_rotary_factor"
    guard let share = try reader.number(key, in: 0...1) else {
      throw .invalidValue(
        key: "qk_rope_head_dim", found: "nothing", expected: "an even number up to head_dim")
    }
    // A share such as 4/34 comes back as not quite a whole number of elements.
    let dimension = Int((share * Double(headDimension)).rounded())
    guard dimension >= 2, dimension % 2 == 0 else {
      throw .invalidValue(
        key: key, found: "\(share)",
        expected: "an even number of the \(headDimension) elements of a head")
    }
    return dimension
  }

  /// How layers without blocks turn: unstretched.
  static func windowRotary(_ reader: ConfigurationReader) throws(ModelError) -> RotaryConfiguration
  {
    let own = reader.value("rope_parameters")?["main"]?.object
    let holder = own.map(ConfigurationReader.init) ?? reader
    return RotaryConfiguration(
      theta: try holder.positive("rope_theta", atMost: 1e12, absent: 10_000))
  }

  /// How layers with blocks turn: with a base of their own, stretched, without YaRN's longer queries and keys.
  private static func blockRotary(
    _ reader: ConfigurationReader
  ) throws(ModelError) -> RotaryConfiguration {
    let parameters = reader.value("rope_parameters")
    let key = parameters == nil ? "rope_scaling" : "rope_parameters"
    let value = parameters?["compress"] ?? parameters ?? reader.value("rope_scaling")
    if let value, value.object == nil {
      throw .invalidValue(
        key: key, found: ConfigurationReader.words(value), expected: "an object or null")
    }
    var own = value?.object ?? JSONObject()
    if parameters?["compress"] == nil {
      own["rope_theta"] = .number(
        try reader.positive("compress_rope_theta", atMost: 1e12, absent: 160_000))
    }
    own["partial_rotary_factor"] = .null
    if own["attention_factor"] == nil { own["attention_factor"] = .number(1) }
    var document = JSONObject()
    document["rope_parameters"] = .object(own)
    document["max_position_embeddings"] = reader.value("max_position_embeddings") ?? .null
    return try RotaryConfiguration(ConfigurationReader(document))
  }
}
