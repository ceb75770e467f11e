import DataFormats
import Tensors

/// The checked header of a safetensors file: which tensor lies where.
///
/// Format: a little-endian `UInt64` N, N bytes of JSON
/// `{name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {text: text}}`, then the
/// data, which the tensors must cover without gap or overlap.
struct SafetensorsHeader: Sendable {
  /// The longest header that is read; the reference implementation has the same limit.
  static let longestHeader = 100_000_000

  /// One tensor's place.
  struct Entry: Sendable {
    var name: String
    var elementType: ElementType
    var shape: [Int]
    /// Bytes relative to the start of the data.
    var range: Range<Int>
  }

  /// The tensors by rising offset.
  var entries: [Entry]
  /// The texts of `__metadata__` in file order.
  var metadata: [(key: String, value: String)]
  /// Where the data starts in the file.
  var dataStart: Int

  /// The length of the header that a file's first eight bytes claim, checked against the file.
  static func headerByteCount(
    prefix: [UInt8], fileByteCount: Int, file: String
  ) throws(CheckpointError) -> Int {
    guard fileByteCount >= 8, prefix.count >= 8 else {
      throw .tooShort(file: file, byteCount: fileByteCount)
    }
    let claimed = prefix[0..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard claimed <= UInt64(longestHeader) else {
      throw .headerTooLong(file: file, headerByteCount: claimed, limit: longestHeader)
    }
    guard claimed <= UInt64(fileByteCount - 8) else {
      throw .headerBeyondFile(file: file, headerByteCount: claimed, fileByteCount: fileByteCount)
    }
    return Int(claimed)
  }

  /// Reads and checks a header.
  ///
  /// - Parameters:
  ///   - json: the N bytes of the header.
  ///   - fileByteCount: the size of the whole file.
  ///   - file: the file's name, for messages.
  /// - Throws: `CheckpointError` with the file and, where one is at fault, the tensor.
  init(json: [UInt8], fileByteCount: Int, file: String) throws(CheckpointError) {
    dataStart = 8 + json.count
    entries = []
    metadata = []
    guard json.first == UInt8(ascii: "{") else { throw .headerNotObject(file: file) }
    let document: JSON
    do {
      document = try JSON(parsing: json, maximumDepth: 8)
    } catch {
      throw .headerNotJSON(file: file, offset: error.offset, reason: error.sentence)
    }
    guard let object = document.object else { throw .headerNotObject(file: file) }
    let dataByteCount = fileByteCount - dataStart
    var seen = Set<[UInt8]>(minimumCapacity: object.count)
    entries.reserveCapacity(object.count)
    for member in object.members {
      guard seen.insert(Array(member.key.utf8)).inserted else {
        throw .duplicateName(member.key, file: file)
      }
      if member.key.utf8.elementsEqual("__metadata__".utf8) {
        metadata = try Self.texts(in: member.value, file: file)
      } else {
        entries.append(
          try Self.entry(
            member.key, member.value, dataByteCount: dataByteCount, file: file))
      }
    }
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    try checkCoverage(dataByteCount: dataByteCount, file: file)
  }

  private static func texts(
    in value: JSON, file: String
  ) throws(CheckpointError) -> [(key: String, value: String)] {
    guard let object = value.object else { throw .metadataNotText(file: file, key: "__metadata__") }
    var texts: [(key: String, value: String)] = []
    for member in object.members {
      guard let text = member.value.string else {
        throw .metadataNotText(file: file, key: member.key)
      }
      texts.append((member.key, text))
    }
    return texts
  }

  private static func entry(
    _ name: String, _ value: JSON, dataByteCount: Int, file: String
  ) throws(CheckpointError) -> Entry {
    func malformed(_ field: String, _ expected: String) -> CheckpointError {
      .malformedEntry(tensor: name, file: file, field: field, expected: expected)
    }
    guard value.object != nil else {
      throw malformed("entry", "an object of dtype, shape and data_offsets")
    }
    guard let dtype = value["dtype"]?.string else { throw malformed("dtype", "a name such as F32") }
    guard let elementType = SafetensorsElementType.type(named: dtype) else {
      throw .unknownElementType(dtype, tensor: name, file: file)
    }
    guard let shape = wholeNumbers(value["shape"]) else {
      throw malformed("shape", "a list of whole numbers from 0")
    }
    guard let offsets = wholeNumbers(value["data_offsets"]), offsets.count == 2 else {
      throw malformed("data_offsets", "a list of two whole numbers from 0")
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin <= end else {
      throw .reversedOffsets(tensor: name, file: file, begin: begin, end: end)
    }
    guard end <= dataByteCount else {
      throw .offsetsBeyondFile(tensor: name, file: file, end: end, dataByteCount: dataByteCount)
    }
    guard let needed = byteCount(shape: shape, elementType: elementType) else {
      throw .shapeOverflow(tensor: name, file: file, shape: shape)
    }
    guard needed == end - begin else {
      throw .sizeMismatch(
        tensor: name, file: file, elementType: dtype, shape: shape, needed: needed,
        given: end - begin)
    }
    return Entry(name: name, elementType: elementType, shape: shape, range: begin..<end)
  }

  /// The numbers of a list whose elements are all written as whole numbers from 0, else `nil`.
  private static func wholeNumbers(_ value: JSON?) -> [Int]? {
    guard let elements = value?.array else { return nil }
    var numbers: [Int] = []
    for element in elements {
      guard case .integer(let number) = element, number >= 0 else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// The size of a tensor in bytes, or `nil` where it can't be addressed.
  static func byteCount(shape: [Int], elementType: ElementType) -> Int? {
    try? Tensor.byteCount(shape, elementType)
  }

  private func checkCoverage(dataByteCount: Int, file: String) throws(CheckpointError) {
    var covered = 0
    var previous: Entry?
    for entry in entries {
      if entry.range.lowerBound < covered, let previous {
        throw .overlap(tensor: entry.name, other: previous.name, file: file)
      }
      if entry.range.lowerBound > covered {
        throw .gap(file: file, range: covered..<entry.range.lowerBound)
      }
      covered = entry.range.upperBound
      previous = entry
    }
    if covered < dataByteCount { throw .gap(file: file, range: covered..<dataByteCount) }
  }
}

extension JSONError {
  /// What is wrong with a JSON text, as a part of a sentence.
  package var sentence: String {
    switch reason {
    case .unexpectedEnd: "the text ends too early"
    case .unexpectedByte(let byte): "byte \(byte) has no place"
    case .invalidNumber: "a number is malformed"
    case .numberTooLarge: "a number is too large"
    case .invalidEscape: "an escape is malformed"
    case .invalidUTF8: "the text is not UTF-8"
    case .controlCharacterInString: "a string holds a control character"
    case .tooDeep(let limit): "more than \(limit) lists and objects are open"
    case .textAfterValue: "more text follows the value"
    }
  }
}
