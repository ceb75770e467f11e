import Tensors

/// The checked start of a GGUF file: its metadata and which tensor lies where.
///
/// Format: "GGUF", version, the counts of tensors and of metadata entries, the entries, the tensors'
/// names, shapes (fastest axis first), types and offsets, all little-endian; then, from the next multiple of
/// `general.alignment`, the data.
struct GGUFHeader: Sendable {
  /// One tensor's place.
  struct Entry: Sendable {
    var name: String
    var elementType: ElementType
    /// The extents, slowest axis first.
    var shape: [Int]
    /// Its bytes in the file.
    var range: Range<Int>
  }

  private(set) var metadata = GGUFMetadata()
  /// The tensors in file order.
  private(set) var entries: [Entry] = []

  /// Reads and checks a header.
  ///
  /// - Parameters:
  ///   - byteCount: the size of the whole file.
  ///   - read: gives the bytes of a range inside the file.
  ///   - file: the file's name, for messages.
  init(
    byteCount: Int, read: @escaping (Range<Int>) throws(CheckpointError) -> [UInt8], file: String
  ) throws(CheckpointError) {
    do {
      var cursor = GGUFCursor(byteCount: byteCount, read: read)
      try readAll(&cursor, file: file)
    } catch let fault as GGUFFault {
      throw .gguf(fault, file: file)
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw .unreadable(path: file, reason: "\(error)")
    }
  }

  /// The header of a model in several files: the metadata of the first, the tensors of all.
  init(joining parts: [GGUFPart]) throws(CheckpointError) {
    metadata = parts[0].header.metadata
    guard parts.count > 1 else {
      entries = parts[0].header.entries
      return
    }
    var names = Set<[UInt8]>()
    for part in parts {
      for entry in part.header.entries {
        guard names.insert(Array(entry.name.utf8)).inserted else {
          throw .duplicateName(entry.name, file: fileName(of: part.path))
        }
        entries.append(entry)
      }
    }
  }

  private mutating func readAll(_ cursor: inout GGUFCursor, file: String) throws {
    guard try cursor.isStart("GGUF") else { throw GGUFFault.notGGUF }
    let version = UInt32(try cursor.number(4))
    guard version & 0xffff != 0 || version == 0 else { throw GGUFFault.bigEndian }
    guard version == 2 || version == 3 else { throw GGUFFault.unknownVersion(version) }
    let tensorCount = try cursor.number(8)
    let keyCount = try cursor.number(8)
    // A tensor takes at least a name's length, the number of axes, the type and the offset; an entry a key's
    // length, a type and a byte.
    try cursor.check(tensorCount, of: "tensors", each: 24)
    try cursor.check(keyCount, of: "keys", each: 13)
    for _ in 0..<keyCount {
      let key = try cursor.text("key")
      let type = UInt32(try cursor.number(4))
      let value = try cursor.value(type, key: key)
      guard metadata.add(key, value) else { throw GGUFFault.duplicateKey(key) }
    }
    var alignment = 32
    if let given = metadata["general.alignment"] {
      guard let number = given.integer, number > 0, number <= 65_536, number & (number - 1) == 0
      else { throw GGUFFault.malformedAlignment(given.summary) }
      alignment = number
    }
    var offsets: [UInt64] = []
    for _ in 0..<tensorCount {
      let (entry, offset) = try Self.entry(&cursor, file: file)
      guard offset % UInt64(alignment) == 0 else {
        throw GGUFFault.misalignedOffset(
          tensor: entry.name, offset: offset, alignment: alignment)
      }
      entries.append(entry)
      offsets.append(offset)
    }
    let dataStart = (cursor.place + alignment - 1) / alignment * alignment
    try place(at: offsets, dataStart: dataStart, byteCount: cursor.byteCount, file: file)
  }

  /// Moves the entries, whose ranges start at 0, to their places and checks these.
  private mutating func place(
    at offsets: [UInt64], dataStart: Int, byteCount: Int, file: String
  ) throws {
    let dataByteCount = max(0, byteCount - dataStart)
    var names = Set<[UInt8]>()
    for (index, offset) in offsets.enumerated() {
      let entry = entries[index]
      guard names.insert(Array(entry.name.utf8)).inserted else {
        throw CheckpointError.duplicateName(entry.name, file: file)
      }
      guard offset <= UInt64(dataByteCount), entry.range.count <= dataByteCount - Int(offset)
      else {
        let (end, overflow) = Int(clamping: offset).addingReportingOverflow(entry.range.count)
        throw CheckpointError.offsetsBeyondFile(
          tensor: entry.name, file: file, end: overflow ? .max : end,
          dataByteCount: dataByteCount)
      }
      let start = dataStart + Int(offset)
      entries[index].range = start..<start + entry.range.count
    }
    let sorted = entries.filter { !$0.range.isEmpty }.sorted {
      $0.range.lowerBound < $1.range.lowerBound
    }
    for (previous, next) in zip(sorted, sorted.dropFirst())
    where next.range.lowerBound < previous.range.upperBound {
      throw CheckpointError.overlap(tensor: next.name, other: previous.name, file: file)
    }
  }

