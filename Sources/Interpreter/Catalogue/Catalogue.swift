import Language

/// All functions of the language, in the order in which the reference lists them.
public struct Catalogue: Sendable {
  /// Makes a lower layer's error explain itself, or gives `nil` for errors it doesn't know.
  public typealias Explanation = @Sendable (any Error) -> (any ExplainedError)?

  /// The functions in order.
  public let functions: [FunctionDefinition]
  /// Adapts the errors of lower layers.
  public let explanation: Explanation?
  /// Writes values that this layer can't (`.safetensors`), tried by `save` before its own
  /// writers.
  public let savers: [Saver]
  private let places: [String: Int]

  /// Makes a catalogue; of two functions with one name the later one counts.
  public init(
    _ functions: [FunctionDefinition], savers: [Saver] = [], explanation: Explanation? = nil
  ) {
    var kept: [FunctionDefinition] = []
    var places: [String: Int] = [:]
    for function in functions {
      if let place = places[function.name] {
        kept[place] = function
      } else {
        places[function.name] = kept.count
        kept.append(function)
      }
    }
    self.functions = kept
    self.places = places
    self.savers = savers
    self.explanation = explanation
  }

  /// The function of a name.
  public subscript(name: String) -> FunctionDefinition? { places[name].map { functions[$0] } }

  /// The names in order.
  public var names: [String] { functions.map(\.name) }

  /// The topics in the order of their first function.
  public var groups: [String] {
    var groups: [String] = []
    for function in functions where !groups.contains(function.group) {
      groups.append(function.group)
    }
    return groups
  }

  /// The functions that need no model: `print`, `len`, `sum`, `table`, `help`, … .
  public static let builtins: [FunctionDefinition] =
    outputFunctions + numberFunctions + statisticsFunctions + listFunctions + textFunctions
    + conversionFunctions + tableFunctions + savingFunctions + helpFunctions
}

/// Writes one kind of file for `save`.
public struct Saver: Sendable {
  /// The extension with its dot, such as `.safetensors`.
  public let fileExtension: String
  /// The bytes of the file, or `nil` where the value is none that the saver knows.
  public let bytes: @Sendable (Value, ExecutionContext) throws -> [UInt8]?

  /// Makes a saver.
  public init(
    fileExtension: String,
    bytes: @escaping @Sendable (Value, ExecutionContext) throws -> [UInt8]?
  ) {
    self.fileExtension = fileExtension
    self.bytes = bytes
  }
}
