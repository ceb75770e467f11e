/// A value of a GGUF file's metadata.
public enum GGUFValue: Sendable, Equatable {
  case bool(Bool)
  /// A whole number of any width; those from 2^63 on are numbers.
  case integer(Int)
  case number(Double)
  case string(String)
  case bools([Bool])
  case integers([Int])
  case numbers([Double])
  case strings([String])

  /// The text, or `nil` where it is something else.
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The truth value, or `nil` where it is something else.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The whole number, or `nil` where it is something else.
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  /// The number, whole or not, or `nil` where it is something else.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// The texts of a list, or `nil` where it is something else.
  public var strings: [String]? { if case .strings(let value) = self { value } else { nil } }
  /// The whole numbers of a list, or `nil` where it is something else.
  public var integers: [Int]? { if case .integers(let value) = self { value } else { nil } }

  /// The value in a few words: lists by their lengths.
  public var summary: String {
    switch self {
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): value
    case .bools(let values): "\(values.count) truth values"
    case .integers(let values): "\(values.count) whole numbers"
    case .numbers(let values): "\(values.count) numbers"
    case .strings(let values): "\(values.count) texts"
    }
  }
}

/// The keys and values at the start of a GGUF file, in file order.
public struct GGUFMetadata: Sendable {
  /// The keys and values.
  public private(set) var entries: [(key: String, value: GGUFValue)] = []
  private var places: [[UInt8]: Int] = [:]

  /// The value of a key, or `nil` where there is none.
  public subscript(key: String) -> GGUFValue? {
    places[Array(key.utf8)].map { entries[$0].value }
  }

  /// The value of the key that begins with the architecture's name, such as `llama.block_count`.
  public func ofArchitecture(_ key: String) -> GGUFValue? {
    architecture.flatMap { self["\($0).\(key)"] }
  }

  /// The architecture that the file says it holds, such as `llama`.
  public var architecture: String? { self["general.architecture"]?.string }

  /// Adds an entry; false where the key is there already.
  mutating func add(_ key: String, _ value: GGUFValue) -> Bool {
    guard places.updateValue(entries.count, forKey: Array(key.utf8)) == nil else { return false }
    entries.append((key, value))
    return true
  }
}

/// What is wrong with a GGUF file.
public enum GGUFFault: Error, Sendable, Equatable {
  case notGGUF
  case bigEndian
  case unknownVersion(UInt32)
  case endsTooEarly(offset: Int)
  case countBeyondFile(what: String, count: UInt64, remaining: Int)
  case textNotUTF8(what: String)
  case unknownValueType(UInt32, key: String)
  case nestedList(key: String)
  case duplicateKey(String)
  case malformedAlignment(String)
  case tooManyAxes(UInt32, tensor: String)
  case unknownTensorType(String, tensor: String)
  case misalignedOffset(tensor: String, offset: UInt64, alignment: Int)
  case unevenHeads(tensor: String, rows: Int, heads: Int)
  case keyMissing(String)
  case unknownArchitecture(String, known: [String])
  case unknownFrequencies
  case unfitParts(tensor: String)
  case partUnnamed(count: Int)
  case partMissing(String)
  case partMisnumbered(number: Int, count: Int)
  case wrongTensorCount(expected: Int, found: Int)

  /// What is wrong, as the second half of a sentence about the file.
  var sentence: String {
    switch self {
    case .notGGUF: "is no GGUF file: it doesn't start with \"GGUF\""
    case .bigEndian: "is a GGUF file with the highest byte first, which is not read"
    case .unknownVersion(let version):
      "is a GGUF file of version \(version): versions 2 and 3 are read"
    case .endsTooEarly(let offset): "ends too early, at byte \(offset) of its header"
    case .countBeyondFile(let what, let count, let remaining):
      "claims \(count) \(what), which its remaining \(remaining) bytes can't hold"
    case .textNotUTF8(let what): "has a \(what) that is not UTF-8"
    case .unknownValueType(let type, let key):
      "gives the key \(quoted(key)) a value of the unknown type \(type)"
    case .nestedList(let key): "gives the key \(quoted(key)) a list of lists, which is not read"
    case .duplicateKey(let key): "has the key \(quoted(key)) twice"
    case .malformedAlignment(let found):
      "has the alignment \(found): a power of two up to 65536 is expected"
    case .tooManyAxes(let count, let tensor):
      "gives the tensor \(quoted(tensor)) \(count) axes: at most 4 are known"
    case .unknownTensorType(let type, let tensor):
      "stores the tensor \(quoted(tensor)) as \(type), which is not read: "
        + "known are \(GGUFElementType.names.joined(separator: ", "))"
    case .misalignedOffset(let tensor, let offset, let alignment):
      "has the tensor \(quoted(tensor)) at byte \(offset) of its data, "
        + "which is no multiple of \(alignment)"
    case .unevenHeads(let tensor, let rows, let heads):
      "has \(rows) rows in \(quoted(tensor)), which are no pairs for each of \(heads) heads"
    case .keyMissing(let key): "has no valid key \(quoted(key))"
    case .unknownArchitecture(let name, let known):
      "holds a model of the architecture \(quoted(name)), of which no configuration can be made "
        + "(known are \(known.joined(separator: ", "))), and no config.json lies beside it"
    case .unknownFrequencies:
      "has rotary frequencies in rope_freqs.weight that are not those of Llama 3: "
        + "put the model's config.json beside it"
    case .unfitParts(let tensor):
      "has tensors whose shapes can't be put together to \(quoted(tensor))"
    case .partUnnamed(let count):
      "is one of \(count) files of a model, whose names should end in their numbers, as in "
        + "\"-00001-of-\(String(repeating: "0", count: max(0, 5 - "\(count)".count)))\(count).gguf\""
    case .partMissing(let name):
      "belongs to a model of several files, of which \(quoted(name)) is missing"
    case .partMisnumbered(let number, let count):
      "is file \(number) of \(count) by its name, but says itself that it is another"
    case .wrongTensorCount(let expected, let found):
      "belongs to a model of \(expected) tensors, but its files hold \(found)"
    }
  }
}
