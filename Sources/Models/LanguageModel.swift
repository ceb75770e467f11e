public import Checkpoints
public import DataFormats
public import Tensors
public import Tokenizers

/// A model whose weights lie in mapped files, ready to run.
///
/// Loading checks the configuration and every weight's shape; it reads no weight. One model may run
/// on several threads at once.
public final class LanguageModel: Sendable {
  /// What the model is called, after its folder or file.
  public let name: String
  /// The family, such as `Llama`.
  public let architecture: String
  /// The sizes.
  public let configuration: ModelConfiguration
  /// The tokenizer, or `nil` where the folder has none; then ids must be given.
  public let tokenizer: Tokenizer?
  /// The weights as stored.
  public let checkpoint: Checkpoint
  /// Every weight that is used, in the order of the architecture.
  public let weights: [WeightUse]
  /// The element type that most bytes of the weights are stored in.
  public let elementType: ElementType
  /// Where the model's files lie.
  public let folder: ModelFolder
  /// How exactly it computes.
  public let precision: Precision

  /// The configuration, as `config.json` has it.
  public let document: JSONObject

  let network: any Architecture
  /// The configuration's end of a sequence: an id, or several.
  let endOfSequence: JSON?
  /// Tensors that gave the configuration, by name.
  private let settings: [String]

  /// The paths of the weights files, which together are the model's identity.
  public var weightFiles: [String] { checkpoint.files }

  /// How many parameters each part has, in the order of `ModelPart`; empty parts are left out.
  public var parameterCounts: [(part: ModelPart, count: Int)] {
    ModelPart.allCases.compactMap { part in
      let count = weights.reduce(0) { $0 + ($1.part == part ? $1.count : 0) }
      return count == 0 ? nil : (part, count)
    }
  }

  /// The names of the checkpoint's tensors that the architecture doesn't use.
  public var unusedWeightNames: [String] {
    let used = Set((weights.map(\.name) + settings).map { Array($0.utf8) })
    return checkpoint.names.filter { !used.contains(Array($0.utf8)) }
  }

  /// The model types that can be loaded, as `config.json` names them.
  public static var knownModelTypes: [String] { architectures.flatMap { $0.modelTypes } }

  private init(
    name: String, architecture: String, network: any Architecture, tokenizer: Tokenizer?,
    checkpoint: Checkpoint, weights: [WeightUse], settings: [String], folder: ModelFolder,
    document: JSONObject
  ) {
    self.name = name
    self.architecture = architecture
    self.network = network
    configuration = network.configuration
    self.tokenizer = tokenizer
    self.checkpoint = checkpoint
    self.weights = weights
    self.settings = settings
    self.folder = folder
    self.document = document
    endOfSequence = ConfigurationReader(document).value("eos_token_id")
    precision = .full
    elementType = checkpoint.summary.elementTypes.first?.elementType ?? .float32
  }

  /// A model that computes in another precision.
  init(_ model: LanguageModel, precision: Precision) {
    name = model.name
    architecture = model.architecture
    configuration = model.configuration
    tokenizer = model.tokenizer
    checkpoint = model.checkpoint
    weights = model.weights
    elementType = model.elementType
    folder = model.folder
    network = model.network
    settings = model.settings
    document = model.document
    self.precision = precision
    endOfSequence = model.endOfSequence
  }

  /// Loads the model at a path: a folder, a Hugging Face cache folder, or a weights file beside its
  /// `config.json`; a GGUF file without one is configured by what it says itself.
  ///
  /// - Parameters:
  ///   - path: the folder or file.
  ///   - name: what to call the model; `nil` takes the folder's name.
  /// - Throws: `ModelError`, one sentence that names the file, value or weight at fault.
  public static func load(path: String, name: String? = nil) throws(ModelError) -> LanguageModel {
    try load(path: path, name: name, memoryLimit: nil)
  }

  /// Loads a model that may take no more than `memoryLimit` bytes for its weights; `nil` asks the system
  /// how much memory there is.
  package static func load(
    path: String, name: String?, memoryLimit: Int?
  ) throws(ModelError) -> LanguageModel {
    let folder: ModelFolder
    do {
      folder = try ModelFolder(path: path)
    } catch {
      throw .checkpoint(error)
    }
    let reader: ConfigurationReader
    let family: any Architecture.Type
    let checkpoint: Checkpoint
    var settings: [String] = []
    if folder.contains("config.json") {
      // The family first: a model of an unknown one is named as such, whatever its weights are.
      reader = ConfigurationReader(try readObject("config.json", in: folder))
      family = try Self.family(of: reader)
      checkpoint = try checked { () throws(CheckpointError) in try Checkpoint(folder: folder) }
    } else {
      let found: Checkpoint
      do throws(CheckpointError) {
        found = try Checkpoint(folder: folder)
      } catch {
        throw isAboutGGUF(error, in: folder)
          ? .checkpoint(error) : .configurationMissing(folder: folder.path)
      }
      guard let file = found.gguf else { throw .configurationMissing(folder: folder.path) }
      reader = ConfigurationReader(
        try checked { () throws(CheckpointError) in try file.configuration() })
      family = try Self.family(of: reader)
      checkpoint = found
      settings = file.configurationTensorNames
    }
    var weights = WeightReader(checkpoint)
    let shownName = name ?? displayName(folder, reader)
    if let file = checkpoint.gguf {
      // Parts of some of its weights are put together in memory when they are handed out.
      try MemoryBudget.requireRoom(
        forWeights: byteCount(
          of: checkpoint, without: file.configurationTensorNames, configuration: reader),
        model: shownName, limit: memoryLimit)
    }
    let network = try family.init(configuration: reader, weights: &weights)
    try MemoryBudget.requireRoom(
      forWeights: weights.uses.reduce(0) { $0 + $1.byteCount }, model: shownName,
      limit: memoryLimit)
    let tokenizer = try readTokenizer(in: folder, or: checkpoint.gguf)
    return LanguageModel(
      name: shownName, architecture: family.name, network: network, tokenizer: tokenizer,
      checkpoint: checkpoint, weights: weights.uses, settings: settings,
      folder: folder, document: reader.document)
  }

