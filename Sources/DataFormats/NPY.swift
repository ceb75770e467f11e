/// An array of numbers in NumPy's file format (NEP 1, version 1.0), rows in C order, little-endian.
public struct NPY: Sendable, Equatable {
  /// The numbers in the type in which the file holds them.
  public enum Values: Sendable, Equatable {
    case float32([Float])
    case float64([Double])
    case int64([Int64])

    /// How many numbers there are.
    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .float64(let values): values.count
      case .int64(let values): values.count
      }
    }
  }

  /// The length of each axis; empty for a single number.
  public var shape: [Int]
  /// The numbers, the last axis fastest.
  public var values: Values

  /// Makes an array.
  public init(shape: [Int], values: Values) {
    self.shape = shape
    self.values = values
  }

  /// The file of an array.
  ///
  /// - Throws: `NPYError.wrongCount` where there aren't as many numbers as the shape says.
  public static func encode(shape: [Int], _ values: Values) throws(NPYError) -> [UInt8] {
    guard let count = elementCount(shape), count == values.count else {
      throw .wrongCount(shape: shape, found: values.count)
    }
    let type =
      switch values {
      case .float32: "<f4"
      case .float64: "<f8"
      case .int64: "<i8"
      }
    let axes = shape.map { "\($0)," }.joined(separator: " ")
    let tuple = shape.count > 1 ? String(axes.dropLast()) : axes
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(tuple)), }"
    // Magic, version and length take ten bytes; the numbers begin at a multiple of 64.
    let padding = 63 - (10 + header.utf8.count) % 64
    header += String(repeating: " ", count: padding) + "\n"
    guard let headerLength = UInt16(exactly: header.utf8.count) else {
      throw .invalidHeader
    }
    var file = magic + [1, 0]
    appendLittleEndian(headerLength, to: &file)
    file.append(contentsOf: header.utf8)
    switch values {
    case .float32(let numbers):
      file.reserveCapacity(file.count + numbers.count * 4)
      for number in numbers { appendLittleEndian(number.bitPattern, to: &file) }
    case .float64(let numbers):
      file.reserveCapacity(file.count + numbers.count * 8)
      for number in numbers { appendLittleEndian(number.bitPattern, to: &file) }
    case .int64(let numbers):
      file.reserveCapacity(file.count + numbers.count * 8)
      for number in numbers { appendLittleEndian(number, to: &file) }
    }
    return file
  }

  /// Reads a file of one of the three types of numbers, version 1.0 to 3.0.
  ///
  /// - Throws: `NPYError` saying what isn't supported or wrong.
  public static func decode(_ file: [UInt8]) throws(NPYError) -> NPY {
    guard file.count >= 12, file.starts(with: magic), (1...3).contains(file[6]) else {
      throw .notNPY
    }
    let lengthSize = file[6] == 1 ? 2 : 4
    var length = 0
    for index in (8..<8 + lengthSize).reversed() { length = length << 8 | Int(file[index]) }
    let start = 8 + lengthSize
    guard length <= file.count - start else { throw .invalidHeader }
    let header = try NPYHeader(file[start..<start + length])
    guard !header.isFortranOrder else { throw .unsupportedOrder }
    guard let count = elementCount(header.shape) else { throw .invalidHeader }
    let body = file[(start + length)...]
    func words<Word: FixedWidthInteger>(_ type: Word.Type) throws(NPYError) -> [Word] {
      let size = Word.bitWidth / 8
      let (expected, overflows) = count.multipliedReportingOverflow(by: size)
      guard !overflows, body.count == expected else {
        throw .wrongByteCount(expected: overflows ? .max : expected, found: body.count)
      }
      return (0..<count).map { index in
        let place = body.startIndex + index * size
        return (0..<size).reversed().reduce(0) { $0 << 8 | Word(body[place + $1]) }
      }
    }
    let values: Values
    switch header.type {
    case "<f4": values = .float32(try words(UInt32.self).map { Float(bitPattern: $0) })
    case "<f8": values = .float64(try words(UInt64.self).map { Double(bitPattern: $0) })
    case "<i8": values = .int64(try words(UInt64.self).map { Int64(bitPattern: $0) })
    default: throw .unsupportedType(header.type)
    }
    return NPY(shape: header.shape, values: values)
  }

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  private static func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for axis in shape {
      let (product, overflows) = count.multipliedReportingOverflow(by: axis)
      guard axis >= 0, !overflows else { return nil }
      count = product
    }
    return count
  }

  private static func appendLittleEndian(
    _ word: some FixedWidthInteger, to file: inout [UInt8]
  ) {
    for shift in stride(from: 0, to: word.bitWidth, by: 8) {
      file.append(UInt8(truncatingIfNeeded: word >> shift))
    }
  }
}

/// Why bytes aren't an array in NumPy's format, or numbers cannot be written as one.
public enum NPYError: Error, Sendable, Equatable {
  /// The magic bytes or the version are others.
  case notNPY
  /// The header isn't the expected Python dictionary.
  case invalidHeader
  /// The numbers are of a type other than `<f4`, `<f8` and `<i8`.
  case unsupportedType(String)
  /// The first axis is fastest.
  case unsupportedOrder
  /// The shape asks for another number of bytes.
  case wrongByteCount(expected: Int, found: Int)
  /// The shape asks for another number of values.
  case wrongCount(shape: [Int], found: Int)
}

/// The Python dictionary literal at the head of a file.
private struct NPYHeader {
  let type: String
  let isFortranOrder: Bool
  let shape: [Int]

  init(_ bytes: ArraySlice<UInt8>) throws(NPYError) {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidHeader }
    func value(_ key: String) throws(NPYError) -> Substring {
      let marks = ["'\(key)':", "\"\(key)\":"]
      for mark in marks {
        var rest = text[...]
        while !rest.isEmpty {
          if rest.hasPrefix(mark) { return rest.dropFirst(mark.count).drop { $0 == " " } }
          rest = rest.dropFirst()
        }
      }
      throw .invalidHeader
    }
    let typeText = try value("descr")
    guard let quote = typeText.first, quote == "'" || quote == "\"" else { throw .invalidHeader }
    type = String(typeText.dropFirst().prefix { $0 != quote })
    isFortranOrder = try value("fortran_order").hasPrefix("True")
    let tuple = try value("shape")
    guard tuple.first == "(", let end = tuple.firstIndex(of: ")") else { throw .invalidHeader }
    var shape: [Int] = []
    for axis in tuple[tuple.index(after: tuple.startIndex)..<end].split(separator: ",") {
      let digits = String(axis.filter { $0 != " " })
      guard let length = Int(digits), length >= 0 else {
        if digits.isEmpty { continue }
        throw .invalidHeader
      }
      shape.append(length)
    }
    self.shape = shape
  }
}