  /// A tensor's entry, its range from 0 on, and its offset in the data.
  private static func entry(
    _ cursor: inout GGUFCursor, file: String
  ) throws -> (Entry, offset: UInt64) {
    let name = try cursor.text("tensor name")
    let axes = UInt32(try cursor.number(4))
    guard axes <= 4 else { throw GGUFFault.tooManyAxes(axes, tensor: name) }
    var shape: [Int] = []
    for _ in 0..<axes {
      guard let extent = Int(exactly: try cursor.number(8)) else {
        throw CheckpointError.malformedEntry(
          tensor: name, file: file, field: "shape", expected: "a list of whole numbers from 0")
      }
      shape.insert(extent, at: 0)
    }
    let number = UInt32(try cursor.number(4))
    guard let type = GGUFElementType.type(numbered: number) else {
      throw GGUFFault.unknownTensorType(
        GGUFElementType.name(ofUnknown: number), tensor: name)
    }
    let size: Int
    do throws(TensorError) {
      size = try Tensor.byteCount(shape, type)
    } catch {
      if case .cutBlocks = error {
        throw CheckpointError.cutBlocks(
          tensor: name, file: file, elementType: type.name, shape: shape,
          blockLength: type.blockLength)
      }
      throw CheckpointError.shapeOverflow(tensor: name, file: file, shape: shape)
    }
    let offset = try cursor.number(8)
    return (Entry(name: name, elementType: type, shape: shape, range: 0..<size), offset)
  }
}

/// Reads the fields of a header one after the other, a window of the file at a time.
private struct GGUFCursor {
  let byteCount: Int
  let read: (Range<Int>) throws(CheckpointError) -> [UInt8]
  private(set) var place = 0
  private var window: [UInt8] = []
  private var windowStart = 0

  private static let windowSize = 1 << 20

  init(
    byteCount: Int, read: @escaping (Range<Int>) throws(CheckpointError) -> [UInt8]
  ) {
    self.byteCount = byteCount
    self.read = read
  }

  var remaining: Int { byteCount - place }

  /// The next bytes, which the file must have.
  private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count <= remaining else { throw GGUFFault.endsTooEarly(offset: byteCount) }
    if place + count > windowStart + window.count {
      window = try read(place..<place + min(remaining, max(count, Self.windowSize)))
      windowStart = place
    }
    let start = place - windowStart
    place += count
    return window[start..<start + count]
  }

  mutating func isStart(_ text: String) throws -> Bool {
    guard byteCount >= text.utf8.count else { return false }
    return try take(text.utf8.count).elementsEqual(text.utf8)
  }

  mutating func number(_ size: Int) throws -> UInt64 { LittleEndian.unsigned(try take(size)) }

  /// Refuses a count of things that the rest of the file can't hold.
  func check(_ count: UInt64, of what: String, each size: Int) throws {
    guard count <= UInt64(remaining / size) else {
      throw GGUFFault.countBeyondFile(what: what, count: count, remaining: remaining)
    }
  }

  mutating func text(_ what: String) throws -> String {
    let count = try number(8)
    try check(count, of: "bytes of a text", each: 1)
    guard let text = String(validating: try take(Int(count)), as: UTF8.self) else {
      throw GGUFFault.textNotUTF8(what: what)
    }
    return text
  }

  /// The size of a value of fixed size, or `nil` for other types.
  private static func size(_ type: UInt32) -> Int? {
    switch type {
    case 0, 1, 7: 1
    case 2, 3: 2
    case 4, 5, 6: 4
    case 10, 11, 12: 8
    default: nil
    }
  }

  mutating func value(_ type: UInt32, key: String) throws -> GGUFValue {
    switch type {
    case 8: return .string(try text("value of \(quoted(key))"))
    case 9: return try list(key: key)
    default:
      guard let size = Self.size(type) else { throw GGUFFault.unknownValueType(type, key: key) }
      return Self.scalar(type, try number(size))
    }
  }

  private static func scalar(_ type: UInt32, _ bits: UInt64) -> GGUFValue {
    switch type {
    case 1: .integer(Int(Int8(truncatingIfNeeded: bits)))
    case 3: .integer(Int(Int16(truncatingIfNeeded: bits)))
    case 5: .integer(Int(Int32(truncatingIfNeeded: bits)))
    case 6: .number(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
    case 7: .bool(bits != 0)
    case 11: .integer(Int(Int64(bitPattern: bits)))
    case 12: .number(Double(bitPattern: bits))
    default: Int(exactly: bits).map { .integer($0) } ?? .number(Double(bits))
    }
  }

  private mutating func list(key: String) throws -> GGUFValue {
    let type = UInt32(try number(4))
    let count = try number(8)
    guard type != 9 else { throw GGUFFault.nestedList(key: key) }
    if type == 8 {
      try check(count, of: "texts", each: 8)
      var texts: [String] = []
      for _ in 0..<count { texts.append(try text("value of \(quoted(key))")) }
      return .strings(texts)
    }
    guard let size = Self.size(type) else { throw GGUFFault.unknownValueType(type, key: key) }
    try check(count, of: "values", each: size)
    switch type {
    case 6, 12:
      var numbers: [Double] = []
      for _ in 0..<count { numbers.append(Self.scalar(type, try number(size)).number ?? 0) }
      return .numbers(numbers)
    case 7:
      var values: [Bool] = []
      for _ in 0..<count { values.append(try number(size) != 0) }
      return .bools(values)
    default:
      var integers: [Int] = []
      for _ in 0..<count {
        switch Self.scalar(type, try number(size)) {
        case .integer(let value): integers.append(value)
        default: integers.append(.max)
        }
      }
      return .integers(integers)
    }
  }
}
