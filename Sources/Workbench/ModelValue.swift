import Checkpoints
public import DataFormats
public import Figures
public import Interpreter
public import Models
import Tensors

/// A resident model as a value of the language.
public final class ModelValue: ObjectValue {
  /// The model.
  public let model: LanguageModel
  private let hash: WeightsHash
  private let variants: ModelVariants

  /// Makes the value of a loaded model.
  init(_ model: LanguageModel) {
    self.model = model
    hash = WeightsHash(files: model.weightFiles)
    variants = ModelVariants()
    variants.add(self)
  }

  private init(_ original: ModelValue, precision: Precision) {
    model = original.model.with(precision: precision)
    hash = original.hash
    variants = original.variants
    variants.add(self)
  }

  /// The same model computing in a precision.
  func at(_ precision: Precision) -> ModelValue {
    if precision == model.precision { return self }
    return variants.value(at: precision) ?? ModelValue(self, precision: precision)
  }

  /// Whether both are the same model, in whatever precision.
  func isSameModel(as other: ModelValue?) -> Bool { variants === other?.variants }

  /// `Model`.
  public var typeName: String { "Model" }

  /// Name, family and sizes on one line.
  public var summary: String {
    let sizes = model.configuration
    return "\(model.name): \(model.architecture), \(sizes.layers) layers × \(sizes.heads) heads, "
      + "width \(sizes.width), \(Self.short(parameterCount)) parameters (\(model.elementType.name))"
  }

  /// How many parameters there are.
  var parameterCount: Int { model.parameterCounts.reduce(0) { $0 + $1.count } }

  private static let fields: [(name: String, summary: String)] = [
    ("name", "what the model is called"),
    ("architecture", "its family"),
    ("layers", "how many layers it has"),
    ("heads", "how many attention heads a layer has"),
    ("key_value_heads", "how many key and value heads a layer has"),
    ("head_dimension", "the width of one head"),
    ("width", "the width of the residual stream"),
    ("inner_width", "the width inside the feed-forward part"),
    ("vocabulary", "how many tokens it knows"),
    ("context", "how many tokens a text may have"),
    ("causal", "whether a token sees only those before it"),
    ("parameters", "how many parameters it has"),
    ("dtype", "how the weights are stored"),
    ("precision", "how exactly it computes: full, or fast"),
    ("bytes", "how many bytes the weights take"),
    ("path", "the folder of its files"),
    ("sha256", "the hash of its weights"),
  ]

  /// The names of the fields.
  public var fieldNames: [String] { Self.fields.map(\.name) }

  /// What a field holds.
  public func fieldSummary(_ name: String) -> String? {
    Self.fields.first { $0.name == name }?.summary
  }

  /// A field, without the hash, which takes time.
  public func field(_ name: String) throws -> Value? {
    let sizes = model.configuration
    switch name {
    case "name": return .text(model.name)
    case "architecture": return .text(model.architecture)
    case "layers": return .integer(sizes.layers)
    case "heads": return .integer(sizes.heads)
    case "key_value_heads": return .integer(sizes.keyValueHeads)
    case "head_dimension": return .integer(sizes.headDimension)
    case "width": return .integer(sizes.width)
    case "inner_width": return .integer(sizes.innerWidth)
    case "vocabulary": return .integer(sizes.vocabulary)
    case "context": return .integer(sizes.contextLength)
    case "causal": return .bool(sizes.isCausal)
    case "parameters": return .integer(parameterCount)
    case "dtype": return .text(model.elementType.name)
    case "precision": return .text(model.precision.rawValue)
    case "bytes": return .integer(model.checkpoint.byteCount)
    case "path": return .text(model.folder.path)
    default: return nil
    }
  }

  /// A field; the hash is computed when it is first asked for.
  public func field(_ name: String, in context: ExecutionContext) throws -> Value? {
    name == "sha256" ? .text(try hexadecimalHash(in: context)) : try field(name)
  }

  /// The SHA-256 of the weights in hexadecimal, computed when it is first asked for.
  func hexadecimalHash(in context: ExecutionContext) throws -> String {
    try hash.hexadecimal(cancellation: context.cancellation) { fraction in
      context.progress("Hashing the weights of \(model.name)", fraction: fraction)
    }
  }

  /// What figures name the weights by.
  private func weightsName(in context: ExecutionContext) throws -> String {
    try hash.name(cancellation: context.cancellation) { fraction in
      context.progress("Hashing the weights of \(model.name)", fraction: fraction)
    }
  }

  /// Where the numbers of a call come from.
  ///
  /// - Parameter call: the call that computed them; `nil` for the one that is running.
  func provenance(
    of call: String? = nil, seed: Int? = nil, in context: ExecutionContext
  ) throws -> Provenance {
    var provenance = context.provenance(
      model: model.name, modelHash: try weightsName(in: context),
      elementType: model.elementType.name, precision: model.arithmetic.name, seed: seed)
    if let call { provenance.call = call }
    return provenance
  }

  /// The model's card.
  public func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    var card = ModelCards.card(of: self)
    card.provenance = try provenance(in: context)
    return card
  }

  /// The fields that are known without reading the weights.
  public var json: JSON {
    let known = fieldNames.compactMap { name -> JSONObject.Member? in
      guard let value = try? field(name) else { return nil }
      return JSONObject.Member(key: name, value: value.json)
    }
    return .object(JSONObject(members: known))
  }

  /// A count in a few characters: `22.7 M`.
  static func short(_ count: Int) -> String {
    let number = Double(count)
    let (scaled, unit): (Double, String) =
      switch count {
      case 1_000_000_000...: (number / 1e9, " B")
      case 1_000_000...: (number / 1e6, " M")
      case 10_000...: (number / 1e3, " k")
      default: (number, "")
      }
    guard !unit.isEmpty else { return "\(count)" }
    let tenths = Int((scaled * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)\(unit)"
  }
}
