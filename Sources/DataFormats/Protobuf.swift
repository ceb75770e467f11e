/// Why bytes aren't a message in protobuf's wire format.
public enum ProtobufError: Error, Sendable, Equatable {
  /// The bytes end within a field; with the place in the message.
  case truncated(offset: Int)
  /// A variable-length number has more than ten bytes or more than 64 bits.
  case oversizedNumber(offset: Int)
  /// A field's number is 0 or larger than 2²⁹ − 1.
  case invalidFieldNumber(offset: Int)
  /// A field's type is none of the format's.
  case invalidWireType(offset: Int)
  /// A group ends that was not begun, or is not ended.
  case unbalancedGroup(offset: Int)
}

/// Reads the fields of a message in protobuf's wire format, one after another.
///
/// Follows Protocol Buffers' encoding document. Groups, which the format has given up, are checked
/// and passed over. Nothing is allocated by a length that a message claims.
public struct ProtobufReader: Sendable {
  /// What a field holds, as the wire knows it.
  public enum Value: Sendable, Equatable {
    /// A variable-length number.
    case number(UInt64)
    /// Eight bytes, little-endian.
    case word64(UInt64)
    /// Four bytes, little-endian.
    case word32(UInt32)
    /// Bytes, a text, a message or packed numbers.
    case bytes(ArraySlice<UInt8>)
  }

  /// One field.
  public struct Field: Sendable, Equatable {
    /// The field's number in its message.
    public var number: Int
    /// What it holds.
    public var value: Value
  }

  private let bytes: ArraySlice<UInt8>
  private var position: Int

  /// Starts at the first byte of a message.
  public init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// Starts at the first byte of a message.
  public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

  /// The next field, or `nil` at the end of the message.
  ///
  /// - Throws: `ProtobufError` with the place in the message.
  public mutating func next() throws(ProtobufError) -> Field? {
    var groups: [Int] = []
    while position < bytes.endIndex {
      let start = position - bytes.startIndex
      let key = try number()
      let fieldNumber = Int(key >> 3)
      guard key >> 3 > 0, key >> 3 < 1 << 29 else { throw .invalidFieldNumber(offset: start) }
      let value: Value
      switch key & 7 {
      case 0: value = .number(try number())
      case 1: value = .word64(try word(byteCount: 8))
      case 2:
        let length = try number()
        guard length <= UInt64(bytes.endIndex - position) else { throw .truncated(offset: start) }
        let end = position + Int(length)
        value = .bytes(bytes[position..<end])
        position = end
      case 3:
        groups.append(fieldNumber)
        continue
      case 4:
        guard groups.popLast() == fieldNumber else { throw .unbalancedGroup(offset: start) }
        continue
      case 5: value = .word32(UInt32(truncatingIfNeeded: try word(byteCount: 4)))
      default: throw .invalidWireType(offset: start)
      }
      if groups.isEmpty { return Field(number: fieldNumber, value: value) }
    }
    guard groups.isEmpty else { throw .unbalancedGroup(offset: bytes.count) }
    return nil
  }

  private mutating func number() throws(ProtobufError) -> UInt64 {
    let start = position - bytes.startIndex
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.endIndex {
      let byte = bytes[position]
      position += 1
      // The tenth byte has room for one bit.
      guard shift < 63 || byte <= 1 else { throw .oversizedNumber(offset: start) }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw .truncated(offset: start)
  }

  private mutating func word(byteCount: Int) throws(ProtobufError) -> UInt64 {
    guard bytes.endIndex - position >= byteCount else {
      throw .truncated(offset: position - bytes.startIndex)
    }
    var value: UInt64 = 0
    for place in (0..<byteCount).reversed() { value = value << 8 | UInt64(bytes[position + place]) }
    position += byteCount
    return value
  }
}

extension ProtobufReader.Value {
  /// The whole number of a field of type `int64`, `int32` or an enumeration.
  public var integer: Int? {
    if case .number(let number) = self { Int(truncatingIfNeeded: number) } else { nil }
  }