  /// Whether an error is about GGUF files, of which it is said what is wrong; other weights can do nothing without a
  /// configuration.
  private static func isAboutGGUF(_ error: CheckpointError, in folder: ModelFolder) -> Bool {
    switch error {
    case .gguf: true
    case .severalFiles(_, let names): names.contains { $0.hasSuffix(".gguf") }
    default: folder.weightsFile?.hasSuffix(".gguf") == true
    }
  }

  /// The bytes of the weights of a model, without those that are settings and those of layers behind its own, which predict
  /// further tokens.
  private static func byteCount(
    of checkpoint: Checkpoint, without settings: [String], configuration: ConfigurationReader
  ) -> Int {
    let layers = configuration.value("num_hidden_layers")?.integer ?? .max
    return checkpoint.names.filter { !settings.contains($0) }.reduce(0) { sum, name in
      let parts = name.split(separator: ".")
      if parts.count > 2, parts[1] == "layers", let layer = Int(parts[2]), layer >= layers {
        return sum
      }
      return sum + (checkpoint.byteCount(of: name) ?? 0)
    }
  }

  /// The same architecture, sizes and tokenizer with other weights, which lie in memory.
  ///
  /// - Parameters:
  ///   - tensors: the weights by the names of the published layout, each once.
  ///   - name: what to call the model.
  /// - Throws: `ModelError` for a weight that is missing or has another shape.
  public func replacingWeights(
    with tensors: [(name: String, tensor: Tensor)], name: String
  ) throws(ModelError) -> LanguageModel {
    let reader = ConfigurationReader(document)
    let family = try Self.family(of: reader)
    let checkpoint = Checkpoint(name: name, tensors: tensors)
    var weights = WeightReader(checkpoint)
    let network = try family.init(configuration: reader, weights: &weights)
    return LanguageModel(
      name: name, architecture: family.name, network: network, tokenizer: tokenizer,
      checkpoint: checkpoint, weights: weights.uses, settings: [], folder: folder,
      document: document)
  }

  private static func family(
    of reader: ConfigurationReader
  ) throws(ModelError) -> any Architecture.Type {
    guard let type = reader.value("model_type")?.string else {
      throw .invalidValue(
        key: "model_type",
        found: reader.value("model_type").map(ConfigurationReader.words)
          ?? "nothing", expected: "one of \(knownModelTypes.joined(separator: ", "))")
    }
    guard let family = architectures.first(where: { $0.modelTypes.contains(type) }) else {
      throw .unknownArchitecture(type, known: knownModelTypes)
    }
    return family
  }

  /// Runs `body`, whose errors are a checkpoint's.
  private static func checked<Value>(
    _ body: () throws(CheckpointError) -> Value
  ) throws(ModelError) -> Value {
    do {
      return try body()
    } catch {
      throw .checkpoint(error)
    }
  }

  /// The tokenizer of the folder's files, or of the vocabulary in a GGUF file.
  private static func readTokenizer(
    in folder: ModelFolder, or file: GGUFFile?
  ) throws(ModelError) -> Tokenizer? {
    guard folder.contains("tokenizer.json") else {
      guard let documents = file?.tokenizerDocuments() else { return nil }
      do {
        return try Tokenizer(json: documents.tokenizer, configuration: documents.configuration)
      } catch {
        throw .tokenizer(error)
      }
    }
    let document = JSON.object(try readObject("tokenizer.json", in: folder))
    let settings =
      folder.contains("tokenizer_config.json")
      ? JSON.object(try readObject("tokenizer_config.json", in: folder)) : nil
    do {
      return try Tokenizer(json: document, configuration: settings)
    } catch {
      throw .tokenizer(error)
    }
  }

  /// The folder's name, unless it says nothing: then what the configuration was saved under.
  private static func displayName(_ folder: ModelFolder, _ reader: ConfigurationReader) -> String {
    guard ["model", "snapshot", "checkpoint", ".", ".."].contains(folder.name),
      let saved = reader.value("_name_or_path")?.string, let last = saved.split(separator: "/").last
    else { return folder.name }
    return String(last)
  }

  /// A JSON object from a file of the folder.
  static func readObject(
    _ file: String, in folder: ModelFolder
  ) throws(ModelError) -> JSONObject {
    guard let object = try readJSON(file, in: folder).object else {
      throw .malformedFile(file, reason: "it is not an object of names and values")
    }
    return object
  }

  /// A JSON value from a file of the folder.
  static func readJSON(_ file: String, in folder: ModelFolder) throws(ModelError) -> JSON {
    let bytes: [UInt8]
    do {
      bytes = try folder.read(file)
    } catch {
      throw .checkpoint(error)
    }
    do {
      return try JSON(parsing: bytes)
    } catch {
      throw .malformedFile(
        file, reason: "it is not JSON: \(error.sentence) at byte \(error.offset)")
    }
  }
}
