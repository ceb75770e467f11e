/// A parameter of a function of the catalogue.
public struct ParameterDefinition: Sendable {
  /// Its name, which is its label in a call.
  public let name: String
  /// What it takes.
  public let type: ParameterType
  /// The value where a call gives none; `nil` where one must be given.
  public let defaultValue: Value?
  /// The default as help shows it.
  public let defaultText: String?
  /// The unit, such as `tokens` or `seconds`.
  public let unit: String?
  /// What it does, in one sentence or less.
  public let summary: String
  /// Whether it takes all the remaining positional arguments, as a list.
  public let isVariadic: Bool

  /// Makes a parameter; an optional type has the default none.
  ///
  /// - Parameter defaultText: the default as help shows it, where the value doesn't say it, such
  ///   as "the last one loaded".
  public init(
    _ name: String, _ type: ParameterType, default defaultValue: Value? = nil,
    defaultText: String? = nil, unit: String? = nil, isVariadic: Bool = false, _ summary: String
  ) {
    self.name = name
    self.type = type
    var value = defaultValue
    if value == nil, case .optional = type { value = Value.none }
    if value == nil, isVariadic { value = .list([]) }
    self.defaultValue = value
    self.defaultText = defaultText ?? (isVariadic ? nil : value?.description)
    self.unit = unit
    self.isVariadic = isVariadic
    self.summary = summary
  }

  /// Whether a call must give it.
  public var isRequired: Bool { defaultValue == nil }
}

/// A line or a few that show how a function is used.
public struct Example: Sendable {
  /// The cell.
  public let source: String
  /// The plain text of its result, where the example shows one; checked by the tests.
  public let result: String?
  /// Whether the example is for the page alone, because it needs a file or a model.
  public let needsResources: Bool

  /// Makes an example.
  public init(_ source: String, gives result: String? = nil, needsResources: Bool = false) {
    self.source = source
    self.result = result
    self.needsResources = needsResources
  }
}

/// One function of the language: the single source for argument checks, completion, inspection,
/// help and the reference page.
public struct FunctionDefinition: Sendable {
  /// What the function does with its checked arguments.
  public typealias Body = @Sendable (Arguments, ExecutionContext) throws -> Value

  // One object, so that a value that is a function is one word.
  private final class Storage: Sendable {
    let name: String
    let group: String
    let summary: String
    let details: String?
    let parameters: [ParameterDefinition]
    let result: String
    let examples: [Example]
    let source: String?
    let body: Body

    init(
      name: String, group: String, summary: String, details: String?,
      parameters: [ParameterDefinition], result: String, examples: [Example], source: String?,
      body: @escaping Body
    ) {
      self.name = name
      self.group = group
      self.summary = summary
      self.details = details
      self.parameters = parameters
      self.result = result
      self.examples = examples
      self.source = source
      self.body = body
    }
  }
  private let storage: Storage

  /// Makes a function.
  ///
  /// - Parameters:
  ///   - group: the topic under which the overview lists it.
  ///   - summary: what it does, in one sentence.
  ///   - details: more, in Markdown-free prose.
  ///   - result: what it gives.
  ///   - examples: cells; those that don't need a model or a file are run as tests.
  ///   - source: where the method is described, such as a paper.
  public init(
    _ name: String, group: String, summary: String, details: String? = nil,
    parameters: [ParameterDefinition], result: String, examples: [Example] = [],
    source: String? = nil, body: @escaping Body
  ) {
    storage = Storage(
      name: name, group: group, summary: summary, details: details, parameters: parameters,
      result: result, examples: examples, source: source, body: body)
  }

  /// Makes a function that computes a value from its arguments and has no other effect.
  ///
  /// Where the arguments are large, an interrupt doesn't wait for it.
  ///
  /// - Parameter compute: gives the value.
  public init(
    _ name: String, group: String, summary: String, details: String? = nil,
    parameters: [ParameterDefinition], result: String, examples: [Example] = [],
    source: String? = nil, compute: @escaping @Sendable (Arguments) throws -> Value
  ) {
    self.init(
      name, group: group, summary: summary, details: details, parameters: parameters,
      result: result, examples: examples, source: source
    ) { arguments, context in
      try context.computing(with: arguments.values) { try compute(arguments) }
    }
  }

  /// The name.
  public var name: String { storage.name }
  /// The topic.
  public var group: String { storage.group }
  /// What it does, in one sentence.
  public var summary: String { storage.summary }
  /// More about it.
  public var details: String? { storage.details }
  /// The parameters in order.
  public var parameters: [ParameterDefinition] { storage.parameters }
  /// What it gives.
  public var result: String { storage.result }
  /// Cells that use it.
  public var examples: [Example] { storage.examples }
  /// Where the method is described.
  public var source: String? { storage.source }
  /// What it does.
  public var body: Body { storage.body }

  /// The call's form: `sort(items, by: none, descending: false)`.
  public var signature: String {
    let list = parameters.map { parameter -> String in
      if parameter.isVariadic { return "\(parameter.name)…" }
      return parameter.defaultText.map { "\(parameter.name): \($0)" } ?? parameter.name
    }
    return "\(name)(\(list.joined(separator: ", ")))"
  }
}
