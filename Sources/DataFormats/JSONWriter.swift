extension JSON {
  /// The value as JSON text.
  ///
  /// - Parameter indentation: spaces for each level, or `nil` for one line without spaces.
  /// - Returns: text whose numbers read back to the same values; a `Double` that JSON cannot
  ///   write (NaN, infinity) becomes `null`.
  public func serialized(indentation: Int? = nil) -> String {
    String(decoding: serializedBytes(indentation: indentation), as: UTF8.self)
  }

  /// The UTF-8 bytes of `serialized(indentation:)`.
  public func serializedBytes(indentation: Int? = nil) -> [UInt8] {
    var writer = JSONWriter(indentation: indentation)
    writer.write(self, level: 0)
    return writer.output
  }
}

private struct JSONWriter {
  let indentation: Int?
  var output: [UInt8] = []

  init(indentation: Int?) { self.indentation = indentation }

  mutating func write(_ value: JSON, level: Int) {
    switch value {
    case .null: output.append(contentsOf: "null".utf8)
    case .bool(let flag): output.append(contentsOf: (flag ? "true" : "false").utf8)
    case .integer(let number): output.append(contentsOf: String(number).utf8)
    case .number(let number): write(number)
    case .string(let text): write(text)
    case .array(let elements):
      guard !elements.isEmpty else { return output.append(contentsOf: "[]".utf8) }
      output.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        breakLine(level + 1)
        write(element, level: level + 1)
      }
      breakLine(level)
      output.append(UInt8(ascii: "]"))
    case .object(let object):
      guard !object.isEmpty else { return output.append(contentsOf: "{}".utf8) }
      output.append(UInt8(ascii: "{"))
      for (index, member) in object.members.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        breakLine(level + 1)
        write(member.key)
        output.append(UInt8(ascii: ":"))
        if indentation != nil { output.append(UInt8(ascii: " ")) }
        write(member.value, level: level + 1)
      }
      breakLine(level)
      output.append(UInt8(ascii: "}"))
    }
  }

  private mutating func breakLine(_ level: Int) {
    guard let indentation else { return }
    output.append(UInt8(ascii: "\n"))
    output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation * level))
  }

  private mutating func write(_ number: Double) {
    guard number.isFinite else { return output.append(contentsOf: "null".utf8) }
    output.append(contentsOf: number.description.utf8)
  }

  private mutating func write(_ text: String) {
    let hexDigits = Array("0123456789abcdef".utf8)
    output.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        output.append(UInt8(ascii: "\\"))
        output.append(byte)
      case 0x0A: output.append(contentsOf: "\\n".utf8)
      case 0x0D: output.append(contentsOf: "\\r".utf8)
      case 0x09: output.append(contentsOf: "\\t".utf8)
      case 0..<0x20:
        output.append(contentsOf: "\\u00".utf8)
        output.append(hexDigits[Int(byte >> 4)])
        output.append(hexDigits[Int(byte & 15)])
      default: output.append(byte)
      }
    }
    output.append(UInt8(ascii: "\""))
  }
}