  /// The number of a field of type `double`.
  public var double: Double? {
    if case .word64(let word) = self { Double(bitPattern: word) } else { nil }
  }

  /// The number of a field of type `float`.
  public var float: Float? {
    if case .word32(let word) = self { Float(bitPattern: word) } else { nil }
  }

  /// The bytes of a field of type `bytes`, `string`, a message or packed numbers.
  public var bytes: ArraySlice<UInt8>? {
    if case .bytes(let bytes) = self { bytes } else { nil }
  }

  /// The text of a field of type `string`; broken UTF-8 becomes U+FFFD.
  public var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  /// The numbers of a field of type `repeated double`, packed or one alone; `nil` where the bytes
  /// aren't a whole count of them.
  public var doubles: [Double]? {
    switch self {
    case .word64(let word): [Double(bitPattern: word)]
    case .bytes(let bytes): Self.words(bytes, byteCount: 8)?.map { Double(bitPattern: $0) }
    default: nil
    }
  }

  /// The numbers of a field of type `repeated float`, packed or one alone; `nil` where the bytes
  /// aren't a whole count of them.
  public var floats: [Float]? {
    switch self {
    case .word32(let word): [Float(bitPattern: word)]
    case .bytes(let bytes):
      Self.words(bytes, byteCount: 4)?.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
    default: nil
    }
  }

  private static func words(_ bytes: ArraySlice<UInt8>, byteCount: Int) -> [UInt64]? {
    guard bytes.count.isMultiple(of: byteCount) else { return nil }
    return stride(from: bytes.startIndex, to: bytes.endIndex, by: byteCount).map { start in
      (0..<byteCount).reversed().reduce(0) { $0 << 8 | UInt64(bytes[start + $1]) }
    }
  }
}

/// Writes a message in protobuf's wire format, field after field.
public struct ProtobufWriter: Sendable {
  /// The message so far.
  public private(set) var bytes: [UInt8] = []

  /// Starts with no fields.
  public init() {}

  /// Appends a field of type `int64`, `int32`, `bool` or an enumeration.
  public mutating func append(_ field: Int, integer: Int) {
    key(field, 0)
    number(UInt64(bitPattern: Int64(integer)))
  }

  /// Appends a field of type `double`.
  public mutating func append(_ field: Int, double: Double) {
    key(field, 1)
    word(double.bitPattern)
  }

  /// Appends a field of type `float`.
  public mutating func append(_ field: Int, float: Float) {
    key(field, 5)
    word(float.bitPattern)
  }

  /// Appends a field of type `bytes`.
  public mutating func append(_ field: Int, bytes content: some Collection<UInt8>) {
    key(field, 2)
    number(UInt64(content.count))
    bytes.append(contentsOf: content)
  }

  /// Appends a field of type `string`.
  public mutating func append(_ field: Int, text: String) {
    append(field, bytes: Array(text.utf8))
  }

  /// Appends a field that is a message of its own.
  public mutating func append(_ field: Int, message: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    message(&inner)
    append(field, bytes: inner.bytes)
  }

  /// Appends a packed field of type `repeated double`; nothing where there are no numbers.
  public mutating func append(_ field: Int, doubles: [Double]) {
    guard !doubles.isEmpty else { return }
    key(field, 2)
    number(UInt64(doubles.count * 8))
    for value in doubles { word(value.bitPattern) }
  }

  /// Appends a packed field of type `repeated float`; nothing where there are no numbers.
  public mutating func append(_ field: Int, floats: [Float]) {
    guard !floats.isEmpty else { return }
    key(field, 2)
    number(UInt64(floats.count * 4))
    for value in floats { word(value.bitPattern) }
  }

  private mutating func key(_ field: Int, _ wireType: UInt64) {
    number(UInt64(field) << 3 | wireType)
  }

  private mutating func number(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  private mutating func word(_ value: some FixedWidthInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
}
