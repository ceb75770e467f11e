public import DataFormats

/// Where the numbers of a figure come from, in enough detail to get them again.
public struct Provenance: Sendable, Hashable {
  /// The program that computed them.
  public var program: String
  /// Its version.
  public var version: String
  /// The model's name.
  public var model: String?
  /// The SHA-256 of the model's weights as hexadecimal digits, or of samples of them after `sampled:`.
  public var modelHash: String?
  /// How the weights are stored, such as `bf16`.
  public var elementType: String?
  /// What was computed in, such as `f32`.
  public var precision: String?
  /// The call in the analysis language.
  public var call: String
  /// The seed of what was random.
  public var seed: Int?

  /// Makes a record.
  public init(
    program: String = "vitrine", version: String, model: String? = nil, modelHash: String? = nil,
    elementType: String? = nil, precision: String? = nil, call: String, seed: Int? = nil
  ) {
    self.program = program
    self.version = version
    self.model = model
    self.modelHash = modelHash
    self.elementType = elementType
    self.precision = precision
    self.call = call
    self.seed = seed
  }

  /// All facts on one line, with the hash cut to its first eight digits.
  public var line: String { facts.joined(separator: " · ") }

  private var facts: [String] {
    var facts: [String] = []
    if !call.isEmpty { facts.append(VisibleText.line(callOnOneLine)) }
    if let model {
      let hash = shortHash.map { " (" + VisibleText.line($0) + ")" } ?? ""
      facts.append(VisibleText.line(model) + hash)
    }
    switch (elementType, precision) {
    case (let stored?, let computed?) where stored != computed:
      facts.append(VisibleText.line("\(stored), computed in \(computed)"))
    case (let stored?, _): facts.append(VisibleText.line(stored))
    case (nil, let computed?): facts.append(VisibleText.line(computed))
    case (nil, nil): break
    }
    if let seed { facts.append("seed \(seed)") }
    facts.append(VisibleText.line("\(program) \(version)"))
    return facts
  }

  /// The first eight digits of the hash, behind `~` where it is one of samples.
  private var shortHash: String? {
    guard let modelHash else { return nil }
    guard modelHash.hasPrefix("sampled:") else { return String(modelHash.prefix(8)) }
    return "~" + modelHash.dropFirst("sampled:".count).prefix(8)
  }

  /// The call with each line end and the space around it as one space, cut where it is long.
  private var callOnOneLine: String {
    let lines = call.split(whereSeparator: \.isNewline).map {
      String($0.drop(while: \.isWhitespace))
    }
    let line = lines.joined(separator: " ")
    return line.count > 160 ? line.prefix(159) + "…" : line
  }

  /// The facts as the members of a JSON object, those that are unknown left out.
  public var json: JSON {
    var object: JSONObject = ["program": .string(program), "version": .string(version)]
    if let model { object["model"] = .string(model) }
    if let modelHash {
      let isSampled = modelHash.hasPrefix("sampled:")
      object[isSampled ? "model_sampled_sha256" : "model_sha256"] = .string(
        isSampled ? String(modelHash.dropFirst("sampled:".count)) : modelHash)
    }
    if let elementType { object["dtype"] = .string(elementType) }
    if let precision { object["precision"] = .string(precision) }
    object["call"] = .string(call)
    if let seed { object["seed"] = .integer(seed) }
    return .object(object)
  }
}
